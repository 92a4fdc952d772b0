"""Vision towers: shape and exact parameter counts from a vision configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from doctor.fit.config import Config
from doctor.fit.layers import attention, bare, block, feed_forward, linear, norm, patches
from doctor.fit.merging import gemma4, glm, ovis, paddle, pixtral, qwen2, qwen2_5, qwen3, siglip2
from doctor.fit.shapes import Built, Count, Tower


def _vit(kind: str, vision: Config, extra: int = 0) -> tuple[Tower, Count]:
    """A transformer on one tile of fixed size: tower, blocks and table of positions."""
    width, inner = vision.number("hidden_size"), vision.number("intermediate_size")
    layers, heads = vision.number("num_hidden_layers"), vision.number("num_attention_heads")
    patch, size = vision.number("patch_size"), vision.number("image_size")
    grid = size // patch
    tower = Tower(kind, width, inner, layers, heads, patch, grid, size, extra)
    return tower, block(width, inner) * layers + bare(grid * grid + extra, width)


def clip(vision: Config) -> Built:
    """CLIP: a class token, a norm before and one behind, no bias in the convolution."""
    tower, body = _vit("clip", vision, 1)
    width = tower.width
    return tower, body + bare(width) + patches(width, tower.patch, bias=False) + norm(width) * 2, Count()


def eva(vision: Config) -> Built:
    """EVA of BLIP-2 and InstructBLIP: a class token, one bias for queries, keys and values together."""
    tower, body = _vit("eva", vision, 1)
    body += bare(tower.width) + patches(tower.width, tower.patch) + norm(tower.width)
    if not vision.flag("qkv_bias", True):
        body += Count(other=-3 * tower.width * tower.layers)
    return tower, body, Count()


def siglip(vision: Config) -> Built:
    """SigLIP: no class token, and a head that pools where it is asked for."""
    tower, body = _vit("siglip", vision)
    body += patches(tower.width, tower.patch) + norm(tower.width)
    return tower, body + (pooling(tower) if vision.flag("vision_use_head", True) else Count()), Count()


def pooling(tower: Tower) -> Count:
    """SigLIP's head: a learned query that attends to the patches; the joint projection is a bare matrix."""
    width = tower.width
    joint = bare(width) + bare(3 * width, width) + bare(3 * width) + linear(width, width)
    return joint + norm(width) + feed_forward(width, tower.inner)


def idefics(vision: Config) -> Built:
    """Idefics2, Idefics3 and SmolVLM: SigLIP without its head."""
    tower, body = _vit("siglip", vision)
    return tower, body + patches(tower.width, tower.patch) + norm(tower.width), Count()


def llama4(vision: Config) -> Built:
    """Llama 4: a class token behind the patches, pixel shuffle and two layers of an adapter."""
    tower, body = _vit("clip", vision, 1)
    width, out = tower.width, vision.number("projector_output_dim")
    body += bare(width) + linear(3 * tower.patch**2, width, bias=False) + norm(width) * 2
    adapter = linear(tower.inner, vision.number("projector_input_dim"), bias=False) + linear(out, out, bias=False)
    return replace(tower, out=vision.number("vision_output_dim")), body + adapter, Count()


def intern(vision: Config) -> Built:
    """InternViT 300M and 6B, both in the repository's own form and in that of transformers."""
    tower, _ = _vit("intern", vision, 1)
    width, side = tower.width, tower.grid * tower.patch
    norms = norm(width, bias=vision.text("norm_type") != "rms_norm") * 2
    biased = vision.flag("attention_bias", vision.flag("qkv_bias", True))
    one = attention(width, width, width, qkv=biased) + feed_forward(width, tower.inner) + norms
    one += Count(other=2 * width)  # two scales
    if vision.flag("use_qk_norm", vision.flag("qk_normalization")):
        one += norm(width, bias=False) * 2
    body = one * tower.layers + patches(width, tower.patch) + bare(width) * (2 if vision.flag("use_mask_token") else 1)
    if vision.flag("use_absolute_position_embeddings", True):
        body += bare(tower.tokens, width)
    if vision.kind == "internvl_vision" and not vision.flag("use_mean_pooling", True):
        body += norm(width)
    return replace(tower, side=side), body, Count()


