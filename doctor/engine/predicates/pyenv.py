"""Predicates about the interpreter and what its environment can hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from doctor.engine.scope import Scope
from doctor.knowledge import versions, wheels
from doctor.model.patterns import compiled
from doctor.model.rule import Clause

_COUNTED = r"(\d+)\s*[A-Za-z]{0,8}"  # a number with its unit
_STRAY = r"[\x00-\x1f\x7f\u00a0\u200b-\u200f\u2018-\u201f\ufeff]"


def python_refused(scope: Scope, _clause: Clause) -> bool | None:
    """An installed distribution does not support this Python by its own metadata. Binds dist, version, needs_python."""
    python, table = scope.known("python.version"), scope.snapshot.get("python.needs_python")
    if python is None or table is None:
        scope.miss("python.needs_python")
        return None
    for name, wanted in sorted(table.items()):
        if wanted and versions.accepts(str(wanted), python) is False:
            scope.see("python.needs_python", {name: wanted})
            scope.bind("dist", name)
            scope.bind("needs_python", wanted)
            return _floor(str(wanted), python)
    return False


def _floor(wanted: str, python: str) -> bool | None:
    """The refusal is about the age of the interpreter, not about a ceiling."""
    found = versions.spec(wanted)
    if found is None:
        return None
    return any(s.operator in (">=", ">", "~=") and versions.accepts(str(s), python) is False for s in found)


def pin_needs_older_python(scope: Scope, _clause: Clause) -> bool | None:
    """A pinned requirement has wheels for older Pythons only. Binds name, pin, newest."""
    python, rows = scope.known("python.version"), scope.snapshot.get("src.requirements")
    where = wheels.platform(scope.known("os.name"), scope.known("os.arch"))
    if python is None or rows is None or where is None:
        scope.miss("src.requirements")
        return None
    for row in rows:
        spec, name = str(row.get("spec") or ""), str(row.get("name") or "")
        if not spec.startswith("==") or "*" in spec or "," in spec:
            continue
        newest = newest_tag(name, spec.lstrip("= "), where)
        if newest and newest < minor(python):
            scope.see("src.requirements", f"{name}{spec}")
            scope.bind("name", name)
            scope.bind("pin", spec)
            scope.bind("newest", f"3.{newest}")
            return True
    return False


def minor(python: str) -> int:
    """Minor number of a Python 3 version; 0 when it cannot be read."""
    found = versions.parse(python)
    return found.minor if found and found.major == 3 else 0


def newest_tag(name: str, version: str, where: str) -> int | None:
    """Minor number of the newest Python 3 with a wheel of this release; None: not known, or pure."""
    having = [m for m in range(6, 20) if wheels.has_wheel(name, version, f"cp3{m}", where)]
    return None if not having or having[-1] == 19 else having[-1]


def program_uses(scope: Scope, clause: Clause) -> bool | None:
    """The program uses a name that fits ``match``, or no program was given: then the model alone speaks."""
    known, rows = scope.snapshot.look("src.imports")
    if not known:
        return True
    used = [str(row.get("name") or "") for row in rows or ()]
    used += [str(name).rpartition(".")[2] for name in scope.snapshot.get("src.names") or ()]
    return any(re.search(clause["match"], name) for name in used)


def value_without_strays(scope: Scope, clause: Clause) -> bool | None:
    """What the first odd variable was meant to hold can be told; binds ``odd.clean`` to it. Secrets are not known."""
    rows = scope.snapshot.get("env_odd") or [{}]
    value = scope.snapshot.get(f"env.{rows[0].get('name')}")
    if value is None or value == "set":
        return None
    if rows[0].get("problem") == "not-a-choice":
        return False
    if rows[0].get("problem") == "not-a-number":
        pattern = r".*:(\d{1,5})/?" if str(rows[0].get("name")).endswith("_PORT") and ":" in str(value) else _COUNTED
        number = re.fullmatch(pattern, str(value).strip())
        clean = number[1] if number else ""
    else:
        clean = compiled(_STRAY).sub("", str(value)).strip(" \"'")
    if not clean or clean == value:
        return False
    scope.bind("odd.clean", clean)
    return True


def secret_with_strays(scope: Scope, _clause: Clause) -> bool | None:
    """The first odd variable is a secret, whose value is not known here and can only be cleaned in the shell."""
    rows = scope.snapshot.get("env_odd") or [{}]
    value: object = scope.snapshot.get(f"env.{rows[0].get('name')}")
    return value == "set" and not str(rows[0].get("problem")).startswith("not-a-")


def _asked_for(row: Mapping[str, Any], clause: Clause) -> bool:
    return row["kind"] == clause["kind"] and ("names" not in clause or row["name"] in clause["names"])


def named_path_bad(scope: Scope, clause: Clause) -> bool | None:
    """Variables of ``kind`` (and of ``names``) name what is not there. Binds named.name, named.path, named2.name ..."""
    known, rows = scope.snapshot.look("env_paths")
    if not known:
        scope.miss("env_paths")
        return None
    bad = [row for row in rows or () if _asked_for(row, clause)]
    for number, row in enumerate(bad, start=1):
        tail = "" if number == 1 else str(number)
        scope.bind(f"named{tail}.name", row["name"])
        scope.bind(f"named{tail}.path", row.get("path") or "")
    if bad:
        scope.see("env_paths", [f"{row['name']}: {row['problem']}" for row in bad])
    return bool(bad)


def python_series(scope: Scope, _clause: Clause) -> bool | None:
    """Binds series (3.11), of the interpreter that made the environment; always true, for rules that put one back."""
    version = versions.parse(str(scope.known("python.version") or ""))
    if version:
        scope.bind("series", f"{version.major}.{version.minor}")
    return True


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "python_series": python_series,
    "named_path_bad": named_path_bad,
    "pin_needs_older_python": pin_needs_older_python,
    "program_uses": program_uses,
    "python_refused": python_refused,
    "secret_with_strays": secret_with_strays,
    "value_without_strays": value_without_strays,
}
