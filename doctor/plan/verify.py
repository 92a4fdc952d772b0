"""Before and after an application: whether the environment is still the same, whether the plan kept its promise."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.knowledge.derive import derive
from doctor.model import Rule, Snapshot
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


def outcome(plan: Plan, rules: Sequence[Rule], now: Snapshot) -> tuple[list[str], list[str]]:
    """Slugs that are gone and slugs that a new check still shows (of the plan's goals that it acts on)."""
    seen = choose.hits(rules, derive(now))
    done = {rule for step in plan.steps for rule in step.because} | {each.because for each in plan.constraints}
    goals = [goal for goal in plan.goals if goal.rule in done]
    cured = [goal.slug for goal in goals if goal.rule not in seen]
    return cured, [goal.slug for goal in goals if goal.rule in seen]


def by_shell(plan: Plan, target: Target) -> list[str]:
    """Commands that only have an effect in the user's own shell (limits, sourced files)."""
    return [command(step, target) for step in plan.steps if step.kind == "run" and changes_shell(step)]
