"""Versions, specifiers and the known releases of a package. An unreadable version is None, never a guess."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.version import Version

from doctor.knowledge import plainspec, store
from doctor.model.names import normalise

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_LONGEST = 200  # characters of a version; metadata of a stranger may hold anything


@lru_cache(maxsize=8192)
def parse(text: str | None) -> Version | None:
    """A PEP 440 version, or None when the text is none."""
    try:
        return Version(text) if text and len(text) <= _LONGEST else None
    except ValueError:
        return None


@lru_cache(maxsize=8192)
def spec(text: str) -> SpecifierSet | None:
    """A PEP 440 specifier set ("" accepts everything), or None when the text is none."""
    from packaging.specifiers import SpecifierSet  # slow to load, see plainspec

    try:
        return SpecifierSet(text) if len(text) <= 8 * _LONGEST else None
    except ValueError:
        return None


@lru_cache(maxsize=16384)
def accepts(specifier: str, version: str) -> bool | None:
    """Does ``specifier`` accept ``version``? Pre-releases count, as an installed one does. None: unreadable."""
    found = parse(version)
    if found is None:
        return None
    plain = plainspec.accepts(specifier, found)
    if plain is not None:
        return plain
    wanted = spec(specifier)
    if wanted is None:
        return None
    try:
        return wanted.contains(found, prereleases=True)
    except ValueError:  # a number with thousands of digits
        return None


def public(version: str) -> str:
    """``2.1.2+cu118`` -> ``2.1.2``."""
    return version.partition("+")[0]


def local(version: str) -> str:
    """``2.1.2+cu118`` -> ``cu118``, and "" without a local part."""
    return version.partition("+")[2]


def compare(one: str, other: str) -> int | None:
    """-1, 0 or 1 as ``one`` is older, equal or newer (local parts ignored); None: unreadable."""
    left, right = parse(public(one)), parse(public(other))
    if left is None or right is None:
        return None
    return (left > right) - (left < right)


@store.memo
def packages() -> frozenset[str]:
    """Normalised names of the packages whose releases are catalogued."""
    return frozenset(store.rows("releases"))


@store.memo
def known(name: str) -> tuple[str, ...]:
    """Catalogued releases of a package, oldest first, yanked ones too; empty when it is not catalogued."""
    row = store.rows("releases").get(normalise(name))
    found = [text for run in row["runs"] for text in run["v"].split()] if row else []
    return tuple(sorted(found, key=lambda text: parse(text) or Version("0")))


def yanked(name: str, version: str) -> bool:
    """Whether the release is known to be withdrawn."""
    withdrawn = _withdrawn(name)  # of most packages none: then no version need be parsed
    return bool(withdrawn) and parse(public(version)) in withdrawn


@store.memo
def _withdrawn(name: str) -> frozenset[Version | None]:
    row = store.rows("releases").get(normalise(name), {"runs": ()})
    return frozenset(parse(text) for each in row["runs"] if each.get("yanked") for text in each["v"].split())


@store.memo
def _runs(name: str) -> dict[Version, dict[str, object]]:
    row = store.rows("releases").get(normalise(name), {"runs": []})
    pairs = ((parse(text), each) for each in row["runs"] for text in each["v"].split())
    return {version: each for version, each in pairs if version is not None}


@store.memo
def run(name: str, version: str) -> dict[str, object] | None:
    """The catalogue row that covers one release (keys v, req, py, tags, sdist, yanked, why), or None."""
    text = public(version)
    for row in store.rows("releases").get(normalise(name), {"runs": ()})["runs"]:
        # as the catalogue spells it: no version of the package need be parsed, and most rows do not hold it at all
        if text in row["v"] and f" {text} " in f" {row['v']} ":
            found: dict[str, object] = row
            return found
    wanted = parse(text)
    return None if wanted is None else _runs(name).get(wanted)


@store.memo
def candidates(name: str, specifier: str = "") -> tuple[str, ...]:
    """Releases one may install: catalogued, not yanked, no pre-releases, accepted by ``specifier``; newest first."""
    return tuple(v for v in reversed(known(name)) if _offered(name, v) and accepts(specifier, v))


def _offered(name: str, version: str) -> bool:
    found = parse(version)
    return found is not None and not found.is_prerelease and not yanked(name, version)


def newest(name: str, specifier: str = "") -> str | None:
    """Newest release one may install that ``specifier`` accepts."""
    found = candidates(name, specifier)
    return found[0] if found else None


def at_most(name: str, version: str) -> str | None:
    """Newest catalogued release that is not newer than ``version``."""
    limit = parse(public(version))
    older = [v for v in known(name) if limit is not None and (parse(v) or limit) <= limit]
    return older[-1] if older else None


@store.memo
def nearest(name: str, version: str, specifier: str = "") -> str | None:
    """The acceptable release with the fewest releases between it and ``version``; the older one when equal."""
    here = parse(public(version))
    allowed = candidates(name, specifier)
    if here is None or not allowed:
        return None
    order = list(known(name))
    place = sum(1 for v in order if (parse(v) or here) < here)
    return min(allowed, key=lambda v: (abs(order.index(v) - place), (parse(v) or here) > here))
