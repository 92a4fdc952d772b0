"""``vlmdoctor cache``: the listing and the verification as a user sees them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from doctor.collect import child
from doctor.commands import cache
from doctor.errors import ProbeError

CONFIG = b'{"model_type": "llama"}'


def repo(root: Path, name: str, weights: bytes = b"\x02\0\0\0\0\0\0\0{}") -> Path:
    snapshot = root / f"models--{name}" / "snapshots" / "c"
    snapshot.mkdir(parents=True)
    for folder in ("blobs", "refs"):
        (snapshot.parents[1] / folder).mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("c")
    for number, (file, data) in enumerate({"config.json": CONFIG, "model.safetensors": weights}.items()):
        (snapshot.parents[1] / "blobs" / str(number)).write_bytes(data)
        (snapshot / file).symlink_to(f"../../blobs/{number}")
    return snapshot


def call(*words: str):
    return CliRunner().invoke(cache.command, words, standalone_mode=False)


def test_list(tmp_path):
    repo(tmp_path, "o--m")
    (repo(tmp_path, "o--n").parents[1] / "blobs" / "1").unlink()
    got = call("ls", "--cache-dir", str(tmp_path))
    rows = [line.split() for line in got.output.splitlines()]
    assert rows[0][:2] == ["model", "o/m"]
    assert ["complete" in row for row in rows[:2]] == [True, False]
    assert "2 repositories, 4 files" in got.output


def test_list_as_json(tmp_path):
    for n in range(3):
        repo(tmp_path, f"o--m{n}")
    data = json.loads(call("ls", "--cache-dir", str(tmp_path), "--format", "json").output)
    assert [row["id"] for row in data["repos"]] == ["o/m0", "o/m1", "o/m2"]
    assert data["cache_dir"] == str(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert json.loads(call("ls", "--cache-dir", str(empty), "--format", "json").output)["repos"] == []


def test_long_list_is_written_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "BATCH", 2)
    for n in range(5):
        repo(tmp_path, f"o--m{n}")
    assert len(call("ls", "--cache-dir", str(tmp_path)).output.splitlines()) == 6


def test_hostile_names_are_shown_harmless(tmp_path):
    repo(tmp_path, "o--\x1b]0;x\x07\n")
    got = call("ls", "--cache-dir", str(tmp_path))
    assert "\x1b" not in got.output
    assert len(got.output.splitlines()) == 2


def test_verify(tmp_path):
    repo(tmp_path, "o--m")
    assert call("verify", "--cache-dir", str(tmp_path)).return_value == 0
    repo(tmp_path, "o--bad", b"\xff" * 100)
    got = call("verify", "--cache-dir", str(tmp_path))
    assert got.return_value == 1
    assert "corrupt" in got.output
    assert "2 repositories, 1 with problems" in got.output
    assert call("verify", "o/m", "--cache-dir", str(tmp_path)).return_value == 0
    data = json.loads(call("verify", "o/bad", "--cache-dir", str(tmp_path), "--format", "json").output)
    assert data["repos"][0]["problems"][0]["kind"] == "corrupt"


def test_verify_of_a_name_that_is_not_there(tmp_path):
    assert "not in this cache" in str(call("verify", "no/such", "--cache-dir", str(tmp_path)).exception)


def test_folder_that_cannot_be_listed(tmp_path):
    got = call("ls", "--cache-dir", str(tmp_path / "no"))
    assert isinstance(got.exception, ProbeError)
    assert got.exception.kind == "missing"


def test_answer_that_is_cut_off(tmp_path, monkeypatch):
    class Cut:
        def __init__(self, seconds): ...

        def add(self, job): ...

        def run(self):
            return {"cache": child.Answer("cache", "signal 9", output=b'{"id": "o/m"}\n{"e')}

    monkeypatch.setattr(child, "Runner", Cut)
    got = call("ls", "--cache-dir", str(tmp_path))
    assert isinstance(got.exception, ProbeError)
    assert "signal 9" in str(got.exception)


def test_default_folder_follows_the_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("HF_", "HUGGING", "XDG_CACHE", "TRANSFORMERS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HOME", "/d/hf")
    assert cache.default_root() == "/d/hf/hub"


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 KB"), (14 * 10**9, "14.0 GB"), (10**19, "10000.0 PB")])
def test_human(size, text):
    assert cache.human(size) == text
