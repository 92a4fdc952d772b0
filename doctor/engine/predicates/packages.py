"""Predicates about installed packages and what they need of each other."""

from __future__ import annotations

from collections.abc import Callable

from doctor.engine.scope import Scope
from doctor.model.rule import Clause

PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {}
