"""From a configuration to a Model: which family it is, which parts it has, how many parameters each.

A part that is not known is named in ``Model.unknown`` and counted nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doctor.errors import FitError
from doctor.fit import language, native, vision
from doctor.fit.config import Config
from doctor.fit.joiners import ALSO, JOINERS, MERGING, Parts
from doctor.fit.layers import linear
from doctor.fit.shapes import NAMES, Count, Language, Model, Tower

# what a configuration holds beside its parts, and the parts that are counted here or by a joiner
READ = (
    "text_config", "llm_config", "language_config", "vision_config", "sam_config", "qformer_config",
    "perceiver_config", "quantization_config", "slice_config", "generation_config",
)  # fmt: skip
# families whose two tables are one tensor where the whole or the text says so; elsewhere the whole decides
EITHER = ("llava", "qwen2_vl", "qwen2_5_vl", "glm4v", "glm46v", "glm4v_moe", "glm_ocr", "kosmos-2")
BY_TEXT, APART = ("llama4",), ("mllama",)  # the text alone decides; never one tensor


def describe(name: str, config: Mapping[str, Any], pre: Mapping[str, Any] | None = None, source: str = "") -> Model:
    """The model that a config.json describes. Raises FitError for values that no model can have."""
    cfg = Config(native.common(config))
    family, parts, unknown = cfg.kind, Parts(), _strange(cfg)
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


def _strange(cfg: Config) -> list[str]:
    """Parts that the configuration describes and nobody here counts."""
    found = []
    for key in cfg.values:
        part = cfg.sub(key) if key.endswith("_config") and key not in (*READ, *ALSO.get(cfg.kind, ())) else None
        if part is not None and (part.kind or "hidden_size" in part.values):
            found.append(f"{key.removesuffix('_config')[:40]} of type {part.kind[:40] or '?'}")
    return found


def text_config(cfg: Config) -> Config | None:
    """The language model's part of the configuration; the top level itself in older files."""
    nested = cfg.sub("text_config", "llm_config", "language_config")
    if nested is None:
        if not cfg.maybe("num_hidden_layers") or cfg.kind.startswith(("clip_v", "siglip_v", "sam")):
            return None
        nested = cfg
    kind = language.SAME.get(nested.kind, nested.kind) or TEXT_OF.get(cfg.kind) or cfg.kind or "llama"
    nested = Config({**nested.values, "model_type": kind}, nested.where)
    if cfg.kind in APART:
        return Config({**nested.values, "tie_word_embeddings": False}, nested.where)
    if "tie_word_embeddings" not in cfg.values or cfg.kind in BY_TEXT:
        return nested
    if cfg.text("transformers_version").startswith("4.") and nested.values.get("tie_word_embeddings") is not None:
        return nested  # until transformers 5 the text decided
    tied = cfg.flag("tie_word_embeddings") or (cfg.kind in EITHER and nested.flag("tie_word_embeddings"))
    return Config({**nested.values, "tie_word_embeddings": tied}, nested.where)


