"""One made-up machine: a home, a PATH, an NVML double, and our command as an installer leaves it. Faults are done to it."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from doctor.engine import store
from doctor.engine.evaluate import evaluate
from doctor.ingest import archive
from doctor.knowledge.derive import derive
from doctor.model import Verdict

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 30.0  # seconds for one run on a busy machine: what needs more hangs
MARK = "VLMDOCTOR_FAULT_RUN"


class Seen(NamedTuple):
    """What one run left."""

    status: int
    facts: dict[str, Any]
    unread: dict[str, str]
    rules: set[str]
    noise: str
    orphans: list[str]


class Patient:
    """Change its folders and ``env``, then look at it."""

    def __init__(self, root: Path, library: Path | None) -> None:
        self.root = root
        for name in ("home", "bin", "lib", "cwd", "site", "ours"):
            (root / name).mkdir()
        if library is not None:
            shutil.copy(library, root / "lib" / "libnvidia-ml.so.1")
        shutil.copy(ROOT / "launchers" / "vlmdoctor", root / "ours")
        self.script("ours/vlmdoctor-python", "import sys\nfrom doctor.start import run\nsys.exit(run())\n", sys.executable)
        self.smi("echo 'NVIDIA-SMI has failed'; exit 9")
        self.python = sys.executable
        self.around: tuple[str, ...] = ()  # words before our command
        self.env = {"PATH": f"{root / 'bin'}:/usr/bin:/bin", "HOME": str(root / "home"), "LANG": "C.UTF-8", "LD_LIBRARY_PATH": str(root / "lib"),
                    "XDG_CACHE_HOME": str(root / "our cache"), "HF_HOME": str(root / "home/.cache/huggingface"),
                    "PYTHONDONTWRITEBYTECODE": "1", MARK: root.name}  # fmt: skip

    def script(self, name: str, body: str, program: str = "/bin/sh") -> Path:
        path = self.root / name
        path.write_text(f"#!{program}\n{body}")
        path.chmod(0o755)
        return path

    def smi(self, body: str) -> None:
        self.script("bin/nvidia-smi", body + "\n")

    def site(self, name: str, text: str | bytes) -> Path:
        """A file of a folder that PYTHONPATH names."""
        path = self.root / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        self.env["PYTHONPATH"] = str(self.root / "site")
        return path

    def look(self, timeout: float = 10.0, signal_after: tuple[int, float] | None = None) -> Seen:
        """Runs ``collect`` and judges what it wrote; raises TimeoutExpired for a run that hangs."""
        out = self.root / "snapshot.json"
        words = [*self.around, str(self.root / "ours" / "vlmdoctor"), "collect", "-o", str(out), "--python", self.python, "--timeout", str(timeout)]
        before = self.files()
        with subprocess.Popen(words, cwd=self.root / "cwd", env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True) as process:
            if signal_after:
                time.sleep(signal_after[1])
                process.send_signal(signal_after[0])
            try:
                noise = process.communicate(timeout=DEADLINE)[0].decode("utf-8", "replace")
            finally:
                process.kill()
        orphans = self.orphans()
        assert self.files() == before, "something was written"
        assert "Traceback" not in noise, noise
        facts, unread, rules = self._judged(out) if out.is_file() else ({}, {}, set())
        return Seen(process.returncode, facts, unread, rules, noise, orphans)

    def files(self) -> set[Path]:
        return {path for name in ("home", "cwd", "bin", "site") if not os.path.ismount(self.root / name) for path in (self.root / name).rglob("*")}

    def orphans(self) -> list[str]:
        """Command lines of processes of this run that are still there a moment later."""
        time.sleep(0.3)
        return [line for line in map(self._line, Path("/proc").glob("[0-9]*")) if line]

    def _line(self, folder: Path) -> str:
        try:
            if f"{MARK}={self.root.name}".encode() not in (folder / "environ").read_bytes():
                return ""
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            return "" if state in "DZX" else (folder / "cmdline").read_text()  # nobody can end a process in D state
        except OSError:
            return ""

    @staticmethod
    def _judged(out: Path) -> tuple[dict[str, Any], dict[str, str], set[str]]:
        json.loads(out.read_text(encoding="utf-8"))
        snapshot = derive(archive.load(out))
        hits = {finding.rule for finding in evaluate(store.load().rules, snapshot) if finding.verdict is Verdict.HIT}
        return dict(snapshot.facts), dict(snapshot.unread), hits


@contextmanager
def dead_mount(folder: Path) -> Any:
    """A file system that never answers, as of a server that is gone: FUSE without anybody behind it. Root only."""
    libc = ctypes.CDLL(None, use_errno=True)
    folder.mkdir(exist_ok=True)
    handle = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={handle},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"dead", os.fsencode(folder), b"fuse", 0, options):
        os.close(handle)
        raise OSError(ctypes.get_errno(), "mount")
    try:
        yield folder
    finally:
        libc.umount2(os.fsencode(folder), 3)  # MNT_FORCE | MNT_DETACH
        os.close(handle)
