"""GGUF files: bytes as stored, the shape of language model and vision tower from their metadata.

Key names: llama.cpp's gguf-py/gguf/constants.py; projector types: tools/mtmd/clip-impl.h.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from doctor.errors import FitError
from doctor.fit.config import Config
from doctor.fit.shapes import Count, Language, Model, Tower
from doctor.fit.stored import part_of

# projector type of an mmproj file -> the family whose rule for image tokens it follows
FAMILIES = {
    "mlp": "llava", "qwen2vl_merger": "qwen2_vl", "qwen2.5vl_merger": "qwen2_5_vl", "qwen3vl_merger": "qwen3_vl",
    "internvl": "internvl", "gemma3": "gemma3", "idefics3": "idefics3", "resampler": "minicpmv",
}  # fmt: skip
KINDS = {"qwen2_vl": "qwen", "qwen2_5_vl": "qwen", "qwen3_vl": "qwen3", "llava": "clip", "internvl": "intern"}
EYES = "gguf:clip"


@dataclass(frozen=True, slots=True)
class File:
    """One GGUF file: scalar metadata (``KEY#`` is the length of a list) and rows of (tensor, bytes, numbers)."""

    name: str
    keys: Mapping[str, Any]
    rows: Sequence[Sequence[Any]]

    @property
    def architecture(self) -> str:
        """``general.architecture``; ``clip`` for an mmproj file, empty for the later parts of a split one."""
        return str(self.keys.get("general.architecture") or "")


def model(files: Sequence[File], source: str) -> Model:
    """The language model (all its parts) with the first mmproj file. Raises FitError when there is neither."""
    texts = [file for file in files if file.architecture not in ("clip", "")]
    eyes = [file for file in files if file.architecture == "clip"]
    if not texts and not eyes:
        raise FitError("no GGUF file here says which architecture it holds")
    if not texts:
        alone = _vision(eyes[0], source)
        return replace(alone, unknown=("language model (this is its mmproj file)", *alone.unknown))
    rest = [row for file in files if not file.architecture and file.keys.get("split.count") for row in file.rows]
    text = _text(File(texts[0].name, texts[0].keys, [*texts[0].rows, *rest]), source)
    return _join(text, _vision(eyes[0], source)) if eyes else text


def _sums(file: File) -> tuple[dict[str, int], dict[str, Count]]:
    """Bytes and numbers by part."""
    sizes: dict[str, int] = {}
    counts: dict[str, int] = {}
    for tensor, size, numbers in file.rows:
        part = part_of(str(tensor))
        if file.architecture == "clip":
            part = "projector" if str(tensor).startswith(("mm.", "resampler.")) else "vision tower"
        sizes[part] = sizes.get(part, 0) + int(size)
        counts[part] = counts.get(part, 0) + int(numbers)
    return sizes, {part: Count(other=number) for part, number in counts.items()}


def _text(file: File, source: str) -> Model:
    sizes, counts = _sums(file)
    arch = file.architecture
    shape = _language(arch, file.keys)
    unknown = () if "vision tower" in sizes else ("vision tower (no mmproj file beside it)",)
    length = file.keys.get(f"{arch}.context_length")
    return Model(
        name=file.name,
        family=f"gguf:{arch}",
        parts=counts,
        config=Config({"model_type": f"gguf:{arch}", "max_position_embeddings": length}),
        pre=Config(None),
        language=shape,
        quantised="gguf",
        stored=sizes,
        unknown=(*unknown, *(() if shape else ("KV cache: the metadata gives no single shape for all layers",))),
        source=source,
    )


def _language(arch: str, keys: Mapping[str, Any]) -> Language | None:
    """None when the metadata lacks a number, or gives one for each layer."""
    own = {key.partition(".")[2]: _single(value) for key, value in keys.items() if key.startswith(f"{arch}.")}
    values = Config(own, f"{arch}.")
    try:
        width, heads = values.number("embedding_length"), values.number("attention.head_count")
        return Language(
            kind=arch,
            width=width,
            layers=values.number("block_count"),
            heads=heads,
            kv_heads=values.number("attention.head_count_kv"),
            head_dim=values.maybe("attention.key_length") or width // heads,
            vocab=values.maybe("vocab_size") or Config(keys).number("tokenizer.ggml.tokens#"),
            inner=values.number("feed_forward_length"),
            tied=False,
        )
    except FitError:
        return None


def _single(value: Any) -> Any:
    """A number for each layer counts when it is the same for all."""
    if isinstance(value, list):
        return value[0] if value and value.count(value[0]) == len(value) else None
    return value


def _vision(file: File, source: str) -> Model:
    sizes, counts = _sums(file)
    kind = str(file.keys.get("clip.projector_type") or file.keys.get("clip.vision.projector_type") or "mlp")
    family = FAMILIES.get(kind, EYES)
    if file.keys.get("clip.vision.image_grid_pinpoints#"):
        family = "llava_next"
    tower = _tower(family, file.keys)
    grid = file.keys.get("clip.vision.image_grid_pinpoints") or []
    values = {
        "model_type": family,
        "scale_factor": file.keys.get("clip.vision.projector.scale_factor") or 1,
        "query_num": file.keys.get("clip.minicpmv_query_num"),
        "image_grid_pinpoints": [list(pair) for pair in zip(grid[::2], grid[1::2], strict=False)],
    }
    unknown = () if tower and family != EYES else (f"working memory of the vision tower ({kind[:40]})",)
    return Model(
        name=file.name,
        family=family,
        parts=counts,
        config=Config(values),
        pre=Config(None),
        vision=tower,
        quantised="gguf",
        stored=sizes,
        unknown=unknown,
        source=source,
    )


def _tower(family: str, keys: Mapping[str, Any]) -> Tower | None:
    values = Config({key.removeprefix("clip.vision."): value for key, value in keys.items()}, "clip.vision.")
    try:
        width, patch = values.number("embedding_length"), values.number("patch_size")
        size = values.number("image_size")
        moving = family.startswith("qwen")
        return Tower(
            kind=KINDS.get(family, "siglip"),
            width=width,
            inner=values.number("feed_forward_length"),
            layers=values.number("block_count"),
            heads=values.number("attention.head_count"),
            patch=patch,
            grid=0 if moving else size // patch,
            side=0 if moving else size,
            merge=(values.maybe("spatial_merge_size") or 2) if moving else 1,
        )
    except FitError:
        return None


def _join(text: Model, eyes: Model) -> Model:
    return replace(
        text,
        family=eyes.family,
        parts={**text.parts, **eyes.parts},
        stored={**text.stored, **eyes.stored},
        config=Config({**eyes.config.values, "max_position_embeddings": text.config.maybe("max_position_embeddings")}),
        vision=eyes.vision,
        unknown=(*(name for name in text.unknown if not name.startswith("vision tower")), *eyes.unknown),
    )
