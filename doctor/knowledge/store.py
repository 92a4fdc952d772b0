"""The fact tables: read once, when first asked for, and never written here.

A table is one JSON file ``<name>.json`` with the keys ``source``, ``checked`` (date) and ``rows``. A wheel has the rows
of the largest in a file of their own, ``<name>.jsonl``, and ``places`` instead: offset and size of each.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
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


class Rows(Mapping[str, Any]):
    """Rows that are read and parsed one by one, when they are asked for."""

    def __init__(self, file: str, places: Mapping[str, Sequence[int]]) -> None:
        self._file = file
        self._places = places
        self._read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._read:
            at, size = self._places[name]
            with open(self._file, "rb") as handle:
                handle.seek(at)
                self._read[name] = json.loads(handle.read(size))
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


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
        path = locate(name)
        with open(path, "rb") as file:
            data = json.loads(file.read())
    except (OSError, ValueError) as error:
        raise KnowledgeError(name, f"cannot be read: {error}") from error
    if isinstance(data, dict) and "places" in data:
        data["rows"] = Rows(path + "l", data.pop("places"))
    if not isinstance(data, dict) or not {"source", "checked", "rows"} <= data.keys():
        raise KnowledgeError(name, "needs the keys source, checked and rows")
    return data


def rows(name: str) -> Any:
    """The rows of a table: a mapping or a list, as its module knows."""
    return table(name)["rows"]
