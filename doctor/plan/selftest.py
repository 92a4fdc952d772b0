"""Runs a rule's inline examples; the same code serves ``vlmdoctor rules test`` and the test suite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from doctor.engine.evaluate import evaluate
from doctor.knowledge.derive import derive
from doctor.model import Finding, Rule, Snapshot, Verdict
from doctor.plan.simulate import simulate

ABSENT = "<absent>"  # TOML has no null


def snapshot_of(example: Mapping[str, Any], without: str | None = None) -> Snapshot:
    """The snapshot that an example describes; ``without`` leaves one fact out."""
    facts = _facts(example.get("facts", {}))
    facts.pop(without or "", None)
    if "log" in example:
        facts["log.lines"] = list(example["log"])
        facts.setdefault("log.exceptions", [{"type": "Error", "message": "", "line": 1, "chained": None}])
    return derive(Snapshot(facts, source="pasted", closed=frozenset(example.get("closed", ()))))


def _facts(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if value == ABSENT else value for name, value in table.items()}


def after_fix(example: Mapping[str, Any], found: Finding, snapshot: Snapshot) -> Snapshot:
    """The snapshot after the first way of the finding's fix, and after what the example says changes with it."""
    first = min((step.way for step in found.fix), default=1)
    after = simulate(snapshot, [step for step in found.fix if step.way == first])
    return derive(after.with_facts(_facts(example.get("after", {}))))


def failures(rule: Rule, examples: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each example that does not hold."""
    for example in examples:
        snapshot = snapshot_of(example)
        found = evaluate([rule], snapshot)[0]
        if found.verdict.value != example["expect"]:
            yield f"{example['name']}: {found.verdict.value}, not {example['expect']} {found.trouble or found.missing}"
        elif found.verdict is Verdict.HIT and "after_fix" in example:
            after = evaluate([rule], after_fix(example, found, snapshot))[0].verdict.value
            if after != example["after_fix"]:
                yield f"{example['name']}: after the fix {after}, not {example['after_fix']}"
