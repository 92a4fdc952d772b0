"""Model types: which transformers releases know them, and which live outside transformers."""

from __future__ import annotations

from collections.abc import Mapping

from doctor.knowledge import store, versions


def _row(model_type: str) -> Mapping[str, str] | None:
    found: Mapping[str, str] | None = store.rows("model_types").get(model_type)
    return found


def known(model_type: str) -> bool:
    """True when some catalogued transformers release knows this type."""
    return _row(model_type) is not None


def since(model_type: str) -> str | None:
    """First transformers release that knows the type (the oldest catalogued one may stand for earlier ones)."""
    row = _row(model_type)
    return row["first"] if row else None


def until(model_type: str) -> str | None:
    """Last transformers release that knows the type; None when it is still there or not catalogued."""
    row = _row(model_type)
    return row.get("last") if row else None


def supports(model_type: str, transformers: str) -> bool | None:
    """Does this transformers release know the type by itself? None: not known."""
    row, oldest = _row(model_type), str(store.table("model_types")["oldest"])
    if row is None or versions.parse(transformers) is None:
        return None
    if versions.compare(transformers, row["first"]) == -1:
        return None if row["first"] == oldest else _before(transformers, row["first"])
    last = row.get("last")
    if last and versions.compare(transformers, last) == 1:
        return False
    newer = versions.compare(transformers, str(store.table("model_types")["newest"])) == 1
    return None if newer else True


def _before(transformers: str, first: str) -> bool | None:
    """A development build of the first release (``4.49.0.dev0``) may know the type already."""
    here, start = versions.parse(transformers), versions.parse(first)
    if here is None or start is None:
        return None
    return None if here.is_prerelease and here.release == start.release else False


def image_text_class(model_type: str) -> str | None:
    """The class that serves the type through AutoModelForImageTextToText or its forerunner, if it has one."""
    row = _row(model_type)
    return row.get("class") if row else None


def outside(model_type: str) -> Mapping[str, str] | None:
    """A type that lives in model repositories or project packages: keys needs, transformers, native_alternative."""
    found: Mapping[str, str] | None = store.rows("remote_code_types").get(model_type)
    return found


def nearest_supporting(model_type: str, transformers: str) -> str | None:
    """The transformers release nearest to the given one that knows the type."""
    row = _row(model_type)
    if row is None:
        return None
    upper = f",<={row['last']}" if "last" in row else ""
    return versions.nearest("transformers", transformers, f">={row['first']}{upper}")
