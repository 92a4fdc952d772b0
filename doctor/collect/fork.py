"""A probe child without the start of an interpreter: a copy of this process that leaves everything of ours behind.

Only for parts that our own interpreter runs. Starting one costs 10 ms and the modules that are loaded here already
another 10; a copy costs one. It has what a started child has: a session of its own, its output in a pipe, no other
descriptor than its wire, the standard library alone on its path, and it ends without coming back here.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Any

_STDLIB = os.path.dirname(os.__file__)  # noqa: PTH120 - strings are compared with sys.path


def possible() -> bool:
    """Linux, an isolated start (PYTHONPATH has shaped no module of ours), no thread whose locks would be inherited."""
    return sys.platform == "linux" and bool(sys.flags.isolated) and threading.active_count() == 1


class Copy:
    """Runs ``main(words)`` of the probe's entry in a copy of this process. Stands where a ``Popen`` would."""

    def __init__(self, folder: str, words: Sequence[str], keep: int) -> None:
        """``folder`` holds the probe, ``keep`` is the descriptor it writes to. Raises OSError when there is no room."""
        self.stderr = None
        self.returncode: Any = None  # an int when it has ended, as Popen has it
        ours, theirs = os.pipe()
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _be(folder, words, keep, theirs)
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


def _be(folder: str, words: Sequence[str], keep: int, output: int) -> None:
    """The life of the copy. Never returns."""
    status = 1
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        _let_go(keep, output)
        _only_stdlib(folder)
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
