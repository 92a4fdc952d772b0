"""Predicates about packages that a text says are not there."""

from __future__ import annotations

import sys
from collections.abc import Callable

from doctor.collect.probe import src_known
from doctor.engine.scope import Scope
from doctor.knowledge import ranges, versions
from doctor.model.names import normalise
from doctor.model.rule import Clause

_NO_MODULE = r"No module named '(?P<module>[A-Za-z]\w{1,60}(?:\.\w+){0,6})'"
# What a library's own message tells to type; the name must end there (no extras, no address).
_NAME = r"(?P<dist>[A-Za-z][\w-]{1,40})(?:[<>=!~][=\d.,<>]{1,20})?"
_HINT = rf"pip3? install (?:-U |--upgrade )?[`'\"]*{_NAME}[`'\").,;:]*(?:\s|$)"
_PLEASE = r"[Pp]lease install (?:the )?[`']?(?P<dist>[A-Za-z][\w-]{1,40})[`']?(?: package)?(?: to | first|[.,]|$)"
# Their absence has rules of their own: what serves them depends on the machine or the project.
_OWNED = frozenset(("flash-attn", "torch", "torchvision", "torchaudio", "llava", "lisa", "model", "utils", "pip"))


def missing_package(scope: Scope, _clause: Clause) -> bool | None:
    """The text misses a module, or says what to install, and that is known not to be there. Binds need.list and want.

    A name that is not known may be anybody's package on the index: it is bound as ``stranger``, not as ``want``.
    """
    if scope.case.log is None:
        return False
    answer: bool | None = False
    for want, module, sure in _named(scope):
        known, version = scope.get(f"dist.{want}")
        if version is not None or want in _OWNED:
            continue
        scope.bind("need.list", module)
        scope.bind("want" if sure else "stranger", want)
        _bind_fit(scope, want)
        if known:
            return True
        answer = None
    return answer


def _bind_fit(scope: Scope, want: str) -> None:
    """Binds fit, where the newest release would move the installed torch: the newest that takes this one."""
    torch = scope.snapshot.get("dist.torch") or scope.snapshot.get("torch.version")
    newest = versions.newest(want) if torch else None
    if not newest or ranges.accepts(want, newest, "torch", str(torch)) is not False:
        return
    fits = (each for each in versions.candidates(want, "") if ranges.accepts(want, each, "torch", str(torch)))
    scope.bind("fit", f"=={next(fits, newest)}")


def _named(scope: Scope) -> list[tuple[str, str, bool]]:
    """``(distribution, how it is written, known)`` of what the text misses."""
    found = []
    match = scope.case.log.search(_NO_MODULE, ("no module named",)) if scope.case.log else None
    if match:
        module = str(match[1]["module"])
        top = module.partition(".")[0]
        want = src_known.WANT.get(".".join(module.split(".")[:2])) or src_known.WANT.get(top) or normalise(top)
        if top not in sys.stdlib_module_names and not _local(scope, top):
            found.append((normalise(want), top, top in src_known.WANT or _known(scope, want)))
    hint = scope.case.log.search(_HINT, ("pip install", "pip3 install")) if scope.case.log else None
    if hint and scope.snapshot.get("log.exceptions"):  # advice in a warning is not a failure
        found.append((normalise(hint[1]["dist"]), hint[1]["dist"], True))
    plea = scope.case.log.search(_PLEASE, ("please install",)) if scope.case.log and not hint else None
    if plea and scope.snapshot.get("log.exceptions"):
        name = str(plea[1]["dist"])
        want = normalise(src_known.WANT.get(name, name))
        if name in src_known.WANT or _known(scope, want):  # the sentence may go on with any word
            found.append((want, name, True))
    return found


def _known(scope: Scope, want: str) -> bool:
    """Catalogued, or asked for by the metadata of something that is installed."""
    asked = {str(row.get("needs")) for row in scope.snapshot.get("python.unmet") or ()}
    return want in asked or want in versions.packages()


def _local(scope: Scope, top: str) -> bool:
    """A module of the program's own project."""
    files = [str(path).replace("\\", "/") for path in scope.snapshot.get("src.files") or ()]
    return any(f"/{top}/" in path or path.endswith(f"/{top}.py") for path in files)


def raised_by_package(scope: Scope, _clause: Clause) -> bool | None:
    """An installed distribution raised the error of the text. Binds by, by_version."""
    raiser = scope.known("log.raised_by")
    if raiser in (None, "user", "stdlib"):
        return False
    name = normalise(src_known.WANT.get(str(raiser), str(raiser)))
    known, version = scope.get(f"dist.{name}", bind="by_version")
    if version is None:
        return False if known else None
    scope.bind("by", name)
    return True


def package_files_gone(scope: Scope, _clause: Clause) -> bool:
    """Files of an installed package are known to be gone, which explains imports that find nothing."""
    rows = scope.snapshot.get("python.corrupt") or ()
    return any(row.get("problem") in ("files-missing", "files-empty") for row in rows)


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "missing_package": missing_package,
    "package_files_gone": package_files_gone,
    "raised_by_package": raised_by_package,
}
