"""The contract of the whole rule corpus."""

import json
import re
from pathlib import Path

import pytest

from doctor.engine import bundle, store
from doctor.engine.evaluate import HOLE, evaluate
from doctor.engine.load import load_dir, read_toml
from doctor.knowledge import store as tables
from doctor.model import Snapshot, Verdict

ROOT = Path(__file__).parents[1] / "rules"
FILES = load_dir(ROOT)
FAMILIES = bundle.families(ROOT)
SLUGS = {item.rule.slug for item in FILES}
CJK = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize("item", FILES, ids=lambda f: f.rule.id)
def test_rule(item):
    rule = item.rule
    assert rule.id[:3] == FAMILIES[rule.family]["prefix"]
    assert rule.links, "a source for the claim"
    assert all(link.startswith("https://") for link in rule.links)
    assert set(rule.explains) <= SLUGS, f"explains unknown slugs: {set(rule.explains) - SLUGS}"
    for key in ("title", "why", "next", "proof"):
        assert CJK.search(item.text["zh"][key]), f"text.zh.{key} is not Chinese"
        assert not CJK.search(item.text["en"][key]), f"text.en.{key} is not English"
    assert len(HOLE.sub("x", item.text["en"]["title"])) <= 110


@pytest.mark.parametrize("item", [item for item in FILES if item.rule.signs], ids=lambda f: f.rule.id)
def test_a_text_alone_leaves_no_hole_open(item):
    """What a rule says when nothing but a sign speaks for it."""
    named = [set(re.findall(r"\(\?P<(\w+)>", sign.pattern)) for sign in item.rule.signs]
    for words in item.text.values():
        bare = {match[1] for text in words.values() for match in HOLE.finditer(text) if match[2] is None}
        assert bare <= set.intersection(*named), "give these holes words for when they are not known: {name|words}"


def test_an_empty_snapshot_alarms_nobody():
    findings = evaluate([item.rule for item in FILES], Snapshot({}))
    assert not [f for f in findings if f.verdict in (Verdict.HIT, Verdict.CRASH)]


def test_retired_ids_stay_retired():
    path = ROOT / "retired.toml"
    retired = set(read_toml(path.name, path.read_text(encoding="utf-8"))) if path.exists() else set()
    assert not retired & {item.rule.id for item in FILES}


def test_the_bundle_is_the_corpus(tmp_path):
    bundle.write_bundle(ROOT, tmp_path / "rules")
    shipped = store._from_bundle(tmp_path / "rules" / "rules.json")
    assert [r.as_data() for r in shipped.rules] == [json.loads(json.dumps(item.rule.as_data())) for item in FILES]
    first = FILES[0]
    assert shipped.words.text(first.rule.id, "zh") == first.text["zh"]
    assert shipped.digest == bundle.digest(FILES)


def test_the_rows_of_a_large_table_are_read_one_by_one(tmp_path):
    bundle.write_bundle(ROOT, tmp_path / "rules")
    whole = tables.table("releases")
    try:
        tables.use(tmp_path / "rules")
        split = tables.table("releases")
        assert isinstance(split["rows"], tables.Rows)
        assert {**split, "rows": dict(split["rows"])} == whole
        assert split["rows"].get("no-such-package") is None
    finally:
        tables.use(None)
