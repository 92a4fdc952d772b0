"""Redaction of a pasted snapshot: the catalogue says which facts are private, the caller brings the redactor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from doctor.model.facts import find


def veil(facts: Mapping[str, Any], redact: Callable[[str], str]) -> dict[str, Any]:
    """The facts with ``redact`` applied to every text of a private one."""
    out: dict[str, Any] = {}
    for name, value in facts.items():
        if name == "log.lines":
            out[name] = _lines(value, redact)
            continue
        spec = find(name)
        out[name] = _value(value, redact) if spec is None or spec.sensitive else value
    return out


def _lines(lines: list[str], redact: Callable[[str], str]) -> list[str]:
    """In one go, which is faster and lets the redactor see neighbours; line by line when the rows would shift."""
    hidden = redact("\n".join(lines)).split("\n")
    return hidden if len(hidden) == len(lines) else [redact(line).replace("\n", " ") for line in lines]


def _value(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [_value(item, redact) for item in value]
    if isinstance(value, dict):
        return {key: _value(item, redact) for key, item in value.items()}
    return value
