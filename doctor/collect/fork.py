"""A probe child without the start of an interpreter: a copy of this process that leaves everything of ours behind.

Starting an interpreter costs 10 ms and the modules that are loaded here already another 10; a copy costs one. It has
what a started child has: a session of its own, its output in a pipe, no other descriptor than its wire, the standard
library alone on its path, and it ends without coming back here. What another interpreter has to run, a copy starts in
its own place: so nobody here waits for an exec on a dead mount, and ``subprocess``, slow to load, is not needed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Any

IGNORED = (signal.SIGPIPE, signal.SIGXFSZ) if sys.platform == "linux" else ()  # by Python, not by other programs
_STDLIB = os.path.dirname(os.__file__)  # noqa: PTH120 - strings are compared with sys.path


def possible() -> bool:
    """Linux, an isolated start (PYTHONPATH has shaped no module of ours), no thread whose locks would be inherited."""
    return sys.platform == "linux" and bool(sys.flags.isolated) and threading.active_count() == 1


class Copy:
    """A copy of this process. Stands where a ``Popen`` would."""

    def __init__(self, words: Sequence[str], keep: int, probe: str | None = None) -> None:
        """Becomes the program ``words``, or, given the folder ``probe``, runs ``main(words)`` of the entry in it.

        ``keep`` is the descriptor it writes to. Raises OSError when there is no room.
        """
        self.stderr = None
        self.returncode: Any = None  # an int when it has ended, as Popen has it
        ours, theirs = os.pipe()
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _be(words, keep, theirs, probe)
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        self.stdout = open(ours, "rb", buffering=0)  # noqa: SIM115, PTH123 - a descriptor, closed by the runner

    def poll(self) -> int | None:
        """The exit status once it has ended, negative for a signal."""
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # somebody else has waited for it
                pid, status = self.pid, 0
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        status_of: int | None = self.returncode
        return status_of

    def kill(self) -> None:
        """SIGKILL unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def _be(words: Sequence[str], keep: int, output: int, probe: str | None) -> None:
    """The life of the copy. Never returns."""
    status = 1
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, *(() if probe else IGNORED)):
            signal.signal(number, signal.SIG_DFL)
        _let_go(keep, output)
        if probe is None:
            os.set_inheritable(keep, True)
            os.execv(words[0], list(words))  # noqa: S606 - there is to be no shell
        _only_stdlib(probe)
        status = import_module("entry").main(list(words))
    except BaseException:  # noqa: BLE001 - nothing may return into the code that forked
        import traceback  # here only: it loads tokenize and textwrap

        traceback.print_exc()
    finally:
        os._exit(status)


def _let_go(keep: int, output: int) -> None:
    """Standard streams into the pipe, every other descriptor closed."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout = sys.stderr = open(1, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115 - to the end
    os.closerange(3, keep)
    os.closerange(keep + 1, _highest() + 1)


def _highest() -> int:
    """The highest descriptor that may be open; to close all that a process could have takes 50 ms on older kernels."""
    try:
        return max(map(int, os.listdir("/proc/self/fd")))  # noqa: PTH208
    except OSError:  # no /proc here
        return 1023


def _only_stdlib(folder: str) -> None:
    """As after ``-I -S``: no site-packages, no import hooks of theirs, the probe's modules from its own folder."""
    sys.path[:] = [folder, *(path for path in sys.path if path.startswith(_STDLIB) and "-packages" not in path)]
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder.__module__.startswith("_frozen_importlib")]
    for name in os.listdir(folder):  # noqa: PTH208
        sys.modules.pop(name.removesuffix(".py"), None)
