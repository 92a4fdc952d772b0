"""Writes the rule corpus as bundle files: what judging needs in one JSON, words and examples apart.

``rules.json`` is parsed at each start. ``details.jsonl`` holds one line a rule, in the same order, and is parsed line
by line where a text is searched for signs or a hit needs its steps; ``words.jsonl`` is read by offset, only for the
rules that hit; ``kb/`` holds the fact tables, the rows of the largest apart and read by offset as well. The formats are
private to bundle.py and the two modules store.py.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from doctor.engine.load import RuleFile, load_dir, read_toml
from doctor.model import Rule

FORMAT = 3
LARGE = ("releases",)  # tables of which a check needs a few rows
DETAILS = ("links", "signs", "fix")  # fields of a rule that judging a machine does not need


def write_bundle(rules_dir: Path, out: Path) -> None:
    """Bundle ``rules_dir`` into ``out``. Raises RuleError when a rule breaks the contract."""
    loaded = load_dir(rules_dir)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    offsets, words = _lines({item.rule.id: {"text": item.text, "examples": item.examples} for item in loaded})
    (out / "words.jsonl").write_bytes(words)
    body: dict[str, Any] = {
        "format": FORMAT,
        "digest": digest(loaded),
        "families": families(rules_dir),
        "rules": [_judged(item.rule) for item in loaded],
        "words": offsets,
    }
    (out / "rules.json").write_text(_compact(body), encoding="utf-8")
    details = [_compact([getattr(item.rule, name) for name in DETAILS]) + "\n" for item in loaded]
    (out / "details.jsonl").write_text("".join(details), encoding="utf-8")
    if (rules_dir / "kb").is_dir():
        shutil.copytree(rules_dir / "kb", out / "kb")
        for name in LARGE:
            _split(out / "kb" / f"{name}.json")


def _split(table: Path) -> None:
    """The rows of a table into a file of their own, with their places in the table instead."""
    data = json.loads(table.read_text(encoding="utf-8"))
    places, lines = _lines(data.pop("rows"))
    table.write_text(_compact({**data, "places": places}), encoding="utf-8")
    table.with_suffix(".jsonl").write_bytes(lines)


def _judged(rule: Rule) -> list[Any]:
    """The other fields, in the order of the named tuple."""
    return [value for name, value in zip(rule._fields, rule, strict=True) if name not in DETAILS]


def _compact(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _lines(records: Mapping[str, Any]) -> tuple[dict[str, list[int]], bytes]:
    """``({name: [offset, size]}, lines)``: one JSON line a record."""
    places: dict[str, list[int]] = {}
    parts: list[bytes] = []
    at = 0
    for name, record in records.items():
        line = (json.dumps(record, ensure_ascii=False, default=str) + "\n").encode()
        places[name] = [at, len(line)]
        parts.append(line)
        at += len(line)
    return places, b"".join(parts)


def digest(loaded: list[RuleFile]) -> str:
    """SHA-256 over rules and words, in hex; printed in every report."""
    canonical = [[item.rule, item.text] for item in loaded]
    return hashlib.sha256(json.dumps(canonical, sort_keys=True, default=str).encode()).hexdigest()


def families(rules_dir: Path) -> dict[str, Any]:
    """The family table: folder name -> title in both languages, order, id prefix."""
    path = rules_dir / "families.toml"
    return read_toml(path.name, path.read_text(encoding="utf-8")) if path.is_file() else {}
