"""Towers for images of any size: shape and exact parameter counts, with the merger that some have inside."""

from __future__ import annotations

from doctor.fit.config import Config
from doctor.fit.layers import attention, bare, block, feed_forward, linear, norm, patches
from doctor.fit.shapes import Built, Count, Tower


def _tower(kind: str, vision: Config, width: int, inner: int, depth: int, out: int, deep: int = 0) -> Tower:
    return Tower(
        kind, width, inner, depth, vision.maybe("num_heads", "num_attention_heads") or 16,
        vision.maybe("patch_size") or 14, out=out, merge=vision.maybe("spatial_merge_size") or 2, deepstack=deep,
    )  # fmt: skip


def _frames(vision: Config) -> int:
    return vision.maybe("temporal_patch_size") or 2


def qwen2(vision: Config) -> Built:
    """Qwen2-VL: two frames a patch, four patches merged into one token."""
    width = vision.maybe("embed_dim") or 1280
    inner, out = int(width * vision.ratio("mlp_ratio", 4.0)), vision.number("hidden_size")
    depth = vision.maybe("depth", "num_hidden_layers") or 32
    tower = _tower("qwen", vision, width, inner, depth, out)
    m = width * tower.merge**2
    body = block(width, inner) * depth + patches(width, tower.patch, frames=_frames(vision), bias=False)
    return tower, body, linear(m, m) + linear(m, out) + norm(width)


def qwen2_5(vision: Config) -> Built:
    """Qwen2.5-VL: RMS norms, gated feed-forward, most layers look at windows only."""
    width, inner = vision.maybe("hidden_size") or 1280, vision.maybe("intermediate_size") or 3420
    out, depth = vision.maybe("out_hidden_size") or 3584, vision.maybe("depth", "num_hidden_layers") or 32
    tower = _tower("qwen", vision, width, inner, depth, out)
    m = width * tower.merge**2
    body = block(width, inner, gated=True, norms=False) * depth
    body += patches(width, tower.patch, frames=_frames(vision), bias=False)
    return tower, body, linear(m, m) + linear(m, out) + norm(width, bias=False)


def qwen3(vision: Config) -> Built:
    """Qwen3-VL: learned positions, and further mergers that feed early layers of the language model."""
    width, inner = vision.number("hidden_size"), vision.number("intermediate_size")
    depth, out = vision.number("depth", "num_hidden_layers"), vision.number("out_hidden_size")
    deep = len(vision.items("deepstack_visual_indexes")) if "qwen3_5" not in vision.kind else 0
    tower = _tower("qwen3", vision, width, inner, depth, out, deep)
    m = width * tower.merge**2
    body = block(width, inner) * depth + patches(width, tower.patch, frames=_frames(vision))
    body += bare(vision.number("num_position_embeddings"), width)
    one = linear(m, m) + linear(m, out)
    return tower, body, one * (1 + deep) + norm(width) + norm(m) * deep


