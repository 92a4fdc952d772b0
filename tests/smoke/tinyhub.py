"""A tiny real model in a hub cache as the hub's client leaves it: blobs, a snapshot of links, refs/main."""

import hashlib
import subprocess
from pathlib import Path

SMOKE = Path(__file__).parents[2] / "doctor" / "smoke"
REVISION = "0123456789abcdef0123456789abcdef01234567"
MAKE = """
import importlib.util, json, sys
smoke, kind, folder = sys.argv[1:]
spec = importlib.util.spec_from_file_location("smoke_child", smoke + "/child.py")
child = importlib.util.module_from_spec(spec)
spec.loader.exec_module(child)
with open(smoke + "/architectures.json", encoding="utf-8") as stream:
    row = json.load(stream)[kind]
child.part("tiny").Made(None, row, {"folder": folder, "named": True})
"""


def cached(target, place, kind):
    """The snapshot folder of ``tiny/KIND`` below ``place``/hub; made in ``target``."""
    work = place / "work"
    work.mkdir()
    argv = [target, "-c", MAKE, str(SMOKE), kind, str(work)]
    subprocess.run(argv, capture_output=True, text=True, timeout=300, check=True)
    root = place / "hub" / f"models--tiny--{kind}"
    snapshot, blobs = root / "snapshots" / REVISION, root / "blobs"
    for folder in (snapshot, blobs, root / "refs"):
        folder.mkdir(parents=True)
    (root / "refs" / "main").write_text(REVISION, encoding="utf-8")
    for file in sorted((work / "tiny").iterdir()):
        blob = blobs / hashlib.sha256(file.read_bytes()).hexdigest()
        file.rename(blob)
        (snapshot / file.name).symlink_to(Path("..", "..", "blobs", blob.name))
    return snapshot
