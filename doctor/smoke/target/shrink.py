"""A real config made tiny: what selects code paths stays, width, depth and vocabulary go.

Kept: model types, activations, image and patch sizes, merge sizes, rotary sections, norms, grid pinpoints.
"""

import copy

VISION = 64  # width of the vision tower; 4-bit kernels pack 64 numbers together, so nothing may be narrower
INNER = 64  # width of the MLPs
LAYERS = 2
TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}  # as the made-up tokenizer numbers them


def shrink(config, vocabulary):
    """``config`` (the dict of a config.json) with few, narrow layers and ``vocabulary`` tokens."""
    small = copy.deepcopy(config)
    kind = small["model_type"]
    text = small.get("text_config") or small
    vision = small.get("vision_config") or {}
    for junk in ("dtype", "torch_dtype", "quantization_config", "transformers_version", "auto_map", "_name_or_path"):
        small.pop(junk, None)
        text.pop(junk, None)
        vision.pop(junk, None)
    language(text)
    text["vocab_size"] = vocabulary
    if "vocab_size" in small:
        small["vocab_size"] = vocabulary
    for holder in (text, small):
        holder.update({key: value for key, value in TOKENS.items() if holder is text or key in holder})
    VISION_OF.get(kind, plain_vision)(vision, text["hidden_size"])
    EXTRA.get(kind, nothing)(small, text)
    return small


def language(text):
    """The language model: heads of the real width where rotary sections need it."""
    heads = text.get("num_attention_heads", 32)
    groups = text.get("num_key_value_heads") or heads
    rotary = text.get("rope_scaling") or text.get("rope_parameters") or {}
    sections = rotary.get("mrope_section")
    wide = 2 * sum(sections) if sections else min(text.get("head_dim") or 32, 32)
    text.update(num_hidden_layers=LAYERS, num_attention_heads=2, hidden_size=2 * wide)
    if text.get("model_type") != "opt":
        text["num_key_value_heads"] = 1 if groups < heads else 2
    if "head_dim" in text:
        text["head_dim"] = wide
    for key in ("intermediate_size", "ffn_dim", "moe_intermediate_size"):
        if key in text:
            text[key] = INNER
    if "word_embed_proj_dim" in text:
        text["word_embed_proj_dim"] = 2 * wide
    if text.get("num_experts"):
        text.update(num_experts=4, num_experts_per_tok=2)
    if "max_window_layers" in text:
        text["max_window_layers"] = LAYERS
    if text.get("layer_types"):
        text["layer_types"] = text["layer_types"][:LAYERS]


def plain_vision(vision, hidden):
    vision.update(hidden_size=VISION, intermediate_size=INNER, num_hidden_layers=LAYERS, num_attention_heads=2)


def qwen2_vision(vision, hidden):
    vision.update(depth=LAYERS, embed_dim=VISION, num_heads=2, hidden_size=hidden, mlp_ratio=2)


def qwen2_5_vision(vision, hidden):
    qwen_later(vision, hidden)
    vision["fullatt_block_indexes"] = [1]


def qwen3_vision(vision, hidden):
    qwen_later(vision, hidden)
    vision["deepstack_visual_indexes"] = [0]


def qwen_later(vision, hidden):
    vision.update(depth=LAYERS, hidden_size=VISION, num_heads=2, intermediate_size=INNER, out_hidden_size=hidden)


def mllama_vision(vision, hidden):
    vision.update(hidden_size=VISION, intermediate_size=INNER, num_hidden_layers=LAYERS, num_global_layers=1)
    vision.update(attention_heads=2, intermediate_layers_indices=[0, 1], vision_output_dim=3 * VISION)


def paligemma_extra(small, text):
    small["vision_config"]["projection_dim"] = text["hidden_size"]
    small.update(projection_dim=text["hidden_size"], hidden_size=text["hidden_size"])


def mllama_extra(small, text):
    text["cross_attention_layers"] = [1]


def blip_extra(small, text):
    former = small.setdefault("qformer_config", {})
    former.update(hidden_size=VISION, num_hidden_layers=LAYERS, num_attention_heads=2, intermediate_size=INNER)
    former.update(encoder_hidden_size=VISION, vocab_size=64)


def nothing(small, text):
    pass


VISION_OF = {
    "qwen2_vl": qwen2_vision,
    "qwen2_5_vl": qwen2_5_vision,
    "qwen3_vl": qwen3_vision,
    "qwen3_vl_moe": qwen3_vision,
    "mllama": mllama_vision,
}
EXTRA = {"paligemma": paligemma_extra, "mllama": mllama_extra, "blip-2": blip_extra}
