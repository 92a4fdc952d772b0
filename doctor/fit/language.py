"""Language models: shape and exact parameter counts from a text configuration.

The formulas were checked against the parameters that transformers 5.23 creates on the meta device
(fixtures/vram/parameters.json).
"""

from __future__ import annotations

from doctor.fit.config import Config
from doctor.fit.shapes import Count, Language

LLAMA_LIKE = {
    "llama", "mistral", "internlm2", "phi3", "gemma", "gemma2", "gemma3_text", "qwen2", "qwen2_vl", "qwen2_vl_text",
    "qwen2_5_vl", "qwen2_5_vl_text", "qwen3", "qwen3_moe", "qwen3_vl_text", "qwen3_vl_moe_text", "mixtral", "vicuna",
}  # fmt: skip
KNOWN = LLAMA_LIKE | {"opt", "mllama_text_model"}
QKV_BIAS = {"qwen2", "qwen2_vl", "qwen2_vl_text", "qwen2_5_vl", "qwen2_5_vl_text"}
QK_NORM = {"qwen3", "qwen3_moe", "qwen3_vl_text", "qwen3_vl_moe_text", "gemma3_text"}
FOUR_NORMS = {"gemma2", "gemma3_text"}  # norms around attention and feed-forward, on both sides


def shape(text: Config) -> Language:
    """The shape of the language model that this configuration describes."""
    width, layers, heads = (text.number(k) for k in ("hidden_size", "num_hidden_layers", "num_attention_heads"))
    inner = text.number("intermediate_size", "ffn_dim")
    experts = _experts(text)
    crossing = min(layers, len(text.items("cross_attention_layers")))
    window, sliding = _sliding(text, layers)
    rank = text.maybe("kv_lora_rank") or 0
    return Language(
        kind=text.kind,
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=text.maybe("num_key_value_heads") or heads,
        head_dim=_latent_head(text) or text.maybe("head_dim") or width // heads,
        vocab=text.number("vocab_size"),
        inner=text.number("moe_intermediate_size", "intermediate_size") * text.number("num_experts_per_tok")
        if experts
        else inner,
        tied=text.flag("tie_word_embeddings"),
        window=window,
        sliding=sliding,
        cross=crossing,
        latent=rank + (text.maybe("qk_rope_head_dim") or 0) if rank else 0,
        experts=bool(experts),
        gated=text.kind != "opt",
    )


def _latent_head(text: Config) -> int:
    """Multi-head latent attention, where the cache holds unfolded keys and values: the mean of their widths."""
    if not text.maybe("kv_lora_rank"):
        return 0
    return ((text.maybe("qk_nope_head_dim") or 0) + (text.maybe("qk_rope_head_dim") or 0)
            + (text.maybe("v_head_dim") or 0)) // 2  # fmt: skip


def _experts(text: Config) -> int:
    return text.maybe("num_experts", "n_routed_experts", "num_local_experts") or 0


def _sliding(text: Config, layers: int) -> tuple[int, int]:
    """``(window, number of sliding layers)``; (0, 0) when every layer keeps everything."""
    window = text.maybe("sliding_window") or 0
    if not window or not text.flag("use_sliding_window", True):
        return 0, 0
    kinds = text.items("layer_types")
    if kinds:
        return window, sum(1 for kind in kinds if kind == "sliding_attention")
    pattern = text.maybe("sliding_window_pattern")
    if pattern:
        return window, layers - layers // pattern
    full = text.maybe("max_window_layers") if text.kind.startswith("qwen") else 0
    return window, max(0, layers - (full or 0))


def counts(text: Config, model: Language) -> dict[str, Count]:
    """Exact parameters of embeddings, body and head; an unknown type gives the tables only."""
    table = Count(other=model.vocab * model.width)
    head = Count(linear=0 if model.tied else model.vocab * model.width)
    found = {"language model": Count(), "embeddings": table, "lm_head": head}
    if model.kind == "opt":
        found["language model"] = _opt(model)
        positions = text.number("max_position_embeddings") + 2
        found["embeddings"] = Count(other=(model.vocab + positions) * model.width)
    elif model.kind == "mllama_text_model":
        found["language model"] = _crossing(model)
        found["embeddings"] = Count(other=(model.vocab + 8) * model.width)
    elif model.kind in LLAMA_LIKE and not model.latent:
        found["language model"] = _llama_like(text, model)
    return found


def _attention(model: Language) -> int:
    """Weights of query, key, value and output of one layer."""
    return 2 * model.width * model.head_dim * (model.heads + model.kv_heads)


def _llama_like(text: Config, model: Language) -> Count:
    width, layers = model.width, model.layers
    bias = 0
    if model.kind in QKV_BIAS or text.flag("attention_bias"):
        bias = (model.heads + 2 * model.kv_heads) * model.head_dim
    bias += width if text.flag("attention_bias") else 0
    norms = width * (4 if model.kind in FOUR_NORMS else 2) + (2 * model.head_dim if model.kind in QK_NORM else 0)
    experts = _experts(text)
    if experts:
        inner = text.number("moe_intermediate_size", "intermediate_size")
        return Count(
            linear=layers * _attention(model),
            other=layers * (norms + bias + experts * width) + width,
            experts=layers * experts * 3 * width * inner,
        )
    linear = layers * (_attention(model) + 3 * width * model.inner)
    return Count(linear, layers * (norms + bias) + width)


def _opt(model: Language) -> Count:
    width, inner = model.width, model.inner
    return Count(
        linear=model.layers * (4 * width * width + 2 * width * inner),
        other=model.layers * (9 * width + inner) + 2 * width,
    )


def _crossing(model: Language) -> Count:
    """Cross-attention layers have gates and norms of their own."""
    own = model.layers - model.cross
    linear = model.layers * (_attention(model) + 3 * model.width * model.inner)
    other = own * 2 * model.width + model.cross * (2 * model.width + 2 * model.head_dim + 2) + model.width
    return Count(linear, other)
