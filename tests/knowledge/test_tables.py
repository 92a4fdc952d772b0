import json
import re
from pathlib import Path

import pytest

from doctor.errors import KnowledgeError
from doctor.knowledge import ranges, store, versions

TABLES = sorted(path.stem for path in Path(store.locate("torch")).parent.glob("*.json"))


@pytest.fixture
def overlay(tmp_path):
    yield tmp_path
    store.use(None)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_source_and_date_and_rows(name):
    table = store.table(name)
    assert table["source"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", table["checked"])
    assert table["rows"]


def test_all_tables_together_stay_small():
    assert sum(Path(store.locate(name)).stat().st_size for name in TABLES) < 1_500_000


def test_every_requirement_line_of_the_releases_is_readable():
    for name, row in store.rows("releases").items():
        for run in row["runs"]:
            assert all(versions.parse(text) for text in run["v"].split()), name
            assert all(ranges.read(line) for line in run.get("req") or ()), name


def test_no_release_is_listed_twice():
    for name in store.rows("releases"):
        listed = versions.known(name)
        assert len(set(listed)) == len(listed), name


def test_an_overlay_replaces_one_table_and_can_be_taken_back(overlay):
    (overlay / "kb").mkdir()
    table = {"source": "test", "checked": "2026-11-20", "rows": {"numpy": {"complete": True, "runs": [{"v": "9.9", "req": []}]}}}
    (overlay / "kb" / "releases.json").write_text(json.dumps(table))
    store.use(overlay)
    assert versions.known("numpy") == ("9.9",)
    assert versions.known("torch") == ()
    assert store.rows("gpus")
    store.use(None)
    assert "1.26.4" in versions.known("numpy")


@pytest.mark.parametrize("text", ["", "[]", '{"rows": {}}', "\xff"])
def test_a_malformed_table_is_refused(overlay, text):
    (overlay / "gpus.json").write_text(text, encoding="latin-1")
    store.use(overlay)
    with pytest.raises(KnowledgeError):
        store.table("gpus")


def test_a_missing_table_is_named():
    with pytest.raises(KnowledgeError, match="nowhere"):
        store.table("nowhere")
