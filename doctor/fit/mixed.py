"""Language models whose layers are not all alike: mixtures of experts, linear attention, shared keys and values."""

from __future__ import annotations

from doctor.fit.config import Config
from doctor.fit.layers import bare, feed_forward, linear, norm
from doctor.fit.shapes import Count, Language


def experts(text: Config) -> int:
    """Experts that a layer chooses from; 0 in a dense model."""
    if text.kind == "gemma4_text" and not text.flag("enable_moe_block"):
        return 0
    return text.maybe("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts") or 0


def inner(text: Config) -> int:
    """Width of the feed-forward part that one token uses."""
    dense = text.maybe("intermediate_size", "ffn_dim") or 0
    if text.kind == "lfm2":
        return _rounded(text, dense)
    if not experts(text):
        return text.number("intermediate_size", "ffn_dim")
    used = text.number("num_experts_per_tok", "moe_topk", "top_k_experts")
    shared, own = _shared(text)
    return max(dense, text.number("moe_intermediate_size", "intermediate_size") * used + shared * own)


def _rounded(text: Config, dense: int) -> int:
    """LFM2 cuts its inner width by a third and rounds it up."""
    dense = text.maybe("block_ff_dim") or dense
    if not text.flag("block_auto_adjust_ff_dim", True):
        return dense
    step = text.maybe("block_multiple_of") or 256
    return -(-int(text.ratio("block_ffn_dim_multiplier", 1.0) * int(2 * dense / 3)) // step) * step


def _shared(text: Config) -> tuple[int, int]:
    """Experts that every token passes: how many, and how wide."""
    if text.kind == "aria_text":
        return text.maybe("moe_num_shared_experts") or 0, text.number("intermediate_size")
    if text.kind == "llama4_text":
        return 1, text.number("intermediate_size")
    wide = text.maybe("shared_expert_intermediate_size")
    if wide:
        return 1, wide
    return text.maybe("n_shared_experts") or 0, text.maybe("moe_intermediate_size") or 0


def _sparse(text: Config, layers: int) -> int:
    """Layers with experts."""
    if not experts(text):
        return 0
    chosen = text.raw("moe_layers")
    if isinstance(chosen, list):
        return len({at for at in chosen if isinstance(at, int) and 0 <= at < layers})
    step = text.maybe("decoder_sparse_step", "interleave_moe_layer_step") or 1
    dense = set(text.items("mlp_only_layers")) | set(range(text.maybe("first_k_dense_replace") or 0))
    return sum(1 for at in range(layers) if (at + 1) % step == 0 and at not in dense)


def feed_forwards(text: Config, model: Language, *, bias: bool) -> Count:
    """Feed-forward parts of all layers, dense and sparse."""
    sparse = _sparse(text, model.layers)
    inside = text.maybe("intermediate_size_mlp") if text.kind == "llama4_text" else None
    inside = inside or text.maybe("intermediate_size") or 0
    if text.kind == "lfm2":
        inside = model.inner
    found = feed_forward(model.width, inside, gated=True, bias=bias) * (model.layers - sparse)
    if not sparse:
        return found
    own, several = text.number("moe_intermediate_size", "intermediate_size"), experts(text)
    shared, wide = _shared(text)
    one = bare(several, model.width) + Count(experts=several * 3 * model.width * own)
    one += feed_forward(model.width, shared * wide, gated=True, bias=bias and text.kind == "aria_text")
    if text.kind == "qwen3_5_moe_text":
        one += linear(model.width, 1, bias=False)  # how much of the shared expert a token takes
    return found + one * sparse


LINEAR = ("linear_attention", "conv")


def fixed(text: Config, layers: int) -> int:
    """Layers with a state of fixed size."""
    if not text.kind.startswith(("qwen3_5", "lfm2")):
        return 0
    kinds = text.items("layer_types")
    if kinds:
        return sum(1 for kind in kinds if kind in LINEAR)
    if text.kind == "lfm2":
        full = text.items("full_attn_idxs")
        return layers - len(full) if full else 0
    return layers - layers // (text.maybe("full_attention_interval") or 4)


def state(text: Config) -> int:
    """Numbers that such a layer keeps for one sequence."""
    if text.kind == "lfm2":
        return text.number("hidden_size") * (text.maybe("conv_L_cache") or 3)
    if not text.kind.startswith("qwen3_5"):
        return 0
    key, value, heads = _delta(text)
    channels = 2 * key + value
    return heads * (text.maybe("linear_key_head_dim") or 128) * (value // heads) + channels * _taps(text)


def _delta(text: Config) -> tuple[int, int, int]:
    """Widths of keys and values of the gated delta net, and its value heads."""
    heads = text.maybe("linear_num_value_heads") or 32
    key = (text.maybe("linear_num_key_heads") or 16) * (text.maybe("linear_key_head_dim") or 128)
    return key, heads * (text.maybe("linear_value_head_dim") or 128), heads


def _taps(text: Config) -> int:
    return text.maybe("linear_conv_kernel_dim") or 4


def other_layers(text: Config, model: Language) -> Count:
    """Token mixers of the layers without keys and values."""
    width = model.width
    if not model.fixed:
        return Count()
    if text.kind == "lfm2":
        bias = text.flag("conv_bias")
        one = linear(width, 3 * width, bias=bias) + linear(width, width, bias=bias)
        one += bare(width, (text.maybe("conv_L_cache") or 3) + bias)
        return one * model.fixed
    key, value, heads = _delta(text)
    channels = 2 * key + value
    one = linear(width, channels + value + 2 * heads, bias=False) + linear(value, width, bias=False)
    one += bare(channels, _taps(text)) + Count(other=2 * heads + value // heads)
    return one * model.fixed


def _heads(text: Config, at: int, everything: bool) -> tuple[int, int]:
    """Gemma 4: head size and KV heads of one layer; newer files say it layer by layer."""
    dim, pairs = text.number("head_dim"), text.number("num_key_value_heads")
    given = text.raw("per_layer_config")
    if isinstance(given, dict):
        own = next((one for key, one in given.items() if str(key).isdecimal() and int(key) == at), None)
        one = Config(own if isinstance(own, dict) else {}, f"{text.where}per_layer_config.{at}.")
        return one.maybe("head_dim") or dim, one.maybe("num_key_value_heads") or pairs
    if not everything:
        return dim, pairs
    same = text.flag("attention_k_eq_v")
    return text.maybe("global_head_dim") or 512, (same and text.maybe("num_global_key_value_heads")) or pairs


def wide(text: Config) -> int:
    """KV numbers a token of a layer without window, where those have heads of their own."""
    if text.kind != "gemma4_text":
        return 0
    at = text.number("num_hidden_layers") - 1  # the last layer always sees everything
    dim, pairs = _heads(text, at, everything=True)
    return 2 * dim * pairs


def _kinds(text: Config, layers: int) -> list[bool]:
    """For each layer whether it sees everything; the last one always does."""
    kinds = text.items("layer_types")[:layers]
    found = [kind == "full_attention" for kind in kinds] or [(at + 1) % 6 == 0 for at in range(layers)]
    return [*found[:-1], True] if found else []


def gemma4(text: Config, model: Language) -> tuple[Count, Count]:
    """Body and tables: two kinds of attention, inputs of their own for every layer, shared keys and values."""
    width, bias, same = model.width, text.flag("attention_bias"), text.flag("attention_k_eq_v")
    body, first = norm(width, bias=False), model.layers - model.shared
    for at, everything in enumerate(_kinds(text, model.layers)):
        size, heads = _heads(text, at, everything)
        shares = at >= first
        body += linear(width, model.heads * size, bias=bias) + linear(model.heads * size, width, bias=bias)
        body += norm(size, bias=False)
        if not shares:
            body += linear(width, heads * size, bias=bias) * (1 if same and everything else 2) + norm(size, bias=False)
        double = 2 if shares and text.flag("use_double_wide_mlp") else 1
        body += feed_forward(width, double * text.number("intermediate_size"), gated=True, bias=False)
        body += norm(width, bias=False) * 4 + _extras(text, width)
    each = text.maybe("hidden_size_per_layer_input") or 0
    tables = bare(model.vocab, width)
    if each:
        tables += bare(text.maybe("vocab_size_per_layer_input") or model.vocab, model.layers * each)
        body += linear(width, model.layers * each, bias=False) + norm(each, bias=False)
    return body, tables


def _extras(text: Config, width: int) -> Count:
    """Of one layer: the experts beside the dense part, and the gate of the layer's own input."""
    found, each = Count(), text.maybe("hidden_size_per_layer_input") or 0
    if several := experts(text):
        own = text.number("moe_intermediate_size")
        found += bare(several, width) + Count(experts=several * 3 * width * own) + norm(width, bias=False) * 3
        found += Count(other=several + width)  # a scale an expert, and of the router's input
    if each:
        found += linear(width, each, bias=False) + linear(each, width, bias=False) + norm(width, bias=False)
    return found
