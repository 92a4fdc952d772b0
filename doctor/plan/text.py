"""A plan for people: what it cures, what it changes, what is left to do by hand."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.model.patterns import compiled
from doctor.model.plan import Plan
from doctor.plan.order import changes_shell
from doctor.plan.script import install
from doctor.plan.shell import CONTROL, Target, command
from doctor.words import say


def render(plan: Plan, target: Target, language: str) -> str:
    """The plan as plain lines; control characters of strangers are dropped."""
    body = list(_lines(plan, target, language)) or [say(language, "fix.none")]
    return "\n".join(compiled(CONTROL).sub("", line) for line in body) + "\n"


def _lines(plan: Plan, target: Target, language: str) -> Iterator[str]:
    for goal in plan.goals:
        yield f"{say(language, 'fix.goal')} {goal.rule} {goal.slug} ({say(language, 'fix.' + goal.proof)})"
    if plan.moves:
        yield ""
        yield say(language, "fix.moves") + ":"
        yield from (f"  {move.name}: {move.old or '-'} -> {move.new or '-'}" for move in plan.moves)
    commands = list(_commands(plan, target))
    if commands:
        yield ""
        yield say(language, "fix.commands") + ":"
        yield from ("  " + line for line in commands)
    yield from _rest(plan, target, language)


def _commands(plan: Plan, target: Target) -> Iterator[str]:
    yield from (command(step, target) for step in plan.steps if changes_shell(step))
    for each in plan.installs:
        yield from install(each, target)
    yield from (command(step, target) for step in plan.steps if not changes_shell(step))


def _rest(plan: Plan, target: Target, language: str) -> Iterator[str]:
    if plan.advice:
        yield ""
        yield say(language, "fix.hand") + ":"
    for step in plan.advice:
        words = command(step, target) or " ".join(part for part in (step.target, step.to) if part)
        yield f"  {' '.join(step.because)} {words}"
    for found in plan.conflicts:
        yield ""
        yield say(language, "fix.conflict", slug=found.slug, who="; ".join(found.who))
        if found.cost:
            yield "  " + say(language, "fix.cost", cost=found.cost)
