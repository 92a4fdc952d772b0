"""Plans over a small made-up home, and a process that is struck down while it applies or undoes one of them."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from doctor.errors import ApplyError
from doctor.model import FixStep, Snapshot
from doctor.model.plan import Install, Plan
from doctor.plan import apply as applying
from doctor.plan.conda import Conda
from doctor.plan.journal import newest
from doctor.plan.shell import Target
from doctor.plan.undo import sweep, undo
from tests.plan import fakeconda

# what our own code does to a disk, as the interpreter announces it before it happens
ACTS = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.truncate")
INSTALLER = """#!/bin/sh
# replaces, removes and adds files as an installer does
cd {site} || exit 1
rm pkg/old.py && mkdir other && echo new > other/mod.py && echo new > pkg/.tmp && mv pkg/.tmp pkg/kept.py
"""
FETCH = "import os, sys; p = os.environ['PART']; open(p, 'a').write('rest'); os.rename(p, p[:-11])"


def make(root: Path) -> None:
    """A home with an environment, a start-up file, a cache with half a download, links and leftovers."""
    site = root / "venv/lib/python3.11/site-packages"
    for folder in (site / "pkg", site / "~kg", root / "venv/bin", root / "hub/models--a--b/blobs", root / "work"):
        folder.mkdir(parents=True)
    for name, text in (("pkg/old.py", "old"), ("pkg/kept.py", "kept"), ("~kg/mod.py", "left")):
        (site / name).write_text(text)
    (root / "venv/bin/python").write_text(INSTALLER.format(site=site))
    (root / "venv/bin/python").chmod(0o755)
    (root / ".bashrc").write_text("alias ll='ls -l'\n")
    (root / ".bashrc").chmod(0o640)
    (root / "hub/models--a--b/blobs/half.incomplete").write_text("first ")
    (root / "work/tower").symlink_to("nowhere")
    (root / "work/torch.py").write_text("mine")
    (root / "venv/conda-meta").mkdir()
    (root / "venv/conda-meta/pkg-1-py_0.json").write_text('{"name": "pkg", "files": []}')
    (root / "venv/conda-meta/history").write_text("==> before <==\n")
    fakeconda.put(root / "conda/bin", sys.executable)


def snapshot(root: Path) -> Snapshot:
    """The machine that the plans are for."""
    site = root / "venv/lib/python3.11/site-packages"
    facts = {"python.prefix": str(root / "venv"), "python.site": [str(site)], "hf.hub_cache": str(root / "hub")}
    facts |= {"python.kind": "conda", "conda.exe": str(root / "conda/bin/conda"), "conda.owned": []}
    return Snapshot({**facts, "python.executable": str(root / "venv/bin/python"), "python.writable": True})


def step(kind: str, target: object, to: object = "", **bound: str) -> FixStep:
    """A step without a story."""
    return FixStep(kind, str(target), str(to), "safe", bound=bound)


def plans(root: Path) -> dict[str, Plan]:
    """One plan a kind of step, and one with everything."""
    site = root / "venv/lib/python3.11/site-packages"
    env = (step("set_env", "HF_HOME", "~/hf"), step("set_env", "TMPDIR", "~/big/tmp"), step("unset_env", "PIP_USER"))
    move = (step("move", root / "work/torch.py", root / "work/aside/torch.py"),)
    link = (step("link", root / "work/tower", root / "hub"), step("link", root / "work/deep/er/link", root / "hub"))
    half = "blobs/half.incomplete"
    fetch = (step("run", f'PART={{folder}}/{half} {sys.executable} -c "{FETCH}"', folder=str(root / "hub/models--a--b")),)
    left = (
        step("run", f"mkdir -p {root}/venv/vlmdoctor-aside && mv {site}/~kg {root}/venv/vlmdoctor-aside/ # python"),
    )
    pin = Install(("pkg==2",))
    every = (*env, *move, *left, *link, *fetch)
    steps = {
        "variables": env,
        "move": move,
        "links": link,
        "download": fetch,
        "leftovers": left,
        "pin": (),
        "conda": (),
        "all": every,
    }
    by_conda = Install(("pkg=2",), by="conda")
    installs = {"pin": (pin,), "conda": (by_conda,), "all": (by_conda, pin)}
    return {name: Plan((), (), (), installs.get(name, ()), some, (), ()) for name, some in steps.items()}


def picture(root: Path) -> dict[str, tuple[int, int, str]]:
    """Names, types, modes, link targets and contents, without the journals' own folder."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in folders + names:
            path = Path(folder, name)
            short = str(path.relative_to(root))
            info = path.lstat()
            body = str(path.readlink()) if path.is_symlink() else ""
            if stat.S_ISREG(info.st_mode):
                body = hashlib.sha256(path.read_bytes()).hexdigest()
            if not short.startswith(("state", "conda")):
                found[short] = (stat.S_IFMT(info.st_mode), stat.S_IMODE(info.st_mode), body)
    return found


def fork(root: Path, work: Callable[[], int], blow: int | None = None, at: int = 0) -> tuple[int, int]:
    """``work`` in a child whose ``at``-th act on the disk meets ``blow``: 0 for SIGKILL, else an errno, from then on.

    ``(exit status, acts)``; the status of a killed child is -9.
    """
    inlet, outlet = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(inlet)
        os._exit(_child(root, work, blow, at, outlet))
    os.close(outlet)
    raw = b"".join(iter(lambda: os.read(inlet, 4096), b""))
    os.close(inlet)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(raw)


def _child(root: Path, work: Callable[[], int], blow: int | None, at: int, outlet: int) -> int:
    os.environ.update(HOME=str(root), XDG_STATE_HOME=str(root / "state"), SHELL="/bin/bash")
    count = 0

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal count
        if event not in ACTS and not (event == "open" and str(args[1] or "r")[0] in "wax"):
            return
        count += 1
        os.write(outlet, b".")
        if blow == 0 and count == at:
            os.kill(os.getpid(), signal.SIGKILL)
        if blow and count >= at:
            raise OSError(blow, os.strerror(blow))

    sys.addaudithook(hook)
    try:
        return work()
    except (ApplyError, OSError):
        return 3


def application(root: Path, plan: Plan) -> Callable[[], int]:
    """What ``fix --yes`` does, without the looks before and after."""

    def work() -> int:
        target = Target("bash", str(root / "venv/bin/python"), "pip", conda=Conda.of(snapshot(root)))
        applying.apply(plan, snapshot(root), target, False, lambda _text: None)
        return 0

    return work


def back() -> int:
    """What ``fix --undo`` does."""
    sweep()
    journal = newest()
    if journal is not None:
        undo(journal)
    return 0
