"""What weight files say by themselves: parameters and bytes by part, from tensor names, types and shapes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from doctor.errors import FitError
from doctor.fit.shapes import Count, Model

# bits of the dtypes of safetensors
BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16,
    "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64, "F4": 4, "F6_E2M3": 6,
    "F6_E3M2": 6,
}  # fmt: skip
# the first pattern that is found in a tensor's name decides its part
PARTS = tuple(
    (re.compile(pattern), part)
    for pattern, part in (
        (r"(^|\.)visual_model\.|image_encoder|mask_decoder|prompt_encoder", "segmenter"),
        (r"text_hidden_fcs", "mask projection"),
        (r"qformer|query_tokens", "Q-Former"),
        (r"image_newline", "image newline"),
        (
            r"merger|mm_projector|multi_modal_projector|connector|resampler|language_projection|(^|\.)mlp1\.",
            "projector",
        ),
        (r"vision|visual|(^|\.)vpm\.|^v\.", "vision tower"),
        (r"lm_head|^output\.weight|language_model\.output\.weight", "lm_head"),
        (r"embed_tokens|tok_embeddings|token_embd|\.wte\.|embed_positions", "embeddings"),
    )
)
NO_LINEAR = re.compile(r"norm|embed|position|pos_|bias|rel_|patch|conv", re.IGNORECASE)
PACKED = ("I32", "U8", "I8", "F8_E4M3", "F8_E5M2", "F4")
FLOATS = {"F32": "fp32", "F16": "fp16", "BF16": "bf16"}


@dataclass(frozen=True, slots=True)
class Contents:
    """All weight files of one model together."""

    parts: Mapping[str, Count]
    bytes: Mapping[str, int]
    packed: bool  # holds integer or 8-bit float tensors: quantised already
    dtype: str | None  # of most unpacked numbers


def part_of(name: str) -> str:
    """The part that a tensor belongs to."""
    return next((part for pattern, part in PARTS if pattern.search(name)), "language model")


def contents(tensors: Iterable[Sequence[Any]]) -> Contents:
    """Sums ``(name, dtype, shape)`` by part. Raises FitError for a dtype or shape that cannot be counted."""
    linear: dict[str, list[int]] = {}
    sizes: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for name, dtype, shape in tensors:
        if dtype not in BITS or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise FitError(f"tensor {str(name)[:80]!r} has the unknown type {str(dtype)[:20]!r}")
        part, numbers = part_of(name), math.prod(shape)
        row = linear.setdefault(part, [0, 0, 0])
        row[_column(name, shape)] += numbers
        sizes[part] = sizes.get(part, 0) + numbers * BITS[dtype] // 8
        kinds[dtype] = kinds.get(dtype, 0) + numbers
    floats = {d: n for d, n in kinds.items() if d in FLOATS}
    return Contents(
        parts={part: Count(row[0], row[1], row[2]) for part, row in linear.items()},
        bytes=sizes,
        packed=sum(kinds.get(d, 0) for d in PACKED) > 1000,
        dtype=FLOATS[max(floats, key=lambda d: floats[d])] if floats else None,
    )


def _column(name: str, shape: Sequence[int]) -> int:
    """0 linear, 1 other, 2 experts."""
    if len(shape) == 3 and "expert" in name:
        return 2
    plain = len(shape) == 2 and name.endswith("weight") and not NO_LINEAR.search(name)
    return 0 if plain and part_of(name) != "embeddings" else 1


def apply(model: Model, found: Contents) -> Model:
    """The model with what its files hold in place of what its configuration promises."""
    parts = dict(found.parts)
    tied = model.language is not None and model.language.tied
    if tied:
        parts.pop("lm_head", None)  # a copy in the file of what is one tensor in memory
    sizes = {part: size for part, size in found.bytes.items() if part in parts}
    counted = ("projector", "language model of", "vision tower")
    unknown = tuple(name for name in model.unknown if not name.startswith(counted))
    shapeless = tuple(f"activations of {name}" for name in model.unknown if name.startswith("vision tower"))
    return replace(
        model,
        parts=parts,
        stored=sizes,
        dtype=found.dtype or model.dtype,
        quantised=model.quantised or ("packed" if found.packed else None),
        unknown=(*unknown, *shapeless),
    )