def glm(vision: Config) -> Built:
    """GLM-4.1V: gated layers as wide inside as the merged width, a convolution that merges, a gated merger.

    GLM-OCR has norms of queries and keys, biases, and no table of positions.
    """
    width, out = vision.number("hidden_size"), vision.number("out_hidden_size")
    depth, context = vision.number("depth"), vision.number("intermediate_size")
    ocr, biased = vision.kind == "glm_ocr_vision", vision.flag("attention_bias")
    inner = context if ocr else out
    tower = _tower("glm", vision, width, inner, depth, out)
    one = attention(width, width, width, qkv=biased, out=ocr and biased)
    one += feed_forward(width, inner, gated=True, bias=ocr and biased) + norm(width, bias=False) * 2
    if ocr:
        one += norm(width // tower.heads, bias=False) * 2
        context = out * (vision.maybe("in_channels") or 3)
    body = one * depth + patches(width, tower.patch, frames=_frames(vision)) + norm(width, bias=False)
    if not ocr:
        body += norm(width, bias=False) + bare((vision.number("image_size") // tower.patch) ** 2, width)
    merger = bare(out, width, tower.merge**2) + bare(out) + linear(out, out, bias=False) + norm(out)
    return tower, body, merger + feed_forward(out, context, gated=True, bias=False)


def pixtral(vision: Config) -> Built:
    """Pixtral: RMS norms, no bias anywhere, rotary positions; what merges patches is part of the projector."""
    width, inner = vision.number("hidden_size"), vision.number("intermediate_size")
    layers, patch = vision.number("num_hidden_layers"), vision.number("patch_size")
    body = block(width, inner, bias=False, norms=False, gated=True) * layers
    body += patches(width, patch, bias=False) + norm(width, bias=False)
    side = vision.maybe("image_size") or 1024
    return Tower("pixtral", width, inner, layers, vision.number("num_attention_heads"), patch, side=side), body, Count()


def ovis(vision: Config) -> Built:
    """AIMv2 in Ovis2, with a head that spreads each patch over a visual vocabulary."""
    width, inner = vision.number("hidden_size"), vision.number("intermediate_size")
    layers, patch = vision.number("num_hidden_layers"), vision.number("patch_size")
    grid, stride = vision.number("image_size") // patch, vision.maybe("hidden_stride") or 1
    words = vision.number("vocab_size") - (vision.maybe("num_visual_indicator_tokens") or 0)
    biased, wide = vision.flag("qkv_bias"), vision.flag("mlp_bias")
    one = attention(width, width, width, qkv=biased, out=biased) + norm(width, bias=False) * 2
    one += feed_forward(width, inner, gated=True, bias=wide)
    body = one * layers + patches(width, patch) + bare(grid * grid, width) + norm(width, bias=False) * 2
    head = linear(width * stride**2, words, bias=False) + norm(words)
    tower = Tower("siglip", width, inner, layers, vision.number("num_attention_heads"), patch, grid, grid * patch)
    return tower, body, head


def siglip2(vision: Config) -> Built:
    """SigLIP 2 for any shape: patches come in as rows of numbers."""
    width, inner = vision.number("hidden_size"), vision.number("intermediate_size")
    layers, patch = vision.number("num_hidden_layers"), vision.number("patch_size")
    body = block(width, inner) * layers + linear(3 * patch**2, width) + norm(width)
    body += bare(vision.number("num_patches"), width)
    if vision.flag("vision_use_head", True):
        body += bare(width) + bare(3 * width, width) + bare(3 * width) + linear(width, width)
        body += norm(width) + feed_forward(width, inner)
    return Tower("siglip", width, inner, layers, vision.number("num_attention_heads"), patch), body, Count()


def paddle(vision: Config) -> Built:
    """SigLIP with rotary positions: PaddleOCR-VL keeps a table beside them, VideoLLaMA 3 has none."""
    width, inner = vision.number("hidden_size"), vision.number("intermediate_size")
    layers, patch = vision.number("num_hidden_layers"), vision.number("patch_size")
    body = block(width, inner) * layers + patches(width, patch) + norm(width)
    merge = 1
    if vision.kind == "paddleocr_vl_vision":
        body += bare((vision.number("image_size") // patch) ** 2, width)
        merge = vision.maybe("spatial_merge_size") or 2
    heads = vision.number("num_attention_heads")
    return Tower("siglip", width, inner, layers, heads, patch, merge=merge), body, Count()


def gemma4(vision: Config) -> Built:
    """Gemma 4: four norms a layer, norms of queries and keys, a table of positions for each direction."""
    width, inner = vision.number("hidden_size"), vision.number("intermediate_size")
    layers, heads, patch = (vision.number(k) for k in ("num_hidden_layers", "num_attention_heads", "patch_size"))
    dim, pairs = vision.maybe("head_dim") or width // heads, vision.maybe("num_key_value_heads") or heads
    one = attention(width, heads * dim, pairs * dim, qkv=False, out=False) + norm(dim, bias=False) * 2
    one += feed_forward(width, inner, gated=True, bias=False) + norm(width, bias=False) * 4
    body = one * layers + bare(2, vision.number("position_embedding_size"), width)
    body += linear(3 * patch**2, width, bias=False)
    merge = vision.maybe("pooling_kernel_size") or 3
    return Tower("gemma4", width, inner, layers, heads, patch, merge=merge), body, Count()
