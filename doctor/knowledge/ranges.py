"""What one package asks of another: by its metadata (Requires-Dist) and by what it really imports."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from doctor.knowledge import store, versions
from doctor.model.names import normalise
from doctor.model.patterns import compiled

if TYPE_CHECKING:
    from packaging.requirements import Requirement

Environment = Mapping[str, str]

_VARIABLE = r"\b(?:python_(?:full_)?version|os_name|sys_platform|platform_\w+|implementation_\w+|extra)\b"
_NAME = r"\s*([A-Za-z0-9._-]+)"
# a name and plain bounds: packaging, slow to load, would say the same
_BOUND = r"(?:[<>]=?|[=!]=)\s*\d{1,9}(?:\.\d{1,9})*"
_PLAIN = rf"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*({_BOUND}(?:\s*,\s*{_BOUND})*)\s*"
_LONGEST = 1000  # characters of a requirement line
_QUOTED = r"\"[^\"]*\"|'[^']*'"
_PLATFORM = {
    "linux": ("Linux", "linux", "posix"),
    "windows": ("Windows", "win32", "nt"),
    "darwin": ("Darwin", "darwin", "posix"),
}
# libraries that come as wheels of their own beside torch; which ones depends on the CUDA variant
_CUDA_WHEELS = ("nvidia-", "cuda-")


def environment(os_name: str | None, arch: str | None, python: str | None) -> dict[str, str]:
    """PEP 508 variables from ``os.name``, ``os.arch`` and ``python.version``; unknown ones are left out."""
    found = {"extra": "", "implementation_name": "cpython", "platform_python_implementation": "CPython"}
    if os_name in _PLATFORM:
        found["platform_system"], found["sys_platform"], found["os_name"] = _PLATFORM[os_name]
    if arch:
        found["platform_machine"] = arch
    parsed = versions.parse(python)
    if python and parsed is not None:
        found["python_full_version"] = python
        found["python_version"] = f"{parsed.major}.{parsed.minor}"
    return found


@lru_cache(maxsize=8192)
def read(line: str) -> Requirement | None:
    """One Requires-Dist line, or None when it is malformed."""
    from packaging.requirements import Requirement  # slow to load, not always needed

    if len(line) > _LONGEST:
        return None  # the parser recurses over brackets
    try:
        return Requirement(line)
    except ValueError:
        return None


@lru_cache(maxsize=8192)
def _variables(line: str) -> frozenset[str]:
    marker = line.partition(";")[2]
    return frozenset(compiled(_VARIABLE).findall(compiled(_QUOTED).sub("", marker)))


def applies(line: str, env: Environment) -> bool | None:
    """Does the requirement's marker hold in ``env``? None when it asks for a variable that is not known."""
    found = read(line)
    if found is None:
        return None
    if found.marker is None:
        return True
    if not _variables(line) <= env.keys():
        return None
    return _holds(line, tuple(sorted(env.items())))


@lru_cache(maxsize=16384)
def _holds(line: str, env: tuple[tuple[str, str], ...]) -> bool | None:
    found = read(line)
    if found is None or found.marker is None:
        return found is not None
    try:
        return found.marker.evaluate(dict(env))
    except ValueError:  # a comparison that has no meaning
        return None


@store.memo
def requirements(name: str, version: str) -> list[str] | None:
    """Requires-Dist lines of one release without its extras, or None when they are not known.

    The nvidia wheels that torch pins belong to the variant of the default index, so a torch with another local
    part (``2.1.2+cu118``) is answered without them. For packages that are not :func:`complete` only the
    requirements that matter to rules are listed.
    """
    row = versions.run(name, version)
    lines = None if row is None else row.get("req")
    if not isinstance(lines, list):
        return None
    if normalise(name) == "torch" and not _default_variant(version):
        return [line for line in lines if not line.startswith(_CUDA_WHEELS)]
    return list(lines)


def _default_variant(version: str) -> bool:
    build = store.rows("torch").get(versions.public(version), {}).get("builds", {}).get("linux_x86_64", {})
    return versions.local(version) in ("", build.get("local"))


def complete(name: str) -> bool:
    """True when all requirements of this package are catalogued, else only those that matter to rules."""
    row = store.rows("releases").get(normalise(name))
    return bool(row and row["complete"])


def requires(name: str, version: str, of: str, env: Environment | None = None) -> str | None:
    """The specifier that ``name`` at ``version`` puts on ``of``: "" for any version, None for none or not known."""
    return pick(requirements(name, version) or (), of, env)


