"""Predicates about the kind of place a program runs in."""

from __future__ import annotations

from collections.abc import Callable

from doctor.engine.scope import Scope
from doctor.model.rule import Clause

# What a text says inside WSL, each with the lower-case word that it is searched by.
_WSL = (
    (r"\bWSL ?[12]?\b", "wsl"),
    (r"(?i)microsoft-standard", "microsoft-standard"),
    (r"(?i)windows subsystem for linux", "subsystem"),
)


def in_wsl(scope: Scope, clause: Clause) -> bool | None:
    """WSL by the machine's facts, else by what a pasted text says of itself; a text that names no WSL is none."""
    known, release = scope.snapshot.look("host.wsl")
    if known:
        scope.see("host.wsl", release)
        return release is not None
    if scope.case.log is None:
        scope.miss("host.wsl")
        return None
    return any(scope.case.log.search(pattern, (word,)) for pattern, word in _WSL)


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {"in_wsl": in_wsl}
