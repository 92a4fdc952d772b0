"""Snapshot files: one JSON object, checked against the fact catalogue when it is read.

A file may come from anybody, so it is read as a regular file of bounded size, and every value must be of the type
that the catalogue gives its fact; depth, huge numbers, NaN and lone surrogates are dealt with here.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from doctor.errors import SnapshotError
from doctor.model import SCHEMA, Snapshot
from doctor.model.facts import CLOSED_FAMILIES, FactSpec, find

MAX_BYTES = 32_000_000
MAX_TEXT = 20_000
MAX_ITEMS = 200_000
_FAMILY = "vlmdoctor.snapshot/"


def dump(snapshot: Snapshot) -> str:
    """The snapshot as JSON text, stable for equal snapshots; ends in a newline."""
    data = {
        "schema": snapshot.schema,
        "taken": snapshot.taken,
        "source": snapshot.source,
        "closed": sorted(snapshot.closed),
        "facts": dict(snapshot.facts),
        "unread": dict(snapshot.unread),
    }
    text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    return text.encode("utf-8", "replace").decode() + "\n"


def save(snapshot: Snapshot, path: Path) -> None:
    """Write the snapshot beside its place and move it there, so that a broken write leaves no half file.

    Raises SnapshotError when the place cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(dump(snapshot), encoding="utf-8")
        beside.replace(path)
    except (OSError, ValueError) as error:
        raise SnapshotError(f"cannot write {path}: {_why(error)}") from None
    finally:
        beside.unlink(missing_ok=True)


def load(path: Path) -> Snapshot:
    """The snapshot in a file. Raises SnapshotError with the reason."""
    try:
        data = read_regular(path, MAX_BYTES)
    except OSError as error:
        raise SnapshotError(f"{path}: {_why(error)}") from None
    try:
        return loads(data)
    except SnapshotError as error:
        raise SnapshotError(f"{path}: {error}") from None


def load_report(path: Path) -> Snapshot:
    """The snapshot inside a JSON report. Raises SnapshotError with the reason."""
    try:
        raw = parse(read_regular(path, MAX_BYTES))
    except OSError as error:
        raise SnapshotError(f"{path}: {_why(error)}") from None
    inner = raw.get("snapshot")
    if not str(raw.get("schema")).startswith("vlmdoctor.report/") or not isinstance(inner, dict):
        raise SnapshotError(f"{path}: not a vlmdoctor report")
    body = {"schema": SCHEMA, "facts": inner, "unread": raw.get("unread", {}), "taken": raw.get("taken")}
    found = loads(json.dumps({**body, "closed": raw.get("closed", [])}))
    return found._replace(source=str(raw.get("source") or "archive"))


def read_regular(path: Path, most: int) -> bytes:
    """Bytes of a regular file. Raises OSError for anything else (a pipe would block) and when it is too large."""
    handle = os.open(
        path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    )
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise OSError("not a regular file")
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(f"larger than {most} bytes")
    return data


def loads(data: bytes | str) -> Snapshot:
    """The snapshot in JSON text. Raises SnapshotError with the reason."""
    raw = parse(data)
    schema = raw.get("schema")
    if not isinstance(schema, str) or not schema.startswith(_FAMILY):
        raise SnapshotError("not a vlmdoctor snapshot: no schema")
    if schema != SCHEMA:
        raise SnapshotError(f"schema {schema[:60]} is not known to this version, which reads {SCHEMA}")
    facts, unread = raw.get("facts"), raw.get("unread", {})
    if not isinstance(facts, dict) or not isinstance(unread, dict):
        raise SnapshotError("facts and unread must be objects")
    known, strange = check_facts(facts)
    reasons = {_text(name): _text(why) for name, why in unread.items()}
    reasons.update(dict.fromkeys(strange, "not known to this version"))
    closed = raw.get("closed", [])
    taken = raw.get("taken")
    return Snapshot(
        facts=known,
        unread=reasons,
        source="archive",
        closed=frozenset(name for name in closed if name in CLOSED_FAMILIES)
        if isinstance(closed, list)
        else frozenset(),
        taken=_text(taken) if isinstance(taken, str) else None,
    )


def parse(data: bytes | str) -> dict[str, Any]:
    """A JSON object of bounded size. Raises SnapshotError."""
    if len(data) > MAX_BYTES:
        raise SnapshotError(f"larger than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        raw = json.loads(text, parse_int=_integer, parse_constant=_constant)
    except UnicodeDecodeError:
        raise SnapshotError("not UTF-8 text") from None
    except RecursionError:
        raise SnapshotError("nested too deep") from None
    except ValueError as error:
        raise SnapshotError(f"not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise SnapshotError("not a JSON object")
    return raw


def check_facts(facts: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Facts of the right type with clean texts, and the names that the catalogue lacks. Raises SnapshotError."""
    known: dict[str, Any] = {}
    strange: list[str] = []
    for name, value in facts.items():
        spec = find(name)
        if spec is None:
            strange.append(_text(name))
        else:
            known[name] = None if value is None else _checked(name, spec, value)
    return known, strange


def _integer(text: str) -> int:
    if len(text) > 20:
        raise ValueError("a number with too many digits")
    return int(text)


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _text(value: Any) -> str:
    """A string without lone surrogates and of bounded length."""
    return str(value)[:MAX_TEXT].encode("utf-8", "replace").decode()


def _checked(name: str, spec: FactSpec, value: Any) -> Any:
    if spec.type == "records":
        if not isinstance(value, list) or len(value) > MAX_ITEMS or not all(isinstance(item, dict) for item in value):
            raise SnapshotError(f"fact {name}: a list of objects was expected")
        return [
            {_text(key): _scalar(f"{name}.{key}", spec.fields.get(key, ""), item) for key, item in record.items()}
            for record in value
        ]
    return _scalar(name, spec.type, value)


def _scalar(name: str, type_: str, value: Any) -> Any:
    """A value of a plain type; '' accepts any plain one (a field that a newer version added)."""
    if value is None:
        return None
    reader = _TYPES.get(type_)
    if reader is None:
        return (
            _text(value) if isinstance(value, str) else value if isinstance(value, bool | int | float) else _text(value)
        )
    checked = reader(value)
    if checked is None:
        raise SnapshotError(f"fact {name[:100]}: {type_} was expected")
    return checked


def _list(value: Any) -> list[Any] | None:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        return None
    return [item if isinstance(item, bool | int | float) else _text(item) for item in value]


def _map(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict) or len(value) > MAX_ITEMS:
        return None
    return {
        _text(key): _list(item)
        if isinstance(item, list)
        else item
        if isinstance(item, bool | int | float) or item is None
        else _text(item)
        for key, item in value.items()
    }


def _string(value: Any) -> str | None:
    return _text(value) if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


_TYPES: dict[str, Callable[[Any], Any]] = {
    "version": _string,
    "text": _string,
    "path": _string,
    "int": _whole,
    "bytes": _whole,
    "float": _number,
    "bool": _truth,
    "list": _list,
    "map": _map,
}


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