def pick(lines: Iterable[str], of: str, env: Environment | None = None) -> str | None:
    """The joined specifier that requirement lines put on ``of``; lines whose marker does not hold are left out."""
    parts = {part for line in lines if (part := _about(line, of, env or {})) is not None}
    return ",".join(sorted(part for part in parts if part)) if parts else None


def _about(line: str, of: str, env: Environment) -> str | None:
    """The specifier of a line that is about ``of`` and holds in ``env``."""
    name = compiled(_NAME).match(line)  # most lines are about others: parsing those is dear
    if name is None or normalise(name[1]) != normalise(of):
        return None
    plain = compiled(_PLAIN).fullmatch(line)
    if plain:
        return ",".join(sorted({*re.sub(r"\s", "", plain[1]).split(",")}))
    found = read(line)
    return str(found.specifier) if found is not None and applies(line, env) else None


def accepts(name: str, version: str, of: str, at: str, env: Environment | None = None) -> bool | None:
    """Does ``name`` at ``version`` work with ``of`` at ``at``, by metadata and by import contract? None: not known."""
    wanted = requires(name, version, of, env)
    by_metadata = None if wanted is None else versions.accepts(wanted, at)
    by_import = imports_from(name, version, of, at)
    if by_metadata is False or by_import is False:
        return False
    return by_metadata if by_metadata is not None else by_import


@store.memo
def window(name: str, version: str, of: str) -> tuple[str | None, str | None, tuple[str, ...]] | None:
    """First and last release of ``of`` that has every name this release imports, and the releases between without.

    None: nothing is catalogued. A None bound means that no bound was found.
    """
    row = _contract(name, version)
    need = (row or {}).get("needs", {}).get(normalise(of))
    if need is None:
        return None
    return need.get("at_least"), need.get("at_most"), tuple(need.get("not_in") or ())


def imported(name: str, version: str) -> tuple[str, ...]:
    """The distributions for which :func:`window` knows something; most releases have none."""
    return tuple((_contract(name, version) or {}).get("needs", ()))


def because(name: str, version: str, of: str) -> tuple[str, ...]:
    """The imported names that make the window of :func:`window`."""
    need = (_contract(name, version) or {}).get("needs", {}).get(normalise(of), {})
    return tuple(each[0] for each in need.get("because", ()))


@store.memo
def _contract(name: str, version: str) -> dict[str, Any] | None:
    """What a release imports; one that was not read, between two that were, gets what either of them asks."""
    here = versions.parse(versions.public(version))
    before: dict[str, Any] | None = None
    for row in store.rows("import_contracts").get(normalise(name), ()):
        first, last = versions.parse(row["from"]), versions.parse(row["to"])
        if not (here and first and last):
            return None
        if first <= here <= last:
            found: dict[str, Any] = row
            return found
        if here < first:
            return _either(before, row) if before else None
        before = row
    return None


def _either(older: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any]:
    """The stricter of two contracts, package by package."""
    needs: dict[str, Any] = {**older["needs"]}
    for of, need in newer["needs"].items():
        other = needs.get(of, {})
        needs[of] = {
            "at_least": _bound(max, need.get("at_least"), other.get("at_least")),
            "at_most": _bound(min, need.get("at_most"), other.get("at_most")),
            "not_in": [*need.get("not_in", ()), *other.get("not_in", ())],
            "because": [*need.get("because", ()), *other.get("because", ())],
        }
    return {"needs": needs}


def _bound(choose: Callable[..., Any], *bounds: str | None) -> str | None:
    given = [bound for bound in bounds if bound]
    return choose(given, key=versions.parse) if given else None


def imports_from(name: str, version: str, of: str, at: str) -> bool | None:
    """Do the names that this release imports exist in ``of`` at ``at``? None: not known."""
    found = window(name, version, of)
    here = versions.parse(versions.public(at))
    if found is None or here is None:
        return None
    first, last = versions.parse(found[0]), versions.parse(found[1])
    return not ((first and here < first) or (last and here > last) or versions.public(at) in found[2])


@store.memo
def nearest_accepting(name: str, version: str, of: str, at: str) -> str | None:
    """The release of ``name`` nearest to ``version`` that works with ``of`` at ``at``."""
    allowed = [v for v in versions.candidates(name) if accepts(name, v, of, at)]
    order = versions.known(name)
    here = versions.parse(versions.public(version))
    if here is None or not allowed:
        return None
    place = sum(1 for v in order if (versions.parse(v) or here) < here)
    return min(allowed, key=lambda v: (abs(order.index(v) - place), -order.index(v)))


@store.memo
def newest_accepted(name: str, version: str, of: str) -> str | None:
    """The newest release of ``of`` that ``name`` at ``version`` works with."""
    return next((v for v in versions.candidates(of) if accepts(name, version, of, v)), None)
