"""Listing of a cache: what names, links and refs tell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import hubcheck
import hubmake
import hubscan
import pytest

SCRIPT = str(Path(hubscan.__file__))


def scan(root, repo_id="o/m", links=True):
    return hubscan.scan_repo(str(root), hubscan.folder_name(repo_id), links)


def kinds(root, asked=True):
    return [p["kind"] for p in hubcheck.cheap(scan(root), asked)]


def test_whole_repository(tmp_path):
    hubmake.cache_repo(tmp_path, "o/m", hubmake.model_files(shards=3))
    repo = scan(tmp_path)
    assert (repo.id, repo.kind, repo.files, repo.complete()) == ("o/m", "model", 6, True)
    assert repo.size == sum(len(data) for data in hubmake.model_files(shards=3).values())
    assert kinds(tmp_path) == []


def test_names(tmp_path):
    assert hubscan.repo_name("datasets--a--b--c") == ("dataset", "a/b--c")
    assert hubscan.repo_name("models--gpt2") == ("model", "gpt2")
    assert hubscan.repo_name("models--") is None
    assert hubscan.repo_name("blobs") is None


def test_dangling_link_is_found_without_following_all(tmp_path):
    snapshot = hubmake.cache_repo(tmp_path, "o/m", hubmake.model_files())
    (snapshot / "model.safetensors").resolve().unlink()
    assert not scan(tmp_path, links=False).complete()
    assert kinds(tmp_path) == ["dangling-symlink"]


def test_link_to_another_blob_store_is_sound(tmp_path):
    snapshot = hubmake.cache_repo(tmp_path, "o/m", hubmake.model_files())
    blob = (snapshot / "model.safetensors").resolve()
    store = tmp_path / "blobs" / "ab"
    store.mkdir(parents=True)
    blob.rename(store / blob.name)
    blob.symlink_to(Path("../../blobs/ab") / blob.name)
    assert kinds(tmp_path) == []
    assert scan(tmp_path).size == sum(len(data) for data in hubmake.model_files().values())


def test_incomplete_blob(tmp_path):
    snapshot = hubmake.cache_repo(tmp_path, "o/m", hubmake.model_files())
    (snapshot.parents[1] / "blobs" / "ff.incomplete").write_bytes(b"123")
    repo = scan(tmp_path)
    assert repo.incomplete == [("ff.incomplete", 3)]
    assert kinds(tmp_path) == ["incomplete-download"]


def test_ref_to_missing_snapshot(tmp_path):
    snapshot = hubmake.cache_repo(tmp_path, "o/m", hubmake.model_files())
    (snapshot.parents[1] / "refs" / "main").write_text(hubmake.COMMIT + "\n")  # the client reads it with the line end
    assert kinds(tmp_path) == ["ref-broken"]


def test_no_ref_matters_only_to_the_asked(tmp_path):
    hubmake.cache_repo(tmp_path, "o/m", hubmake.model_files(), ref=None)
    assert kinds(tmp_path) == ["ref-broken"]
    assert kinds(tmp_path, asked=False) == []


def test_several_snapshots_and_none(tmp_path):
    hubmake.cache_repo(tmp_path, "o/m", hubmake.model_files(), commit="b" * 40)
    hubmake.cache_repo(tmp_path, "o/m", hubmake.model_files())
    assert kinds(tmp_path) == ["several-snapshots"]
    (tmp_path / "models--o--empty" / "blobs").mkdir(parents=True)
    assert [p["kind"] for p in hubcheck.cheap(scan(tmp_path, "o/empty"), asked=True)] == ["no-snapshot"]
    assert hubcheck.cheap(scan(tmp_path, "o/empty")) == []  # the empty shell that a download to a folder leaves


def test_gap_between_numbered_shards(tmp_path):
    snapshot = hubmake.cache_repo(tmp_path, "o/m", hubmake.model_files(shards=3))
    (snapshot / "model-00002-of-00003.safetensors").unlink()
    assert scan(tmp_path).gaps == ["model-00002-of-00003.safetensors"]
    assert kinds(tmp_path, asked=False) == ["shard-missing"]


@pytest.mark.parametrize("tail", ["99999.bin", "x.bin", "0.bin", "00003", "000000003.bin"])
def test_gaps_of_hostile_names_are_few(tail):
    assert len(hubscan.shard_gaps("m", tail, ["00001", "x", "\u0663" * 5], 20)) <= 20


def test_loop_and_pipe_in_a_snapshot(tmp_path):
    snapshot = hubmake.cache_repo(tmp_path, "o/m", hubmake.model_files())
    (snapshot / "loop").symlink_to("loop")
    (snapshot / "up").symlink_to("..")
    assert "dangling-symlink" in kinds(tmp_path)


def test_script_prints_a_line_a_repository_and_an_end(tmp_path):
    hubmake.cache_repo(tmp_path, "o/m", hubmake.model_files())
    hubmake.cache_repo(tmp_path, "o/\x1b[31m\udcff", hubmake.model_files())
    done = subprocess.run([sys.executable, "-I", "-S", SCRIPT, str(tmp_path)], capture_output=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row.get("id") for row in rows] == ["o/\x1b[31m\udcff", "o/m", None]
    assert rows[-1]["end"] == 2


def test_script_names_the_reason(tmp_path):
    done = subprocess.run([sys.executable, "-I", "-S", SCRIPT, str(tmp_path / "no")], capture_output=True, check=False)
    assert done.returncode == 1
    assert "error" in json.loads(done.stdout)
