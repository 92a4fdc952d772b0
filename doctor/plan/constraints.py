"""What a plan must respect: findings' constraints, promises, and what installed distributions ask of each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from doctor.knowledge import abi, pairs, ranges, store, versions, wheels
from doctor.knowledge.derive import environment
from doctor.model import Snapshot
from doctor.model.names import normalise
from doctor.model.plan import Constraint
from doctor.plan.conda import TORCH, Conda

_LOCAL = re.compile(r"\+[A-Za-z0-9.]+")


@dataclass(frozen=True, slots=True)
class Lessons:
    """What an installer's resolver knew better than the tables.

    ``missing``: ``(name, version)`` that cannot be had here; ``asks``: ``(name, version, requirement line)``;
    ``bounds``: ``(name, specifier)`` of the user's own constraints file.
    """

    missing: frozenset[tuple[str, str]] = frozenset()
    asks: frozenset[tuple[str, str, str]] = frozenset()
    bounds: frozenset[tuple[str, str]] = frozenset()

    def __or__(self, other: Lessons) -> Lessons:
        return Lessons(self.missing | other.missing, self.asks | other.asks, self.bounds | other.bounds)


@dataclass(frozen=True)
class World:
    """The environment as the solver sees it.

    ``goals`` are what findings and promises ask; ``lenient`` drops requirements that are not met today either.
    """

    snapshot: Snapshot
    goals: tuple[Constraint, ...]
    keep: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()  # what the plan removes and does not bring back
    lenient: bool = False
    torch_free: bool = False
    rounds: int = 120  # versions tried before it is said that nothing agrees; about 0.1 s
    lessons: Lessons = Lessons()
    cache: dict[tuple[str, str], tuple[tuple[str, str], ...]] = field(default_factory=dict)

    @cached_property
    def installed(self) -> dict[str, str]:
        """Distributions that stay or move."""
        return {name: version for name, version in self.snapshot.dists().items() if name not in self.gone}

    @cached_property
    def wanted(self) -> dict[str, list[Constraint]]:
        """Goals by distribution."""
        found: dict[str, list[Constraint]] = {}
        for goal in self.goals:
            found.setdefault(goal.name, []).append(goal)
        return found

    @cached_property
    def markers(self) -> Mapping[str, str]:
        """PEP 508 variables of the target."""
        return environment(self.snapshot)

    @cached_property
    def where(self) -> str | None:
        """Platform word of the target."""
        return wheels.platform(self.snapshot.get("os.name"), self.snapshot.get("os.arch"))

    @cached_property
    def tag(self) -> str | None:
        """Python tag of the target."""
        return wheels.python_tag(self.snapshot.get("python.version", ""))

    @cached_property
    def conda(self) -> Conda | None:
        """What conda owns here."""
        return Conda.of(self.snapshot)

    def fixed(self, name: str) -> bool:
        """True for what must stay at its version: promised, or torch without a finding against it."""
        if name in self.keep:
            return name in self.installed
        return name == TORCH and name in self.installed and name not in self.wanted and not self.torch_free

    def needs(self, name: str, version: str) -> tuple[tuple[str, str], ...]:
        """``(distribution, specifier)`` that this release asks of what is installed or wanted."""
        key = (name, version)
        if key not in self.cache:
            self.cache[key] = tuple(self._needs(name, version))
        return self.cache[key]

    def _needs(self, name: str, version: str) -> Iterator[tuple[str, str]]:
        here = self.installed.get(name) == version
        for other, spec in self._all_needs(name, version, here):
            if other == name or not (other in self.installed or other in self.wanted or self._torch_comes(other, here)):
                continue
            if here and self._unmet_today(other, spec) and (self.lenient or not {other, name} & self.wanted.keys()):
                continue
            yield other, spec

    @staticmethod
    def _torch_comes(other: str, here: bool) -> bool:
        """A torch that a new release brings along is chosen as if asked for: its build goes by the driver."""
        return other == TORCH and not here

    def _unmet_today(self, other: str, spec: str) -> bool:
        have = self.installed.get(other)
        return have is None or versions.accepts(spec, have) is False

    def _all_needs(self, name: str, version: str, here: bool) -> Iterator[tuple[str, str]]:
        seen = self.snapshot.get("python.requires", {}).get(name) if here else None
        yield from self._read(seen if seen is not None else ranges.requirements(name, version) or ())
        yield from self._read(line for one, v, line in self.lessons.asks if (one, v) == (name, version))
        yield from self._imports(name, version)
        if abi.headers(name, version, self.tag) == 1:
            yield "numpy", "<2"
        generated = abi.generated_for(name, version)
        if generated:
            yield "protobuf", f">={generated}"
        if name == TORCH and not here:
            yield from self._partners(version)

    def asked(self, name: str, version: str) -> Iterator[tuple[str, str]]:
        """The stated requirements of a release, installed or not."""
        return self._read(ranges.requirements(name, version) or ())

    def _read(self, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
        for line in lines:
            found = ranges.read(line) if ranges.applies(line, self.markers) else None
            if found is not None:
                yield normalise(found.name), str(found.specifier)

    def _imports(self, name: str, version: str) -> Iterator[tuple[str, str]]:
        """What the code of a release imports, stated as ranges."""
        for other in ranges.imported(name, version):
            found = ranges.window(name, version, other)
            if found is None or (other not in self.installed and other not in self.wanted):
                continue
            first, last, without = found
            parts = [f">={first}"] if first else []
            parts += [f"<={last}"] if last else []
            yield other, ",".join([*parts, *(f"!={each}" for each in without)])

    def _partners(self, torch: str) -> Iterator[tuple[str, str]]:
        """A new torch moves what was compiled against the old one."""
        for name in pairs.FAMILY:
            found = pairs.partner(torch, name) if name in self.installed or name in self.wanted else None
            if found:
                yield name, f"=={found}"

    def candidates(self, name: str, specs: Iterable[str]) -> list[str]:
        """Versions to try, best first: the one that is there, then the nearest (or the newest, when none is)."""
        specs = list(specs)
        have = self.installed.get(name)
        fits = have is not None and all(versions.accepts(spec, have) is not False for spec in specs)
        fits = fits and not self.other_build(name)
        if self.fixed(name):
            return [str(have)] if fits else []
        first = [str(have)] if fits else []
        return first + self._others(name, have, specs)

    def other_build(self, name: str) -> bool:
        """True when a goal names a build (``+cu121``) that is not the installed one, perhaps of the same release."""
        have = self.installed.get(name, "")
        named = [goal.spec for goal in self.wanted.get(name, ()) if versions.local(goal.spec)]
        return any(versions.accepts(spec, have) is False for spec in named)

    def _others(self, name: str, have: str | None, specs: list[str]) -> list[str]:
        bounds = (spec for bound, spec in self.lessons.bounds if bound == name)
        joined = ",".join(sorted(spec for spec in (*specs, *bounds) if spec))
        if not wheels.catalogued(name):
            made = from_specifier(joined) if joined or have is None else None
            return [made] if made else []
        key = (name, joined)
        if key not in self._offers:
            there = None if self.other_build(name) else have
            missing = self.lessons.missing
            offered = [v for v in versions.candidates(name, joined) if v != there and (name, v) not in missing]
            upwards = self._rises_with_torch(name)
            near = nearest_first(name, have, self._installable(name, offered), upwards)
            self._offers[key] = near if have else self._stated_first(name, near)
        return self._offers[key]

    def _stated_first(self, name: str, offered: list[str]) -> list[str]:
        """What comes new is what the project's own requirement lines ask for, where that can be had."""
        rows = self.snapshot.get("src.requirements", [])
        spec = next((row.get("spec") for row in rows if normalise(str(row.get("name"))) == name), None)
        return sorted(offered, key=lambda each: versions.accepts(str(spec), each) is not True) if spec else offered

    @cached_property
    def _offers(self) -> dict[tuple[str, str], list[str]]:
        return {}

    def _rises_with_torch(self, name: str) -> bool:
        """True for what states a torch while a finding wants a newer one: the release for it is a newer one, too."""
        have = self.installed.get(name)
        if have is None or not self._newer_torch:
            return False
        return any(other == TORCH for other, _ in self._all_needs(name, have, here=True))

    @cached_property
    def _newer_torch(self) -> bool:
        have = self.installed.get(TORCH)
        specs = [public(goal.spec) for goal in self.wanted.get(TORCH, ())]
        best = next((v for v in versions.candidates(TORCH) if all(versions.accepts(s, v) for s in specs)), None)
        return bool(have and best and specs) and versions.compare(str(have), str(best)) == -1

    def _installable(self, name: str, offered: list[str]) -> list[str]:
        """Those with a wheel for this Python and platform; all of them where nothing is known or none has one."""
        if self.tag is None or self.where is None:
            return offered
        ready = [v for v in offered if wheels.has_wheel(name, v, self.tag, self.where)]
        version = self.snapshot.get("python.version", "")
        return ready or [v for v in offered if versions.accepts(wheels.needs_python(name, v) or "", version)]


