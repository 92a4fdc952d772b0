"""``fix --yes`` and ``fix --undo`` over the scenarios of a lab of really broken environments.

    python tests/lab/repairs.py --lab LAB.PY --scenarios FILE --vlmdoctor CMD [--slugs FILE] [--json OUT] [NAME ...]

A lab is a program that builds broken environments: ``make NAME DEST``, ``exec NAME DEST -- CMD`` (in the scenario's own
context), ``apply NAME DEST TEXT`` (in its shell, start-up file included), ``probe``, ``fix`` (a reference repair), ``rm``.
For each scenario:

  applied   fix --report REPORT --yes ended well, and after what it shows for the user to type (packages of the
            distribution and mounts before it, limits of the shell after it) the probe passes
  calm      check finds no error and no warning after it
  undone    fix --undo brings back the same ``pip freeze`` and the same tree (names, types, modes, link targets, contents)
  gentle    no more distributions changed than by the reference repair, and none that it keeps named torch
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tomllib

# a reference repair of the user's own program or its arguments: nothing for an installer to do
PROGRAM = re.compile(r"_ARGS=|sed -i|run\.sh|prompts\.txt|mv \S+ \S+|uv venv --clear")
OURS = ("lab.json", "check.json", "run.json", "home/.local/state/vlmdoctor", "home/.cache/vlmdoctor")
STATE = re.compile(r"^(?:ulimit|source|\.|umask) ")
MACHINE = re.compile(r"^(?:apt-get|mount) ")
Picture = dict[str, tuple[int, int, str]]


class Lab:
    """One scenario, made in ``dest``."""

    def __init__(self, program: Path, scenarios: Path, item: dict, dest: Path) -> None:
        self.words = [sys.executable, str(program), "--scenarios", str(scenarios)]
        self.item, self.dest = item, dest

    def do(self, verb: str, *more: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """One call of the lab."""
        words = [*self.words, verb, self.item["name"], str(self.dest), *map(str, more)]
        return subprocess.run(words, check=False, capture_output=True, text=True, errors="replace", timeout=1800, input=text)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command in the scenario's context."""
        return self.do("exec", "--", *words)


