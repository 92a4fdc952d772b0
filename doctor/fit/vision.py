"""Vision towers: shape and exact parameter counts from a vision configuration."""

from __future__ import annotations

from collections.abc import Callable

from doctor.fit.config import Config
from doctor.fit.shapes import Count, Tower

Built = tuple[Tower, Count, Count]  # the tower, its parameters, the parameters of a merger inside it


def _block(width: int, inner: int, layers: int, *, gated: bool = False) -> int:
    """Weights of linear layers of plain transformer blocks."""
    return layers * (4 * width * width + (3 if gated else 2) * width * inner)


def plain(vision: Config) -> Built:
    """CLIP, SigLIP, EVA (BLIP-2), Idefics3 and SmolVLM: a ViT on one tile of fixed size."""
    width, inner = vision.number("hidden_size"), vision.number("intermediate_size")
    layers, heads = vision.number("num_hidden_layers"), vision.number("num_attention_heads")
    patch, size = vision.number("patch_size"), vision.number("image_size")
    grid = size // patch
    clip, eva = vision.kind == "clip_vision_model", vision.kind == "blip_2_vision_model"
    extra = 1 if clip or eva else 0
    linear = _block(width, inner, layers)
    other = 3 * patch * patch * width + (grid * grid + 2 * extra) * width
    other += (0 if clip else width) + (4 if clip else 2) * width  # bias of the convolution; norms before and after
    other += layers * (9 * width + inner)
    if vision.kind == "siglip_vision_model" and vision.flag("vision_use_head", True):
        linear += 2 * width * inner + width * width
        other += 3 * width * width + 8 * width + inner
    kind = "clip" if clip else "eva" if eva else "siglip"
    return Tower(kind, width, inner, layers, heads, patch, grid, size, extra), Count(linear, other), Count()


def qwen2(vision: Config) -> Built:
    """Qwen2-VL: any size, two frames a patch, four patches merged into one token."""
    width = vision.maybe("embed_dim") or 1280
    inner, out = int(width * vision.ratio("mlp_ratio", 4.0)), vision.number("hidden_size")
    depth = vision.maybe("depth") or 32
    other = depth * (9 * width + inner) + _frames(vision, width)
    tower = _merging("qwen", vision, width, inner, depth, out)
    m = width * tower.merge**2
    return tower, Count(_block(width, inner, depth), other), Count(m * m + m * out, 2 * width + m + out)


def qwen2_5(vision: Config) -> Built:
    """Qwen2.5-VL: RMS norms, gated feed-forward, most layers look at windows only."""
    width, inner = vision.maybe("hidden_size") or 1280, vision.maybe("intermediate_size") or 3420
    out, depth = vision.maybe("out_hidden_size") or 3584, vision.maybe("depth") or 32
    other = depth * (7 * width + 2 * inner) + _frames(vision, width)
    tower = _merging("qwen", vision, width, inner, depth, out)
    m = width * tower.merge**2
    return tower, Count(_block(width, inner, depth, gated=True), other), Count(m * m + m * out, width + m + out)


def qwen3(vision: Config) -> Built:
    """Qwen3-VL: learned positions, and further mergers that feed early layers of the language model."""
    width, inner = vision.number("hidden_size"), vision.number("intermediate_size")
    depth, out = vision.number("depth"), vision.number("out_hidden_size")
    deep = len(vision.items("deepstack_visual_indexes"))
    other = depth * (9 * width + inner) + _frames(vision, width) + width
    other += vision.number("num_position_embeddings") * width
    tower = _merging("qwen3", vision, width, inner, depth, out, deep)
    m = width * tower.merge**2
    merger = Count((1 + deep) * (m * m + m * out), (1 + deep) * (m + out) + 2 * width + deep * 2 * m)
    return tower, Count(_block(width, inner, depth), other), merger


def _frames(vision: Config, width: int) -> int:
    """Weights of the convolution over patch and frames."""
    patch, frames = vision.maybe("patch_size") or 14, vision.maybe("temporal_patch_size") or 2
    return 3 * frames * patch * patch * width


def _merging(kind: str, vision: Config, width: int, inner: int, depth: int, out: int, deep: int = 0) -> Tower:
    return Tower(
        kind, width, inner, depth, vision.maybe("num_heads") or 16, vision.maybe("patch_size") or 14,
        out=out, merge=vision.maybe("spatial_merge_size") or 2, deepstack=deep,
    )  # fmt: skip


def intern(vision: Config) -> Built:
    """InternViT 300M and 6B, both in the repository's own form and in that of transformers."""
    width, inner = vision.number("hidden_size"), vision.number("intermediate_size")
    layers, heads = vision.number("num_hidden_layers"), vision.number("num_attention_heads")
    patch, grid = vision.number("patch_size"), vision.number("image_size") // vision.number("patch_size")
    norm = width if vision.text("norm_type") == "rms_norm" else 2 * width
    qk = 2 * width if vision.flag("use_qk_norm", vision.flag("qk_normalization")) else 0
    bias = 3 * width if vision.flag("attention_bias", vision.flag("qkv_bias", True)) else 0
    other = 3 * patch * patch * width + 2 * width + (grid * grid + 1) * width
    other += layers * (bias + 2 * width + inner + 2 * norm + 2 * width + qk)
    tower = Tower("intern", width, inner, layers, heads, patch, grid, grid * patch, 1)
    return tower, Count(_block(width, inner, layers), other), Count()


