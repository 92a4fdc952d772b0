"""Parameters and image tokens: exact, or the test says by how much not."""

from __future__ import annotations

import pytest
from vramlab import model, rows

from doctor.fit import profiles, tokens
from doctor.fit.count import describe
from doctor.knowledge import store


@pytest.mark.parametrize("name", sorted(rows("parameters")))
def test_parameters_are_exact(name):
    row = rows("parameters")[name]
    assert model(name).params - row["total"] == row.get("off", 0)


def test_all_profiles_are_understood():
    for name in profiles.names():
        one = model(name)
        assert one.params > 0
        assert not one.unknown, name
        row = store.rows("vlm_profiles")[name]
        assert row["source"]
        assert profiles.find(row["hub"]) is not None
        published = row.get("params")
        assert published is None or abs(one.params / published - 1) < 2e-4


@pytest.mark.parametrize("row", rows("image_tokens"), ids=lambda r: f"{r['model']}-{r['size']}")
def test_image_tokens_are_exact(row):
    seen = tokens.image(model(row["model"]), tuple(row["size"]))
    numbers = 1
    for side in row["pixel_values"]:
        numbers *= side
    assert seen.tokens == row["tokens"]
    assert seen.pixels == numbers


def test_video_tokens():
    qwen, intern, smol = (
        model(n) for n in ("qwen2.5-vl-7b-instruct", "internvl3-8b-hf", "smolvlm2-500m-video-instruct")
    )
    # 16 frames of 448x448 are 8 pairs of 32x32 patches, four patches a token
    assert tokens.video(qwen, (16, 448, 448)).tokens == 8 * 32 * 32 // 4
    assert tokens.video(intern, (8, 1920, 1080)).tokens == 8 * 256
    assert tokens.video(smol, (10, 640, 480)).tokens == 10 * 64
    assert tokens.video(model("llava-onevision-qwen2-7b-ov-hf"), (4, 640, 480)).tokens == 4 * 196 + 1


def test_minicpm_slices():
    mini = model("minicpm-v-2.6")
    assert tokens.image(mini, (448, 448)).tokens == 66
    assert tokens.image(mini, (1344, 1344)).calls == 10  # nine slices and the overview


@pytest.mark.parametrize(
    ("name", "wanted", "quant"),
    [
        ("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2.5-vl-7b-instruct", None),
        ("Qwen/Qwen2-VL-7B-Instruct-GPTQ-Int4", "qwen2-vl-7b-instruct", "gptq4"),
        ("Qwen/Qwen2.5-VL-72B-Instruct-AWQ", "qwen2.5-vl-72b-instruct", "awq4"),
        ("OpenGVLab/InternVL2_5-8B", "internvl2.5-8b", None),
        ("openbmb/MiniCPM-V-2_6", "minicpm-v-2.6", None),
        ("liuhaotian/llava-v1.5-13b", "llava-1.5-13b-hf", None),
        ("xinlai/LISA-13B-llama2-v1-explanatory", "lisa-13b-llama2-v1", None),
        ("google/gemma-3-12b-it", "gemma-3-12b-it", None),
    ],
)
def test_names_lead_to_profiles(name, wanted, quant):
    found = profiles.find(name)
    assert (found.id, found.quant) == (wanted, quant)


def test_unknown_names_have_neighbours():
    assert profiles.find("qwen2.5-vl-8b") is None
    assert "qwen2.5-vl-7b-instruct" in profiles.near("qwen2.5-vl-8b")


def test_native_llava_and_lisa_are_put_in_common_form():
    text = {"hidden_size": 5120, "intermediate_size": 13824, "num_hidden_layers": 40, "num_attention_heads": 40}
    native = {
        "model_type": "llava_llama", "vocab_size": 32000, "mm_vision_tower": "openai/clip-vit-large-patch14-336",
        "mm_projector_type": "mlp2x_gelu", "image_aspect_ratio": "pad", **text,
    }  # fmt: skip
    one = describe("x", native)
    assert (one.family, one.vision.side, one.unknown) == ("llava", 336, ())
    lisa = {
        "model_type": "llava", "architectures": ["LISAForCausalLM"], "vocab_size": 32003, "out_dim": 256,
        "mm_vision_tower": "openai/clip-vit-large-patch14", **text,
    }  # fmt: skip
    assert describe("x", lisa).params == rows("parameters")["lisa-13b-llama2-v1"]["total"]


@pytest.mark.parametrize("bad", [-1, True, "many", 1 << 50, float("nan")])
def test_absurd_values_make_a_part_unknown(bad):
    one = describe("x", {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": bad})
    assert "hidden_size" in one.unknown[0]
    assert one.params == 0


# as the repositories write them: what equals the class's default is left out
SHORT = {
    "llava-1.5-7b-hf": {
        "model_type": "llava",
        "text_config": {"model_type": "llama", "vocab_size": 32064, "max_position_embeddings": 4096},
        "vision_config": {"model_type": "clip_vision_model", "hidden_size": 1024, "intermediate_size": 4096,
                          "image_size": 336, "num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14},
    },
    "llava-v1.6-mistral-7b-hf": {
        "model_type": "llava_next",
        "text_config": {"model_type": "mistral", "vocab_size": 32064, "intermediate_size": 14336},
        "vision_config": {"model_type": "clip_vision_model", "hidden_size": 1024, "intermediate_size": 4096,
                          "image_size": 336, "num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14},
    },
    "gemma-3-4b-it": {
        "model_type": "gemma3", "mm_tokens_per_image": 256,
        "text_config": {"model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240,
                        "num_hidden_layers": 34, "sliding_window": 1024},
        "vision_config": {"model_type": "siglip_vision_model", "hidden_size": 1152, "image_size": 896,
                          "intermediate_size": 4304, "num_attention_heads": 16, "num_hidden_layers": 27,
                          "patch_size": 14, "vision_use_head": False},
    },
    "smolvlm2-500m-video-instruct": {
        "model_type": "smolvlm", "scale_factor": 4,
        "text_config": {"model_type": "llama", "hidden_size": 960, "intermediate_size": 2560, "head_dim": 64,
                        "num_attention_heads": 15, "num_hidden_layers": 32, "num_key_value_heads": 5,
                        "vocab_size": 49280, "tie_word_embeddings": False},
        "vision_config": {"model_type": "smolvlm_vision", "hidden_size": 768, "image_size": 512,
                          "num_attention_heads": 12, "patch_size": 16},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SHORT))
def test_short_files_are_completed(name):
    assert describe(name, SHORT[name]).params == model(name).params


def test_nested_text_configuration_of_newer_files():
    old = dict(store.rows("vlm_profiles")["qwen2.5-vl-3b-instruct"]["config"])
    text = {key: old.pop(key) for key in list(old) if key not in ("model_type", "vision_config")}
    new = {**old, "text_config": {**text, "model_type": "qwen2_5_vl_text"}}
    assert describe("x", new).params == model("qwen2.5-vl-3b-instruct").params


def test_unknown_parts_are_named_not_guessed():
    config = {
        "model_type": "newvl",
        "text_config": {"model_type": "newlm", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
                        "vocab_size": 100, "intermediate_size": 128},
        "vision_config": {"model_type": "newvit", "hidden_size": 32},
    }  # fmt: skip
    one = describe("x", config)
    assert set(one.unknown) == {"language model of type newlm", "vision tower of type newvit"}
