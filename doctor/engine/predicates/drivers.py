"""Predicates about the driver, CUDA and GPU architectures."""

from __future__ import annotations

from collections.abc import Callable

from doctor.engine.scope import Scope
from doctor.model.rule import Clause

PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {}
