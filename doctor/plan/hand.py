"""What only a person can do, as exact lines for this distribution, container or scheduler. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from doctor.knowledge import systems, versions
from doctor.model import FixStep, Snapshot

_SAME = {"shm": "--shm-size", "memory": "--memory", "gcc": "build-essential"}
_PODS = ("kubernetes",)


@dataclass(frozen=True, slots=True)
class Hand:
    """``place``: here, host (outside this container), windows (outside this WSL) or start (how it is started)."""

    place: str
    lines: tuple[str, ...] = ()


def by_hand(step: FixStep, snapshot: Snapshot) -> Hand | None:
    """Where and how; None where there is nothing to type beyond the rule's own words."""
    what = _SAME.get(step.target, step.target)
    inside = _container(snapshot)
    started = systems.start_lines(what, inside)
    if started:
        return Hand("start", started)
    if snapshot.get("os.name") == "windows":
        return _lines("here", systems.windows_lines(what))
    on_host = systems.host_lines(what, None) is not None
    if snapshot.get("host.wsl") and systems.windows_lines(what) and (on_host or what == ".wslconfig"):
        more = () if what == "reboot" else systems.windows_lines(what)
        return Hand("windows", (*more, "wsl --shutdown"))
    if on_host:
        return _on_the_machine(what, snapshot, inside)
    lines = [_filled(line, snapshot) for line in systems.install_lines(what, snapshot.get("os.distro"))]
    return _lines("here", _admin(lines, snapshot))


def _container(snapshot: Snapshot) -> str | None:
    if snapshot.get("host.kubernetes"):
        return _PODS[0]
    found = snapshot.get("host.container")
    return str(found) if found else None


def _on_the_machine(what: str, snapshot: Snapshot, inside: str | None) -> Hand | None:
    """The distribution of a container says nothing of its host's."""
    if inside:
        return Hand("host")
    lines = [_filled(line, snapshot) for line in systems.host_lines(what, snapshot.get("os.distro")) or ()]
    return None if any("<" in line for line in lines) else _lines("here", _admin(lines, snapshot))


def _lines(place: str, lines: tuple[str, ...]) -> Hand | None:
    return Hand(place, lines) if lines else None


def _admin(lines: list[str], snapshot: Snapshot) -> tuple[str, ...]:
    sudo = "" if snapshot.get("host.root") else "sudo "
    return tuple(sudo + line for line in lines)


def _filled(line: str, snapshot: Snapshot) -> str:
    """The numbers of this machine in the places of a line; a place that cannot be filled stays."""
    cuda, python = snapshot.get("torch.cuda"), versions.parse(snapshot.get("python.version"))
    own = snapshot.get("python.base_prefix") in (None, "/usr")
    values = {
        "branch": snapshot.get("driver.branch"),
        "cuda": "-".join(str(cuda).split(".")[:2]) if cuda else None,
        "python": f"{python.major}.{python.minor}" if python and own else "3",
    }
    for name, value in values.items():
        line = line.replace(f"<{name}>", str(value)) if value is not None else line
    return line.removesuffix("-<cuda>")
