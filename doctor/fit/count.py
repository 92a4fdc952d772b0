"""From a configuration to a Model: which family it is, which parts it has, how many parameters each.

A part that is not known is named in ``Model.unknown`` and counted nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from doctor.errors import FitError
from doctor.fit import language, native, vision
from doctor.fit.config import Config
from doctor.fit.shapes import NAMES, Count, Language, Model, Tower

Parts = dict[str, Count]


def describe(name: str, config: Mapping[str, Any], pre: Mapping[str, Any] | None = None, source: str = "") -> Model:
    """The model that a config.json describes. Raises FitError for values that no model can have."""
    cfg = Config(native.common(config))
    family, parts, unknown = cfg.kind, Parts(), list[str]()
    text = text_config(cfg)
    talk = _language(text, parts, unknown)
    tower = _vision(cfg, family, talk, parts, unknown)
    segmenter = _segmenter(cfg, talk, parts)
    alone = vision.build(cfg, family) if talk is None and tower is None else None
    if alone is not None:
        parts["vision tower"], tower = alone[1], alone[0]
    if talk is None and tower is not None and (text is None or text.kind == "clip_text_model"):
        unknown = []  # a tower alone, or a pair of towers, is a whole model
        if tower.kind == "sam":
            segmenter, tower, parts["segmenter"] = tower, None, parts.pop("vision tower")
    return Model(
        name=name,
        family=family,
        parts=parts,
        config=cfg,
        pre=Config(pre),
        language=talk,
        vision=tower,
        segmenter=segmenter,
        dtype=_dtype(cfg),
        quantised=_quantised(cfg),
        skipped=_skipped(cfg),
        unknown=tuple(unknown),
        source=source,
    )


def text_config(cfg: Config) -> Config | None:
    """The language model's part of the configuration; the top level itself in older files."""
    nested = cfg.sub("text_config", "llm_config", "language_config")
    if nested is None:
        if not cfg.maybe("num_hidden_layers") or cfg.kind.startswith(("clip_v", "siglip_v", "sam")):
            return None
        nested = cfg
    tied = {"tie_word_embeddings": cfg.flag("tie_word_embeddings")} if "tie_word_embeddings" in cfg.values else {}
    return nested.without_kind(cfg.kind or "llama").plus(**tied)


def _language(text: Config | None, parts: Parts, unknown: list[str]) -> Language | None:
    if text is None:
        unknown.append("language model")
        return None
    if text.kind == "clip_text_model":
        parts["text tower"] = _clip_text(text)
        return None
    try:
        shape = language.shape(text)
        parts.update(language.counts(text, shape))
    except FitError as error:
        unknown.append(f"language model ({error})")
        return None
    if not parts["language model"].total:
        unknown.append(f"language model of type {text.kind[:40] or '?'}")
    return shape


def _clip_text(text: Config) -> Count:
    """CLIP's text half with the two projections and the temperature of the pair."""
    width, inner = text.number("hidden_size"), text.number("intermediate_size")
    layers, out = text.number("num_hidden_layers"), text.maybe("projection_dim") or 512
    table = (text.number("vocab_size") + text.number("max_position_embeddings")) * width
    return Count(
        linear=layers * (4 * width * width + 2 * width * inner) + width * out,
        other=table + layers * (9 * width + inner) + 2 * width + 1,
    )


def _vision(cfg: Config, family: str, talk: Language | None, parts: Parts, unknown: list[str]) -> Tower | None:
    config = cfg.sub("vision_config")
    if config is None:
        if cfg.text("mm_vision_tower"):
            unknown.append(f"vision tower {cfg.text('mm_vision_tower')[:60]}")
        return None
    try:
        built = vision.build(config, family)
    except FitError as error:
        unknown.append(f"vision tower ({error})")
        return None
    if built is None:
        unknown.append(f"vision tower of type {config.kind[:40] or '?'}")
        return None
    tower, count, merger = built
    parts["vision tower"] = count
    joiner = JOINERS.get(family)
    if merger.total:
        parts["projector"] = merger
    elif joiner is not None and talk is not None:
        parts.update(joiner(cfg, talk, tower))
    elif family == "clip":
        parts["projector"] = Count(linear=tower.width * (config.maybe("projection_dim") or 512))
    elif talk is not None:
        unknown.append(f"projector of family {family[:40] or '?'}")
    return tower


