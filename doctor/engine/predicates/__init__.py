"""The hard questions that rules ask by name (``call = "name"``): each answers True, False or None (not known).

A predicate receives the scope and its clause; it reads facts only through the scope (``scope.known``, ``scope.get``),
so that evidence and missing facts are noted, and binds the names that the rule's texts use (``scope.bind``).
One module an area; each has a table ``PREDICATES``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from doctor.engine.scope import Scope
from doctor.model.rule import Clause

Predicate = Callable[[Scope, Clause], bool | None]

_AREAS = (
    *("drivers", "packages", "hfstack", "loads", "pyenv", "hub", "machine", "hosts", "source", "quant", "serving"),
    *("missing", "removed", "raised"),
)


def _all() -> dict[str, Predicate]:
    table: dict[str, Predicate] = {}
    for area in _AREAS:
        for name, function in import_module(f"doctor.engine.predicates.{area}").PREDICATES.items():
            if name in table:
                raise ValueError(f"two predicates are named {name}")
            table[name] = function
    return table


PREDICATES = _all()