class Hashes:
    """Contents by file identity: most files are hard links into one package cache and need to be read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int, int], str] = {}

    def of(self, path: Path, info: os.stat_result) -> str:
        """Digest of a regular file."""
        key = (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)
        if key not in self._known:
            with path.open("rb") as file:
                self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._known[key]


HASHES = Hashes()


def picture(root: Path) -> Picture:
    """Everything below ``root`` but the lab's and the doctor's own notes."""
    found: Picture = {}
    for folder, folders, names in os.walk(root):
        for name in folders + names:
            path = Path(folder, name)
            short = str(path.relative_to(root))
            if short.startswith(OURS):
                continue
            info = path.lstat()
            if stat.S_ISLNK(info.st_mode):
                body = str(path.readlink())
            else:
                body = HASHES.of(path, info) if stat.S_ISREG(info.st_mode) else ""
            found[short] = (stat.S_IFMT(info.st_mode), stat.S_IMODE(info.st_mode), body)
    return found


def differences(before: Picture, fixed: Picture, probed: Picture, after: Picture) -> list[str]:
    """What undo did not bring back; what only the probe wrote, where the fix had changed nothing, is not its business."""
    wrong = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    probes = {name for name in wrong if before.get(name) == fixed.get(name) != probed.get(name)}
    around = {str(parent) for name in probes for parent in Path(name).parents}  # folders that are not empty because of it
    return sorted(wrong - probes - around)


def slugs(text: str) -> list[str] | None:
    """Errors and warnings of a report."""
    try:
        found = json.loads(text)["findings"]
    except (ValueError, KeyError):
        return None
    return [f["slug"] for f in found if f["severity"] in ("error", "warning") and f.get("verdict", "hit") == "hit"]


def freeze(lab: Lab) -> str:
    """``pip freeze`` read by the pip of the environment, or what its metadata says where it cannot start."""
    done = lab.run(lab.dest / "venv" / "bin" / "python", "-m", "pip", "freeze", "--all")
    return done.stdout if done.returncode == 0 else "\n".join(sorted(map(str, versions(lab).items())))


def versions(lab: Lab) -> dict[str, str]:
    """Installed versions by the names of the metadata folders."""
    found = {}
    for path in lab.dest.glob("venv/lib/python*/site-packages/*.dist-info"):
        name, _, version = path.name.removesuffix(".dist-info").partition("-")
        found[name.lower().replace("_", "-")] = version
    return found


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Distributions that came, went or moved."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def reported(lab: Lab, vlm: list[str], target: list[str], want: set[str]) -> Path | None:
    """The first of check and run that names the fault, as a report file."""
    script = ["demo.py"] if (lab.dest / "project" / "demo.py").exists() else []
    report = lab.dest / "check.json"
    report.write_text(lab.run(*vlm, "check", *script, *target, "--format", "json").stdout)
    if want & set(slugs(report.read_text()) or ()):
        return report
    seen = lab.dest / "run.json"
    lab.run(*vlm, "run", *target, "--format", "json", "-o", seen, "--", "bash", "-c", lab.item.get("probe", "python demo.py"))
    return seen if seen.exists() and want & set(slugs(seen.read_text()) or ()) else None


def typed(plan: str) -> tuple[str, str]:
    """What the plan leaves to the user: packages of the distribution and mounts first, then limits of the shell."""
    read = json.loads(plan)
    told = [line for step in read.get("advice", ()) for line in ((step["hand"] or {}).get("lines") or [step["command"]])]
    limits = [step["target"] for step in read.get("steps", ()) if step["kind"] == "run" and STATE.match(step["target"])]
    return "\n".join(line for line in told if MACHINE.match(line)), "\n".join(limits)


def judge(lab: Lab, vlm: list[str], want: set[str]) -> dict:
    """One row of figures."""
    row = {"name": lab.item["name"], "program": bool(PROGRAM.search(lab.item["fix"]))}
    python = lab.dest / "venv" / "bin" / "python"
    target = ["--python", str(python), *(["--model", lab.item["model"]] if lab.item.get("model") else [])]
    report = reported(lab, vlm, target, want)
    if report is None:
        return {**row, "trouble": "not found by check or run"}
    for name in ("home/.local/state", "home/.cache"):  # folders of everybody that a check or the journal would make
        (lab.dest / name).mkdir(parents=True, exist_ok=True)
    fix = [*vlm, "fix", "--report", report, *target, *(word for name in lab.item.get("keep", []) for word in ("--keep", name))]
    first, limits = typed(lab.run(*fix, "--dry-run", "--format", "json").stdout or "{}")
    if first:  # of the machine, not of the environment: before what is to be undone
        lab.do("apply", "-", text=first + "\n")
    frozen, had = freeze(lab), versions(lab)
    state, before = (lab.dest / "lab.json").read_text(), picture(lab.dest)
    # in the scenario's shell: what it changes of the machine lasts, and the start-up file is read at its end
    yes = shlex.join(map(str, [*fix, "--yes", "--lang", "en"]))
    done = lab.do("apply", "-", text=f"{yes} || echo status $?\n{limits}\n")
    row["said"] = (done.stdout + done.stderr)[-3000:]
    fixed, moved = picture(lab.dest), versions(lab)
    probe = lab.do("probe")
    row["applied"] = probe.returncode == 0
    row["probe"] = "" if row["applied"] else probe.stdout[-500:]
    row["moved"] = changed(had, moved)
    script = ["demo.py"] if (lab.dest / "project" / "demo.py").exists() else []
    row["after"] = slugs(lab.run(*vlm, "check", *script, *target, "--format", "json").stdout)
    row["calm"] = row["after"] == []
    probed = picture(lab.dest)
    (lab.dest / "lab.json").write_text(state)
    back = lab.run(*vlm, "fix", "--undo", "--lang", "en")
    row["undo_said"] = (back.stdout + back.stderr)[-500:]
    row["left"] = differences(before, fixed, probed, picture(lab.dest))[:40]
    by_probe = moved == had != versions(lab)  # what only the probe installed stays
    row["undone"] = back.returncode == 0 and not row["left"] and (by_probe or freeze(lab) == frozen)
    lab.do("fix")
    row["reference"] = changed(had, versions(lab))
    row["gentle"] = len(row["moved"]) <= len(row["reference"]) and ("torch" in row["reference"] or "torch" not in row["moved"])
    return row


def rows(options: argparse.Namespace, base: Path) -> Iterator[dict]:
    """Every chosen scenario, made, judged and removed."""
    vlm = shlex.split(options.vlmdoctor)
    vlm[0] = str(Path(vlm[0]).absolute()) if os.sep in vlm[0] else vlm[0]
    table = json.loads(options.slugs.read_text(encoding="utf-8")) if options.slugs else {}
    items = tomllib.loads(options.scenarios.read_text(encoding="utf-8"))["scenario"]
    for item in (item for pattern in options.names for item in items if fnmatch.fnmatch(item["name"], pattern)):
        lab = Lab(options.lab, options.scenarios, item, base / item["name"])
        made = lab.do("make")
        if made.returncode:
            yield {"name": item["name"], "program": False, "trouble": made.stderr[-300:]}
            continue
        want = table.get("lab_accept", {}).get(item["name"]) or table.get("accept", {}).get(item["cause"], [])
        yield judge(lab, vlm, {item["cause"], *want})
        lab.do("rm")


def main() -> int:
    """Print a line a scenario and the sums; 1 when an undo was not exact."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=["*"])
    parser.add_argument("--lab", type=Path, required=True)
    parser.add_argument("--scenarios", type=Path, required=True)
    parser.add_argument("--slugs", type=Path)
    parser.add_argument("--vlmdoctor", default="vlmdoctor")
    parser.add_argument("--work", type=lambda text: Path(text).absolute())
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.names = options.names or ["*"]
    done: list[dict] = []
    with tempfile.TemporaryDirectory(prefix="repairs-", dir=options.work) as base:
        for row in rows(options, Path(base)):
            done.append(row)
            columns = ("applied", "calm", "undone", "gentle")
            shown = " ".join(f"{name} {'yes' if row.get(name) else 'NO '}" for name in columns)
            print(f"{row['name'] + (' (p)' if row['program'] else ''):<38} {shown} {row.get('trouble', '')}", flush=True)
            if options.json:
                options.json.write_text(json.dumps(done, indent=1, ensure_ascii=False))
    judged = [row for row in done if "trouble" not in row]
    own = [row for row in judged if not row["program"]]
    for name, some in (("applied", own), ("calm", own), ("undone", judged), ("gentle", own)):
        print(f"{name} {sum(bool(row.get(name)) for row in some)}/{len(some)}")
    return int(not all(row["undone"] for row in judged))


if __name__ == "__main__":
    sys.exit(main())
