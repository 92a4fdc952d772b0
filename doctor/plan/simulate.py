"""The snapshot as it would read after given steps. Pure; derived facts are made anew from the changed ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from packaging.specifiers import SpecifierSet

from doctor.knowledge import versions
from doctor.knowledge.derive import derive
from doctor.model import FixStep, Snapshot
from doctor.model.names import normalise


def simulate(snapshot: Snapshot, steps: Iterable[FixStep]) -> Snapshot:
    """Pins, uninstalls and variables take effect; steps whose effect is not a fact change nothing."""
    changes: dict[str, Any] = {}
    for step in steps:
        if step.kind == "pin":
            changes["dist." + normalise(step.target)] = pinned(step.target, step.to)
        elif step.kind == "uninstall":
            changes["dist." + normalise(step.target)] = None
        elif step.kind == "set_env":
            changes["env." + step.target] = step.to
        elif step.kind == "unset_env":
            changes["env." + step.target] = None
    return derive(snapshot.with_facts(changes))


def pinned(name: str, spec: str) -> str | None:
    """The version that an installer would choose: the newest known one in ``spec``, else one read off ``spec``."""
    known = versions.newest(normalise(name), spec)
    return known or _from_specifier(spec)


def _from_specifier(spec: str) -> str | None:
    """A version that lies in ``spec`` when the knowledge base lists none; None when none can be told."""
    candidates = []
    for part in SpecifierSet(spec):
        base = part.version.removesuffix(".*")
        candidates += [base, base + ".0", base + ".post1", base + ".1"]
        if part.operator in ("<", "!=", ">"):
            release = [int(x) for x in base.split("+")[0].split(".") if x.isdigit()]
            if part.operator == "<" and release:
                while release and release[-1] == 0:
                    release.pop()
                if release:
                    candidates.append(".".join(map(str, [*release[:-1], release[-1] - 1, 9])))
            elif release:
                candidates.append(".".join(map(str, [*release[:-1], release[-1] + 1])))
    fitting = SpecifierSet(spec)
    return next((c for c in candidates if fitting.contains(c, prereleases=True)), "0" if not spec else None)
