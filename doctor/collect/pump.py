"""Reads many pipes without ever blocking on one of them."""

from __future__ import annotations

import os
import selectors
from typing import Protocol

CHUNK = 1 << 16


class Pump(Protocol):
    """What the runner needs of a reader of pipes."""

    def add(self, fd: int) -> None:
        """Reads this descriptor from now on."""

    def drop(self, fd: int) -> None:
        """Stops reading it."""

    def read(self, seconds: float) -> list[tuple[int, bytes]]:
        """What came within ``seconds``; empty bytes are the end of a pipe."""

    def close(self) -> None:
        """Forgets all descriptors."""


class SelectPump:
    """POSIX: one poll() for all pipes, no descriptor of its own (a run may have 16 in all)."""

    def __init__(self) -> None:
        kind = getattr(selectors, "PollSelector", selectors.SelectSelector)
        self._selector: selectors.BaseSelector = kind()
        self._read_mask = selectors.EVENT_READ

    def add(self, fd: int) -> None:
        """Reads this descriptor from now on."""
        os.set_blocking(fd, False)
        self._selector.register(fd, self._read_mask)

    def drop(self, fd: int) -> None:
        """Stops reading it."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def read(self, seconds: float) -> list[tuple[int, bytes]]:
        """What came within ``seconds``."""
        got = []
        for key, _ in self._selector.select(seconds):
            try:
                got.append((key.fd, os.read(key.fd, CHUNK)))
            except BlockingIOError:
                continue
        return got

    def close(self) -> None:
        """Forgets all descriptors."""
        self._selector.close()


class ThreadPump:
    """Windows, whose pipes cannot be polled: a daemon thread for each, which may be left behind."""

    def __init__(self) -> None:
        import queue

        self._empty = queue.Empty
        self._queue: queue.Queue[tuple[int, bytes]] = queue.Queue(maxsize=64)  # bounds what an endless printer piles up
        self._wanted: set[int] = set()

    def add(self, fd: int) -> None:
        """Reads this descriptor from now on."""
        import threading

        self._wanted.add(fd)
        threading.Thread(target=self._drain, args=(fd,), daemon=True).start()

    def drop(self, fd: int) -> None:
        """Stops reading it."""
        self._wanted.discard(fd)

    def _drain(self, fd: int) -> None:
        data = b"?"
        while data and fd in self._wanted:
            try:
                data = os.read(fd, CHUNK)
            except OSError:  # closed by the reader meanwhile
                data = b""
            self._queue.put((fd, data))

    def read(self, seconds: float) -> list[tuple[int, bytes]]:
        """What came within ``seconds``."""
        try:
            got = [self._queue.get(timeout=seconds)]
        except self._empty:
            return []
        while not self._queue.empty():
            got.append(self._queue.get())
        return [(fd, data) for fd, data in got if fd in self._wanted]

    def close(self) -> None:
        """Forgets all descriptors."""
        self._wanted.clear()


def pump() -> Pump:
    """The reader for this operating system."""
    return SelectPump() if os.name == "posix" else ThreadPump()
