"""Cures that agree with each other and with what must stay, and how the machine looks after them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from doctor.errors import PlanLate
from doctor.knowledge import versions
from doctor.model import FixStep, Snapshot
from doctor.model.names import normalise
from doctor.model.plan import Constraint, Move, Side
from doctor.plan import choose, lanes
from doctor.plan.choose import Cure
from doctor.plan.conda import TORCH, cleared
from doctor.plan.constraints import Lessons, World, agree
from doctor.plan.rebuild import rebuilds
from doctor.plan.simulate import pinned, simulate
from doctor.plan.solve import Unsolvable, moved, solve

AGREEING = 40  # releases of what only comes along that are looked at
Refused = tuple[Cure, tuple[Side, ...]]  # with the requirements that disagree


@dataclass(frozen=True, slots=True)
class Terms:
    """What the user has promised and what the installer has said; ``late``: the caller can wait no longer."""

    keep: frozenset[str]
    lessons: Lessons
    late: Callable[[], bool] = bool  # of nothing: False


@dataclass(frozen=True, slots=True)
class Draft:
    """Cures that agree, the versions they lead to, and those that had to be left out."""

    cures: tuple[Cure, ...]
    world: World
    solution: dict[str, str]
    moves: tuple[Move, ...]
    rebuilt: tuple[FixStep, ...] = ()
    refused: tuple[Refused, ...] = ()
    spared: tuple[Cure, ...] = ()  # what the other cures cure as well


def together(snapshot: Snapshot, cures: Sequence[Cure], terms: Terms) -> Draft:
    """As many cures as agree, best first; one that stands in the way takes another way or is left out."""
    rest, refused = list(cures), list[Refused]()
    while True:
        try:
            draft = solved(snapshot, rest, terms)
            break
        except Unsolvable as error:
            loser = _loser(rest, error.who)
            if loser is None:
                return _one_by_one(snapshot, cures, terms)
            first = next((each for each in cures if each.finding.rule == loser.finding.rule), loser)
            who = next((who for each, who in refused if each is first), error.who)
            others = loser.others()
            rest = [others[0] if each is loser and others else each for each in rest if each is not loser or others]
            refused = [*(pair for pair in refused if pair[0] is not first), (first, who)]
    taken = {cure.finding.rule for cure in draft.cures}
    left = tuple(pair for pair in refused if pair[0].finding.rule not in taken)
    return _again(snapshot, replace(draft, refused=left), terms)


def _loser(cures: Sequence[Cure], who: Sequence[Side]) -> Cure | None:
    """Of the cures that a disagreement names, also by the release that one of them asked for, the least important."""
    named = {side.by for side in who} | {side.by.partition(" ")[0] for side in who}
    found = [cure for cure in cures if cure.finding.rule in named or named & _pins(cure)]
    return max(found, key=lambda cure: (_weight(cure), cures.index(cure)), default=None)


def _weight(cure: Cure) -> tuple[bool, bool]:
    """An error comes before a warning, and what says which torch it must be before what goes by the torch."""
    return cure.finding.severity != "error", TORCH not in _pins(cure)


def _pins(cure: Cure) -> set[str]:
    return {normalise(step.target) for step in cure.steps if step.kind == "pin"}


def _again(snapshot: Snapshot, draft: Draft, terms: Terms) -> Draft:
    """One that was left out for the sake of another that was left out itself is taken in again."""
    for pair in draft.refused if len(draft.refused) > 1 else ():
        try:
            more = solved(snapshot, (*draft.cures, pair[0]), terms)
        except Unsolvable:
            continue
        draft = replace(more, refused=tuple(each for each in draft.refused if each is not pair))
    return draft


def _one_by_one(snapshot: Snapshot, cures: Sequence[Cure], terms: Terms) -> Draft:
    """Where the disagreement names no cure: each in turn beside those before it."""
    draft = solved(snapshot, (), terms)
    refused = list[Refused]()
    for cure in cures:
        who: tuple[Side, ...] = ()
        for each in (cure, *cure.others()):
            try:
                draft = solved(snapshot, (*draft.cures, each), terms)
                break
            except Unsolvable as error:
                who = who or error.who
        else:
            refused.append((cure, who))
    return replace(draft, refused=tuple(refused))


def solved(snapshot: Snapshot, cures: Sequence[Cure], terms: Terms) -> Draft:
    """All of these cures. Raises Unsolvable, and PlanLate."""
    if terms.late():
        raise PlanLate
    torn = [side for cure in cures for side in _torn(snapshot, cure, terms.keep)]
    if torn:
        raise Unsolvable(torn)
    world = world_of(snapshot, cures, terms)
    solution = solve(world)
    changed = moved(world, solution)
    held = [side for name in lanes.torn(world, changed) for side in _held(world, name)]
    if held:
        raise Unsolvable(held)
    moves = lanes.moves(world, changed)
    first = cleared(world.conda, moves)
    built = rebuilds(world, moves)
    because = tuple(goal.because for goal in world.wanted.get(TORCH, ()))
    return Draft(tuple(cures), world, solution, moves, (first._replace(because=because), *built) if first else built)


def _torn(snapshot: Snapshot, cure: Cure, keep: frozenset[str]) -> Iterator[Side]:
    """What is to stay and would be removed: a side without a version asks that it goes."""
    installed = snapshot.dists()
    for name in sorted(choose.removed([cure]) & keep & installed.keys()):
        yield Side(cure.finding.rule, name, "")
        yield Side("keep", name, installed[name])


def _held(world: World, name: str) -> Iterator[Side]:
    """What is to stay as it is, and would have to go along with a torch of another CUDA lane."""
    for goal in world.wanted.get(TORCH, ()):
        yield Side(goal.because, TORCH, goal.spec)
    yield Side("keep", name, world.installed[name])


def world_of(snapshot: Snapshot, cures: Sequence[Cure], terms: Terms) -> World:
    """What the solver sees when these cures are wanted."""
    return World(snapshot, _goals(cures), terms.keep, choose.removed(cures), lessons=terms.lessons)


def _goals(cures: Sequence[Cure]) -> tuple[Constraint, ...]:
    return tuple(dict.fromkeys(choose.constraints(cures)))


def predicted(snapshot: Snapshot, draft: Draft) -> Snapshot:
    """The machine after the draft, as far as its steps have effects that are facts."""
    pins = {move.name: move.new for move in draft.moves if move.new}
    pins = {**_brought_along(snapshot, draft, pins), **pins}
    steps = [FixStep("pin", name, f"=={version}", "changes-env") for name, version in pins.items()]
    done = [step for step in choose.said(draft.cures) if step.safety != "manual"]
    rest = [step for step in done if step.kind in choose.SIMULATED and step.kind != "pin"]
    gone = [step for step in rest if step.kind == "uninstall"]
    built = [step for step in draft.rebuilt if step.safety != "manual"]
    return simulate(snapshot, [*gone, *steps, *rest, *built])


def _brought_along(snapshot: Snapshot, draft: Draft, pins: dict[str, str]) -> dict[str, str]:
    """What the installer adds because a moved distribution, or one that it adds itself, asks for it."""
    found: dict[str, str] = {}
    settled = {**draft.world.installed, **pins}
    asking = list(pins.items())
    while asking:
        for other, spec in draft.world.asked(*asking.pop()):
            if other not in pins and other not in found and snapshot.get(f"dist.{other}") is None:
                found[other] = _agreeing(draft.world, other, spec, settled)
                asking.append((other, found[other]))
    return found


def _agreeing(world: World, name: str, spec: str, settled: Mapping[str, str]) -> str:
    """The newest release in ``spec`` that is content with what is settled: an installer solves all in one call."""
    offered = versions.candidates(name, spec)[:AGREEING]
    return next((each for each in offered if agree(world.asked(name, each), settled)), pinned(name, spec))
