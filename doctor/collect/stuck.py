"""What a program that prints nothing is doing: read from /proc of its processes, without touching a file of the user.

Two looks half a second apart give rates. Only names of programs and of open files are read, never arguments.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

BETWEEN = 0.5  # seconds between the two looks
PROCESSES = 200  # of the tree that are looked at
DESCRIPTORS = 400  # of one process
MEGA = 1 << 20
BUSY = 0.7  # CPUs in use from which it computes
READING = 4 * MEGA  # bytes a second from a disk
ARRIVING = 128 << 10  # bytes a second from the network
_NATIVE = ("gcc", "g++", "cc", "c++", "cc1", "cc1plus", "clang", "clang++", "ld", "lld", "ninja", "rustc")
COMPILERS = frozenset(("nvcc", "cicc", "ptxas", "cudafe++", "fatbinary", *_NATIVE))
_WEIGHTS = re.compile(r"\.(?:safetensors|bin|gguf|pt|pth|ckpt)$")
_UNFINISHED = re.compile(r"\.(?:incomplete|part|aria2)$")
# Counts what other programs receive as well; the kernel has no cheap count for one process.
_INTERFACES = Path("/proc/net/dev")


@dataclass(slots=True)
class Look:
    """One look at all processes of a tree. Counters only grow; files are names of open descriptors."""

    at: float
    cpu: float = 0.0  # seconds
    read: int = 0  # bytes that came from a disk
    arrived: int = 0  # bytes that came over the network, of the machine
    rss: int = 0  # bytes
    running: int = 0  # processes on a CPU or in the queue for one
    blocked: int = 0  # processes in uninterruptible sleep
    names: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Doing:
    """``kind``: compiling, downloading, loading-shards, computing, disk-wait, waiting. Rates in bytes a second."""

    kind: str
    what: str  # file or program names
    rate: float
    cpus: float
    rss: int


def look_twice(pid: int) -> Doing | None:
    """What the tree below ``pid`` does; None where there is no /proc to ask."""
    first = look(pid)
    if first is None:
        return None
    time.sleep(BETWEEN)
    second = look(pid)
    return None if second is None else judge(first, second)


def judge(first: Look, second: Look) -> Doing:
    """The likeliest occupation: a compiler's name, then bytes that move, then CPU time."""
    seconds = max(second.at - first.at, 0.01)
    cpus = (second.cpu - first.cpu) / seconds
    read, arrived = (second.read - first.read) / seconds, (second.arrived - first.arrived) / seconds

    def doing(kind: str, what: str = "", rate: float = 0.0) -> Doing:
        return Doing(kind, what, rate, cpus, second.rss)

    compilers = sorted(second.names & COMPILERS)
    if compilers:
        return doing("compiling", ", ".join(compilers))
    unfinished = _named(second.files, _UNFINISHED)
    if arrived > ARRIVING and (unfinished or cpus < BUSY):
        return doing("downloading", unfinished, arrived)
    weights = _named(second.files, _WEIGHTS)
    if read > READING:
        return doing("loading-shards", weights, read)
    if cpus > BUSY or (first.running and second.running and cpus > 0):  # other users may hold the CPUs
        return doing("computing", weights)
    if second.blocked:
        return doing("disk-wait", weights)
    return doing("waiting", unfinished)


def _named(files: set[str], pattern: re.Pattern[str]) -> str:
    """Last part of the first open file that fits."""
    return next((name.rpartition("/")[2] for name in sorted(files) if pattern.search(name)), "")


def look(pid: int) -> Look | None:
    """One look; None when the process has ended or the system has no /proc."""
    found = Look(time.monotonic())
    for number in tree(pid):
        _add(number, found)
    found.arrived = _arrived()
    return found if found.names else None


def tree(pid: int) -> list[int]:
    """The process and its descendants; not every kernel lists children, so all parents are read."""
    below: dict[int, list[int]] = {}
    for number in _numbers("/proc"):
        fields = _text(f"/proc/{number}/stat").rpartition(")")[2].split()
        if len(fields) > 1:
            below.setdefault(int(fields[1]), []).append(number)
    seen = [pid]
    for here in seen:  # grows while it is walked
        seen += below.get(here, ())[: PROCESSES - len(seen)]
    return seen


def _add(pid: int, found: Look) -> None:
    head, _, tail = _text(f"/proc/{pid}/stat").rpartition(")")
    fields = tail.split()
    if len(fields) < 22:
        return  # it has ended meanwhile
    found.names.add(head.partition("(")[2])
    found.cpu += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    found.rss += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    found.running += fields[0] == "R"
    found.blocked += fields[0] == "D"
    io = dict(line.split(": ", 1) for line in _text(f"/proc/{pid}/io").splitlines() if ": " in line)
    found.read += int(io.get("read_bytes", 0))
    found.files.update(_open_files(pid))


def _open_files(pid: int) -> Iterator[str]:
    """Paths of open files and of mapped weights: links of /proc, nothing is opened."""
    for number in _numbers(f"/proc/{pid}/fd")[:DESCRIPTORS]:
        try:
            yield str(Path(f"/proc/{pid}/fd/{number}").readlink())
        except OSError:
            continue  # closed meanwhile
    for line in _text(f"/proc/{pid}/maps").splitlines():
        if _WEIGHTS.search(line):
            yield line[line.find("/") :]


def _arrived() -> int:
    """Bytes received by all interfaces but the loopback."""
    lines = [line.split(":", 1) for line in _text(str(_INTERFACES)).splitlines() if ":" in line]
    return sum(int(rest.split()[0]) for name, rest in lines if name.strip() != "lo")


def _numbers(folder: str) -> list[int]:
    try:
        return [int(entry.name) for entry in Path(folder).iterdir() if entry.name.isdigit()]
    except OSError:
        return []  # another user's, or ended


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # another user's, or ended


def facts(doing: Doing | None) -> Mapping[str, str]:
    """The fact log.stuck for what a rule can explain."""
    if doing is None or doing.kind not in ("compiling", "downloading", "loading-shards"):
        return {}
    return {"log.stuck": doing.kind}
