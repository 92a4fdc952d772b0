"""Versions -> what an installer is asked for: builds of the CUDA lane, calls, limits. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from doctor.knowledge import cuda, extensions, pairs, ranges, versions, wheels
from doctor.model.names import normalise
from doctor.model.plan import Install, Move
from doctor.plan import conda
from doctor.plan.conda import TORCH
from doctor.plan.constraints import World
from doctor.plan.rebuild import source_only

Moved = Mapping[str, tuple[str | None, str]]


def moves(world: World, changed: Moved) -> tuple[Move, ...]:
    """What changes, with the words for the installer."""
    lane = _lane(world, changed)
    torch = changed[TORCH][1] if TORCH in changed else world.installed.get(TORCH, "")
    found = [_move(world, name, old, new, (versions.public(torch), lane)) for name, (old, new) in changed.items()]
    found += _partners_of_a_new_lane(world, changed, lane)
    if world.conda:
        found = _by_owner(world, world.conda, found, changed, lane)
    return tuple(sorted(found, key=lambda move: (move.name != TORCH, move.name)))


def _by_owner(world: World, env: conda.Conda, found: list[Move], changed: Moved, lane: str) -> list[Move]:
    """What conda owns moves by conda, but for what it hands over to pip together with its torch."""
    handed = {row.package for row in conda.handed_over(env, changed)}
    moved = {move.name for move in found}
    rest = {name: have for name, have in world.installed.items() if name not in moved}
    along = [(name, have) for name, have in rest.items() if (row := env.owner(name)) and row.package in handed]
    rows = {move.name: row for move in found if (row := env.owner(move.name)) and row.package not in handed}
    mine = [_by_conda(world, move, rows[move.name], lane) if move.name in rows else move for move in found]
    return [*mine, *(Move(name, have, have, f"{name}=={have}") for name, have in along)]


def _by_conda(world: World, move: Move, row: conda.Owned, lane: str) -> Move:
    """The same move in conda's words."""
    asked = ",".join(goal.spec for goal in world.wanted.get(move.name, ()) if goal.spec)
    pin = row.package + conda.bare(asked) if move.guess else conda.spec(row, str(move.new), lane)
    build = "+" + lane if move.name == TORCH and any(conda.companions(row, lane)) else ""  # for the prediction
    new = versions.public(str(move.new)) + build
    return replace(move, old=move.old or row.version, new=new, pin=pin if move.pin else "", by="conda")


def _move(world: World, name: str, old: str | None, new: str, beside: tuple[str, str]) -> Move:
    """``beside``: the torch that will be there, and its lane."""
    if not wheels.catalogued(name):
        asked = ",".join(goal.spec for goal in world.wanted.get(name, ()) if goal.spec)
        return Move(name, old, new, name + asked if name in world.wanted else "", guess=True)
    local = _asked_local(world, name)
    if local and local == wheels.default_variant(beside[0], world.where or ""):
        local = ""  # the user's own index has this very build
    elif not local and (name == TORCH or name in pairs.FAMILY):
        local = _built_for(name, new, *beside, world.where)
    return _build(name, old, new, local)


def _build(name: str, old: str | None, new: str, local: str) -> Move:
    """``==2.5.1`` is content with any build of 2.5.1, the one that is there included; ``===2.5.1`` is the plain one."""
    if local:
        return Move(name, old, f"{new}+{local}", f"{name}=={new}+{local}")
    return Move(name, old, new, f"{name}==={new}" if old and versions.local(old) else f"{name}=={new}")


def _asked_local(world: World, name: str) -> str:
    return next((part for goal in world.wanted.get(name, ()) if (part := versions.local(goal.spec))), "")


def _built_for(name: str, version: str, torch: str, lane: str, where: str | None) -> str:
    """The local part to ask for: only where a build for the lane is certain and the default index has another."""
    if not lane or lane == wheels.default_variant(torch, where or "linux_x86_64"):
        return ""
    if name == TORCH:
        return lane if wheels.has_variant(version, lane) else ""
    if pairs.stated(torch, name) == version:
        return lane if wheels.has_variant(torch, lane) else ""
    # a torchaudio without a pinned torch was built for the variants of the torch of its own number
    return lane if name == "torchaudio" and wheels.has_variant(version, lane) else ""


def _lane(world: World, changed: Moved) -> str:
    """CUDA variant that torch has after the plan; "" when it is not known.

    A torch that moves keeps its lane where the new release is built for it, else it takes the newest that the
    driver serves.
    """
    asked = _asked_local(world, TORCH)
    now = versions.local(world.installed.get(TORCH, "")) or _variant_of(world)
    if asked or TORCH not in changed:
        return asked or now
    offered = wheels.variants(changed[TORCH][1])
    if now in offered or not offered:
        return now
    driver = world.snapshot.get("driver.version")
    best = cuda.newest_variant(driver, offered, world.snapshot.get("os.name", "linux")) if driver else None
    return best or ""


def _variant_of(world: World) -> str:
    found = world.snapshot.get("torch.cuda")
    if found:
        return cuda.cuda_variant(found) or ""
    return "cpu" if world.snapshot.get("torch.build") == "cpu" else ""


