"""The table of architectures, and what shrinking makes of it. No library of the target is needed for that."""

import importlib.util
import json
import sys
import types
from pathlib import Path

import pytest

from doctor.knowledge import models
from doctor.smoke import recipes

TARGET = recipes.TABLE.parent / "target"
ROWS = json.loads(recipes.TABLE.read_text(encoding="utf-8"))
WANTED = "llava llava_next llava_onevision qwen2_vl qwen2_5_vl qwen3_vl internvl idefics3 smolvlm paligemma mllama blip-2"


def module(name):
    spec = importlib.util.spec_from_file_location(name, Path(TARGET, name + ".py"))
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_every_promised_architecture_is_there():
    assert set(WANTED.split()) <= set(recipes.types())
    assert set(module("processors").MAKERS) == set(recipes.types())


@pytest.mark.parametrize("kind", recipes.types())
def test_rows_are_traceable_and_agree_with_the_catalogue(kind):
    row = ROWS[kind]
    assert row["source"]
    assert row["date"]
    assert row["config"]["model_type"] == kind
    assert models.image_text_class(kind) in (None, row["class"])


@pytest.mark.parametrize("kind", recipes.types())
def test_a_shrunk_config_is_tiny_and_keeps_what_selects_code(kind):
    config = ROWS[kind]["config"]
    small = module("shrink").shrink(config, 320)
    text = small.get("text_config") or small
    assert text["num_hidden_layers"] == 2
    assert text["hidden_size"] <= 256
    assert text["vocab_size"] == 320
    for key in ("image_size", "patch_size", "model_type", "spatial_merge_size"):
        assert small["vision_config"].get(key) == config["vision_config"].get(key)
    assert config == ROWS[kind]["config"]  # the table itself is not touched


def test_a_real_config_may_hold_anything():
    config = dict(ROWS["llava"]["config"], quantization_config={"bits": 4}, auto_map={"A": "b.C"}, torch_dtype="float16")
    small = module("shrink").shrink(config, 320)
    assert not {"quantization_config", "auto_map", "torch_dtype"} & set(small)


def test_a_processor_gets_the_tokenizer_it_insists_on(monkeypatch):
    """LlavaProcessor took only Llama's until transformers 4.45."""
    spec = importlib.util.spec_from_file_location("smoke_child", recipes.TABLE.with_name("child.py"))
    child = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(child)
    classes = {"Old": ("LlamaTokenizer", "LlamaTokenizerFast"), "New": "AutoTokenizer", "Newest": None}
    stub = types.SimpleNamespace(**{name: types.SimpleNamespace(tokenizer_class=given) for name, given in classes.items()})
    monkeypatch.setitem(sys.modules, "transformers", stub)
    insisted = child.part("processors").insisted
    assert {name: insisted(name) for name in classes} == {"Old": ["LlamaTokenizerFast"], "New": [], "Newest": []}
