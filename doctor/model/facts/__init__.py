"""The catalogue of facts: every name a rule may ask for, with type, unit and how private it is.

A rule that names an unlisted fact does not load; the catalogue drives redaction and docs/snapshot.md.
Areas are files, so that a new fact is one line in one place.
"""

from __future__ import annotations

from functools import cache

from doctor.model.facts import conda, gpu, hub, machine, model, python, source, text
from doctor.model.facts.spec import FactSpec

__all__ = ["CLOSED_FAMILIES", "FactSpec", "catalogue", "find"]

# Families that a complete listing closes: a name that is not listed is known to be absent.
CLOSED_FAMILIES = ("dist", "env")


@cache
def catalogue() -> dict[str, FactSpec]:
    """Every fact by name; a name ending in ``.*`` stands for a family of names."""
    areas = (machine, gpu, python, conda, hub, model, source, text)
    rows = (spec for area in areas for spec in area.FACTS)
    return {spec.name: spec for spec in rows}


def find(name: str) -> FactSpec | None:
    """The spec of ``name``, also through its family (``dist.torch`` is of ``dist.*``)."""
    table = catalogue()
    return table.get(name) or table.get(name.partition(".")[0] + ".*")
