"""Predicates about Hugging Face caches, models and the network."""

from __future__ import annotations

from collections.abc import Callable

from doctor.engine.scope import Scope
from doctor.model.rule import Clause


def near_only_in_case(scope: Scope, clause: Clause) -> bool | None:
    """A cached id equals the asked one but for upper and lower case; binds ``model.near`` to it."""
    known, asked = scope.get("model.asked")
    there, near = scope.get("model.near")
    if not (known and there):
        return None
    same = [name for name in near or () if str(name).casefold() == str(asked).casefold() and name != asked]
    if same:
        scope.bind("model.near", same[0])
    return bool(same)


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "near_only_in_case": near_only_in_case,
}
