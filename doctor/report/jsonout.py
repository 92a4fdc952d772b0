"""The report as JSON: a versioned public schema (docs/schema/report-1.json)."""

from __future__ import annotations

import json
from typing import Any

from doctor.model.report import Command, Entry, Report
from doctor.report.text import verdict


def render(report: Report) -> str:
    """One JSON object; characters outside ASCII are kept, lone surrogates are not."""
    return json.dumps(document(report), ensure_ascii=True, indent=1, default=str) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The object behind ``render``."""
    return {
        **answer(report),
        "unknown": [{"slug": slug, "missing": list(missing)} for slug, missing in report.unknown],
        "unread": dict(report.unread),
        "closed": list(report.closed),
        "snapshot": dict(report.snapshot),
    }


def answer(report: Report) -> dict[str, Any]:
    """The part that answers: what was found, without the facts it was found in."""
    return {
        "schema": report.schema,
        "tool": {"name": "vlmdoctor", "version": report.tool_version},
        "rules": {"count": report.rules_count, "digest": report.rules_digest},
        "language": report.language,
        "source": report.source,
        "taken": report.taken,
        "verdict": verdict(report),
        "summary": dict(report.counts),
        "findings": [_finding(entry) for entry in report.entries],
        "together": _together(report),
        "crashed": [{"slug": slug, "what": what} for slug, what in report.crashed],
        "invisible": list(report.invisible),
        "unseen": [{"area": area, "why": why} for area, why in report.unseen],
        "overview": dict(report.overview),
        "smoke": report.snapshot.get("smoke.results"),
    }


def _together(report: Report) -> dict[str, Any] | None:
    found = report.together
    if found is None:
        return None
    conflicts = [{"slug": slug, "who": who} for slug, who in found.conflicts]
    return {
        "replaces": sorted(found.rules),
        "moves": list(found.moves),
        "commands": list(found.commands),
        "conflicts": conflicts,
    }


def _finding(entry: Entry) -> dict[str, Any]:
    finding = entry.finding
    return {
        "id": finding.rule,
        "slug": finding.slug,
        "family": finding.family,
        "severity": finding.severity,
        "verdict": finding.verdict.value,
        "confidence": finding.confidence,
        "under": finding.under,
        "beside": entry.beside,
        "confirm": entry.confirm,
        "title": entry.title,
        "why": entry.why,
        "next": entry.next,
        "proof": entry.proof,
        "links": list(entry.links),
        "evidence": [{"fact": e.fact, "seen": e.seen, "line": e.line} for e in finding.evidence],
        "bound": dict(finding.bound),
        "fix": [_command(item) for item in entry.commands],
    }


def _command(item: Command) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "target": item.target,
        "to": item.to,
        "safety": item.safety,
        "way": item.way,
        "command": item.text,
    }