def _segmenter(cfg: Config, talk: Language | None, parts: Parts) -> Tower | None:
    config = cfg.sub("sam_config")
    if config is None or talk is None:
        return None
    tower, count, _ = vision.sam(config)
    out = cfg.maybe("out_dim") or 256
    parts["segmenter"] = count
    parts["mask projection"] = Count(talk.width * talk.width + talk.width * out, talk.width + out)
    return tower


def _llava(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """One or two linear layers; the anyres families add a learned row end."""
    layers = cfg.raw("vision_feature_layer")
    features = tower.width * (len(layers) if isinstance(layers, list) else 1)
    if cfg.text("mm_projector_type") == "linear":
        found = {"projector": Count(features * talk.width, talk.width)}
    else:
        found = {"projector": Count(features * talk.width + talk.width**2, 2 * talk.width)}
    if cfg.kind != "llava":
        found["image newline"] = Count(other=talk.width)
    return found


def _linear(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """LISA, PaliGemma: one linear layer with bias; Llama 3.2 Vision: from the concatenated features."""
    return {"projector": Count((tower.out or tower.width) * talk.width, talk.width)}


def _intern(cfg: Config, talk: Language, tower: Tower) -> Parts:
    merged = int(tower.width / cfg.ratio("downsample_ratio", 0.5) ** 2)
    return {"projector": Count(merged * talk.width + talk.width**2, 2 * merged + 2 * talk.width)}


def _shuffle(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """Idefics3, SmolVLM: pixel shuffle and one linear layer without bias."""
    return {"projector": Count(tower.width * cfg.number("scale_factor") ** 2 * talk.width)}


def _gemma3(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """A bare matrix, no linear layer to a quantiser, and a norm."""
    return {"projector": Count(other=tower.width * talk.width + tower.width)}


def _resampler(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """MiniCPM-V: learned queries that attend to the patches; its joint projections are bare matrices."""
    width, queries = talk.width, cfg.maybe("query_num") or 64
    return {"projector": Count(tower.width * width + width**2, queries * width + 4 * width**2 + 10 * width)}


def _qformer(cfg: Config, talk: Language, tower: Tower) -> Parts:
    """BLIP-2: a small transformer between the tower and the language model."""
    q = (cfg.sub("qformer_config") or Config({}, "qformer_config.")).without_kind("blip_2_qformer")
    width, inner, layers = (q.number(k) for k in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    source, every = q.number("encoder_hidden_size"), q.maybe("cross_attention_frequency") or 2
    crossing = math.ceil(layers / every)
    linear = layers * (4 * width * width + 2 * width * inner) + crossing * (2 * width * width + 2 * source * width)
    other = layers * (9 * width + inner) + crossing * 6 * width + 2 * width
    other += cfg.number("num_query_tokens") * width
    return {"Q-Former": Count(linear, other), "projector": Count(width * talk.width, talk.width)}


JOINERS: dict[str, Callable[[Config, Language, Tower], Parts]] = {
    "llava": _llava, "llava_next": _llava, "llava_onevision": _llava, "lisa": _linear, "paligemma": _linear,
    "mllama": _linear, "internvl": _intern, "internvl_chat": _intern, "idefics3": _shuffle, "smolvlm": _shuffle,
    "gemma3": _gemma3, "minicpmv": _resampler, "blip-2": _qformer,
}  # fmt: skip


def _dtype(cfg: Config) -> str:
    """The checkpoint's dtype; files that name none are taken as 16 bit, which nearly all are."""
    for place in (cfg, cfg.sub("text_config", "llm_config")):
        word = place and (place.text("dtype") or place.text("torch_dtype"))
        if word and word.removeprefix("torch.") in NAMES:
            return NAMES[word.removeprefix("torch.")]
    return "bf16"


def _quantised(cfg: Config) -> str | None:
    """``quant_method`` with its width, as :data:`doctor.fit.weights.FORMATS` names it."""
    q = cfg.sub("quantization_config")
    if q is None:
        return None
    method, bits = q.text("quant_method"), q.maybe("bits") or 4
    if method == "bitsandbytes":
        return "nf4" if q.flag("load_in_4bit") else "int8"
    return {"gptq": f"gptq{bits}", "awq": "awq4", "fp8": "fp8", "exl2": "exl2"}.get(method, method or "?")


def _skipped(cfg: Config) -> tuple[str, ...]:
    q = cfg.sub("quantization_config")
    names = (q.items("llm_int8_skip_modules") or q.items("modules_to_not_convert")) if q else []
    return tuple(str(name) for name in names[:64])
