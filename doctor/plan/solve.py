"""Constraints -> versions that agree. The one module that imports resolvelib; pure.

Order of preference: what is there stays; torch before everything else; what findings name; then the rest. A
distribution that must move goes to the nearest series that fits, and to its newest release.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, ResolutionTooDeep, Resolver

from doctor.errors import PlanConflict
from doctor.knowledge import versions
from doctor.model.plan import Side
from doctor.plan.conda import TORCH
from doctor.plan.constraints import World, agree, public


@dataclass(frozen=True, slots=True)
class Ask:
    """A requirement of the solver. ``by`` names who asks."""

    name: str
    spec: str
    by: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A candidate of the solver."""

    name: str
    version: str


class Unsolvable(PlanConflict):
    """No versions agree; ``who`` lists the requirements that disagree."""

    def __init__(self, who: Sequence[Side]) -> None:
        super().__init__("; ".join(f"{side.by} asks {side.name}{side.spec}" for side in who))
        self.who = tuple(who)


class _Provider(AbstractProvider[Ask, Choice, str]):
    def __init__(self, world: World) -> None:
        self.world = world

    def identify(self, requirement_or_candidate: Ask | Choice) -> str:
        return requirement_or_candidate.name

    def get_preference(
        self,
        identifier: str,
        resolutions: Mapping[str, Choice],
        candidates: Mapping[str, Iterator[Choice]],
        information: Mapping[str, Iterator[Any]],
        backtrack_causes: Sequence[Any],
    ) -> tuple[bool, bool, bool, str]:
        return (
            not self.world.fixed(identifier),
            identifier != TORCH,
            identifier not in self.world.wanted,
            identifier,
        )

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Ask]],
        incompatibilities: Mapping[str, Iterator[Choice]],
    ) -> list[Choice]:
        specs = dict.fromkeys(ask.spec for ask in requirements[identifier])
        ruled_out = {choice.version for choice in incompatibilities[identifier]}
        found = self.world.candidates(identifier, specs)
        return [Choice(identifier, version) for version in found if version not in ruled_out]

    def is_satisfied_by(self, requirement: Ask, candidate: Choice) -> bool:
        return versions.accepts(requirement.spec, candidate.version) is not False

    def get_dependencies(self, candidate: Choice) -> list[Ask]:
        by = f"{candidate.name} {candidate.version}"
        return [Ask(name, spec, by) for name, spec in self.world.needs(candidate.name, candidate.version)]


def solve(world: World) -> dict[str, str]:
    """A version for everything that is installed or wanted. Raises Unsolvable.

    Requirements that are not met today either give way when they stand in the way.
    """
    try:
        return _solve(world)
    except Unsolvable:
        if world.lenient:
            raise
        return _solve(replace(world, lenient=True, cache={}))


def _solve(world: World) -> dict[str, str]:
    """Only the goals and what they ask for is solved; what stays is taken in when a move breaks it after all."""
    names = frozenset(goal.name for goal in world.goals)
    while True:
        solution = {**world.installed, **_resolved(world, names)}
        others = world.installed.keys() - names
        broken = {name for name in others if not agree(world.needs(name, world.installed[name]), solution)}
        if not broken:
            return solution
        names = names | broken


def _resolved(world: World, names: frozenset[str]) -> dict[str, str]:
    resolver: Any = Resolver(_Provider(world), BaseReporter())
    roots = _roots(world, names)
    try:
        found = resolver.resolve(roots, max_rounds=world.rounds)
    except ResolutionImpossible as error:
        raise Unsolvable(_who(world, (cause.requirement for cause in error.causes))) from None
    except ResolutionTooDeep:
        raise Unsolvable(_who(world, roots)) from None
    return {name: choice.version for name, choice in found.mapping.items()}


def _roots(world: World, names: frozenset[str]) -> list[Ask]:
    goals = [Ask(goal.name, public(goal.spec), goal.because) for goal in world.goals]
    return [*goals, *(Ask(name, "", "installed") for name in sorted(names & world.installed.keys()))]


def _who(world: World, asks: Iterable[Ask]) -> list[Side]:
    """The sides of a conflict, what must stay behind those who ask for something else."""
    full = {(goal.because, goal.name): goal.spec for goal in world.goals}
    sides = [Side(ask.by, ask.name, full.get((ask.by, ask.name), ask.spec)) for ask in asks if ask.spec]
    held = [name for name in dict.fromkeys(side.name for side in sides) if world.fixed(name)]
    return list(dict.fromkeys([*sides, *(Side("keep", name, world.installed[name]) for name in held)]))


def moved(world: World, solution: Mapping[str, str]) -> dict[str, tuple[str | None, str]]:
    """``{distribution: (old, new)}`` of what changes."""
    return {
        name: (world.installed.get(name), version)
        for name, version in solution.items()
        if world.installed.get(name) != version or world.other_build(name)
    }
