"""The fact tables: read once, when first asked for, and never written here.

A table is one JSON file ``<name>.json`` with the keys ``source``, ``checked`` (date) and ``rows``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from doctor.errors import KnowledgeError

if TYPE_CHECKING:
    from pathlib import Path

F = TypeVar("F", bound=Callable[..., Any])

_PACKAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
# a wheel carries the tables inside the package, a checkout beside it
_HOMES = (os.path.join(_PACKAGE, "rules", "kb"), os.path.join(os.path.dirname(_PACKAGE), "rules", "kb"))
_overlay: list[str] = []
_caches: list[Callable[[], None]] = []


def memo(function: F) -> F:
    """``functools.cache`` that forgets when :func:`use` changes the tables."""
    cached = cache(function)
    _caches.append(cached.cache_clear)
    return cached  # type: ignore[return-value]


def use(directory: Path | None) -> None:
    """Let the tables of ``directory`` (or its ``kb`` folder) replace ours; ``None`` ends that."""
    _overlay[:] = [] if directory is None else [os.path.join(directory, "kb"), str(directory)]
    for clear in _caches:
        clear()


def locate(name: str) -> str:
    """The file of a table: the first folder that has it. Raises KnowledgeError when none has."""
    for folder in (*_overlay, *_HOMES):
        path = os.path.join(folder, name + ".json")
        if os.path.isfile(path):
            return path
    raise KnowledgeError(name, "no such table")


@memo
def table(name: str) -> Mapping[str, Any]:
    """One whole table. Raises KnowledgeError when it is missing or malformed."""
    try:
        with open(locate(name), "rb") as file:
            data = json.loads(file.read())
    except (OSError, ValueError) as error:
        raise KnowledgeError(name, f"cannot be read: {error}") from error
    if not isinstance(data, dict) or not {"source", "checked", "rows"} <= data.keys():
        raise KnowledgeError(name, "needs the keys source, checked and rows")
    return data


def rows(name: str) -> Any:
    """The rows of a table: a mapping or a list, as its module knows."""
    return table(name)["rows"]
