"""The order in which steps are done: variables, clean-up, removals, installs, files, downloads. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from doctor.model import FixStep, Snapshot
from doctor.model.names import normalise
from doctor.model.plan import Install, Plan
from doctor.model.undoable import SHELL
from doctor.plan.choose import BY_HAND, Cure, said
from doctor.plan.constraints import World
from doctor.plan.files import exact

_AFTER = ("reinstall", "run", "link", "download")  # need what the installs bring
Key = tuple[str, str, str, tuple[tuple[str, str], ...]]

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


def ordered(
    cures: Sequence[Cure], world: World, rebuilt: Sequence[FixStep] = ()
) -> tuple[tuple[FixStep, ...], tuple[FixStep, ...]]:
    """``(steps in the order of doing, what only a person can do)``; pins are left to the installs."""
    found: dict[Key, FixStep] = {}
    for step in said(cures):
        each = None if _idle(step, world.snapshot) else exact(step, world.snapshot)
        if each is not None:
            first = found.get(_key(each), each)
            found[_key(each)] = first._replace(because=tuple(dict.fromkeys(first.because + each.because)))
    again = {normalise(step.target) for step in rebuilt if step.kind == "reinstall"}
    steps = [step for step in found.values() if step.kind != "reinstall" or normalise(step.target) not in again]
    steps += rebuilt
    by_hand = [step for step in steps if step.kind in BY_HAND or step.safety == "manual"]
    moved = {normalise(step.target) for step in steps if step.kind == "pin"}
    done = [step for step in steps if step not in by_hand and not _in_installs(step, moved)]
    return tuple(sorted(done, key=place)), tuple(by_hand)


def _idle(step: FixStep, snapshot: Snapshot) -> bool:
    """True for taking away a variable that is not set."""
    return step.kind == "unset_env" and snapshot.look("env." + step.target) == (True, None)


def _in_installs(step: FixStep, moved: set[str]) -> bool:
    """True for what the joint install does anyway."""
    return step.kind == "pin" or (step.kind == "reinstall" and normalise(step.target) in moved)


def _key(step: FixStep) -> Key:
    """What makes two steps one; of a download the repository, the folder and the files say all."""
    return step.kind, step.target, "" if step.kind == "download" else step.to, tuple(sorted(step.bound.items()))


def arranged(plan: Plan) -> Iterator[FixStep | Install]:
    """All that is done, in the one order of doing: variables, clean-up and removals, installs, what needs them."""
    shell = [step for step in plan.steps if changes_shell(step)]
    rest = [step for step in plan.steps if not changes_shell(step)]
    yield from shell
    yield from (step for step in rest if step.kind not in _AFTER)
    yield from plan.installs
    yield from (step for step in rest if step.kind in _AFTER)


def place(step: FixStep) -> int:
    """Rank of a step; a command that changes the shell itself stands with the variables."""
    return 1 if changes_shell(step) else _PLACE.get(step.kind, 7)


def changes_shell(step: FixStep) -> bool:
    """True for what must happen in the user's own shell to have an effect."""
    return step.kind in ("set_env", "unset_env") or (step.kind == "run" and step.target.startswith(SHELL))
