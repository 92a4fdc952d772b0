"""A plan as JSON, the versioned schema docs/schema/plan-1.json."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from doctor.model import FixStep, Snapshot
from doctor.model.plan import Plan
from doctor.plan.hand import by_hand
from doctor.plan.refuse import refusal
from doctor.plan.rehearse import Answer
from doctor.plan.script import install
from doctor.plan.shell import Target, command

SCHEMA = "vlmdoctor.plan/1"


def render(plan: Plan, snapshot: Snapshot, target: Target, answer: Answer | None, language: str) -> str:
    """One object, two-blank indents, as the report's."""
    refused = refusal(plan, snapshot, target)
    body = {
        "schema": SCHEMA,
        "language": language,
        "shell": target.shell,
        "goals": [_plain(goal) for goal in plan.goals],
        "constraints": [_plain(each) for each in plan.constraints],
        "moves": [_plain(move) for move in plan.moves],
        "installs": [{**_plain(each), "command": "\n".join(install(each, target))} for each in plan.installs],
        "steps": [_step(step, target) for step in plan.steps],
        "advice": [{**_step(step, target), "hand": _hand(step, snapshot)} for step in plan.advice],
        "conflicts": [_plain(found) for found in plan.conflicts],
        "unconfirmed": list(plan.unconfirmed),
        "refusal": _plain(refused) if refused else None,
        "resolver": _answer(answer),
    }
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


def _plain(value: Any) -> dict[str, Any]:
    """A frozen record as a plain object; tuples become lists by JSON itself."""
    return {field.name: _value(getattr(value, field.name)) for field in dataclasses.fields(value)}


def _value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) if dataclasses.is_dataclass(each) else each for each in value]
    return dict(value) if hasattr(value, "items") else value


def _step(step: FixStep, target: Target) -> dict[str, Any]:
    fields = {name: _value(value) for name, value in step._asdict().items()}
    return {**fields, "command": command(step, target)}


def _hand(step: FixStep, snapshot: Snapshot) -> dict[str, Any] | None:
    found = by_hand(step, snapshot)
    return found._asdict() if found else None


def _answer(answer: Answer | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    return {"verdict": answer.verdict, "why": answer.why, "more": list(answer.more)}
