"""Whole machines: the verdicts that each must get. ``--update`` rewrites expected.toml and the reports."""

import json
from pathlib import Path

import pytest

from doctor.commands.common import Options, judge
from doctor.engine.load import read_toml
from doctor.ingest.archive import load
from doctor.report import text

ROOT = Path(__file__).parents[1] / "fixtures" / "machines"
MACHINES = sorted(path.parent for path in ROOT.glob("*/snapshot.json"))


def options(language):
    return Options("text", None, "never", language, False, (), (), None)


def slugs(report, severity):
    return [entry.finding.slug for entry in report.entries if entry.finding.severity == severity]


@pytest.mark.parametrize("folder", MACHINES, ids=lambda p: p.name)
def test_machine(folder, request):
    snapshot = load(folder / "snapshot.json")
    report = judge(snapshot, options("en"))
    expected = folder / "expected.toml"
    said = {"errors": slugs(report, "error"), "warnings": slugs(report, "warning")}
    if request.config.getoption("--update"):
        head = expected.read_text(encoding="utf-8").splitlines()[0]
        rows = [f"{key} = {json.dumps(value)}" for key, value in said.items()]
        expected.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8", newline="\n")
    assert said == read_toml(expected.name, expected.read_text(encoding="utf-8"))


@pytest.mark.parametrize("folder", MACHINES, ids=lambda p: p.name)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_report(folder, language, request):
    """The report as people read it, kept so that a change of words or layout is seen in review."""
    snapshot = load(folder / "snapshot.json")
    golden = folder / f"report.{language}.txt"
    body = text.render(judge(snapshot, options(language)), 80)
    body = "\n".join(body.rstrip().splitlines()[:-1]) + "\n"  # the last line counts rules
    if request.config.getoption("--update"):
        golden.write_text(body, encoding="utf-8", newline="\n")
    assert body == golden.read_text(encoding="utf-8")
