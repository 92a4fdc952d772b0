"""What was compiled against the old torch is built again after the new one is there, in the same plan. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from doctor.knowledge import cuda, extensions, versions, wheels
from doctor.model import FixStep, Snapshot
from doctor.model.names import normalise
from doctor.model.plan import Move
from doctor.plan.conda import TORCH, owned_by
from doctor.plan.constraints import World


def rebuilds(world: World, moves: tuple[Move, ...]) -> tuple[FixStep, ...]:
    """One step for each extension whose torch changes under it.

    It is left to a person (safety ``manual``) where this machine lacks what a build needs.
    """
    torch = next((move for move in moves if move.name == TORCH), None)
    if torch is None or torch.old is None or torch.new is None:
        return ()
    old, new = _with_variant(world, torch.old), _with_variant(world, torch.new)
    if extensions.same_binary(old, new):
        return ()
    moved = {move.name for move in moves}
    because = tuple(goal.because for goal in world.wanted.get(TORCH, ()))
    away = moved | owned_by(world.conda, world.installed)  # conda's own builds state their torch
    names = [name for name in sorted(world.installed) if extensions.built_against_torch(name) and name not in away]
    return tuple(_rebuild(name, world, old, new, because) for name in names)


def _with_variant(world: World, torch: str) -> str:
    """``2.5.1`` of the default index -> ``2.5.1+cu124``."""
    if versions.local(torch):
        return torch
    variant = wheels.default_variant(torch, world.where or "")
    return f"{torch}+{variant}" if variant else torch


def _rebuild(name: str, world: World, old: str, new: str, because: tuple[str, ...]) -> FixStep:
    variant = versions.local(new)
    links = extensions.ready_wheels(name, new, variant)
    ready = links is not None or can_build(world.snapshot, cuda.variant_cuda(variant))
    safety = "changes-env" if ready else "manual"
    bound = {"build": f"torch {old}", **({"links": links} if links else {})}
    row = _row(name, world.snapshot)
    if row.get("editable"):  # where its source lies is not a fact
        line = "python -m pip install --no-build-isolation --no-deps -e ."
        return FixStep("run", line, f"in the source folder of {name}", "manual", 1, because, bound)
    source = str(row.get("source") or "")
    if source.startswith("git+"):
        return FixStep("reinstall", name, "", safety, 1, because, {**bound, "from": source})
    return FixStep("reinstall", name, f"=={versions.public(world.installed[name])}", safety, 1, because, bound)


def _row(name: str, snapshot: Snapshot) -> Mapping[str, Any]:
    rows = [row for row in snapshot.get("dists", []) if normalise(str(row.get("name") or "")) == name]
    return next(iter(rows), {})


def can_build(snapshot: Snapshot, cuda_version: str | None) -> bool:
    """False where it is known that a CUDA extension cannot be compiled: no compiler, no nvcc, one of another major."""
    compiler, nvcc = snapshot.look("tool.cc"), snapshot.look("cuda.nvcc")
    if compiler == (True, None) or nvcc == (True, None) or cuda_version is None:
        return False
    return not nvcc[1] or str(nvcc[1]).partition(".")[0] == cuda_version.partition(".")[0]


def takes_away(steps: Sequence[FixStep], snapshot: Snapshot) -> bool:
    """True when steps remove something for a replacement that is source only and cannot be built here.

    What a build needs: a compiler, nvcc, and often a card (gptqmodel asks for its compute capability and gives up).
    """
    pins = [normalise(step.target) for step in steps if step.kind == "pin"]
    unbuilt = any(extensions.built_against_torch(name) and source_only(name) for name in pins)
    tools = (snapshot.look("tool.cc"), snapshot.look("cuda.nvcc"))
    lacks = (True, None) in tools or snapshot.get("gpu.present") is False
    return unbuilt and lacks and any(step.kind == "uninstall" for step in steps)


def source_only(name: str, version: str | None = None) -> bool:
    """True for an extension that its project offers as source, in this release or in every known one."""
    known = [version] if version else versions.candidates(name)
    return bool(known) and all(wheels.needs_build(name, each) for each in known)
