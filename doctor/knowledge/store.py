"""The fact tables: read once, when first asked for, and never written here.

A table is one JSON file ``<name>.json`` with the keys ``source``, ``checked`` (date) and ``rows``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from doctor.errors import KnowledgeError

F = TypeVar("F", bound=Callable[..., Any])

_PACKAGE = Path(__file__).resolve().parent.parent
# a wheel carries the tables inside the package, a checkout beside it
_HOMES = (_PACKAGE / "rules" / "kb", _PACKAGE / "kb", _PACKAGE.parent / "rules" / "kb")
_overlay: list[Path] = []
_caches: list[Callable[[], None]] = []


def memo(function: F) -> F:
    """``functools.cache`` that forgets when :func:`use` changes the tables."""
    cached = cache(function)
    _caches.append(cached.cache_clear)
    return cached  # type: ignore[return-value]


def use(directory: Path | None) -> None:
    """Let the tables of ``directory`` (or its ``kb`` folder) replace ours; ``None`` ends that."""
    _overlay[:] = [] if directory is None else [directory / "kb", directory]
    for clear in _caches:
        clear()


def folders() -> list[Path]:
    """Where tables are looked for, first match wins."""
    return [*_overlay, *_HOMES]


def locate(name: str) -> Path:
    """The file of a table. Raises KnowledgeError when no folder has it."""
    for folder in folders():
        path = folder / f"{name}.json"
        if path.is_file():
            return path
    raise KnowledgeError(name, "no such table")


@memo
def table(name: str) -> Mapping[str, Any]:
    """One whole table. Raises KnowledgeError when it is missing or malformed."""
    try:
        data = json.loads(locate(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KnowledgeError(name, f"cannot be read: {error}") from error
    if not isinstance(data, dict) or not {"source", "checked", "rows"} <= data.keys():
        raise KnowledgeError(name, "needs the keys source, checked and rows")
    return data


def rows(name: str) -> Any:
    """The rows of a table: a mapping or a list, as its module knows."""
    return table(name)["rows"]
