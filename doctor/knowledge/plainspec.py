"""Specifier sets of plain numbers against plain releases, judged without ``packaging.specifiers``.

Loading that module costs a tenth of a whole ``check``, and nearly every specifier of a rule is plain. What is not
(pre-releases, local parts, epochs, ``===``) is left to ``packaging``; tests/knowledge/test_plainspec.py holds both
against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from packaging.version import Version

Release = tuple[int, ...]
Test = Callable[[Release], bool]

_PART = re.compile(r"(==|!=|<=|>=|<|>|~=)\s*(\d{1,9}(?:\.\d{1,9})*)(\.\*)?")


def accepts(specifier: str, version: Version) -> bool | None:
    """Does ``specifier`` accept ``version``? None when one of them is not plain; a local part is no matter."""
    tests = _tests(specifier)
    if tests is None or version.is_prerelease or version.is_postrelease or version.epoch:
        return None
    release = _trimmed(version.release)
    return all(test(release) for test in tests)


@lru_cache(maxsize=4096)
def _tests(specifier: str) -> tuple[Test, ...] | None:
    found = []
    for part in filter(None, map(str.strip, specifier.split(","))):
        match = _PART.fullmatch(part)
        test = _test(match[1], tuple(map(int, match[2].split("."))), bool(match[3])) if match else None
        if test is None:
            return None
        found.append(test)
    return tuple(found)


def _test(operator: str, wanted: Release, prefix: bool) -> Test | None:
    bound, size = _trimmed(wanted), len(wanted)
    if prefix:
        if operator not in ("==", "!="):
            return None
        return lambda release: _starts(release, wanted) == (operator == "==")
    if operator == "~=":
        return (lambda release: release >= bound and _starts(release, wanted[:-1])) if size > 1 else None
    return _ORDER[operator](bound)


def _starts(release: Release, prefix: Release) -> bool:
    size = len(prefix)
    return (release + (0,) * size)[:size] == prefix


def _trimmed(release: Release) -> Release:
    """Without trailing zeros, so that 1.0 and 1 are one release and tuples order as versions do."""
    end = len(release)
    while end and not release[end - 1]:
        end -= 1
    return release[:end]


_ORDER: dict[str, Callable[[Release], Test]] = {
    "==": lambda bound: bound.__eq__,
    "!=": lambda bound: bound.__ne__,
    "<": lambda bound: bound.__gt__,
    "<=": lambda bound: bound.__ge__,
    ">": lambda bound: bound.__lt__,
    ">=": lambda bound: bound.__le__,
}
