"""The commands of a plan for a report, where they say more than those of the findings one by one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from doctor.model.plan import Conflict, Install, Plan
from doctor.model.report import Entry, Together
from doctor.plan.choose import BY_HAND
from doctor.plan.order import arranged
from doctor.plan.script import install
from doctor.plan.shell import Target, command
from doctor.report.plan import moved, side
from doctor.words import say


def joint(plan: Plan, entries: Sequence[Entry], target: Target, language: str) -> Together | None:
    """What to type for all findings of a plan; None when it is what the only one of them says itself."""
    ways = {goal.rule: goal.way for goal in plan.goals}
    cured = [entry for entry in entries if _typed(entry, ways.get(entry.finding.rule))]
    commands = tuple(_commands(plan, target))
    own = [_typed(entry, ways[entry.finding.rule]) for entry in cured]
    if not commands or [list(commands)] == own:
        return None
    moves = tuple(moved(move, language) for move in plan.moves)
    conflicts = tuple((found.slug, _who(found, language)) for found in plan.conflicts)
    at_odds = {found.rule for found in plan.conflicts}
    return Together(moves, commands, frozenset({entry.finding.rule for entry in cured} | at_odds), conflicts)


def _who(found: Conflict, language: str) -> str:
    return say(language, "fix.and").join(side(each, language) for each in found.who)


def _typed(entry: Entry, way: int | None) -> list[str]:
    """The commands of a finding that a plan takes over: none when one of them destroys something."""
    steps = [each for each in entry.commands if each.way == way and each.kind not in BY_HAND]
    return [] if any(each.safety in ("destructive", "manual") for each in steps) else [e.text for e in steps if e.text]


def _commands(plan: Plan, target: Target) -> Iterator[str]:
    """In the order of doing, without the list of what the installer must leave alone, which only a script needs."""
    for each in arranged(plan):
        if isinstance(each, Install):
            yield from install(each if each.by == "conda" else replace(each, limits=()), target)
        elif each.safety != "destructive":
            yield from filter(None, [command(each, target)])
