"""What pip and uv say while they resolve, install and check."""

from __future__ import annotations

import re

from doctor.ingest.sheet import SAID, VERSION, Sheet
from doctor.ingest.text import Text
from doctor.model.names import normalise

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}"
_SATISFIED = re.compile(
    rf"Requirement already satisfied: ({_NAME})\S{{0,300}} in \S.{{0,400}}?(?: \(from .{{0,300}}?\))?(?"
    rf": \(({VERSION})\))?$"
)
_UV_LINE = re.compile(rf" {{0,3}}([+~-]) ({_NAME})==({VERSION})")
_NEEDS = re.compile(
    rf" (?:requires|has requirement) ({_NAME})(?:\[[\w,-]{{1,60}}\])?(.{{0,200}}?), (?:but you|which is not)"
)
_BUT = re.compile(rf"but you(?:'ll)? have ({_NAME}) ({VERSION})")
_UNINSTALLED = re.compile(rf"Successfully uninstalled ({_NAME}?)-({VERSION})")
_UV_NONE = re.compile(
    rf"no version of ({_NAME})(?:\[[\w,-]{{1,60}}\]|\{{[^}}\n]{{1,120}}\}})?([=<>!~]{{1,2}}[\w.+*,<>=!~]{{1,100}})?"
)
_UV_MISSING = re.compile(rf"Because ({_NAME}) was not found in the")
_UV_PYTHON = re.compile(r"Using (?:CPython|Python) (\d\.\d{1,2}\.\d{1,2}\w{0,4})\b")
_ASKED = re.compile(
    rf"(?:No matching distribution found for|satisfies the requirement) ({_NAME})(?:\[[\w,-]{{1,60}}\])?"
    r"([=<>!~]{1,2}[\w.+*,<>=!~ ]{1,100}?)?(?: \(from|$)"
)


def read(text: Text, sheet: Sheet) -> bool:
    """Installed, removed, satisfied and conflicting distributions. True when such output was seen."""
    before = len(sheet.facts)
    _removed(text, sheet)
    _added(text, sheet)
    conflicts = _conflicts(text, sheet)
    _satisfied(text, sheet)
    _asked(text, sheet)
    seen = conflicts or len(sheet.facts) > before
    if seen:
        sheet.kind("pip-log")
    return seen


def _removed(text: Text, sheet: Sheet) -> None:
    for row in text.rows("successfully uninstalled", most=200):
        match = _UNINSTALLED.search(text.lines[row])
        if match:
            sheet.dist(match.group(1), None, SAID)


def _added(text: Text, sheet: Sheet) -> None:
    for row in text.rows("successfully installed", most=40):
        for word in text.lines[row].partition("nstalled ")[2].split():
            name, _, found = word.rpartition("-")
            if name and re.fullmatch(VERSION, found[:100]):
                sheet.dist(name[:80], found)
    for row in text.rows(" + ", most=500):
        added = _UV_LINE.match(text.lines[row])
        if added and added.group(1) == "+":
            sheet.dist(added.group(2), added.group(3))


def _conflicts(text: Text, sheet: Sheet) -> bool:
    """``pip check`` and the resolver's last words."""
    seen = False
    for row in text.rows("but you have", "but you'll have", "which is not installed", most=100):
        line = text.lines[row]
        at = max(line.find(" requires "), line.find(" has requirement "))
        match = _NEEDS.match(line, at) if at > 0 else None
        left = line[:at].split()[-2:]
        if not match or len(left) != 2 or not re.fullmatch(VERSION, left[1][:100]):
            continue
        seen = True
        but = _BUT.search(line, match.end() - 8)
        found = but.group(2) if but else None
        record = {"dist": normalise(left[0]), "version": left[1], "needs": normalise(match.group(1))}
        sheet.add("python.unmet", {**record, "spec": match.group(2).strip(" ()"), "found": found})
        sheet.dist(left[0], left[1], SAID)
        sheet.dist(match.group(1), found, SAID)
    if seen:
        sheet.kind("pip-check")
    return seen


def _satisfied(text: Text, sheet: Sheet) -> None:
    for row in text.rows("requirement already satisfied", most=400):
        match = _SATISFIED.search(text.lines[row].strip())
        if match and match.group(2):
            name = re.split(r"[<>=!~\[;]", match.group(1), maxsplit=1)[0]
            sheet.dist(name, match.group(2), SAID)


def _asked(text: Text, sheet: Sheet) -> None:
    """What the resolver could not find."""
    for row in text.rows("no matching distribution", "that satisfies the requirement", most=10):
        match = _ASKED.search(text.lines[row].strip())
        if match:
            sheet.add("log.not_found", {"name": normalise(match.group(1)), "spec": (match.group(2) or "").strip()}, 20)
    for row in text.rows("no version of ", "was not found in the", most=10):
        match = _UV_NONE.search(text.lines[row]) or _UV_MISSING.search(text.lines[row])
        if match:
            spec = match.group(2) if match.re is _UV_NONE else ""
            sheet.add("log.not_found", {"name": normalise(match.group(1)), "spec": (spec or "").rstrip(",")}, 20)
    for row in text.rows("using cpython ", "using python ", most=3):
        match = _UV_PYTHON.search(text.lines[row])
        if match:
            sheet.put("python.version", match.group(1))