def mllama(vision: Config) -> Built:
    """Llama 3.2 Vision: local and gated global layers, tables for tiles and their aspect ratios."""
    width, inner = vision.number("hidden_size"), vision.number("intermediate_size")
    local, gated = vision.number("num_hidden_layers"), vision.number("num_global_layers")
    patch, tiles = vision.number("patch_size"), vision.number("max_num_tiles")
    grid = vision.number("image_size") // patch
    n = grid * grid + 1
    ratios = (len(vision.items("supported_aspect_ratios")) or 8) + 1
    one = attention(width, width, width, qkv=False, out=False) + feed_forward(width, inner) + norm(width) * 2
    other = width + n * width + ratios * tiles * n * width + 1 + 2 * (ratios * tiles * width + 1) + 2 * gated
    body = one * (local + gated) + patches(width, patch, bias=False) + norm(width) * 2 + bare(other)
    tower = Tower(
        "mllama", width, inner, local + gated, vision.maybe("attention_heads", "num_attention_heads") or 16, patch,
        grid, grid * patch, 1, out=vision.number("vision_output_dim"), tiles=tiles,
    )  # fmt: skip
    return tower, body, Count()


SAM_HEADS = 4_064_816  # prompt encoder and mask decoder of SAM v1, the same in all sizes


def sam(vision: Config) -> Built:
    """SAM's ViT with its neck, prompt encoder and mask decoder."""
    tower, body, _ = windowed(vision)
    return tower, body + bare(SAM_HEADS), Count()


