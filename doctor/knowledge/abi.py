"""numpy 1 or numpy 2: which compiled releases load under which."""

from __future__ import annotations

from doctor.knowledge import store, versions
from doctor.model.names import normalise

# distribution -> (first release, protobuf that its generated code needs); read from the head of the wheels' _pb2.py
_GENERATED = {"sentencepiece": ("0.2.3", "7.36.1")}


def generated_for(name: str, version: str) -> str | None:
    """The oldest protobuf that the release's generated code runs with, where it says so."""
    first, floor = _GENERATED.get(normalise(name), (None, None))
    return floor if first and versions.compare(version, first) in (0, 1) else None


@store.memo
def headers(name: str, version: str, tag: str | None = None) -> int | None:
    """1: compiled against numpy 1 headers (fails under numpy 2). 2: runs under both. None: not known or no extension.

    ``tag`` (``cp38``) matters for torch only, whose wheels of one release differ.
    """
    if normalise(name) == "torch":
        return _torch(version, tag)
    row = store.rows("numpy_abi").get(normalise(name))
    if row is None:
        return None
    for kind, listed in row["headers"].items():
        if versions.public(version) in listed.split():
            return int(kind)
    if "first2" in row and versions.compare(version, row["first2"]) in (0, 1):
        return 2
    return 1 if "first2" in row and versions.compare(version, row["last1"]) in (0, -1) else None


def _torch(version: str, tag: str | None) -> int | None:
    row = store.rows("torch").get(versions.public(version))
    if row is None:
        return None
    by_python = row.get("numpy_by_python", {})
    found = by_python.get(tag) if tag in by_python else row["builds"].get("linux_x86_64", {}).get("numpy")
    return None if found is None else int(found)


def loads(name: str, version: str, numpy: str, tag: str | None = None) -> bool | None:
    """Does this compiled release load under this numpy? None: not known."""
    kind, installed = headers(name, version, tag), versions.parse(numpy)
    if kind is None or installed is None:
        return None
    return kind == 2 or installed.major < 2


@store.memo
def first_for_numpy2(name: str) -> str | None:
    """First release that runs under numpy 2."""
    if normalise(name) == "torch":
        return next((v for v in versions.known("torch") if headers("torch", v) == 2), None)
    row = store.rows("numpy_abi").get(normalise(name), {})
    found = row.get("first2")
    return str(found) if found else None


def compiled() -> tuple[str, ...]:
    """Packages whose numpy headers are catalogued."""
    return ("torch", *store.rows("numpy_abi"))
