"""Heads of weight files: whole, cut, disguised, hostile."""

from __future__ import annotations

import json
import os
import struct

import hubmake
import pytest
import weights


def put(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    return str(path)


GOOD = hubmake.safetensors({"a": [2, 3], "b": [4]})


def test_safetensors_whole(tmp_path):
    head = weights.check(put(tmp_path, "m.safetensors", GOOD))
    assert head.problem is None
    assert head.tensors == {"a": ("F32", (2, 3)), "b": ("F32", (4,))}


@pytest.mark.parametrize("cut", [1, 7, 39, 40, 60, len(GOOD) - 3])
def test_safetensors_cut_at_any_place(tmp_path, cut):
    head = weights.check(put(tmp_path, "m.safetensors", GOOD[:-cut]))
    assert head.problem == "truncated"
    assert head.missing in (cut, None) or cut > 40


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("m.safetensors", b"", "empty-file"),
        ("m.bin", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4096\n", "lfs-pointer"),
        ("m.safetensors", b"\n <!DOCTYPE html><html>", "html"),
        ("m.safetensors", b"<html><body>404", "html"),
        ("m.safetensors", b"\0" * 500, "truncated"),
        ("m.safetensors", b"\xff" * 500, "corrupt"),
        ("m.safetensors", GOOD + b"x", "corrupt"),
        ("m.safetensors", struct.pack("<Q", 30) + b"[" * 30, "corrupt"),
        ("m.safetensors", struct.pack("<Q", 100000) + b"[" * 100000, "corrupt"),
        ("m.safetensors", struct.pack("<Q", 9) + b'{"a":"b"}', "corrupt"),
        ("m.safetensors", struct.pack("<Q", 2) + b"[]", "corrupt"),
        ("m.gguf", b"GGML" + b"\1" * 100, "corrupt"),
        ("m.gguf", b"GGUF\3\0\0\0", "truncated"),
        ("m.gguf", b"GGUF\3\0\0\0" + b"\xff" * 16, "corrupt"),
        ("m.bin", b"\0" * 5000, "truncated"),
        ("m.bin", b"PK\x03\x04" + b"\1" * 5000, "truncated"),
    ],
)
def test_damaged(tmp_path, name, data, problem):
    assert weights.check(put(tmp_path, name, data)).problem == problem


def test_pointer_says_how_much_is_missing(tmp_path):
    path = put(tmp_path, "m.bin", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4096\n")
    assert weights.check(path).missing == 4096


def test_torch_zip(tmp_path):
    path = hubmake.torch_zip(tmp_path / "pytorch_model.bin")
    assert weights.check(str(path)).problem is None
    path.write_bytes(path.read_bytes()[:-100])
    assert weights.check(str(path)).problem == "truncated"


def test_old_pickle_is_not_judged(tmp_path):
    assert weights.check(put(tmp_path, "m.bin", b"\x80\x02\x8a\nl\xfc\x9c" + b"\1" * 5000)).problem is None


@pytest.mark.parametrize(("data", "problem"), [(128 + 34, None), (128 + 33, "truncated")])
def test_gguf_size(tmp_path, data, problem):
    blob = hubmake.gguf([("a", [32], 0, 0), ("b", [32], 8, 128)], data)
    head = weights.check(put(tmp_path, "m.gguf", blob))
    assert head.problem == problem
    assert head.tensors == {"a": ("0", (32,)), "b": ("8", (32,))}


def test_pipe_never_blocks(tmp_path):
    os.mkfifo(tmp_path / "m.safetensors")
    with pytest.raises(OSError, match="regular"):
        weights.check(str(tmp_path / "m.safetensors"))


@pytest.mark.parametrize("data", [b"{", b"[" * 200000, b"\xff\xfe", b"nan}"])
def test_broken_json(tmp_path, data):
    assert weights.load_json(put(tmp_path, "config.json", data))[1].problem == "corrupt-json"


def test_json_with_mark(tmp_path):
    data = b"\xef\xbb\xbf" + json.dumps({"a": 1}).encode()
    assert weights.load_json(put(tmp_path, "config.json", data))[0] == {"a": 1}
