"""A finding that cannot be cured beside the rest: what giving way would cost, and what else serves the goal. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from doctor.errors import PlanLate
from doctor.knowledge import cuda, substitutes, versions, wheels
from doctor.knowledge.derive import changed, derive
from doctor.model import Snapshot
from doctor.model.names import normalise
from doctor.model.plan import Conflict, Constraint, Instead, Move, Price, Side
from doctor.plan import choose, lanes
from doctor.plan.choose import Cure
from doctor.plan.conda import TORCH
from doctor.plan.constraints import World
from doctor.plan.solve import Unsolvable, moved, solve

PYTHONS = (10, 11, 12, 9, 13, 8)  # minor versions to try for an environment of its own, the widest served first
STACK = ("torchvision", "torchaudio", "transformers", "accelerate", "bitsandbytes", "peft", "qwen-vl-utils", "timm")
MODELS = ("transformers",)
ROUNDS = 60  # versions tried for another way
MOST_MOVES = 40  # of a price that is worth telling


def conflict(
    cure: Cure,
    others: Sequence[Cure],
    world: World,
    who: tuple[Side, ...],
    planned: Sequence[Move] = (),
    late: Callable[[], bool] = bool,
) -> Conflict:
    """``world``: the goals of ``others`` and of ``cure`` together, which cannot be solved.

    A price is what comes on top of ``planned``. Raises PlanLate.
    """
    if late():
        raise PlanLate
    found = cure.finding
    full = _prices(cure, others, world, {side.name for side in who})
    prices = tuple(replace(price, moves=tuple(move for move in price.moves if move not in planned)) for price in full)
    instead = tuple(_instead(cure, world))
    return Conflict(found.rule, found.slug, found.severity, who, prices, instead, dict(found.bound))


def _prices(cure: Cure, others: Sequence[Cure], world: World, named: set[str]) -> Iterator[Price]:
    """Each side alone gives way; those that do not help are left out. Several together are asked when none does."""
    found = list(_alone(cure, others, world, named))
    if not found and (world.keep or TORCH in world.installed):
        free = _fresh(world, keep=frozenset(), torch_free=True)
        found = list(_price("keep", ", ".join(sorted({*world.keep, TORCH} & world.installed.keys())), free))
    yield from found or _other_python(world)


def _alone(cure: Cure, others: Sequence[Cure], world: World, named: set[str]) -> Iterator[Price]:
    for name in sorted(world.keep & named):
        yield from _price("keep", name, _fresh(world, keep=world.keep - {name}))
    if TORCH not in world.keep and TORCH in world.installed and TORCH not in world.wanted:
        yield from _price("torch", world.installed[TORCH], _fresh(world, torch_free=True))
    for other in others:
        if any(step.kind == "pin" for step in other.steps):
            rest = [each for each in (*others, cure) if each is not other]
            goals = tuple(dict.fromkeys(choose.constraints(rest)))
            yield from _price("rule", other.finding.rule, _fresh(world, goals=goals, gone=choose.removed(rest)))


def _other_python(world: World) -> Iterator[Price]:
    """The same with the first other Python that makes it possible."""
    own = versions.parse(world.snapshot.get("python.version"))
    for minor in PYTHONS if own else ():
        if own and minor != own.minor:
            there = world.snapshot.with_facts({"python.version": f"3.{minor}.0"})
            found = list(_price("python", f"3.{minor}", _fresh(world, snapshot=there)))
            if found:
                yield from found
                return


def _fresh(world: World, **changes: object) -> World:
    return replace(world, cache={}, rounds=ROUNDS, **changes)  # type: ignore[arg-type]


def _price(gives: str, name: str, world: World) -> Iterator[Price]:
    try:
        moves = lanes.moves(world, moved(world, solve(world)))
    except Unsolvable:
        return
    if len(moves) <= MOST_MOVES:
        yield Price(gives, name, moves)


def _instead(cure: Cure, world: World) -> Iterator[Instead]:
    names = [normalise(step.target) for step in cure.steps if step.kind == "pin"]
    goals = choose.constraints([cure])
    yield from _environment(goals, world)
    for name in names:
        yield from _engines(name, world)
    yield from _driver(cure, world)
    yield from _models(set(names), world.snapshot)


def _models(names: set[str], snapshot: Snapshot) -> Iterator[Instead]:
    """The same model without torch, where torch or an engine is the trouble; a smaller one, where quantisation is."""
    model = str(snapshot.get("model.asked") or "")
    engines = {name for name in names if substitutes.engines(name)}
    if not model or not (engines or TORCH in names):
        return
    repository = substitutes.gguf_of(model)
    if repository:
        yield Instead("gguf", repository)
    room = max((int(gpu.get("free") or gpu.get("total") or 0) for gpu in snapshot.get("gpus", [])), default=0)
    smaller = substitutes.smaller(model, room) if engines else None
    if smaller:
        yield Instead("model", smaller)


def _environment(goals: tuple[Constraint, ...], world: World) -> Iterator[Instead]:
    """A separate environment with what the finding asks for and the usual stack, at the versions of here if they go."""
    if not goals:
        return
    own = versions.parse(world.snapshot.get("python.version"))
    asked = {goal.name for goal in goals}
    torch = [goal for goal in world.goals if goal.name == TORCH and TORCH not in asked]
    for minor in dict.fromkeys([*([own.minor] if own else []), *PYTHONS]):
        bare = _bare(world, minor)
        for same in (STACK, MODELS, ()):
            goals_there = (*goals, *torch, *_stack(world, asked, (TORCH, *same)))
            empty = World(bare, goals_there, lenient=True, lessons=world.lessons, rounds=ROUNDS)
            try:
                solution = solve(empty)
            except Unsolvable:
                continue
            moves = lanes.moves(empty, moved(empty, solution))
            installs = lanes.installs(empty, moves, solution)
            pins = tuple(move.pin for move in moves if move.pin)
            yield Instead("environment", f"3.{minor}", pins, installs[0].index if installs else None)
            return


def _stack(world: World, asked: set[str], same: tuple[str, ...]) -> Iterator[Constraint]:
    """What of the usual stack is here; ``same``: at the same version."""
    named = {goal.name for goal in world.goals if goal.name == TORCH} | asked
    for name in (TORCH, *STACK):
        have = world.installed.get(name)
        if have and name not in named:
            yield Constraint(name, f"=={have}" if name in same else "", "stack")


def _bare(world: World, minor: int) -> Snapshot:
    """The same machine with another Python and nothing installed."""
    empty = changed(world.snapshot, dict.fromkeys(world.snapshot.dists()))
    facts = {"python.version": f"3.{minor}.0", "python.requires": {}, "python.unmet": []}
    return derive(empty.with_facts(facts))


def _engines(name: str, world: World) -> Iterator[Instead]:
    """Packages that do the same work and go with everything that is here."""
    for other in substitutes.engines(name):
        goals = (*(goal for goal in world.goals if goal.name != name), Constraint(other, "", "instead"))
        here = _fresh(world, goals=goals)
        if other in world.installed or not _has_wheel(other, world):
            continue
        try:
            moves = lanes.moves(here, moved(here, solve(here)))
        except Unsolvable:
            continue
        pins = tuple(move.pin for move in moves if move.pin)
        if len(pins) <= MOST_MOVES:
            yield Instead("engine", other, pins)


def _has_wheel(name: str, world: World) -> bool:
    return bool(world.tag and world.where and wheels.newest_wheel(name, world.tag, world.where))


def _driver(cure: Cure, world: World) -> Iterator[Instead]:
    """A newer driver, where the build that is there would run on one."""
    built = world.snapshot.get("torch.cuda")
    by_hand = any(step.kind == "advise" and step.target == "nvidia-driver" for step in cure.finding.fix)
    if by_hand and built:
        need = cuda.floor(str(built), str(world.snapshot.get("os.name", "linux")))
        if need:
            yield Instead("driver", need)
