"""Names that other libraries than the Hugging Face ones took away, and who still imports them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from doctor.knowledge import store, versions


def named(module: str, name: str) -> Mapping[str, Any] | None:
    """The row of ``module.name``, or of ``module`` when the whole of it (or of its parent) is gone."""
    dotted = f"{module}.{name}" if name else module
    for row in store.rows("removed_names"):
        full = f"{row['module']}.{row['name']}" if row["name"] else str(row["module"])
        if dotted == full or (not row["name"] and dotted.startswith(full + ".")):
            return row  # type: ignore[no-any-return]
    return None


def importers(dists: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """``(distribution, row)`` of installed packages that import a name which their installed library lacks."""
    for row in store.rows("removed_names"):
        have = dists.get(row["dist"])
        if have is None or not is_gone(row, have):
            continue
        for importer, spec in row.get("by", {}).items():
            if importer in dists and versions.accepts(spec, dists[importer]):
                yield importer, row


def is_gone(row: Mapping[str, Any], version: str) -> bool:
    """The release no longer has the name."""
    return versions.compare(version, row["gone"]) in (0, 1)
