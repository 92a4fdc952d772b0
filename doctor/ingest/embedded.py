"""A vlmdoctor snapshot or report inside a paste: its facts come back, its own words are not searched for causes."""

from __future__ import annotations

import json
import re

from doctor.errors import SnapshotError
from doctor.ingest import archive
from doctor.ingest.sheet import SAID, VERSION, Sheet
from doctor.model.facts import CLOSED_FAMILIES, find

_ABOVE_ALL = 4  # measured by us on the machine itself
_REACH = 2_000_000  # characters before the schema mark in which its object may begin
_SEEN = re.compile(r" {1,8}seen {1,4}([a-z_]{2,20}\.[\w.-]{1,80}) = (\S.{0,300})$", re.MULTILINE)
_FINDING = re.compile(r"^(?:ERROR|WARNING|NOTE) {1,3}[A-Z]{3}\d{3}  ", re.MULTILINE)
_END = re.compile(r"^\d{1,5} rules looked at .{0,200}$", re.MULTILINE)
_OVERVIEW = (
    ("dist.torch", re.compile(rf"\btorch ({VERSION})")),
    ("driver.version", re.compile(r"\bdriver (\d{3}\.[\d.]{1,9}\d)")),
)


def take(body: str, sheet: Sheet) -> str:
    """The text with our own report or snapshot blanked (rows stay), its facts in the sheet."""
    if '"vlmdoctor.' in body:
        body = _json(body, sheet)
    if " rules looked at " in body:
        body = _plain(body, sheet)
    return body


def _json(body: str, sheet: Sheet) -> str:
    at = body.find('"vlmdoctor.')
    start = _opening(body, at)
    if start < 0:
        return body
    try:
        raw, end = json.JSONDecoder().raw_decode(body, start)
    except (ValueError, RecursionError):
        return body
    inner = raw.get("snapshot", raw) if isinstance(raw, dict) else None
    if not isinstance(inner, dict):
        return body
    facts = inner.get("facts", inner)
    if not isinstance(facts, dict) or not _put(facts, inner.get("closed"), sheet):
        return body
    return body[:start] + "\n" * body.count("\n", start, end) + body[end:]


def _put(facts: dict[str, object], closed: object, sheet: Sheet) -> bool:
    """Take over the facts. False when they are not of the catalogue's types."""
    try:
        known, _ = archive.check_facts(facts)
    except SnapshotError:
        return False
    for name, value in known.items():
        if not name.startswith("log."):
            sheet.put(name, value, _ABOVE_ALL)
    if isinstance(closed, list):
        sheet.closed.update(name for name in CLOSED_FAMILIES if name in closed)
    if known:
        sheet.kind("vlmdoctor")
    return bool(known)


def _plain(body: str, sheet: Sheet) -> str:
    """The report for terminals: overview, findings with what was seen, a last line."""
    end = _END.search(body)
    first = _FINDING.search(body)
    if not end:
        return body
    begin = first.start() if first and first.start() < end.start() else end.start()
    for name, pattern in _OVERVIEW:
        match = pattern.search(body, max(0, begin - 1500), begin)
        if match and name == "dist.torch":
            sheet.dist("torch", match.group(1))
        elif match:
            sheet.put(name, match.group(1))
    for match in _SEEN.finditer(body, begin, end.end()):
        spec = find(match.group(1))
        if spec and spec.type in ("version", "text") and not match.group(1).startswith("log."):
            sheet.put(match.group(1), match.group(2), SAID)
    sheet.kind("vlmdoctor")
    return body[:begin] + "\n" * body.count("\n", begin, end.end()) + body[end.end() :]


def _opening(body: str, at: int) -> int:
    """Offset of the brace at the beginning of a line that opens the object around ``at``, -1 when there is none."""
    begin = max(0, at - _REACH)
    found = body.rfind("\n{", begin, at)
    return found + 1 if found >= 0 else body.find("{", begin, at)
