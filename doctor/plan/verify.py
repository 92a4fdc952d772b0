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
    waiting: list[str]  # nothing was done yet: to be typed in the user's own shell, or not allowed


def outcome(plan: Plan, rules: Sequence[Rule], now: Snapshot, allow: bool) -> Outcome:
    """What became of the plan's goals. ``allow``: what destroys something was done, too."""
    seen = choose.hits(rules, derive(now))
    done = [step for step in plan.steps if not _typed(step) and (allow or step.safety != "destructive")]
    by_us = {rule for step in done for rule in step.because} | {each.because for each in plan.constraints}
    others = {rule for step in plan.steps for rule in step.because} - by_us
    goals = [goal for goal in plan.goals if goal.rule in by_us | others]
    return Outcome(
        [goal.slug for goal in goals if goal.rule not in seen],
        [goal.slug for goal in goals if goal.rule in seen and goal.rule in by_us],
        [goal.slug for goal in goals if goal.rule in seen and goal.rule in others],
    )


def _typed(step: FixStep) -> bool:
    return step.kind == "run" and changes_shell(step)


def by_shell(plan: Plan, target: Target) -> list[str]:
    """Commands that only have an effect in the user's own shell (limits, sourced files)."""
    return [command(step, target) for step in plan.steps if _typed(step)]
