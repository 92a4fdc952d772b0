"""The child that does one step: its own process group, so that it can be ended as a whole, also by a later undo."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WAIT = 10.0  # seconds that an ended group gets to be gone
ENDINGS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def endings_interrupt() -> Iterator[None]:
    """What asks a program to end (a shutdown, a closed terminal) raises KeyboardInterrupt, as Ctrl-C does."""
    before = {number: signal.getsignal(number) for number in ENDINGS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Bringing the old state back takes a moment and is not to be cut off by a second Ctrl-C."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, *ENDINGS)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def words(shell: str, text: str) -> list[str]:
    """The command line that runs ``text`` and stops at its first failure."""
    if shell == "powershell":
        return ["powershell", "-NoProfile", "-Command", text]
    return ["bash", "-euo", "pipefail", "-c", text]


def environment() -> dict[str, str]:
    """Ours for a child that must not leave traces beside its work: Python writes no bytecode of what it imports."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def run(line: list[str], started: Callable[[int, str], None]) -> tuple[int, bytes]:
    """``(exit status, output)``. ``started`` gets the group and its birth mark before the child does anything.

    Whatever interrupts the wait ends the whole group first.
    """
    inlet, outlet = os.pipe()
    line = ["sh", "-c", 'read -r _ && exec "$@"', "sh", *line] if os.name != "nt" else line
    child = subprocess.Popen(
        line,
        stdin=inlet,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=environment(),
    )
    os.close(inlet)
    try:
        started(child.pid, birth(child.pid))
        os.write(outlet, b"\n")
        os.close(outlet)
        output = child.communicate()[0]
    except BaseException:
        end(child.pid)
        child.wait()
        raise
    return child.returncode, output


def birth(pid: int) -> str:
    """When a process was started, in the kernel's own ticks; "" where that cannot be read or it is gone."""
    try:
        raw = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    return raw.rpartition(b")")[2].split()[19].decode()


def end_left_over(line: dict[str, Any]) -> None:
    """End the group of a journal's ``child`` line when it is still the same one."""
    group, mark = int(line["group"]), str(line["birth"])
    if mark and birth(group) == mark:
        end(group)


def end(group: int) -> None:
    """Kill a process group and wait until it is gone."""
    stop = time.monotonic() + WAIT
    while time.monotonic() < stop:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.05)
        if not birth(group):
            return
