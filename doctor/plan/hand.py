"""What only a person can do, as exact lines for this distribution, container or scheduler. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from doctor.knowledge import systems, versions
from doctor.model import FixStep, Snapshot

_SAME = {"shm": "--shm-size", "memory": "--memory", "gcc": "build-essential"}
_MOUNT = "mount "
_PODS = ("kubernetes",)


class Hand(NamedTuple):
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
    return _lines("here", _admin(_installed([what], snapshot, also="others"), snapshot))


def package(step: FixStep, snapshot: Snapshot) -> str:
    """The whole command for a package of the distribution; "" for other advice and where none is known."""
    return " && ".join(_admin(_installed([step.target], snapshot), snapshot)) if step.kind == "advise" else ""


class AsRoot(NamedTuple):
    """What a script may do beside the environment because it is root's: its ``lines``, and the ``steps`` they do."""

    lines: tuple[str, ...] = ()
    steps: tuple[FixStep, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """Rules of the findings that they cure."""
        return tuple(dict.fromkeys(rule for step in self.steps for rule in step.because))


def as_root(advice: Sequence[FixStep], snapshot: Snapshot) -> AsRoot:
    """Packages of the distribution in one call, and mounts; nothing for another user.

    A script is read before it is run. An application leaves these to the user, as no undo takes them back.
    """
    if snapshot.get("host.root") is not True:
        return AsRoot()
    mounts = [step for step in advice if step.kind == "run" and step.target.startswith(_MOUNT)]
    wanted = [step for step in advice if package(step, snapshot)]
    lines = _installed([step.target for step in wanted], snapshot)
    called = [" && ".join(lines)] if lines else []
    return AsRoot((*called, *(step.target for step in mounts)), (*wanted, *mounts))


def _installed(whats: Sequence[str], snapshot: Snapshot, also: str = "") -> list[str]:
    """Lines that install all of it; none where the distribution's name of one is not known."""
    distro = snapshot.get("os.distro")
    names = [systems.packages(what, distro, also) for what in dict.fromkeys(whats)]
    lines = systems.install_lines(" ".join(names) if all(names) else "", distro)
    return [_filled(line, snapshot) for line in lines]


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
        "pythonxy": f"{python.major}{python.minor}" if python and own else "3",
    }
    for name, value in values.items():
        line = line.replace(f"<{name}>", str(value)) if value is not None else line
    return line.removesuffix("-<cuda>")