def windowed(vision: Config) -> Built:
    """SAM's ViT with windowed and global layers, relative positions and its neck; GOT-OCR's tower."""
    width, layers = vision.number("hidden_size"), vision.number("num_hidden_layers")
    inner = vision.maybe("mlp_dim") or int(width * vision.ratio("mlp_ratio", 4.0))
    patch, side = vision.number("patch_size"), vision.number("image_size") // vision.number("patch_size")
    heads, chosen = vision.maybe("num_attention_heads") or 16, vision.items("global_attn_indexes")
    everywhere = sum(1 for at in {at for at in chosen if isinstance(at, int)} if 0 <= at < layers)
    window, neck = vision.maybe("window_size") or 14, vision.maybe("output_channels") or 256
    body = block(width, inner) * layers + patches(width, patch)
    if not vision.flag("qkv_bias", True):
        body += Count(other=-3 * width * layers)
    if vision.flag("use_abs_pos", True):
        body += bare(side, side, width)
    if vision.flag("use_rel_pos", True):
        sides = (layers - everywhere) * (2 * window - 1) + everywhere * (2 * side - 1)
        body += bare(2 * sides, width // heads)
    body += sam_neck(width, neck)
    return Tower("sam", width, inner, layers, heads, patch, side, side * patch, out=neck), body, Count()


def sam_neck(width: int, neck: int) -> Count:
    """Two convolutions and norms behind SAM's layers."""
    return bare(width, neck) + bare(9, neck, neck) + norm(neck) * 2


TOWERS: dict[str, Callable[[Config], Built]] = {
    "clip_vision_model": clip, "kosmos_2_vision_model": clip,
    "siglip_vision_model": siglip, "siglip": siglip,
    "blip_2_vision_model": eva, "instructblip_vision_model": eva, "instructblipvideo_vision_model": eva,
    "idefics2_vision": idefics, "idefics3_vision": idefics, "llama4_vision_model": llama4,
    "internvl_vision": intern, "intern_vit_6b": intern, "mllama_vision_model": mllama,
    "sam": sam, "got_ocr2_vision": windowed,
    "qwen2_vl_vision": qwen2, "qwen2_5_vl_vision": qwen2_5, "qwen2_5_omni_vision_encoder": qwen2_5,
    "qwen3_vl_vision": qwen3, "qwen3_vl_moe_vision": qwen3, "qwen3_5_vision": qwen3, "qwen3_5_moe_vision": qwen3,
    "glm4v_vision": glm, "glm4v_moe_vision": glm, "glm_ocr_vision": glm, "pixtral": pixtral,
    "ovis2_vision": ovis, "siglip2_vision_model": siglip2, "video_llama_3_vision": paddle,
    "paddleocr_vl_vision": paddle, "gemma4_vision": gemma4,
}  # fmt: skip
# the tower of a family whose vision configuration names no type of its own
BY_FAMILY = {
    "qwen2_vl": "qwen2_vl_vision", "qwen2_5_vl": "qwen2_5_vl_vision", "qwen3_vl": "qwen3_vl_vision",
    "qwen3_vl_moe": "qwen3_vl_moe_vision", "qwen3_5": "qwen3_5_vision", "qwen3_5_moe": "qwen3_5_moe_vision",
    "qwen2_5_omni_thinker": "qwen2_5_omni_vision_encoder",
    "internvl": "internvl_vision", "internvl_chat": "intern_vit_6b", "idefics2": "idefics2_vision",
    "idefics3": "idefics3_vision", "smolvlm": "idefics3_vision", "aria": "idefics3_vision",
    "paligemma": "siglip_vision_model", "gemma3": "siglip_vision_model", "shieldgemma2": "siglip_vision_model",
    "aya_vision": "siglip_vision_model", "cohere2_vision": "siglip_vision_model",
    "deepseek_vl": "siglip_vision_model", "deepseek_vl_hybrid": "siglip_vision_model",
    "blip-2": "blip_2_vision_model", "instructblip": "instructblip_vision_model",
    "instructblipvideo": "instructblip_vision_model",
    "mllama": "mllama_vision_model", "minicpmv": "siglip_vision_model", "llama4": "llama4_vision_model",
    "llava": "clip_vision_model", "llava_next": "clip_vision_model", "llava_next_video": "clip_vision_model",
    "vipllava": "clip_vision_model", "video_llava": "clip_vision_model", "llava_onevision": "siglip_vision_model",
    "mistral3": "pixtral", "lighton_ocr": "pixtral", "glm4v": "glm4v_vision", "glm46v": "glm4v_vision",
    "glm4v_moe": "glm4v_moe_vision", "glm_ocr": "glm_ocr_vision", "got_ocr2": "got_ocr2_vision",
    "ovis2": "ovis2_vision", "lfm2_vl": "siglip2_vision_model", "video_llama_3": "video_llama_3_vision",
    "paddleocr_vl": "paddleocr_vl_vision", "kosmos-2": "kosmos_2_vision_model",
    "gemma4": "gemma4_vision",
}  # fmt: skip


# other names of the same tower; what a composite calls itself became its tower's name in older files
SAME = {
    "idefics2": "idefics2_vision", "idefics3": "idefics3_vision", "smolvlm": "idefics3_vision",
    "smolvlm_vision": "idefics3_vision", "aria_vision": "idefics3_vision",
    "qwen2_vl": "qwen2_vl_vision", "qwen2_5_vl": "qwen2_5_vl_vision", "qwen3_vl": "qwen3_vl_vision",
    "qwen3_vl_moe": "qwen3_vl_moe_vision", "qwen3_5": "qwen3_5_vision", "qwen3_5_moe": "qwen3_5_moe_vision",
    "glm4v": "glm4v_vision", "glm4v_moe": "glm4v_moe_vision", "intern_vit_300m": "intern_vit_6b",
    "sam_vision_model": "sam",
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
