"""Which finding comes first, and which one follows from another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from doctor.model import Finding, Rule, Verdict
from doctor.model.names import normalise

FAIR_SHARE = 0.85  # a root that only the text suggests is at least this share as sure as what it explains
_SEVERITY = {"error": 0, "warning": 1, "note": 2}


def rank(findings: Iterable[Finding], rules: Sequence[Rule], from_text: bool) -> list[Finding]:
    """The hits, best first; a finding that another one explains stands behind it with ``under`` set.

    ``from_text``: a failing text was judged, so confidence decides before severity; a machine without a failing
    text is judged by severity first.
    """
    found = {finding.rule: finding for finding in findings if finding.verdict is Verdict.HIT}
    table = {rule.id: rule for rule in rules if rule.id in found}
    hits = sorted(found.values(), key=lambda f: _key(f, table[f.rule], from_text))
    return _grouped(_explained(hits, table))


def _key(finding: Finding, rule: Rule, from_text: bool) -> tuple[float, ...]:
    severity = _SEVERITY[finding.severity]
    if from_text:
        return (severity == 2, -finding.confidence, severity, -rule.prior)
    return (severity, -finding.confidence, -rule.prior)


def _explained(hits: Sequence[Finding], table: Mapping[str, Rule]) -> list[Finding]:
    """Sets ``under``: the best-ranked hit that names the finding's slug; cycles, notes and mere guesses excepted."""
    marked: list[Finding] = []
    roots: dict[str, str | None] = {}
    for finding in hits:
        under = next(
            (
                other.rule
                for other in hits
                if other.rule != finding.rule
                and finding.slug in table[other.rule].explains
                and other.severity != "note"
                and _of_the_same(finding, other)
                and (_seen(other, table) or other.confidence >= FAIR_SHARE * finding.confidence)
                and roots.get(other.rule) != finding.rule
            ),
            None,
        )
        roots[finding.rule] = under
        marked.append(finding._replace(under=under) if under else finding)
    return marked


def _of_the_same(finding: Finding, root: Finding) -> bool:
    """False when a finding lists missing packages that the root does not speak of."""
    listed = finding.bound.get("need.list", "").split(", ") if "need.want" in finding.bound else []
    return {normalise(name) for name in listed if name} <= {normalise(step.target) for step in root.fix}


def _seen(finding: Finding, table: Mapping[str, Rule]) -> bool:
    """True when facts prove the finding, not only a line that may have other causes."""
    return bool(table[finding.rule].when) and not finding.missing


def _grouped(findings: Sequence[Finding]) -> list[Finding]:
    """Each finding followed by those under it; one whose root is itself explained goes under the same root."""
    by_rule = {finding.rule: finding for finding in findings}
    order: list[Finding] = []
    for finding in findings:
        if finding.under is None:
            order.append(finding)
            order.extend(other for other in findings if other.under and _root(other, by_rule) == finding.rule)
    return order


def _root(finding: Finding, by_rule: Mapping[str, Finding]) -> str:
    seen = set()
    while finding.under and finding.rule not in seen:
        seen.add(finding.rule)
        finding = by_rule[finding.under]
    return finding.rule
