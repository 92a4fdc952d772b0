"""Where nothing may be installed, and the way out there. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from doctor.model import FixStep, Snapshot
from doctor.model.plan import Install, Plan
from doctor.plan.order import arranged
from doctor.plan.place import fresh
from doctor.plan.shell import Target, is_condas, quote


@dataclass(frozen=True, slots=True)
class Refusal:
    """``why``: system (PEP 668), readonly, frozen (CEP 22), base (of conda) or locked (``name``: the lock file).

    ``lines``: what to type instead.
    """

    why: str
    name: str = ""
    lines: tuple[str, ...] = ()


def refusal(plan: Plan, snapshot: Snapshot, target: Target) -> Refusal | None:
    """Why the installer must not be used here; None when it may, or when the plan installs nothing."""
    if not plan.installs and not any(step.kind in ("uninstall", "reinstall") for step in plan.steps):
        return None
    if snapshot.get("python.externally_managed"):
        return Refusal("system", "", _own_environment(snapshot, target))
    if snapshot.get("python.writable") is False:
        return Refusal("readonly", "", _own_environment(snapshot, target))
    if snapshot.get("conda.frozen"):
        return Refusal("frozen", "", _own_environment(snapshot, target))
    if snapshot.get("conda.base") and any(_touches_conda(each, target) for each in arranged(plan)):
        return Refusal("base", "", _own_environment(snapshot, target))
    lock = str(snapshot.get("python.lock") or "").replace("\\", "/").rpartition("/")[2]
    return Refusal("locked", lock, _by_lock(lock, plan, target)) if lock else None


def _touches_conda(each: FixStep | Install, target: Target) -> bool:
    return each.by == "conda" if isinstance(each, Install) else is_condas(each, target)


def _own_environment(snapshot: Snapshot, target: Target) -> tuple[str, ...]:
    """A new environment, then the same again for it; Debian and Ubuntu keep ``venv`` in a package of its own."""
    place = fresh(snapshot, target)
    lines = [place.make]
    if "venv" in snapshot.get("python.missing_modules", []) and target.installer != "uv" and not target.conda:
        lines.insert(0, ("" if snapshot.get("host.root") else "sudo ") + "apt-get install -y python3-venv")
    again = "".join(" " + quote(word, target.shell) for word in target.what)
    return (*lines, f"vlmdoctor fix --python {place.path}{again}")


def _by_lock(lock: str, plan: Plan, target: Target) -> tuple[str, ...]:
    """The project's own tool changes its lock; what only follows is left to that tool."""
    named = {goal.name for goal in plan.constraints}
    pins = [quote(move.pin, target.shell) for move in plan.moves if move.pin and move.name in named]
    gone = [quote(step.target, target.shell) for step in plan.steps if step.kind == "uninstall"]
    again = [quote(step.target, target.shell) for step in plan.steps if step.kind == "reinstall"]
    index = next((each.index for each in plan.installs if each.index), None)
    maker = _TOOLS.get(lock)
    return tuple(maker(" ".join(pins), " ".join(gone), " ".join(again), index)) if maker else ()


def _uv(pins: str, gone: str, again: str, index: str | None) -> list[str]:
    add = f"uv add --index {index} {pins}" if index else f"uv add {pins}"
    fresh = "uv sync " + " ".join(f"--reinstall-package {name}" for name in again.split())
    return [*([f"uv remove {gone}"] if gone else []), *([add] if pins else []), *([fresh] if again else [])]


def _poetry(pins: str, gone: str, again: str, index: str | None) -> list[str]:
    lines = [f"poetry remove {gone}"] if gone else []
    if index and pins:
        name = "pytorch-" + index.rpartition("/")[2]
        return [*lines, f"poetry source add --priority=explicit {name} {index}", f"poetry add --source {name} {pins}"]
    fresh = f"poetry run python -m pip install --force-reinstall --no-deps {again}"
    return [*lines, *([f"poetry add {pins}"] if pins else []), *([fresh] if again else [])]


def _pdm(pins: str, gone: str, again: str, index: str | None) -> list[str]:
    lines = [f"pdm remove {gone}"] if gone else []
    lines += [f"pdm config pypi.extra.url {index}"] if index and pins else []
    return [*lines, *([f"pdm add {pins}"] if pins else []), *(["pdm sync --reinstall"] if again else [])]


def _pipenv(pins: str, gone: str, again: str, index: str | None) -> list[str]:
    lines = [f"pipenv uninstall {gone}"] if gone else []
    install = f"pipenv install --index {index} {pins}" if index else f"pipenv install {pins}"
    fresh = f"pipenv run python -m pip install --force-reinstall --no-deps {again}"
    return [*lines, *([install] if pins else []), *([fresh] if again else [])]


def _pixi(pins: str, gone: str, again: str, index: str | None) -> list[str]:
    lines = [f"pixi remove --pypi {gone}"] if gone else []
    lines += [f"pixi add --pypi {pins}"] if pins else []
    return [*lines, *(["pixi clean", "pixi install"] if again else [])]


_TOOLS = {"uv.lock": _uv, "poetry.lock": _poetry, "pdm.lock": _pdm, "Pipfile.lock": _pipenv, "pixi.lock": _pixi}
