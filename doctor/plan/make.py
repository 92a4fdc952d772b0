"""Findings -> one plan that agrees with itself, with the machine and with its own prediction. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from doctor.knowledge.derive import derive
from doctor.model import Finding, FixStep, Rule, Snapshot
from doctor.model.names import normalise
from doctor.model.plan import Constraint, Goal, Move, Plan, Side
from doctor.plan import choose, lanes
from doctor.plan.choose import Cure, hits
from doctor.plan.constraints import Lessons, World
from doctor.plan.disagree import conflict
from doctor.plan.order import ordered
from doctor.plan.rebuild import rebuilds
from doctor.plan.simulate import pinned, simulate
from doctor.plan.solve import Unsolvable, moved, solve

NOTHING = Lessons()
ROUNDS = 4  # of taking in what a prediction shows


@dataclass(frozen=True, slots=True)
class Terms:
    """What the user has promised and what the installer has said."""

    keep: frozenset[str]
    lessons: Lessons


@dataclass(frozen=True, slots=True)
class Draft:
    """Cures that agree, the versions they lead to, and those that had to be left out."""

    cures: tuple[Cure, ...]
    world: World
    solution: dict[str, str]
    moves: tuple[Move, ...]
    rebuilt: tuple[FixStep, ...] = ()
    refused: tuple[tuple[Cure, tuple[Side, ...]], ...] = ()  # with the requirements that disagree
    spared: tuple[Cure, ...] = ()  # what the other cures cure as well


def plan(
    snapshot: Snapshot, rules: Sequence[Rule], keep: frozenset[str] = frozenset(), lessons: Lessons = NOTHING
) -> Plan:
    """The plan for every root error and warning of ``snapshot``; ``keep`` names distributions that must stay."""
    terms = Terms(keep, lessons)
    snapshot = derive(snapshot)
    cures, beneath = choose.targets(rules, snapshot)
    calm = choose.without_log(snapshot)
    before = hits(rules, calm)
    draft, after = _settled(calm, rules, cures, terms, before, beneath)
    draft, after = _without_harm(calm, rules, draft, after, terms, before)
    draft, after = _without_excess(calm, rules, draft, after, terms)
    asked = [cure.finding.rule for cure in cures]
    gone = before.keys() - after.keys()
    anyway = [cure for cure, _ in draft.refused if cure.finding.rule in gone]
    conflicts = tuple(
        conflict(cure, draft.cures, _world(calm, (*draft.cures, cure), terms), who)
        for cure, who in draft.refused
        if cure not in anyway
    )
    meant = {cure.finding.rule: cure for cure in (*draft.cures, *draft.spared, *anyway)}
    order = [*(rule for rule in asked if rule in meant), *(rule for rule in meant if rule not in asked)]
    goals = tuple(_goal(meant[rule], _proof(rule, before, after, asked)) for rule in order)
    strange = tuple(
        rule for rule, found in after.items() if found.severity == "error" and rule not in before and rule not in meant
    )
    steps, advice = ordered(draft.cures, draft.world, draft.rebuilt)
    cured = {goal.rule for goal in goals if goal.proof != "afterwards"}
    advice = tuple(step for step in advice if step.bound.get("build") or not cured.issuperset(step.because))
    return Plan(
        goals=goals,
        constraints=draft.world.goals,
        moves=draft.moves,
        installs=lanes.installs(draft.world, draft.moves, draft.solution),
        steps=steps,
        conflicts=conflicts,
        advice=advice,
        unconfirmed=strange,
    )


def _goal(cure: Cure, proof: str) -> Goal:
    found = cure.finding
    return Goal(found.rule, found.slug, found.severity, cure.way, proof, dict(found.bound))


def _proof(rule: str, before: dict[str, Finding], after: dict[str, Finding], asked: Sequence[str]) -> str:
    """How it is known that a finding goes; one that only other steps of the plan would have brought is foreseen."""
    if rule in after:
        return "afterwards"
    return "simulated" if rule in before else "afterwards" if rule in asked else "foreseen"


def _settled(
    snapshot: Snapshot,
    rules: Sequence[Rule],
    cures: list[Cure],
    terms: Terms,
    before: dict[str, Finding],
    beneath: dict[str, str],
) -> tuple[Draft, dict[str, Finding]]:
    """A draft whose prediction has lost its goals and shows no new error, as far as ways reach."""
    for _ in range(ROUNDS):
        draft = _draft(snapshot, cures, terms)
        after = hits(rules, predicted(snapshot, draft))
        better = _improved(draft, after, before, beneath)
        if better is None:
            break
        cures = better
    return draft, after


def _without_harm(
    snapshot: Snapshot,
    rules: Sequence[Rule],
    draft: Draft,
    after: dict[str, Finding],
    terms: Terms,
    before: dict[str, Finding],
) -> tuple[Draft, dict[str, Finding]]:
    """Leaves out the cures of warnings that would bring new findings."""
    for cure in draft.cures:
        fresh = after.keys() - before.keys()
        if not fresh:
            break
        if cure.finding.severity != "warning" or not cure.steps:
            continue
        less = _draft(snapshot, [other for other in draft.cures if other is not cure], terms)
        then = hits(rules, predicted(snapshot, less))
        if len(then.keys() - before.keys()) < len(fresh):
            draft, after = replace(less, refused=draft.refused), then
    return draft, after


def _without_excess(
    snapshot: Snapshot, rules: Sequence[Rule], draft: Draft, after: dict[str, Finding], terms: Terms
) -> tuple[Draft, dict[str, Finding]]:
    """Leaves out the moves of cures whose findings the others cure as well: the least change wins."""
    last_first = list(reversed(draft.cures))
    for cure in sorted(last_first, key=lambda cure: not _changes_installed(cure, snapshot)):
        if len(draft.cures) < 2 or not cure.certain:
            continue
        try:
            less = _solved(snapshot, [other for other in draft.cures if other is not cure], terms)
        except Unsolvable:
            continue
        if len(less.moves) >= len(draft.moves):
            continue
        then = hits(rules, predicted(snapshot, less))
        if then.keys() <= after.keys():
            spared = (*draft.spared, cure)
            draft, after = replace(less, refused=draft.refused, spared=spared), then
    return draft, after


def _changes_installed(cure: Cure, snapshot: Snapshot) -> bool:
    """True when a cure moves what is there; one that adds something missing disturbs less."""
    return any(snapshot.get("dist." + normalise(step.target)) for step in cure.steps if step.kind in choose.PACKAGES)


def _improved(
    draft: Draft, after: dict[str, Finding], before: dict[str, Finding], beneath: dict[str, str]
) -> list[Cure] | None:
    """The cures with another way where one failed, with what newly appeared and with consequences that stay.

    None when nothing is to gain.
    """
    changed = False
    cures: list[Cure] = []
    for cure in draft.cures:
        stays = cure.certain and cure.finding.rule in after
        other = cure.others() if stays else []
        cures.append(other[0] if other else cure)
        changed = changed or bool(other)
    known = {cure.finding.rule: cure for cure in cures}
    for rule, found in after.items():
        fresh = found.severity == "error" and rule not in before
        root = known.get(beneath.get(rule, ""))
        stays = root is not None and choose.left_over(found, root)
        if rule not in known and found.fix and (fresh or stays):
            cures.append(Cure(found, choose.ways(found)[0]))
            changed = True
    return cures if changed else None


def _draft(snapshot: Snapshot, cures: Sequence[Cure], terms: Terms) -> Draft:
    """All cures together; where they cannot agree, the later ones take another way or are left out."""
    try:
        return _solved(snapshot, cures, terms)
    except Unsolvable:
        return _one_by_one(snapshot, cures, terms)


def _one_by_one(snapshot: Snapshot, cures: Sequence[Cure], terms: Terms) -> Draft:
    draft = _solved(snapshot, (), terms)
    refused: list[tuple[Cure, tuple[Side, ...]]] = []
    for cure in cures:
        who: tuple[Side, ...] = ()
        for each in (cure, *cure.others()):
            try:
                draft = _solved(snapshot, (*draft.cures, each), terms)
                break
            except Unsolvable as error:
                who = who or error.who
        else:
            refused.append((cure, who))
    return replace(draft, refused=tuple(refused))


def _solved(snapshot: Snapshot, cures: Sequence[Cure], terms: Terms) -> Draft:
    world = _world(snapshot, cures, terms)
    solution = solve(world)
    moves = lanes.moves(world, moved(world, solution))
    return Draft(tuple(cures), world, solution, moves, rebuilds(world, moves))


def _world(snapshot: Snapshot, cures: Sequence[Cure], terms: Terms) -> World:
    return World(snapshot, _goals(cures), terms.keep, choose.removed(cures), lessons=terms.lessons)


def _goals(cures: Sequence[Cure]) -> tuple[Constraint, ...]:
    return tuple(dict.fromkeys(choose.constraints(cures)))


def predicted(snapshot: Snapshot, draft: Draft) -> Snapshot:
    """The machine after the draft, as far as its steps have effects that are facts."""
    pins = {move.name: move.new for move in draft.moves if move.new}
    pins = {**_brought_along(snapshot, draft, pins), **pins}
    steps = [FixStep("pin", name, f"=={version}", "changes-env") for name, version in pins.items()]
    rest = [step for step in choose.said(draft.cures) if step.kind in choose.SIMULATED and step.kind != "pin"]
    gone = [step for step in rest if step.kind == "uninstall"]
    built = [step for step in draft.rebuilt if step.safety != "manual"]
    return simulate(snapshot, [*gone, *steps, *rest, *built])


def _brought_along(snapshot: Snapshot, draft: Draft, pins: dict[str, str]) -> dict[str, str]:
    """What the installer adds because a moved distribution asks for it."""
    found: dict[str, str] = {}
    for name, version in pins.items():
        for other, spec in draft.world.asked(name, version):
            if other not in pins and snapshot.get(f"dist.{other}") is None:
                found.setdefault(other, pinned(other, spec))
    return found
