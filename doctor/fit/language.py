"""Language models: shape and exact parameter counts from a text configuration.

The formulas were checked against the parameters that transformers 4.57 and 5.24 create on the meta device
(fixtures/vram/families.json).
"""

from __future__ import annotations

from dataclasses import dataclass

from doctor.fit import mixed
from doctor.fit.config import Config
from doctor.fit.layers import attention, bare, feed_forward, linear, norm
from doctor.fit.shapes import Count, Language


@dataclass(frozen=True, slots=True)
class Style:
    """How the layers of one type of decoder differ. None: as the configuration's own switch says."""

    qkv: bool | None = False  # biases of query, key and value
    out: bool | None = False
    mlp: bool | None = False
    norms: int = 2  # a layer
    norm_bias: bool = False
    qk_norm: str = ""  # head: one for all heads; heads: one a head; both with ``use_qk_norm`` where there is a switch
    gated: bool = True


FREE = Style(qkv=None, out=None)
QWEN2, MISTRAL = Style(qkv=True), Style()
STYLES = {
    "llama": Style(qkv=None, out=None, mlp=None), "vicuna": Style(qkv=None, out=None, mlp=None),
    "granite": Style(qkv=None, out=None, mlp=None), "aria_text": Style(qkv=None, out=None, mlp=None),
    "mistral": MISTRAL, "ministral3": MISTRAL, "mixtral": MISTRAL, "phi3": MISTRAL, "internlm2": MISTRAL,
    "gemma": FREE, "gemma2": Style(qkv=None, out=None, norms=4),
    "gemma3_text": Style(qkv=None, out=None, norms=4, qk_norm="head"),
    "qwen2": QWEN2, "qwen2_vl_text": QWEN2, "qwen2_5_vl_text": QWEN2,
    "qwen2_5_omni_text": QWEN2,
    "qwen3": Style(qkv=None, out=None, qk_norm="head"), "qwen3_moe": Style(qkv=None, out=None, qk_norm="head"),
    "qwen3_vl_text": Style(qkv=None, out=None, qk_norm="head"),
    "qwen3_vl_moe_text": Style(qkv=None, out=None, qk_norm="head"),
    "qwen3_5_text": Style(qkv=None, out=None, qk_norm="head"),
    "qwen3_5_moe_text": Style(qkv=None, out=None, qk_norm="head"),
    "cohere": Style(qkv=None, out=None, norms=1, qk_norm="heads"), "cohere2": Style(qkv=None, out=None, norms=1),
    "llama4_text": FREE, "glm4v_text": Style(qkv=True, norms=4), "glm_ocr_text": Style(norms=4),
    "glm4v_moe_text": Style(qkv=None), "paddleocr_vl_text": Style(qkv=None, out=None, mlp=None),
    "lfm2": Style(qk_norm="head"),
}  # fmt: skip
# what a text configuration calls itself elsewhere
SAME = {
    "qwen2_vl": "qwen2_vl_text", "qwen2_5_vl": "qwen2_5_vl_text", "fuyu": "persimmon",
    "Glm4vMoe_text": "glm4v_moe_text",  # as transformers 4.57 writes it
}  # fmt: skip


def shape(text: Config) -> Language:
    """The shape of the language model that this configuration describes."""
    width, layers = text.number("hidden_size", "embed_dim"), text.number("num_hidden_layers", "layers")
    heads = text.number("num_attention_heads", "attention_heads")
    shared = min(layers, text.maybe("num_kv_shared_layers") or 0)
    window, sliding = _sliding(text, layers - shared)
    rank = text.maybe("kv_lora_rank") or 0
    head_dim = _latent_head(text) or text.maybe("head_dim") or width // heads
    pairs = text.maybe("num_key_value_heads") or heads
    return Language(
        kind=text.kind,
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=pairs,
        head_dim=head_dim,
        vocab=text.number("vocab_size"),
        inner=mixed.inner(text),
        tied=text.flag("tie_word_embeddings"),
        window=window,
        sliding=sliding,
        cross=len({at for at in text.items("cross_attention_layers") if isinstance(at, int) and 0 <= at < layers}),
        latent=rank + (text.maybe("qk_rope_head_dim") or 0) if rank else 0,
        experts=bool(mixed.experts(text)),
        gated=text.kind not in ("opt", "persimmon", "kosmos_2_text_model"),
        fixed=mixed.fixed(text, layers),
        state=mixed.state(text),
        wide=mixed.wide(text),
        shared=shared,
    )


def _latent_head(text: Config) -> int:
    """Multi-head latent attention, where the cache holds unfolded keys and values: the mean of their widths."""
    if not text.maybe("kv_lora_rank"):
        return 0
    return ((text.maybe("qk_nope_head_dim") or 0) + (text.maybe("qk_rope_head_dim") or 0)
            + (text.maybe("v_head_dim") or 0)) // 2  # fmt: skip


