"""Configurations of project repositories, put into the form of transformers' own classes.

LLaVA's and LISA's own checkpoints name their vision tower by repository instead of describing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doctor.fit import profiles

NATIVE = ("llava_llama", "llava_mistral", "llava_qwen", "llava_mpt", "llava")
# MiniCPM-V names its language model only by its version (modeling_minicpmv.py of each repository)
MINICPM = {2.5: "llama", 2.6: "qwen2", 4.5: "qwen3"}
OTHER_NAMES = {"lfm2-vl": "lfm2_vl"}  # as transformers 4.57 writes it
BACKBONE = {"llava_mistral": "mistral", "llava_qwen": "qwen2"}
SAM = "sam-vit-huge"  # LISA's only segmenter (model/LISA.py: build_sam_vit_h)


def common(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with ``vision_config`` and ``text_config`` where the file has neither."""
    values = dict(config)
    other = OTHER_NAMES.get(str(values.get("model_type")))
    if other:
        values["model_type"] = other
    kind = values.get("model_type")
    if kind == "minicpmv" and isinstance(values.get("version"), int | float) and "text_config" not in values:
        values["text_config"] = {**values, "model_type": MINICPM.get(values["version"], "")}
    if kind not in NATIVE or "vision_config" in values or not isinstance(values.get("hidden_size"), int):
        return values
    lisa = values.get("architectures") == ["LISAForCausalLM"]
    tower = values.get("mm_vision_tower") or (lisa and values.get("vision_tower")) or ""
    values["text_config"] = {**values, "model_type": BACKBONE.get(kind, "llama")}
    vision = profiles.part(str(tower).rpartition("/")[2])
    if vision is not None:
        values["vision_config"] = vision
    if lisa:
        values |= {"model_type": "lisa", "sam_config": (profiles.part(SAM) or {}), "mm_projector_type": "linear"}
    else:
        values["model_type"] = _family(values)
        values.setdefault("vision_feature_layer", values.get("mm_vision_select_layer", -2))
    return values


def _family(values: Mapping[str, Any]) -> str:
    """By how the processor cuts the image."""
    cut = str(values.get("image_aspect_ratio") or "")
    if "anyres_max" in cut:
        return "llava_onevision"
    return "llava_next" if cut == "anyres" else "llava"
