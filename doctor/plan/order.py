"""The order in which steps are done: variables, clean-up, removals, installs, files, downloads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.model import FixStep
from doctor.plan.choose import BY_HAND, Cure
from doctor.plan.constraints import World

STATE = ("export ", "unset ", "ulimit ", "source ", ". ", "umask ")
_PLACE = {
    "set_env": 0,
    "unset_env": 0,
    "delete": 2,
    "move": 3,
    "uninstall": 4,
    "pin": 5,
    "reinstall": 6,
    "run": 7,
    "link": 8,
    "download": 9,
}


def ordered(cures: Sequence[Cure], world: World) -> tuple[tuple[FixStep, ...], tuple[FixStep, ...]]:
    """``(steps in the order of doing, what only a person can do)``; pins are left to the installs."""
    every = list(dict.fromkeys(_key(step) for cure in cures for step in cure.steps))
    found = {_key(step): step for cure in reversed(cures) for step in cure.steps}
    steps = [found[key] for key in every]
    by_hand = [step for step in steps if step.kind in BY_HAND or step.safety == "manual"]
    done = [step for step in steps if step not in by_hand and step.kind != "pin"]
    return tuple(sorted(done, key=place)), tuple(by_hand)


def _key(step: FixStep) -> tuple[str, str, str, tuple[tuple[str, str], ...]]:
    return step.kind, step.target, step.to, tuple(sorted(step.bound.items()))


def place(step: FixStep) -> int:
    """Rank of a step; a command that changes the shell itself stands with the variables."""
    return 1 if changes_shell(step) else _PLACE.get(step.kind, 7)


def changes_shell(step: FixStep) -> bool:
    """True for what must happen in the user's own shell to have an effect."""
    return step.kind in ("set_env", "unset_env") or (step.kind == "run" and step.target.startswith(STATE))