def _sliding(text: Config, layers: int) -> tuple[int, int]:
    """``(window, number of sliding layers)`` of the first ``layers``; (0, 0) when every layer keeps everything."""
    window = text.maybe("sliding_window", "attention_chunk_size") or 0
    if not window or not text.flag("use_sliding_window", True):
        return 0, 0
    kinds = text.items("layer_types")
    if kinds:
        return window, sum(1 for kind in kinds[:layers] if kind in ("sliding_attention", "chunked_attention"))
    pattern = text.maybe("sliding_window_pattern", "_sliding_window_pattern")
    if pattern:
        return window, layers - layers // pattern
    full = text.maybe("max_window_layers") if text.kind.startswith("qwen") else 0
    return window, max(0, layers - (full or 0))


def counts(text: Config, model: Language) -> dict[str, Count]:
    """Exact parameters of embeddings, body and head; an unknown type gives the tables only."""
    found = {
        "language model": Count(),
        "embeddings": bare(model.vocab, model.width),
        "lm_head": Count() if model.tied else linear(model.width, model.vocab, bias=False),
    }
    if model.kind == "opt":
        found |= _opt(text, model)
    elif model.kind == "mllama_text_model":
        found["language model"] = _crossing(model)
        found["embeddings"] += bare(8, model.width)
    elif model.kind == "persimmon":
        found["language model"] = _persimmon(text, model)
    elif model.kind == "kosmos_2_text_model":
        found["language model"] = _kosmos(model)
    elif model.kind == "gemma4_text":
        found["language model"], found["embeddings"] = mixed.gemma4(text, model)
    elif model.kind in STYLES and not model.latent:
        found["language model"] = _decoder(text, model, STYLES[model.kind])
    return found


def _decoder(text: Config, model: Language, style: Style) -> Count:
    """The body of a decoder of the common form: attention, feed-forward or experts, norms, and a last norm."""
    width, full = model.width, model.layers - model.fixed
    keeping = attention(
        width, model.heads * model.head_dim, model.kv_heads * model.head_dim,
        qkv=_switch(text, style.qkv, "attention_bias"), out=_switch(text, style.out, "attention_bias"),
    ) + _qk_norm(text, model, style)  # fmt: skip
    if model.kind.startswith("qwen3_5"):  # queries bring a gate of their own
        keeping += linear(width, model.heads * model.head_dim, bias=text.flag("attention_bias"))
    norms = norm(width, bias=style.norm_bias)
    body = keeping * full + mixed.other_layers(text, model) + norms * (style.norms * model.layers) + norms
    return body + mixed.feed_forwards(text, model, bias=_switch(text, style.mlp, "mlp_bias"))


def _switch(text: Config, fixed: bool | None, key: str) -> bool:
    return text.flag(key, text.flag("use_bias")) if fixed is None else fixed


def _qk_norm(text: Config, model: Language, style: Style) -> Count:
    if not style.qk_norm or not text.flag("use_qk_norm", style.qk_norm == "head"):
        return Count()
    times = model.heads + model.kv_heads if style.qk_norm == "heads" else 2
    return norm(model.head_dim, bias=False) * times


def _opt(text: Config, model: Language) -> dict[str, Count]:
    """Positions are learned; in the 350M model the tables are narrower than the layers."""
    width, table = model.width, text.maybe("word_embed_proj_dim") or model.width
    one = attention(width, width, width) + feed_forward(width, model.inner) + norm(width) * 2
    body = one * model.layers
    if text.flag("do_layer_norm_before", True) and not text.flag("_remove_final_layer_norm"):
        body += norm(width)
    if table != width:
        body += linear(table, width, bias=False) * 2
    tables = bare(model.vocab, table) + bare(text.number("max_position_embeddings") + 2, width)
    head = Count() if model.tied else linear(table, model.vocab, bias=False)
    return {"language model": body, "embeddings": tables, "lm_head": head}


def _crossing(model: Language) -> Count:
    """Cross-attention layers have gates and norms of their own."""
    width, pairs = model.width, model.kv_heads * model.head_dim
    one = attention(width, model.heads * model.head_dim, pairs, qkv=False, out=False)
    one += feed_forward(width, model.inner, gated=True, bias=False) + norm(width, bias=False) * 2
    return one * model.layers + Count(other=model.cross * (2 * model.head_dim + 2)) + norm(width, bias=False)


def _persimmon(text: Config, model: Language) -> Count:
    width = model.width
    one = attention(width, width, width) + feed_forward(width, model.inner) + norm(width) * 2
    if text.flag("qk_layernorm", True):
        one += norm(model.head_dim) * 2
    return one * model.layers + norm(width)


def _kosmos(model: Language) -> Count:
    """Norms also inside attention and feed-forward; positions are computed."""
    width, inner = model.width, model.inner
    one = attention(width, width, width) + feed_forward(width, inner) + norm(width) * 3 + norm(inner)
    return one * model.layers + norm(width)