def agree(asks: Iterable[tuple[str, str]], there: Mapping[str, str]) -> bool:
    """True unless one of the requirements is known to be broken by what is there."""
    return all(name not in there or versions.accepts(spec, there[name]) is not False for name, spec in asks)


def public(spec: str) -> str:
    """A specifier without local parts; which build is meant is decided after solving."""
    return _LOCAL.sub("", spec)


def from_specifier(spec: str) -> str | None:
    """A version inside ``spec`` for a package whose releases are not known."""
    wanted = versions.spec(spec)
    if wanted is None:
        return None
    bases = [part.version.removesuffix(".*") for part in wanted] or ["9999"]
    guesses = [guess for base in bases for guess in (base, base + ".1", base + ".post1", _below(base))]
    return next((guess for guess in [*guesses, "0"] if versions.accepts(spec, guess)), None)


def _below(base: str) -> str:
    """A version shortly below ``base``: 81 -> 80.9999, 1.2 -> 1.1.9999."""
    found = versions.parse(base)
    release = list(found.release) if found else [0]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    release[-1] = max(release[-1] - 1, 0)
    return ".".join(map(str, [*release, 9999]))


def nearest_first(name: str, have: str | None, offered: list[str], upwards: bool = False) -> list[str]:
    """Nearest series (major.minor) first and its newest release within; without ``have`` newest first.

    ``upwards``: whatever is newer comes before whatever is older.
    """
    here = versions.parse(versions.public(have)) if have else None
    if here is None:
        return offered
    places = _places(name, str(here))

    def distance(version: str) -> tuple[bool, int, bool]:
        away = places[_series(version)] - places[_series(str(here))]
        return upwards and away < 0, abs(away), away > 0

    return sorted(offered, key=distance)  # stable: newest first within a series


@store.memo
def _places(name: str, here: str) -> dict[tuple[int, ...], int]:
    """Series of a package, and of the release that is there, by their order."""
    found = sorted({_series(v) for v in (*versions.known(name), here)})
    return {series: place for place, series in enumerate(found)}


@store.memo
def _series(version: str) -> tuple[int, ...]:
    found = versions.parse(version)
    return (found.epoch, *(*found.release, 0, 0)[:2]) if found else (0, 0, 0)