def mllama(vision: Config) -> Built:
    """Llama 3.2 Vision: local and gated global layers, tables for tiles and their aspect ratios."""
    width, inner = vision.number("hidden_size"), vision.number("intermediate_size")
    local, gated = vision.number("num_hidden_layers"), vision.number("num_global_layers")
    patch, tiles = vision.number("patch_size"), vision.number("max_num_tiles")
    grid = vision.number("image_size") // patch
    n = grid * grid + 1
    ratios = (len(vision.items("supported_aspect_ratios")) or 8) + 1
    other = width + 3 * patch * patch * width + n * width + ratios * tiles * n * width + 1
    other += 2 * (ratios * tiles * width + 1) + 4 * width + (local + gated) * (inner + 5 * width) + 2 * gated
    tower = Tower(
        "mllama", width, inner, local + gated, vision.maybe("attention_heads", "num_attention_heads") or 16, patch,
        grid, grid * patch, 1, out=vision.number("vision_output_dim"), tiles=tiles,
    )  # fmt: skip
    return tower, Count(_block(width, inner, local + gated), other), Count()


SAM_HEADS = 4_064_816  # prompt encoder and mask decoder of SAM v1, the same in all sizes


def sam(vision: Config) -> Built:
    """SAM's ViT with windowed and global layers, its neck, prompt encoder and mask decoder."""
    width, layers = vision.number("hidden_size"), vision.number("num_hidden_layers")
    inner = vision.maybe("mlp_dim") or 4 * width
    patch, side = vision.number("patch_size"), vision.number("image_size") // vision.number("patch_size")
    heads, everywhere = vision.maybe("num_attention_heads") or 16, len(vision.items("global_attn_indexes"))
    window, neck = vision.maybe("window_size") or 14, vision.maybe("output_channels") or 256
    dim = width // heads
    other = layers * (9 * width + inner) + 3 * patch * patch * width + width + side * side * width
    other += (layers - everywhere) * 2 * (2 * window - 1) * dim + everywhere * 2 * (2 * side - 1) * dim
    other += width * neck + 9 * neck * neck + 4 * neck + SAM_HEADS
    tower = Tower("sam", width, inner, layers, heads, patch, side, side * patch)
    return tower, Count(_block(width, inner, layers), other), Count()


TOWERS: dict[str, Callable[[Config], Built]] = {
    "clip_vision_model": plain, "siglip_vision_model": plain, "blip_2_vision_model": plain,
    "idefics3_vision": plain, "siglip": plain,
    "qwen2_vl": qwen2, "qwen2_5_vl": qwen2_5, "qwen3_vl": qwen3, "qwen3_vl_moe": qwen3,
    "internvl_vision": intern, "intern_vit_6b": intern, "mllama_vision_model": mllama,
    "sam": sam,
}  # fmt: skip
# the tower of a family whose vision configuration names no type of its own
BY_FAMILY = {
    "qwen2_vl": "qwen2_vl", "qwen2_5_vl": "qwen2_5_vl", "qwen3_vl": "qwen3_vl", "qwen3_vl_moe": "qwen3_vl",
    "internvl": "internvl_vision", "internvl_chat": "intern_vit_6b", "idefics3": "idefics3_vision",
    "smolvlm": "idefics3_vision", "paligemma": "siglip_vision_model", "gemma3": "siglip_vision_model",
    "blip-2": "blip_2_vision_model", "mllama": "mllama_vision_model", "minicpmv": "siglip_vision_model",
    "llava": "clip_vision_model", "llava_next": "clip_vision_model", "llava_onevision": "siglip_vision_model",
}  # fmt: skip


# other names of the same tower
SAME = {
    "idefics3": "idefics3_vision", "smolvlm": "idefics3_vision", "smolvlm_vision": "idefics3_vision",
    "intern_vit_300m": "intern_vit_6b", "sam_vision_model": "sam",
}  # fmt: skip
HEADLESS = ("minicpmv",)  # families that take the tower without its pooling head and do not say so


def build(vision: Config, family: str) -> Built | None:
    """The tower that this configuration describes, None for a type that is not known here."""
    kind = vision.kind or BY_FAMILY.get(family, "")
    kind = SAME.get(kind, kind)
    maker = TOWERS.get(kind)
    if maker is None:
        return None
    values = {**vision.values, "model_type": kind}
    if family in HEADLESS:
        values["vision_use_head"] = False
    return maker(Config(values, vision.where))
