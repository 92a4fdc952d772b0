"""Findings -> one plan that agrees with itself, with the machine and with its own prediction. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from doctor.knowledge.derive import derive
from doctor.model import Finding, Rule, Snapshot
from doctor.model.names import normalise
from doctor.model.plan import Goal, Plan
from doctor.plan import choose, lanes
from doctor.plan.choose import Cure, hits
from doctor.plan.constraints import Lessons
from doctor.plan.disagree import conflict
from doctor.plan.draft import Draft, Terms, predicted, solved, together, world_of
from doctor.plan.order import ordered
from doctor.plan.solve import Unsolvable

NOTHING = Lessons()
ROUNDS = 4  # of taking in what a prediction shows


def plan(
    snapshot: Snapshot,
    rules: Sequence[Rule],
    keep: frozenset[str] = frozenset(),
    lessons: Lessons = NOTHING,
    late: Callable[[], bool] = bool,
) -> Plan:
    """The plan for every root error and warning of ``snapshot``; ``keep`` names distributions that must stay.

    ``late`` is asked between solutions (each takes about 0.1 s at most); PlanLate is raised when it says so.
    """
    terms = Terms(keep, lessons, late)
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
        conflict(cure, draft.cures, world_of(calm, (*draft.cures, cure), terms), who, draft.moves, late)
        for cure, who in draft.refused
        if cure not in anyway
    )
    meant = {cure.finding.rule: cure for cure in (*draft.cures, *draft.spared, *anyway)}
    order = [*(rule for rule in asked if rule in meant), *(rule for rule in meant if rule not in asked)]
    first = {cure.finding.rule: cure.finding for cure in cures}
    goals = tuple(_goal(meant[rule], _proof(rule, before, after, asked), first.get(rule)) for rule in order)
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


def _goal(cure: Cure, proof: str, asked: Finding | None) -> Goal:
    """In the words of the finding as the user has it, not of one that a prediction shows."""
    found = asked or cure.finding
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
        draft = together(snapshot, cures, terms)
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
        less = together(snapshot, [other for other in draft.cures if other is not cure], terms)
        then = hits(rules, predicted(snapshot, less))
        if len(then.keys() - before.keys()) < len(fresh):
            draft, after = replace(less, refused=draft.refused), then
    return draft, after


def _without_excess(
    snapshot: Snapshot, rules: Sequence[Rule], draft: Draft, after: dict[str, Finding], terms: Terms
) -> tuple[Draft, dict[str, Finding]]:
    """Leaves out the moves of cures whose findings the others cure as well: the least change wins."""
    table = {rule.id: rule for rule in rules}
    last_first = list(reversed(draft.cures))
    for cure in sorted(last_first, key=lambda cure: not _changes_installed(cure, snapshot)):
        if len(draft.cures) < 2 or not cure.certain or _needed(cure, draft, snapshot, table[cure.finding.rule]):
            continue
        try:
            less = solved(snapshot, [other for other in draft.cures if other is not cure], terms)
        except Unsolvable:
            continue
        if len(less.moves) >= len(draft.moves):
            continue
        then = hits(rules, predicted(snapshot, less))
        if then.keys() <= after.keys():
            spared = (*draft.spared, cure)
            draft, after = replace(less, refused=draft.refused, spared=spared), then
    return draft, after


def _needed(cure: Cure, draft: Draft, snapshot: Snapshot, rule: Rule) -> bool:
    """True when the finding is there again without the moves that its cure names: a first look without solving."""
    own = {normalise(step.target) for step in cure.steps}
    others = tuple(move for move in draft.moves if move.name not in own)
    cures = tuple(other for other in draft.cures if other is not cure)
    without = predicted(snapshot, replace(draft, moves=others, cures=cures))
    return rule.id in hits([rule], without)


def _changes_installed(cure: Cure, snapshot: Snapshot) -> bool:
    """True when a cure moves what is there; one that adds something missing disturbs less."""
    return any(snapshot.get("dist." + normalise(step.target)) for step in cure.steps if step.kind in choose.PACKAGES)


def _about_installed(found: Finding, draft: Draft) -> bool:
    """True for what packages cure that are there already; what is missing the installer brings by itself."""
    if not found.fix:
        return False
    cure = Cure(found, choose.ways(found)[0])
    return cure.certain and all(normalise(step.target) in draft.world.installed for step in cure.steps)


def _better(cure: Cure, after: dict[str, Finding], had: bool) -> Cure | None:
    """The finding of now, when it asks for something else than before; else another way, when its way did not help."""
    found = after.get(cure.finding.rule)
    if found is None or not (cure.certain or not had):
        return None
    if not all(step in cure.finding.fix for step in found.fix):  # not only what of the cure is left to do by hand
        return Cure(found, cure.way if cure.way in choose.ways(found) else choose.ways(found)[0])
    others = cure.others() if had else []
    return others[0] if others else None


def _of_the_plan(found: Finding) -> Cure:
    """What only the plan would bring is not left to the user where a program can go another way."""
    first = Cure(found, choose.ways(found)[0])
    by_hand = all(step.kind in choose.BY_HAND for step in first.steps)
    return next(iter(first.others()), first) if by_hand else first


def _improved(
    draft: Draft, after: dict[str, Finding], before: dict[str, Finding], beneath: dict[str, str]
) -> list[Cure] | None:
    """The cures with another way where one failed, with what newly appeared and with consequences that stay.

    None when nothing is to gain.
    """
    changed = False
    cures: list[Cure] = []
    for cure in (*draft.cures, *(cure for cure, _ in draft.refused)):
        better = _better(cure, after, cure in draft.cures)
        cures.append(better or cure)
        changed = changed or better is not None
    known = {cure.finding.rule for cure in cures}
    acting = {cure.finding.rule: cure for cure in draft.cures}
    for rule, found in after.items():
        fresh = rule not in before and (found.severity == "error" or _about_installed(found, draft))
        root = acting.get(beneath.get(rule, ""))
        # one whose root goes by another cure, and which stays, is no consequence any more
        stays = choose.left_over(found, root) if root else rule in beneath and beneath[rule] not in after
        if rule not in known and found.fix and (fresh or stays):
            cures.append(_of_the_plan(found) if fresh else Cure(found, choose.ways(found)[0]))
            changed = True
    return cures if changed else None
