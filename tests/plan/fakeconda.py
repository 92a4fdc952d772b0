"""A stand-in for conda: it notes its arguments and changes a prefix the way conda does. It is not conda.

Files are replaced, never written into; records of conda-meta come and go; ``history`` grows at its end.
"""

from pathlib import Path

SCRIPT = r"""#!{python}
import json, os, pathlib, sys
calls = pathlib.Path(__file__).with_name("calls")
calls.open("a").write(json.dumps(sys.argv[1:]) + "\n")
verb, words = sys.argv[1], sys.argv[2:]
answer = pathlib.Path(__file__).with_name("answer.json")
if "--dry-run" in words:
    text = answer.read_text() if answer.exists() else '{{"success": true, "actions": {{"LINK": [], "UNLINK": []}}}}'
    print("a warning on the way", file=sys.stderr)
    print(text)
    sys.exit("exception_name" in text)
prefix = pathlib.Path(words[words.index("-p") + 1])
meta = prefix / "conda-meta"
site = next(prefix.glob("lib/python3*/site-packages"))
specs = [w for at, w in enumerate(words) if not w.startswith("-") and words[at - 1] not in ("-p", "-n", "-c")]

def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".c~")
    fresh.write_text(text)
    os.replace(fresh, path)

def drop(package):
    for record in meta.glob("*.json"):
        body = json.loads(record.read_text())
        if body["name"] == package:
            for name in body["files"]:
                (prefix / name).unlink(missing_ok=True)
            for folder in {{(prefix / name).parent for name in body["files"]}}:
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
            record.unlink()
            return body
    return None

for spec in specs:
    package, _, version = spec.partition("=")
    version = version.lstrip("=").partition("=")[0]
    drop(package)
    if pathlib.Path(__file__).with_name("dies").exists():
        os.kill(os.getpid(), 9)
    if verb == "install":
        dist = {{"pytorch": "torch"}}.get(package, package)
        info = f"{{dist}}-{{version}}.dist-info"
        files = {{f"{{info}}/METADATA": f"Name: {{dist}}\nVersion: {{version}}\n\n", f"{{info}}/INSTALLER": "conda\n", f"{{info}}/RECORD": "", f"{{dist}}/__init__.py": version}}
        for name, text in files.items():
            put(site / name, text)
        inside = site.relative_to(prefix).as_posix()
        record = {{"name": package, "version": version, "build": "py_1", "channel": "https://conda.example/conda-forge/linux-64", "depends": [], "files": [f"{{inside}}/{{n}}" for n in files]}}
        put(meta / f"{{package}}-{{version}}-py_1.json", json.dumps(record))
        put(prefix / "lib" / "libshared.so.1", f"of {{package}} {{version}}")
with open(meta / "history", "a") as file:
    file.write("==> now <==\n# " + verb + " specs: " + repr(specs) + "\n")
"""


def put(folder: Path, python: str) -> Path:
    """The program ``conda`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "conda"
    path.write_text(SCRIPT.format(python=python))
    path.chmod(0o755)
    return path
