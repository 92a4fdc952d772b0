"""Many pasted reports at once: one JSON line a report, the corpus loaded once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from doctor.commands.common import LEVELS, Options, chosen, language, replacing
from doctor.commands.progress import bar
from doctor.model import Snapshot
from doctor.model.report import Report

TEXT_KEYS = ("text", "body", "message", "log")  # where a JSON line may hold the pasted text
NAME_KEYS = ("id", "name", "number", "url")

Item = tuple[str, bytes | str | None]  # name, pasted text or None for a line that holds none


def run(source: Path, options: Options) -> int:
    """Diagnose every file of a folder, or every line of a JSONL file. Returns the exit code of the worst report."""
    diagnose = diagnoser(options)
    worst = 0
    items, total = folder(source) if source.is_dir() else lines(source)
    with sink(options) as write:
        for name, text in bar(items, source.name, total):
            report = {"schema": None, "error": "no text in this line"} if text is None else diagnose(text)
            write(json.dumps({"name": name, **report}, ensure_ascii=True, default=str) + "\n")
            worst = max(worst, exit_code(report, options))
    return worst


def diagnoser(options: Options) -> Callable[[bytes | str], dict[str, Any]]:
    """A function from text to the JSON document of its report, without the parts a batch does not need."""
    from doctor.collect.redact import Redactor
    from doctor.engine import store
    from doctor.engine.many import Judge
    from doctor.ingest import ingest
    from doctor.knowledge.derive import derive
    from doctor.plan.shell import Target
    from doctor.report.build import Style, build
    from doctor.report.jsonout import answer

    corpus = store.load(options.rules_dir)
    judge = Judge(chosen(corpus.rules, options.only, options.skip))
    redact, lang = Redactor().text, language(options.lang)

    def report(snapshot: Snapshot) -> Report:
        return build(judge(snapshot), snapshot, corpus, Style(lang, Target.of(snapshot)))

    def diagnose(text: bytes | str) -> dict[str, Any]:
        return answer(report(derive(ingest([text], redact=redact))))

    return diagnose


def folder(path: Path) -> tuple[Iterator[Item], int]:
    """The regular files below a folder, by name; links are not followed."""
    from doctor.commands.diagnose import read

    found = sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
    return ((str(p.relative_to(path)), read(p)) for p in found), len(found)


def lines(path: Path) -> tuple[Iterator[Item], int]:
    """The lines of a JSONL file and their number. Raises UsageError when it cannot be read."""
    try:
        with path.open("rb") as stream:
            total = sum(1 for _ in stream)
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from None
    return _lines(path), total


def _lines(path: Path) -> Iterator[Item]:
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            if raw.strip():
                yield item(raw, str(number))


def item(raw: bytes, name: str) -> Item:
    """One line: a JSON string, or an object with the text in one of ``TEXT_KEYS`` and perhaps a name."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return name, None
    if isinstance(value, str):
        return name, value
    if not isinstance(value, dict):
        return name, None
    name = next((str(value[key]) for key in NAME_KEYS if isinstance(value.get(key), str | int)), name)
    return name, next((value[key] for key in TEXT_KEYS if isinstance(value.get(key), str)), None)


@contextmanager
def sink(options: Options) -> Iterator[Callable[[str], object]]:
    """Where the lines go: the file, by rename at the end, else standard output."""
    if options.output is None:
        yield sys.stdout.write
        return
    with replacing(options.output) as stream:
        yield stream.write


def exit_code(report: dict[str, Any], options: Options) -> int:
    """1 for a finding at or above ``--fail-on``, 3 for a line without text, else 0."""
    if "error" in report:
        return 3
    if options.fail_on == "never":
        return 0
    loud = LEVELS[: LEVELS.index(options.fail_on) + 1]
    return int(any(finding["severity"] in loud for finding in report["findings"]))
