"""What stands between tower and language model, by family: projectors, resamplers, Q-Formers."""

from __future__ import annotations

import math
from collections.abc import Callable

from doctor.fit import vision
from doctor.fit.config import Config
from doctor.fit.layers import attention, bare, feed_forward, linear, norm
from doctor.fit.shapes import Count, Language, Tower

Parts = dict[str, Count]


def _features(cfg: Config, tower: Tower) -> int:
    """Width of the tower's output: several of its layers side by side in some checkpoints."""
    layers = cfg.raw("vision_feature_layer")
    return tower.width * (len(layers) if isinstance(layers, list | tuple) else 1)


def _llava(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """One or two linear layers; the anyres families add a learned row end."""
    features, bias = _features(cfg, tower), cfg.flag("multimodal_projector_bias", True)
    found = linear(features, talk.width, bias=bias)
    if cfg.text("mm_projector_type") != "linear":
        found += linear(talk.width, talk.width, bias=bias)
    parts = {"projector": found}
    if cfg.kind in ("llava_next", "llava_next_video", "llava_onevision"):
        parts["image newline"] = bare(talk.width)
    return parts


def _vip(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """ViP-LLaVA: a norm over the features of five layers, then LLaVA's projector."""
    features = _features(cfg, tower)
    return {"projector": norm(features) + linear(features, talk.width) + linear(talk.width, talk.width)}


def _two(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """Two linear layers from one layer's features (Video-LLaVA, VideoLLaMA 3, DeepSeek-VL)."""
    features, bias = _features(cfg, tower), cfg.flag("multimodal_projector_bias", True)
    return {"projector": linear(features, talk.width, bias=bias) + linear(talk.width, talk.width, bias=bias)}


def _pair(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """Video-LLaVA: a second tower of the same form, for videos."""
    again = vision.build(cfg.sub("vision_config") or Config({}), cfg.kind)
    return {**_two(cfg, talk, tower), "video tower": again[1] if again else Count()}


def _hybrid(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """DeepSeek-VL 7B: SAM's tower beside SigLIP; each gives half of the width."""
    other = cfg.sub("high_res_vision_config") or Config({}, "high_res_vision_config.")
    high, count, _ = vision.windowed(Config({**other.values, "model_type": "sam"}, other.where))
    neck, half = high.out, talk.width // 2
    count += vision.sam_neck(high.width, neck) + bare(9, neck, 2 * neck) + bare(9, 2 * neck, 4 * neck) + bare(1)
    found = linear(tower.width, half) + linear(4 * neck, half) + linear(talk.width, talk.width)
    return {"projector": found, "high-resolution tower": count}


def _omni(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """Qwen2.5-Omni's thinker: an audio tower of Whisper's form; keys have no bias."""
    a = (cfg.sub("audio_config") or Config({}, "audio_config.")).without_kind("qwen2_5_omni_audio_encoder")
    width, inner, layers = a.number("d_model"), a.number("encoder_ffn_dim"), a.number("encoder_layers")
    out = a.number("output_dim")
    one = attention(width, width, width) + feed_forward(width, inner) + norm(width) * 2 + Count(other=-width)
    ears = one * layers + bare(3, a.number("num_mel_bins"), width) + bare(3, width, width) + bare(2 * width)
    return {"audio tower": ears + bare(2, out) + norm(width) + linear(width, out)}


def _gemma4(cfg: Config, talk: Language, tower: Tower) -> Parts:
    return {"projector": linear(tower.width, talk.width, bias=False)}


def _linear(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """LISA, PaliGemma: one linear layer with bias; Llama 3.2 Vision: from the concatenated features."""
    out = (cfg.sub("vision_config") or cfg).maybe("projection_dim") if cfg.kind == "paligemma" else None
    return {"projector": linear(tower.out or tower.width, out or talk.width)}


def _bare(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """Llama 4: one linear layer without bias."""
    return {"projector": linear(tower.out, talk.width, bias=False)}


def _intern(cfg: Config, talk: Language, tower: Tower) -> Parts:
    merged = int(tower.width * int(1 / cfg.ratio("downsample_ratio", 0.5)) ** 2)
    return {"projector": norm(merged) + linear(merged, talk.width) + linear(talk.width, talk.width)}


def _shuffle(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """Idefics3, SmolVLM: pixel shuffle and one linear layer without bias."""
    return {"projector": linear(tower.width * cfg.number("scale_factor") ** 2, talk.width, bias=False)}


def _gemma3(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """A bare matrix, no linear layer to a quantiser, and a norm."""
    return {"projector": bare(tower.width, talk.width) + norm(tower.width, bias=False)}


def _resampler(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """MiniCPM-V: learned queries that attend to the patches; its joint projections are bare matrices."""
    width, queries = talk.width, cfg.maybe("query_num") or 64
    return {"projector": Count(tower.width * width + width**2, queries * width + 4 * width**2 + 10 * width)}


def _perceiver(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """Idefics2: a gated projection, then latents that attend to patches and to each other."""
    p = (cfg.sub("perceiver_config") or Config({}, "perceiver_config.")).without_kind("idefics2_perceiver")
    width, dim = talk.width, p.number("resampler_head_dim")
    queries, pairs = p.number("resampler_n_heads") * dim, p.number("num_key_value_heads") * dim
    one = attention(width, queries, pairs, qkv=False, out=False) + norm(width, bias=False) * 3
    one += feed_forward(width, 4 * width, gated=True, bias=False)
    found = linear(tower.width, talk.inner, bias=False) * 2 + linear(talk.inner, width, bias=False)
    found += bare(p.number("resampler_n_latents"), width) + norm(width, bias=False)
    return {"projector": found + one * p.number("resampler_depth")}


def _mistral3(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """A norm, patches merged by one linear layer, then LLaVA's projector."""
    merge, bias = cfg.number("spatial_merge_size"), cfg.flag("multimodal_projector_bias")
    found = norm(tower.width, bias=False) + linear(tower.width * merge**2, tower.width, bias=False)
    found += linear(_features(cfg, tower), talk.width, bias=bias) + linear(talk.width, talk.width, bias=bias)
    return {"projector": found}


def _aria(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """Learned queries that attend to the patches, through two layers of projections."""
    width, queries = tower.width, cfg.maybe("max_value_projector_patch_to_query_dict") or 0
    table = cfg.raw("projector_patch_to_query_dict")
    if isinstance(table, dict):
        queries = max((n for n in table.values() if isinstance(n, int)), default=queries)
    found = bare(queries, width) + linear(width, width, bias=False) * 3 + linear(width, width) * 2
    found += bare(3 * width, width) + bare(3 * width) + norm(width) * 3
    return {"projector": found + linear(width, talk.width, bias=False) + linear(talk.width, talk.width, bias=False)}


def _downsample(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """Aya Vision and Command A Vision: pixel shuffle and a gated projection."""
    merged = tower.width * cfg.number("downsample_factor") ** 2
    inside = cfg.maybe("alignment_intermediate_size") or talk.width
    found = linear(merged, inside) + linear(inside // 2, talk.width)
    return {"projector": found + (norm(merged) if cfg.kind == "aya_vision" else Count())}


def _lfm2(cfg: Config, talk: Language, tower: Tower) -> Parts:
    merged = tower.width * cfg.number("downsample_factor") ** 2
    inside, bias = cfg.number("projector_hidden_size"), cfg.flag("projector_bias", True)
    found = linear(merged, inside, bias=bias) + linear(inside, talk.width, bias=bias)
    return {"projector": found + (norm(merged) if cfg.flag("projector_use_layernorm", True) else Count())}


def _ovis(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """A table of visual words; the head that chooses them belongs to the tower."""
    words = (cfg.sub("vision_config") or Config({})).without_kind("ovis2_vision").number("vocab_size")
    return {"visual embeddings": bare(words, cfg.number("hidden_size"))}


def _got(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """GOT-OCR: two convolutions and a linear layer."""
    neck, width = tower.out, talk.width
    return {"projector": bare(9, neck, 2 * neck) + bare(9, 2 * neck, width) + linear(width, width)}


def _paddle(cfg: Config, talk: Language, tower: Tower) -> Parts:
    merge = (cfg.sub("vision_config") or Config({})).without_kind("paddleocr_vl_vision").number("spatial_merge_size")
    merged = tower.width * merge**2
    return {"projector": norm(tower.width) + linear(merged, merged) + linear(merged, talk.width)}


def _kosmos(cfg: Config, talk: Language, tower: Tower) -> Parts:
    width = talk.width
    queries = bare(cfg.number("latent_query_num"), width)
    return {"projector": linear(tower.width, width) + attention(width, width, width) + queries}


def _qformer(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """BLIP-2: a small transformer between the tower and the language model; InstructBLIP's reads the question too."""
    reads = cfg.kind != "blip-2"
    q = cfg.sub("qformer_config") or Config({}, "qformer_config.")
    q = q.without_kind("instructblip_qformer" if reads else "blip_2_qformer")
    width, inner, layers = (q.number(k) for k in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    source, every = q.number("encoder_hidden_size"), q.maybe("cross_attention_frequency") or 2
    half = feed_forward(width, inner) + norm(width)
    one = attention(width, width, width) + norm(width) + half * (2 if reads else 1)
    across = linear(width, width) * 2 + linear(source, width) * 2 + norm(width)
    found = one * layers + across * math.ceil(layers / every) + norm(width)
    found += bare(cfg.number("num_query_tokens"), width)
    if reads:
        found += bare(q.number("vocab_size") + q.number("max_position_embeddings"), width)
    return {"Q-Former": found, "projector": linear(width, talk.width)}


JOINERS: dict[str, Callable[[Config, Language, Tower], Parts]] = {
    "llava": _llava, "llava_next": _llava, "llava_next_video": _llava, "llava_onevision": _llava, "lisa": _linear,
    "vipllava": _vip, "video_llava": _pair, "video_llama_3": _two, "deepseek_vl": _two,
    "deepseek_vl_hybrid": _hybrid, "qwen2_5_omni_thinker": _omni, "gemma4": _gemma4, "paligemma": _linear,
    "mllama": _linear, "llama4": _bare, "internvl": _intern, "internvl_chat": _intern,
    "idefics2": _perceiver, "idefics3": _shuffle, "smolvlm": _shuffle, "gemma3": _gemma3, "shieldgemma2": _gemma3,
    "minicpmv": _resampler, "blip-2": _qformer, "instructblip": _qformer, "instructblipvideo": _qformer,
    "mistral3": _mistral3, "lighton_ocr": _mistral3, "aria": _aria, "aya_vision": _downsample,
    "cohere2_vision": _downsample, "lfm2_vl": _lfm2, "ovis2": _ovis, "got_ocr2": _got, "paddleocr_vl": _paddle,
    "kosmos-2": _kosmos,
}  # fmt: skip
# families whose tower merges by itself and hands over what the language model takes
MERGING = (
    "qwen2_vl", "qwen2_5_vl", "qwen2_5_omni_thinker", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "glm4v",
    "glm46v", "glm4v_moe", "glm_ocr",
)  # fmt: skip
# further parts of a configuration that a joiner counts
ALSO = {"deepseek_vl_hybrid": ("high_res_vision_config",), "qwen2_5_omni_thinker": ("audio_config",)}
