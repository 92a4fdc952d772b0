"""Snapshot files."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.errors import SnapshotError
from doctor.ingest import archive
from doctor.model import SCHEMA, Snapshot

GOOD = Snapshot(
    facts={
        "dist.torch": "2.5.1+cu121",
        "dist.vllm": None,
        "gpus": [{"index": 0, "name": "A", "total": 1}],
        "log.oom": {"tried": 1, "device": 0},
        "cuda.visible": ["0"],
        "cgroup.cpu_limit": 1.5,
        "env.LANG": "zh_CN.UTF-8",
        "gpu.present": True,
    },
    unread={"shm.size": "hangs"},
    closed=frozenset({"dist"}),
    taken="2026-01-02T03:04:05Z",
)


def as_json(**changes):
    return json.dumps({"schema": SCHEMA, "facts": {}, "unread": {}, **changes})


def test_round_trip(tmp_path):
    archive.save(GOOD, tmp_path / "s.json")
    back = archive.load(tmp_path / "s.json")
    assert (dict(back.facts), dict(back.unread), back.closed, back.taken) == (
        GOOD.facts,
        GOOD.unread,
        GOOD.closed,
        GOOD.taken,
    )
    assert back.source == "archive"
    assert archive.dump(back).replace('"archive"', '"live"') == archive.dump(GOOD)
    assert [file.name for file in tmp_path.iterdir()] == ["s.json"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "no schema"),
        (as_json(schema="vlmdoctor.snapshot/99"), "not known to this version"),
        (as_json(schema=5), "no schema"),
        (as_json(facts=[]), "must be objects"),
        (as_json(facts={"gpu.count": "two"}), "int was expected"),
        (as_json(facts={"gpu.count": True}), "int was expected"),
        (as_json(facts={"gpus": [1]}), "list of objects"),
        (as_json(facts={"gpus": [{"total": "x"}]}), "bytes was expected"),
        (as_json(facts={"python.path": {}}), "list was expected"),
        (as_json(facts={"gpu.present": 1}), "bool was expected"),
        ('{"schema": NaN}', "no number"),
        ('{"facts": %s}' % ("9" * 5000), "too many digits"),
        ("[" * 200_000, "nested too deep"),
        ('{"a":' * 200_000, "nested too deep"),
    ],
)
def test_refusals(text, why):
    with pytest.raises(SnapshotError, match=why):
        archive.loads(text)


def test_unknown_facts_are_kept_out_with_a_reason():
    snapshot = archive.loads(as_json(facts={"no.such": 1, "gpu.count": 2}, closed=["dist", "nonsense", 5]))
    assert dict(snapshot.facts) == {"gpu.count": 2}
    assert snapshot.unread["no.such"] == "not known to this version"
    assert snapshot.closed == {"dist"}


def test_surrogates_and_byte_order_mark():
    assert (
        archive.loads(b'\xef\xbb\xbf{"schema": "%s", "facts": {"env.X": "a\\ud800b"}}' % SCHEMA.encode()).facts["env.X"]
        == "a?b"
    )
    assert "?" in archive.dump(Snapshot(facts={"env.X": "\ud800"}))
    with pytest.raises(SnapshotError, match="UTF-8"):
        archive.loads(b"\xff\xfe{")


def test_only_regular_files_of_bounded_size(tmp_path, monkeypatch):
    with pytest.raises(SnapshotError, match="No such file"):
        archive.load(tmp_path / "none.json")
    with pytest.raises(SnapshotError):
        archive.load(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SnapshotError, match="not a regular file"):
        archive.load(tmp_path / "pipe")
    (tmp_path / "big.json").write_text(" " * 2000)
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    with pytest.raises(SnapshotError, match="larger than"):
        archive.load(tmp_path / "big.json")
    with pytest.raises(SnapshotError, match="larger than"):
        archive.loads(" " * 2000)


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(SnapshotError, match="cannot write"):
        archive.save(GOOD, tmp_path / "no" / "s.json")


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda s: (
            st.lists(s, max_size=3)
            | st.dictionaries(
                st.sampled_from(["facts", "gpus", "gpu.count", "dist.a", "log.oom", "schema", "closed", "unread"]),
                s,
                max_size=3,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused(value):
    for data in (
        value,
        {"schema": SCHEMA, "facts": value},
        {"schema": SCHEMA, "facts": {"gpus": value, "log.oom": value}},
    ):
        try:
            snapshot = archive.loads(json.dumps(data))
        except SnapshotError:
            continue
        archive.loads(archive.dump(snapshot))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data):
    with pytest.raises(SnapshotError):
        archive.loads(data)
