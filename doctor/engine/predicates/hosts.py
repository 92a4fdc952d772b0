"""Predicates about the kind of place a program runs in."""

from __future__ import annotations

from collections.abc import Callable

from doctor.engine.scope import Scope
from doctor.knowledge import systems
from doctor.model.rule import Clause

# What a text says inside WSL, each with the lower-case word that it is searched by.
_WSL = (
    (r"\bWSL ?[12]?\b", "wsl"),
    (r"(?i)microsoft-standard", "microsoft-standard"),
    (r"(?i)windows subsystem for linux", "subsystem"),
)
_MISSING_LIBRARY = r"(?P<lib>lib[\w.+-]{1,60}\.so(?:\.\d+){0,3}): cannot open shared object file"


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


def system_library_named(scope: Scope, _clause: Clause) -> bool | None:
    """The text misses a shared library whose package is known. Binds package, debian (the names for apt)."""
    log = scope.case.log
    found = log.search(_MISSING_LIBRARY, ("cannot open shared object",)) if log is not None else None
    package = systems.owner(found[1]["lib"]) if found else ""
    if not package:
        return None if log is None else False
    scope.bind("package", package)
    scope.bind("debian", systems.packages(package, "debian"))
    return True


def interface_absent(scope: Scope, _clause: Clause) -> bool | None:
    """NCCL_SOCKET_IFNAME or GLOO_SOCKET_IFNAME names no interface of this machine. Binds variable, value, have.

    Names are beginnings; ``=`` in front makes them whole, ``^`` excludes, commas part them (NCCL's documentation).
    """
    known, have = scope.get("host.interfaces")
    if not known:
        return None
    answer: bool | None = False
    for variable in ("NCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME"):
        told, text = scope.get(f"env.{variable}")
        answer = answer if told else None
        value = str(text or "").strip()
        if not value or value.startswith("^"):
            continue
        whole = value.startswith("=") or variable.startswith("GLOO")
        names = [part.strip() for part in value.lstrip("=").split(",") if part.strip()]
        if any(each == name if whole else each.startswith(name) for each in have for name in names):
            continue
        scope.bind("variable", variable)
        scope.bind("value", value)
        scope.bind("have", ", ".join(each for each in have if each != "lo") or "lo")
        return True
    return answer


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "in_wsl": in_wsl,
    "interface_absent": interface_absent,
    "system_library_named": system_library_named,
}
