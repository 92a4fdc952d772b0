"""Which protobuf generated code was made for."""

from __future__ import annotations

from types import SimpleNamespace

import pbcode


def facts(tmp_path, body):
    target = tmp_path / "sentencepiece" / "sentencepiece_model_pb2.py"
    target.parent.mkdir()
    target.write_bytes(body)
    dist = SimpleNamespace(name="sentencepiece", folder=str(tmp_path))
    other = SimpleNamespace(name="onnx", folder=str(tmp_path))
    return pbcode.read({"_listing": SimpleNamespace(seen={"sentencepiece": dist, "onnx": other})})["python.protobuf_code"]


def test_the_comment_at_the_top_counts(tmp_path):
    body = b"# -*- coding: utf-8 -*-\n# source: x.proto\n# Protobuf Python Version: 7.36.1\n"
    assert [(row["dist"], row["version"]) for row in facts(tmp_path, body)] == [("sentencepiece", "7.36.1")]


def test_older_code_asks_for_nothing(tmp_path):
    assert facts(tmp_path, b"# source: x.proto\nfrom google.protobuf import descriptor\n") == []
