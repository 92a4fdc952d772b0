"""Runs the user's own command unchanged and keeps the tail of what it printed.

The child shares our terminal, process group and standard input. Its output and errors pass through descriptors of the
same kind as ours: a pseudo-terminal where ours is a terminal (so that progress bars and colours stay), else a pipe.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

CHUNK = 1 << 16
TAIL = 512 << 10  # bytes kept of the end
HEAD = 64 << 10  # bytes kept of the beginning
QUIET = 60.0  # seconds without output before the program is looked at
GRACE = 0.5  # seconds that grandchildren may still print after the command has ended


@dataclass(slots=True)
class Kept:
    """Beginning and end of a stream, in the order it was printed."""

    head: bytearray = field(default_factory=bytearray)
    tail: deque[bytes] = field(default_factory=deque)
    size: int = 0

    def add(self, data: bytes) -> None:
        """Keep what fits; the middle is dropped."""
        room = HEAD - len(self.head)
        self.head += data[: max(0, room)]
        data = data[max(0, room) :]
        if data:
            self.tail.append(data)
            self.size += len(data)
        while self.size - len(self.tail[0]) >= TAIL if self.tail else False:
            self.size -= len(self.tail.popleft())

    def text(self) -> bytes:
        """Both ends, with a mark where something was dropped."""
        return bytes(self.head) + b"".join(self.tail)


@dataclass(frozen=True, slots=True)
class Watched:
    """How the command ended: ``status`` as subprocess gives it (negative for a signal), None when it did not start."""

    status: int | None
    output: bytes
    seconds: float
    trouble: str = ""

    def facts(self) -> dict[str, Any]:
        """The facts of doctor/model/facts/text.py that only the watcher knows."""
        if self.status is None:
            return {"log.exit_status": 127}
        if self.status < 0:
            return {"log.exit_signal": -self.status, "log.exit_status": 128 - self.status}
        return {"log.exit_status": self.status}

    def exit_code(self) -> int:
        """What a shell would report."""
        return 127 if self.status is None else self.status if self.status >= 0 else 128 - self.status


def watch(
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    on_quiet: Callable[[int, float], None] | None = None,
) -> Watched:
    """Run ``command``; ``on_quiet(pid, seconds)`` is called for each QUIET seconds in which it has printed nothing."""
    kept = Kept()
    began = time.monotonic()
    try:
        process, streams = _start(command, env)
    except OSError as error:
        text = f"{command[0]}: {error.strerror}"
        return Watched(None, text.encode(), 0.0, text)
    with _signals(process):
        _pump(process, streams, kept, on_quiet)
        status = process.wait()
    return Watched(status, kept.text(), time.monotonic() - began)


def _start(
    command: Sequence[str], env: Mapping[str, str] | None
) -> tuple[subprocess.Popen[bytes], list[tuple[int, int]]]:
    """The child and ``(where we read, where it goes)`` for each of its streams."""
    ours = (sys.stdout.fileno(), sys.stderr.fileno())
    terminals = [os.isatty(fd) for fd in ours]
    shared = _terminal(ours[0]) if any(terminals) and os.name == "posix" else None
    ends: list[int] = []
    streams: list[tuple[int, int]] = []
    for fd, terminal in zip(ours, terminals, strict=True):
        if terminal and shared:
            ends.append(shared[1])
            streams += [(shared[0], fd)] if shared[0] not in [s[0] for s in streams] else []
        else:
            reading, writing = os.pipe()
            ends.append(writing)
            streams.append((reading, fd))
    try:
        process = subprocess.Popen(list(command), stdout=ends[0], stderr=ends[1], env=env)
    finally:
        for fd in set(ends) | ({shared[1]} if shared else set()):
            os.close(fd)
    return process, streams


def _terminal(like: int) -> tuple[int, int] | None:
    """A pseudo-terminal of the size of ours that passes bytes on unchanged; None where there is none to be had."""
    import fcntl
    import pty
    import termios

    try:
        leader, follower = pty.openpty()
        settings = termios.tcgetattr(follower)
        settings[1] &= ~termios.OPOST  # our own terminal does the translation of line ends
        termios.tcsetattr(follower, termios.TCSANOW, settings)
        fcntl.ioctl(follower, termios.TIOCSWINSZ, fcntl.ioctl(like, termios.TIOCGWINSZ, b"\0" * 8))
    except (OSError, termios.error):
        return None
    return leader, follower


def _pump(
    process: subprocess.Popen[bytes],
    streams: Sequence[tuple[int, int]],
    kept: Kept,
    on_quiet: Callable[[int, float], None] | None,
) -> None:
    """Copy until every stream has ended, or shortly after the command has."""
    last = told = time.monotonic()
    ended: float | None = None
    with selectors.DefaultSelector() as selector:
        for reading, writing in streams:
            selector.register(reading, selectors.EVENT_READ, writing)
        while selector.get_map():
            ready = selector.select(timeout=GRACE if ended else 1.0)
            for key, _ in ready:
                last = time.monotonic()
                if not _copy(key.fd, key.data, kept):
                    selector.unregister(key.fd)
                    os.close(key.fd)
            now = time.monotonic()
            if ended is None and process.poll() is not None:
                ended = now
            if ended and not ready and now - ended > GRACE:
                break  # a daemon that the command left behind still holds the stream
            if on_quiet and not ended and now - max(last, told) > QUIET:
                on_quiet(process.pid, now - last)
                told = time.monotonic()


def _copy(reading: int, writing: int, kept: Kept) -> bool:
    """One chunk; False at the end of the stream."""
    try:
        data = os.read(reading, CHUNK)
    except OSError:  # a pseudo-terminal says EIO when its other side is closed
        return False
    if not data:
        return False
    kept.add(data)
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(writing, view) :]
        except BlockingIOError:
            time.sleep(0.01)
        except BrokenPipeError:  # whoever read us has gone; the command goes on as it would without us
            return True
    return True


@contextmanager
def _signals(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """The terminal sends Ctrl-C to the whole group, the command included; what is sent to us alone is passed on."""

    def forward(number: int, _frame: object) -> None:
        if process.poll() is None:
            process.send_signal(number)

    names = [signal.SIGTERM] + [getattr(signal, n) for n in ("SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, n)]
    before = {number: signal.signal(number, forward) for number in names}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
