"""The snapshot as it would read after given steps. Pure; derived facts are made anew from the changed ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from doctor.knowledge import versions
from doctor.knowledge.derive import changed, derive
from doctor.model import FixStep, Snapshot
from doctor.model.names import normalise
from doctor.plan.conda import CONDA


def simulate(snapshot: Snapshot, steps: Iterable[FixStep]) -> Snapshot:
    """Pins, uninstalls and variables take effect; steps whose effect is not a fact change nothing."""
    dists: dict[str, str | None] = {}
    cleared: set[str] = set()  # packages that conda hands over or removes
    variables: dict[str, Any] = {}
    steps = tuple(steps)
    if any(step.kind == "reinstall" for step in steps):
        served = _perhaps_served(snapshot)
        variables.update({"src.imports": served} if served else {})
    for step in steps:
        if step.kind == "pin":
            dists[normalise(step.target)] = pinned(step.target, step.to)
        elif step.kind == "uninstall" and step.to == CONDA:
            cleared.update(step.bound.get("packages", step.target).split())
        elif step.kind == "uninstall":
            dists[normalise(step.target)] = None
        elif step.kind == "reinstall":
            dists[normalise(step.target)] = _again(snapshot, step)
        elif step.kind == "set_env":
            variables["env." + step.target] = step.to
        elif step.kind == "unset_env":
            variables["env." + step.target] = None
    variables.update(_served(variables.get("src.imports", snapshot.get("src.imports", [])), dists))
    covered = snapshot.get("python.shadows", [])
    bare = [row for row in covered if _uncovers(variables, str(row.get("where")))]
    if bare:
        variables["python.shadows"] = [row for row in covered if row not in bare]
        seen = {normalise(str(row.get("hides"))): row["hidden"] for row in bare if row.get("hidden")}
        dists = {**seen, **dists}
    variables.update(_conda(snapshot, dists, cleared))
    libraries = {name for row in snapshot.get("conda.owned", []) if not row.get("dist") and (name := row["package"])}
    dists = {name: version for name, version in dists.items() if name not in libraries}
    return derive(changed(snapshot.with_facts(variables), dists))


def _conda(snapshot: Snapshot, dists: Mapping[str, str | None], cleared: set[str]) -> dict[str, Any]:
    """Conda's books after the change: what it moved, and without what it handed over or removed."""
    before = snapshot.get("conda.owned")
    if before is None:
        return {}
    rows = [_moved(row, dists) for row in before if row["package"] not in cleared]
    left = [row for row in rows if row is not None]
    names = {row["package"] for row in before} - {row["package"] for row in left}
    told = {name: line for name, line in snapshot.get("conda.packages", {}).items() if name not in names}
    torch = any(row["package"] in cleared and row.get("dist") == "torch" for row in before)
    return {"conda.owned": left, "conda.packages": told, **({"torch.package": "pip"} if torch else {})}


def _moved(row: Mapping[str, Any], dists: Mapping[str, str | None]) -> Mapping[str, Any] | None:
    name = normalise(row.get("dist") or row["package"])
    if name not in dists or not row.get("there"):
        return row
    version = dists[name]
    return {**row, "version": versions.public(version)} if version else None


def _perhaps_served(snapshot: Snapshot) -> list[dict[str, Any]]:
    """The program's imports when files have come back: of what nobody served it is not known whether it still fails."""
    rows = snapshot.get("src.imports", [])
    return [{**row, "resolves": None} if row.get("resolves") is False else row for row in rows]


def _served(rows: list[dict[str, Any]], dists: Mapping[str, str | None]) -> dict[str, Any]:
    """The program's imports when distributions come that were missing; empty when nothing changes."""
    come = {name for name, version in dists.items() if version}
    bare = [row for row in rows if row.get("resolves") is False and normalise(str(row.get("want") or "")) in come]
    return {"src.imports": [{**row, "resolves": True} if row in bare else row for row in rows]} if bare else {}


def _uncovers(variables: Mapping[str, Any], where: str) -> bool:
    """True when the variables take the folder from the path whose packages hide those of the environment."""
    if where == "user-site":
        return bool(variables.get("env.PYTHONNOUSERSITE"))
    return where == "PYTHONPATH" and "env.PYTHONPATH" in variables and not variables["env.PYTHONPATH"]


def _again(snapshot: Snapshot, step: FixStep) -> str | None:
    """The version that is there, from new files."""
    there: str | None = snapshot.get("dist." + normalise(step.target))
    return pinned(step.target, step.to) if step.to else there


def pinned(name: str, spec: str) -> str:
    """The version that an installer would choose: the newest known one in ``spec``, else one read off ``spec``."""
    return versions.newest(normalise(name), spec) or _from_specifier(spec)


def _from_specifier(spec: str) -> str:
    """A version that lies in ``spec`` when the knowledge base lists none: "0" when none can be told."""
    wanted = versions.spec(spec)
    if wanted is None:  # the record of a damaged distribution may name any text as its version
        return "0"
    bases = [part.version.removesuffix(".*") for part in wanted]
    guesses = [guess for base in bases for guess in (base, base + ".0", base + ".1", base + ".post1", "0")]
    return next((guess for guess in guesses if wanted.contains(guess, prereleases=True)), "0")
