"""What conda owns in the patient's environment, and the words by which conda moves it. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from doctor.knowledge import conda, cuda, versions
from doctor.model import FixStep, Snapshot
from doctor.model.names import normalise

if TYPE_CHECKING:
    from doctor.model.plan import Move  # dataclasses, which a check without a plan does not load

TORCH = "torch"
CONDA = "conda"  # ``to`` of an uninstall that clears conda's own books, whatever another installer has put there
_DEFAULTS = ("main", "r", "free", "msys2")  # parts of conda's default channel
_NO_CHANNEL = ("", "pypi", "<unknown>", "@")
_LAGGING = ("libstdcxx-ng", "libstdcxx", "libgcc-ng", "libgcc")  # upwards compatible, and old in the default channel
_BESIDE = {"pytorch": "nvidia"}  # channel -> where its CUDA packages lie


class Owned(NamedTuple):
    """One installed conda package."""

    package: str
    version: str
    build: str
    channel: str  # its bare name: conda-forge
    needs: tuple[str, ...] = ()


class Conda(NamedTuple):
    """The patient's conda environment.

    ``owned``: package by the distribution it brought, or by its own name where it brings none. ``stale``: packages
    whose distribution another installer has replaced since. ``place``: the options that name the environment.
    """

    program: str
    place: tuple[str, ...]
    owned: Mapping[str, Owned]
    stale: Mapping[str, Owned]

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Conda | None":
        """None where the target is no conda environment, as far as is known."""
        rows = snapshot.get("conda.owned", [])
        if not rows and snapshot.get("python.kind") != "conda":
            return None
        here = {_name(row): _owned(row) for row in rows if row.get("there")}
        gone = {_name(row): _owned(row) for row in rows if not row.get("there")}
        tool = snapshot.get("tool.paths", {})
        named = next((name for name in ("conda", "mamba", "micromamba") if name in tool), "conda")
        live = snapshot.source == "live"
        program = str(snapshot.get("conda.exe") or tool.get(named) or named) if live else named
        return cls(program, _place(snapshot), here, {name: row for name, row in gone.items() if name not in here})

    def owner(self, name: str) -> Owned | None:
        """The package that conda moves when this distribution, or this library of conda's own, is to move."""
        return self.owned.get(normalise(name))

    def package(self, name: str) -> Owned | None:
        """A package by its own name, or by that of its distribution."""
        rows = (*self.owned.values(), *self.stale.values())
        return next((row for row in rows if row.package == name), None) or self.owner(name)

    def dependents(self, package: str) -> list[Owned]:
        """What conda removes together with a package: all that needs it, directly or not."""
        every = {row.package: row for row in (*self.owned.values(), *self.stale.values())}
        found: dict[str, Owned] = {}
        front = {package}
        while front:
            above = [row for row in every.values() if front & set(row.needs) and row.package not in found]
            found.update((row.package, row) for row in above)
            front = {row.package for row in above}
        return [row for name, row in sorted(found.items()) if name != package]


def owned_by(env: Conda | None, names: Iterable[str]) -> frozenset[str]:
    """Those of these distributions that are conda's."""
    return frozenset(name for name in names if env and env.owner(name))


def _name(row: Mapping[str, object]) -> str:
    return normalise(str(row.get("dist") or row.get("package") or ""))


def _owned(row: Mapping[str, object]) -> Owned:
    needs = row.get("needs")
    words = tuple(str(word) for word in needs) if isinstance(needs, list) else ()
    channel = str(row.get("channel") or "").partition("/")[0]
    return Owned(str(row.get("package")), str(row.get("version")), str(row.get("build") or ""), channel, words)


def _place(snapshot: Snapshot) -> tuple[str, ...]:
    """The folder where it is ours; by name in a text of another machine, whose folders we do not know."""
    prefix, name = snapshot.get("python.prefix"), snapshot.get("conda.env")
    if prefix and snapshot.source == "live":
        return "-p", str(prefix)
    return ("-n", str(name)) if name else ()


def channels(rows: Iterable[Owned]) -> tuple[str, ...]:
    """The channels that packages came from, so that their successors come from there, too."""
    names = [_channel(row) for row in rows if row.channel not in _NO_CHANNEL]
    return tuple(dict.fromkeys([*names, *(_BESIDE[name] for name in names if name in _BESIDE)]))


def _channel(row: Owned) -> str:
    if row.channel not in (*_DEFAULTS, "defaults"):
        return row.channel
    return "conda-forge" if row.package in _LAGGING else "defaults"


def spec(row: Owned, version: str, lane: str = "") -> str:
    """``pytorch=2.4.1``. conda-forge tells its CUDA builds by the build string; ``lane``: cu124, cpu or not known."""
    wanted = f"{row.package}={versions.public(version)}"
    flavour = "cpu" if lane == "cpu" else "cuda" if lane.startswith("cu") else ""
    own = row.package == "pytorch" and row.channel not in _BESIDE
    return f"{wanted}=*{flavour}*" if own and flavour else wanted


def companions(row: Owned, lane: str) -> Iterator[str]:
    """What the pytorch channel takes beside torch to name the CUDA of the build."""
    number = cuda.variant_cuda(lane) if lane and lane != "cpu" else None
    if row.channel in _BESIDE and number:
        yield f"pytorch-cuda={number}"
    elif row.channel in _BESIDE and lane == "cpu":
        yield "cpuonly"


def bare(specifier: str) -> str:
    """PEP 440 in conda's words: no local part, and ``===`` is ``==``."""
    parts = (part.strip().partition("+")[0].replace("===", "==") for part in specifier.split(","))
    return ",".join(part for part in parts if part)


def cleared(env: Conda | None, moves: "Iterable[Move]") -> FixStep | None:
    """What conda removes first: what it hands over to pip, or the mark that keeps its torch to builds without CUDA."""
    move = next((move for move in moves if move.name == TORCH and move.new), None)
    if env is None or move is None:
        return None
    rows = handed_over(env, {TORCH: (move.old, str(move.new))})
    if move.by == "conda" and versions.local(str(move.new)).startswith("cu") and "cpuonly" in env.owned:
        rows = (env.owned["cpuonly"],)
    words = " ".join(row.package for row in rows)
    return FixStep("uninstall", TORCH, CONDA, "changes-env", 1, (), {"packages": words}) if rows else None


def handed_over(conda_: Conda | None, moves: Mapping[str, tuple[str | None, str]]) -> tuple[Owned, ...]:
    """The packages of conda that make room for wheels, because the channel of its torch has ended; torch first."""
    row = conda_.owner(TORCH) if conda_ and TORCH in moves else None
    if conda_ is None or row is None or not conda.ended(row.channel, row.package, moves[TORCH][1]):
        return ()
    extra = [conda_.owned[name] for name in ("pytorch-cuda", "cpuonly") if name in conda_.owned]
    return (row, *dict.fromkeys([*conda_.dependents(row.package), *extra]))
