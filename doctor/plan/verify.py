"""Before and after an application: whether the environment is still the same, whether the plan kept its promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from doctor.knowledge.derive import derive
from doctor.model import FixStep, Rule, Snapshot
from doctor.model.plan import Plan
from doctor.plan import choose
from doctor.plan.order import changes_shell
from doctor.plan.shell import Target, command


def changed(planned: Snapshot, now: Snapshot) -> list[str]:
    """What differs between the environment of the plan and that of now: distributions and the interpreter."""
    found = [
        name for name in ("python.version", "python.prefix") if planned.get(name) and planned.get(name) != now.get(name)
    ]
    before, after = planned.dists(), now.dists()
    found += [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """Slugs of the goals that the plan acts on, as a new check shows them."""

    cured: list[str]
    left: list[str]
    typed: list[str]  # not gone yet: their commands only have an effect in the user's own shell


def outcome(plan: Plan, rules: Sequence[Rule], now: Snapshot) -> Outcome:
    """What became of the plan's goals."""
    seen = choose.hits(rules, derive(now))
    by_us = {rule for step in plan.steps if not _typed(step) for rule in step.because}
    by_us |= {each.because for each in plan.constraints}
    by_user = {rule for step in plan.steps if _typed(step) for rule in step.because} - by_us
    goals = [goal for goal in plan.goals if goal.rule in by_us | by_user]
    return Outcome(
        [goal.slug for goal in goals if goal.rule not in seen],
        [goal.slug for goal in goals if goal.rule in seen and goal.rule in by_us],
        [goal.slug for goal in goals if goal.rule in seen and goal.rule in by_user],
    )


def _typed(step: FixStep) -> bool:
    return step.kind == "run" and changes_shell(step)


def by_shell(plan: Plan, target: Target) -> list[str]:
    """Commands that only have an effect in the user's own shell (limits, sourced files)."""
    return [command(step, target) for step in plan.steps if _typed(step)]
