"""Reports: verdict first, hostile values harmless in every format, narrow terminals readable, JSON of the schema."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from doctor.engine import store
from doctor.engine.evaluate import evaluate
from doctor.knowledge.derive import derive
from doctor.model import Snapshot
from doctor.plan.shell import Target
from doctor.report import jsonout, markdown, text
from doctor.report.build import Style, build
from doctor.report.layout import width_of

CORPUS = store.load()
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schema" / "report-1.json").read_text(encoding="utf-8"))
EVIL = "\x1b]0;own\x07\x9b31m\u202eevil [link](http://x) @all <b> `a`` | $(id) \ud800"


def report(language="en", **facts):
    snapshot = derive(Snapshot({"dist.torch": "2.5.1", "dist.torchvision": "0.15.2", **facts}))
    return build(evaluate(CORPUS.rules, snapshot), snapshot, CORPUS, Style(language, Target()))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [20, 40, 80])
def test_text_fits_its_width(language, width):
    body = text.render(report(language), width)
    for line in body.splitlines():
        assert width_of(line) <= width or "$ " in line or " " not in line.strip(), line


def test_the_first_line_is_the_verdict():
    first = text.render(report()).splitlines()[0]
    assert "error" in first
    assert text.render(build([], Snapshot({}), CORPUS, Style("en", Target()))).startswith("Nothing wrong found.")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_broke_off_is_told_and_what_nobody_tried_is_not(language):
    unread = {"part.nvml": "signal 11", "model.kind": "left open: no model was named"}
    body = text.render(build([], Snapshot({}, unread), CORPUS, Style(language, Target())))
    assert "signal 11: part.nvml" in body
    assert "model.kind" not in body
    whole = text.render(build([], Snapshot({}, {"model.kind": unread["model.kind"]}), CORPUS, Style(language, Target())))
    assert body.splitlines()[0] != whole.splitlines()[0]


def test_hostile_values_never_reach_a_terminal():
    body = text.render(report(**{"os.distro": EVIL, "hf.hub_cache": EVIL}))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", body)
    assert not re.search("[\x1b\x9b\u202e]", markdown.render(report(**{"os.distro": EVIL})))
    assert not re.search(r"(?<!\\)\]\(http", markdown.render(report(**{"os.distro": EVIL})))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_json_is_of_the_schema(language):
    document = json.loads(jsonout.render(report(language, **{"os.distro": EVIL})))
    jsonschema.validate(document, SCHEMA)
    assert document["findings"][0]["slug"] == "torch-torchvision-pair"
    assert document["findings"][0]["fix"][0]["command"]
