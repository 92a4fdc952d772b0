"""Parameters of every understood family, default and varied, against what transformers creates."""

from __future__ import annotations

import pytest
from vramlab import model, rows

from doctor.fit import tokens
from doctor.fit.count import describe
from doctor.knowledge import store

FAMILIES = rows("families")


@pytest.mark.parametrize("at", range(len(FAMILIES)), ids=lambda at: f"{FAMILIES[at]['family']}-{at}")
def test_counts(at):
    row = FAMILIES[at]
    one = describe("x", row["config"])
    assert one.unknown == ()
    assert one.params == row["total"]


def test_many_families_are_understood():
    assert len({row["family"] for row in FAMILIES}) >= 44


@pytest.mark.parametrize("key", ["audio_config", "talker_config", "high_res_vision_config"])
def test_a_part_that_nobody_counts_is_named(key):
    config = {**FAMILIES[0]["config"], key: {"model_type": "new_ears", "hidden_size": 8}}
    assert "of type new_ears" in describe("x", config).unknown[0]


def test_a_known_tower_in_an_unknown_family_is_not_the_whole():
    config = {**next(row["config"] for row in FAMILIES if row["family"] == "qwen3_vl"), "model_type": "newvl"}
    assert describe("x", config).unknown == ("projector of family newvl",)


def test_layers_that_differ_one_by_one_are_not_guessed():
    config = {"model_type": "llama", "per_layer_config": {"0": {"head_dim": 8}}}
    assert describe("x", config).unknown


def test_a_written_null_is_no_default():
    kept = {"model_type": "mistral", "sliding_window": None}
    assert describe("x", {"model_type": "mistral"}).language.sliding > 0
    assert describe("x", kept).language.sliding == 0


@pytest.mark.slow
def test_defaults_are_those_of_transformers():
    """In an environment with torch and transformers: our table against the classes, and default models' counts."""
    auto = pytest.importorskip("transformers.models.auto.configuration_auto")
    for kind, row in store.rows("config_defaults").items():
        if kind in auto.CONFIG_MAPPING:
            now = auto.CONFIG_MAPPING[kind]().to_dict()
            assert {key: now[key] for key in row if key in now} == {key: row[key] for key in row if key in now}


@pytest.mark.parametrize("row", rows("token_sweep"), ids=lambda row: row["name"])
def test_image_tokens_of_random_sizes(row):
    one = describe("x", row["config"]) if "config" in row else model(row["profile"])
    assert {(w, h): tokens.image(one, (w, h)).tokens for w, h, _ in row["sizes"]} == {
        (w, h): count for w, h, count in row["sizes"]
    }
