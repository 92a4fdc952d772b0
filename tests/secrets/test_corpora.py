"""Every secret of the corpora is gone and every look-alike is there, alone, among others, and in each output."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner
from corpus_maker import Case

from doctor.cli import group
from doctor.collect.redact import Redactor

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CASES: list[Case] = [case for number in NUMBERS for case in import_module(f"corpus_{number}").corpus()]
SECRETS = [case for case in CASES if case.gone]
PATIENT = (
    'torch==2.1.2+cu118\nTraceback (most recent call last):\n  File "a.py", line 3, in <module>\n    import torch\n'
)


@pytest.mark.parametrize("case", CASES, ids=[f"{number}-{case.kind}" for number, case in enumerate(CASES)])
def test_each_alone(case: Case) -> None:
    assert case.verdict(Redactor().text(case.text)) == "ok"


@pytest.mark.parametrize(
    "form", ["{}", "2026-01-01 00:00:00,123 INFO x.py:12] {}", "    {}", "> {}", "| {} |", "RuntimeError: {}"]
)
def test_one_line_secrets_inside_a_log(form: str) -> None:
    """What a logger puts in front of a line takes nothing away from it. Tables and blocks are read by their own lines."""
    for case in SECRETS:
        if "\n" not in case.text and not case.text.startswith((" ", "\\")) and case.kind not in ("column", "setting"):
            assert case.verdict(Redactor().text(form.format(case.text))) != "leak", case


def _leaks(body: str) -> list[Case]:
    return [case for case in SECRETS if case.verdict(body) == "leak"]


def _run(*words: object) -> str:
    done = CliRunner().invoke(group, list(map(str, words)), standalone_mode=False)
    assert done.exception is None, done.output
    return done.output


def _all() -> str:
    return PATIENT + "\n\n".join(
        f"RuntimeError: CUDA error: no kernel image is available\n{case.text}" for case in SECRETS
    )


@pytest.mark.parametrize("format_", ["text", "json", "markdown"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_diagnose(tmp_path: Path, format_: str, language: str) -> None:
    (tmp_path / "paste.txt").write_text(_all(), encoding="utf-8")
    assert _leaks(_run("diagnose", tmp_path / "paste.txt", "--format", format_, "--lang", language)) == []


def test_redact(tmp_path: Path) -> None:
    (tmp_path / "paste.txt").write_text(_all(), encoding="utf-8")
    assert _leaks(_run("redact", tmp_path / "paste.txt")) == []


@pytest.mark.parametrize("format_", ["text", "json", "markdown"])
def test_a_snapshot_of_anybody(tmp_path: Path, format_: str) -> None:
    """In any fact that may hold text, also where the catalogue calls a fact plain."""
    texts = [case.text for case in SECRETS]
    facts = {
        "dist.torch": "2.1.2", "log.lines": _all().splitlines(), "driver.smi_error": "\n".join(texts), "python.sys_path": texts,
        "pip.config": dict(enumerate(texts)), "src.shell": [{"text": text, "file": "a.sh", "line": 1} for text in texts],
    }  # fmt: skip
    body = {"schema": "vlmdoctor.snapshot/1", "source": "archive", "taken": None, "closed": [], "facts": facts}
    (tmp_path / "s.json").write_text(json.dumps({**body, "unread": {"host.user": "\n".join(texts)}}), encoding="utf-8")
    assert _leaks(_run("check", "--snapshot", tmp_path / "s.json", "--format", format_)) == []
