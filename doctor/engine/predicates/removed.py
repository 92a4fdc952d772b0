"""Predicates about names that a library has taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from doctor.engine.scope import Scope
from doctor.knowledge import removed
from doctor.model.rule import Clause

_LIBRARY = "library"  # marks a module that the text shows to lie in site-packages
_TEXTS = (
    (r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'(?: \((?P<path>[^)]*)\))?", "cannot import name"),
    (r"No module named '(?P<module>\w+(?:\.\w+)+)'", "no module named"),
    (r"module '(?P<module>[\w.]+)' has no attribute '(?P<name>\w+)'", "has no attribute"),
)


def library_name_removed(scope: Scope, _clause: Clause) -> bool | None:
    """A name that the program, the text or an installed package asks for is gone. Binds package, name, gone, by."""
    answer: bool | None = False
    for module, name, by in _asked(scope):
        row = removed.named(module, name)
        if row is None:
            if by == _LIBRARY:  # the text shows a name that a library lacks, which the table does not know
                answer = None
            continue
        known, version = scope.get(f"dist.{row['dist']}", bind="version")
        if known and version and removed.is_gone(row, version):
            return _bound(scope, row)
        if not known:
            _bound(scope, row)
            answer = None
    for importer, row in removed.importers(scope.snapshot.dists()):
        scope.get(f"dist.{row['dist']}", bind="version")
        scope.see(f"dist.{importer}", scope.snapshot.get(f"dist.{importer}"))
        return _bound(scope, row, importer)
    return answer


def _asked(scope: Scope) -> Iterator[tuple[str, str, str]]:
    if scope.case.log is not None:
        for pattern, literal in _TEXTS:
            found = scope.case.log.search(pattern, (literal,))
            if found:
                named = found[1].groupdict()
                library = "-packages" in (named.get("path") or "")
                yield found[1]["module"], named.get("name") or "", _LIBRARY if library else ""
    for row in scope.snapshot.get("src.imports") or ():
        if not row.get("guarded"):
            yield str(row["module"]), str(row.get("name") or ""), ""
    for name in scope.snapshot.get("src.names") or ():
        yield *str(name).rpartition(".")[::2], ""


def _bound(scope: Scope, row: Mapping[str, Any], by: str = "") -> bool:
    scope.bind("package", row["dist"])
    scope.bind("name", f"{row['module']}.{row['name']}".rstrip("."))
    scope.bind("gone", row["gone"])
    if by:
        scope.bind("by", by)
    return True


def library_lacks_name(scope: Scope, _clause: Clause) -> bool | None:
    """An installed package imports what another one does not define, though its requirements are met. Binds gap.*."""
    rows = scope.snapshot.get("src.broken_imports")
    if rows is None:
        return None
    unmet = {(row.get("dist"), row.get("needs")) for row in scope.snapshot.get("python.unmet") or ()}
    for row in rows:
        if (row.get("dist"), row.get("of")) not in unmet:
            scope.see("src.broken_imports", row)
            for key, value in row.items():
                if value not in (None, ""):
                    scope.bind(f"gap.{key}", str(value))
            return True
    return False


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "library_lacks_name": library_lacks_name,
    "library_name_removed": library_name_removed,
}
