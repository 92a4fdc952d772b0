"""Predicates about the place where the error of a pasted text was raised."""

from __future__ import annotations

from collections.abc import Callable

from doctor.engine.scope import Scope
from doctor.model.rule import Clause

_NEAR = 3  # frames above the raise that still belong to the call that was refused


def raised_in_remote_code(scope: Scope, _clause: Clause) -> bool:
    """Code of a model repository or its callee raised the root error; False where no frame says so. Binds file."""
    frames = scope.snapshot.get("log.frames") or ()
    near = [frame for frame in frames[-_NEAR:] if "transformers_modules" in str(frame.get("file"))]
    if not near:
        return False
    file = str(near[-1]["file"]).replace("\\", "/")
    scope.see("log.frames", near[-1])
    scope.bind("file", file.rpartition("/")[2])
    return True


def raising_library(scope: Scope, _clause: Clause) -> bool:
    """Always true: binds ``by``, the library whose frame raised, where the text shows one."""
    by = scope.snapshot.get("log.raised_by")
    if by and by != "user":  # "user": the program itself
        scope.bind("by", by)
    return True


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "raised_in_remote_code": raised_in_remote_code,
    "raising_library": raising_library,
}