# the language model of a family whose text configuration names no type
TEXT_OF = {
    "llava": "llama", "llava_next": "llama", "llava_next_video": "llama", "vipllava": "llama", "video_llava": "llama",
    "llava_onevision": "qwen2", "internvl": "qwen2", "qwen2_vl": "qwen2_vl_text", "qwen2_5_vl": "qwen2_5_vl_text",
    "qwen3_vl": "qwen3_vl_text", "qwen3_vl_moe": "qwen3_vl_moe_text", "qwen3_5": "qwen3_5_text",
    "qwen3_5_moe": "qwen3_5_moe_text", "qwen2_5_omni_thinker": "qwen2_5_omni_text", "paligemma": "gemma",
    "gemma3": "gemma3_text", "gemma4": "gemma4_text", "mllama": "mllama_text_model", "llama4": "llama4_text",
    "idefics2": "mistral", "idefics3": "llama", "smolvlm": "llama", "mistral3": "mistral", "lighton_ocr": "qwen3",
    "aria": "aria_text", "aya_vision": "cohere2", "cohere2_vision": "cohere2", "glm4v": "glm4v_text",
    "glm46v": "glm4v_text", "glm4v_moe": "glm4v_moe_text", "glm_ocr": "glm_ocr_text", "got_ocr2": "qwen2",
    "deepseek_vl": "llama", "deepseek_vl_hybrid": "llama", "lfm2_vl": "lfm2", "ovis2": "qwen2",
    "video_llama_3": "qwen2", "paddleocr_vl": "paddleocr_vl_text", "fuyu": "persimmon", "blip-2": "opt",
    "instructblip": "opt", "instructblipvideo": "opt", "kosmos-2": "kosmos_2_text_model",
}  # fmt: skip


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
    if text.raw("per_layer_config") and text.kind != "gemma4_text":
        parts["language model"] = Count()  # layers that differ one by one
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
    if config is None and family == "fuyu" and talk is not None:
        patch = cfg.maybe("patch_size") or 30
        parts["projector"] = linear(3 * patch**2, talk.width)
        return Tower("fuyu", talk.width, 0, 0, 1, patch)
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
    if merger.total:
        parts["projector"] = merger
    _join(cfg, talk, tower, parts, unknown)
    return tower


def _join(cfg: Config, talk: Language | None, tower: Tower, parts: Parts, unknown: list[str]) -> None:
    """Adds what stands between tower and language model."""
    family, joiner = cfg.kind, JOINERS.get(cfg.kind)
    if family == "clip":
        out = (cfg.sub("vision_config") or cfg).maybe("projection_dim") or 512
        parts["projector"] = linear(tower.width, out, bias=False)
    elif joiner is not None and talk is not None:
        try:
            parts.update(joiner(cfg, talk, tower))
        except FitError as error:
            unknown.append(f"projector ({error})")
    elif talk is not None and family not in MERGING:
        unknown.append(f"projector of family {family[:40] or '?'}")


def _segmenter(cfg: Config, talk: Language | None, parts: Parts) -> Tower | None:
    config = cfg.sub("sam_config")
    if config is None or talk is None:
        return None
    tower, count, _ = vision.sam(config)
    out = cfg.maybe("out_dim") or 256
    parts["segmenter"] = count
    parts["mask projection"] = Count(talk.width * talk.width + talk.width * out, talk.width + out)
    return tower


def _dtype(cfg: Config) -> str:
    """The checkpoint's dtype; files that name none are taken as 16 bit, which nearly all are."""
    for place in (cfg, cfg.sub("text_config", "llm_config")):
        word = place and (place.text("dtype") or place.text("torch_dtype"))
        if word and word.removeprefix("torch.") in NAMES:
            return NAMES[word.removeprefix("torch.")]
    return "bf16"


def _quantised(cfg: Config) -> str | None:
    """``quant_method`` with its width, as rules/kb/quant_formats.json names it; else the method as it calls itself."""
    q = cfg.sub("quantization_config")
    if q is None:
        return None
    method, bits = q.text("quant_method"), q.maybe("bits") or 4
    if method == "bitsandbytes":
        return "nf4" if q.flag("load_in_4bit") else "int8"
    if method == "compressed-tensors":
        return _compressed(q)
    names = {"gptq": f"gptq{bits}", "awq": "awq4", "fp8": "fp8", "fbgemm_fp8": "fp8", "exl2": "exl2"}
    return names.get(method, method or "?")


def _compressed(q: Config) -> str:
    """What llm-compressor wrote: the width of the first group's weights; 4 bit packs like GPTQ, 8 bit like fp8."""
    groups = q.sub("config_groups") or Config({})
    first = next((one for key in groups.values if (one := groups.sub(key)) is not None), Config({}))
    bits = (first.sub("weights") or Config({})).maybe("num_bits")
    return {4: "gptq4", 8: "fp8"}.get(bits or 0, "compressed-tensors")


def _skipped(cfg: Config) -> tuple[str, ...]:
    q = cfg.sub("quantization_config")
    names = (q.items("llm_int8_skip_modules") or q.items("modules_to_not_convert")) if q else []
    return tuple(str(name) for name in names[:64])
