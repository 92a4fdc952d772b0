"""A vlmdoctor snapshot or JSON report inside a paste: its facts come back as they were measured."""

from __future__ import annotations

import json

from doctor.errors import SnapshotError
from doctor.ingest import archive
from doctor.ingest.sheet import Sheet
from doctor.ingest.text import Text
from doctor.model.facts import CLOSED_FAMILIES

_ABOVE_ALL = 4  # measured by us on the machine itself


def read(text: Text, sheet: Sheet) -> bool:
    """Facts of the first snapshot object in the text. True when one was found."""
    for row in text.rows('"vlmdoctor.', most=2):
        start = _opening(text.body, text.offset(row))
        if start < 0:
            continue
        try:
            raw, _ = json.JSONDecoder().raw_decode(text.body, start)
        except (ValueError, RecursionError):
            continue
        inner = raw.get("snapshot", raw) if isinstance(raw, dict) else None
        if isinstance(inner, dict) and isinstance(inner.get("facts"), dict):
            return _take(inner["facts"], inner.get("closed"), sheet)
    return False


def _take(facts: dict[str, object], closed: object, sheet: Sheet) -> bool:
    try:
        known, _ = archive.check_facts(facts)
    except SnapshotError:
        return False
    for name, value in known.items():
        if not name.startswith("log."):
            sheet.put(name, value, _ABOVE_ALL)
    if isinstance(closed, list):
        sheet.closed.update(name for name in CLOSED_FAMILIES if name in closed)
    sheet.kind("vlmdoctor")
    return True


def _opening(body: str, at: int) -> int:
    """Offset of the brace at the beginning of a line that opens the object around ``at``, -1 when there is none."""
    begin = max(0, at - 2_000_000)
    found = body.rfind("\n{", begin, at)
    if found >= 0:
        return found + 1
    return body.find("{", begin, at + 200)