def _partners_of_a_new_lane(world: World, changed: Moved, lane: str) -> list[Move]:
    """Family members of the right release but of another lane than the new torch."""
    found = []
    for name in _of_another_lane(world, changed, lane):
        have = world.installed[name]
        bare = versions.public(have)
        found.append(_build(name, have, bare, _built_for(name, bare, changed[TORCH][1], lane, world.where)))
    return [move for move in found if move.new != move.old]


def _of_another_lane(world: World, changed: Moved, lane: str) -> list[str]:
    """Family members that stay at their release while torch moves to ``lane``, and were built for another."""
    if TORCH not in changed or not lane:
        return []
    there = [(name, have) for name in pairs.FAMILY if (have := world.installed.get(name)) and name not in changed]
    return [name for name, have in there if _lane_of(world, name, have) not in ("", lane)]


def torn(world: World, changed: Moved) -> list[str]:
    """What was promised to stay as it is and cannot be used beside the new torch: built for another CUDA."""
    return [name for name in _of_another_lane(world, changed, _lane(world, changed)) if name in world.keep]


def _lane_of(world: World, name: str, have: str) -> str:
    """The variant that an installed family member was built for; "" when it is not known."""
    found = world.snapshot.get(f"{name}.cuda")
    if found and not versions.local(have):
        return cuda.cuda_variant(found) or ""
    return versions.local(have) or wheels.default_variant(world.installed.get(TORCH, ""), world.where or "") or ""


def installs(world: World, moved: Sequence[Move], solution: Mapping[str, str]) -> tuple[Install, ...]:
    """One call of each installer for everything that it is asked for, so that it solves it together; conda's first."""
    by_pip = [move for move in moved if move.by == "pip"]
    asked = tuple(move.pin for move in by_pip if move.pin)
    first = _conda_install(world, world.conda, moved, bool(asked)) if world.conda else ()
    if not asked:
        return first
    alone = all(_decided(world, move, solution) for move in by_pip)
    index = next((wheels.index_url(tag) for move in by_pip if (tag := versions.local(move.new or ""))), None)
    limits = () if alone else _limits(world, moved)
    return (*first, Install(asked, alone, index, limits, _builds(world, by_pip)))


def _conda_install(world: World, env: conda.Conda, moved: Sequence[Move], pip: bool) -> tuple[Install, ...]:
    """Conda's call; ``pip``: an installer for the wheels is needed as well, and there is none yet."""
    mine = [move for move in moved if move.by == "conda" and move.pin]
    rows = [row for move in mine if (row := env.owner(move.name))]
    torch = next((move for move in mine if move.name == TORCH), None)
    lane = _lane(world, {TORCH: (torch.old, versions.public(str(torch.new)))}) if torch else ""
    asked = [*(move.pin for move in mine), *(conda.companions(env.owned[TORCH], lane) if torch else ())]
    asked += ["pip"] if pip and world.snapshot.get("python.installer") == "conda" else []
    away = {move.name for move in moved}
    owned = {name: row for name, row in env.owned.items() if name not in away}
    limits = tuple(conda.spec(row, row.version) for name, row in sorted(owned.items()) if _stays(world, name))
    return (Install(tuple(asked), limits=limits, by="conda", channels=conda.channels(rows)),) if asked else ()


def _builds(world: World, moved: Sequence[Move]) -> bool:
    """True when an extension comes as source: its build must see the torch that is there."""
    sources = (move for move in moved if move.new and extensions.built_against_torch(move.name))
    stays = TORCH in world.installed and all(move.name != TORCH for move in moved)
    return stays and any(source_only(move.name, versions.public(str(move.new))) for move in sources)


def _decided(world: World, move: Move, solution: Mapping[str, str]) -> bool:
    """True when all requirements of the new release are known and met."""
    if move.new is None or not ranges.complete(move.name) or not wheels.catalogued(move.name):
        return False
    for line in ranges.requirements(move.name, move.new) or ():
        found = ranges.read(line) if ranges.applies(line, world.markers) else None
        if found is None:
            continue
        have = solution.get(normalise(found.name))
        if have is None or versions.accepts(str(found.specifier), have) is not True:
            return False
    return True


def _limits(world: World, moved: Sequence[Move]) -> tuple[str, ...]:
    """Installed releases that pip must not touch: promised ones, catalogued healthy ones, and whatever is conda's."""
    away = {move.name for move in moved}
    sick = {normalise(str(row.get("name") or "")) for row in world.snapshot.get("python.corrupt", [])}
    unmet = [row for row in world.snapshot.get("python.unmet", []) if normalise(str(row.get("dist") or "")) not in away]
    sick |= {normalise(str(row.get("needs") or "")) for row in unmet}
    own = {move.name: versions.public(str(move.new)) for move in moved if move.by == "conda" and not move.guess}
    mine = {**own, **{name: world.installed[name] for name in conda.owned_by(world.conda, world.installed) - away}}
    rest = {
        name: version
        for name, version in world.installed.items()
        if name not in away and (name in world.keep or (name not in sick and wheels.catalogued(name)))
    }
    return tuple(f"{name}=={version}" for name, version in sorted({**rest, **mine}.items()))


def _stays(world: World, name: str) -> bool:
    """True for what conda's own solver must leave at its version: promised ones and catalogued ones."""
    return name in world.keep or (name in world.installed and wheels.catalogued(name))
