"""Bytes that exist only while the model computes: vision tower, prefill, decoding, loading.

The coefficients were measured tensor by tensor on transformers' own classes at full width
(fixtures/vram/activations.json); the terms follow from the code: what is alive at the widest moment of a block.
"""

from __future__ import annotations

from dataclasses import dataclass

from doctor.fit import kv, tokens, weights
from doctor.fit.shapes import Model, Note, Piece, Request, Tower
from doctor.model.numbers import whole

# logits of the whole prompt, by family: (releases before this one, how). Read from the modeling files of the wheels.
LOGITS: dict[str, tuple[tuple[tuple[int, int], str], ...]] = {
    "qwen2_vl": (((4, 52), "all+fp32"), ((5, 0), "all")),
    "qwen2_5_vl": (((4, 52), "all+fp32"), ((4, 54), "all")),
    "llava": (((4, 45), "all+fp32"),),
    "llava_next": (((4, 45), "all+fp32"),),
    "llama": (((4, 45), "all+fp32"),),
    "blip-2": (((99, 0), "all"),),
}
SCORES = 8  # bytes beside the score itself that eager attention takes: a cast to fp32 and its softmax
# widths of a feed-forward block alive at once, and further copies of the model width, by tower
INNER_COPIES = {"clip": 3, "qwen": 3, "qwen3": 3}
WIDTH_COPIES = {"intern": 5, "mllama": 14, "idefics3": 6, "smolvlm": 6}
ROTARY = {"qwen": 36.4, "qwen3": 41.3}  # bytes of 16-bit rotary arithmetic a patch and unit of width
KEEPS_ALL = ("llava", "llava_next", "llava_onevision")  # all hidden states of the tower are returned


@dataclass(frozen=True, slots=True)
class Input:
    """What one prompt holds."""

    seen: tuple[tokens.Seen, ...]
    images: int
    image_tokens: int
    prompt: int  # tokens, images included
    unknown: tuple[str, ...]

    @property
    def patches(self) -> int:
        """Patches of all images."""
        return sum(one.patches for one in self.seen)

    @property
    def pixels(self) -> int:
        """Numbers in pixel_values."""
        return sum(one.pixels for one in self.seen)


def read(model: Model, request: Request) -> Input:
    """Counts the images and videos of the request."""
    found = [tokens.image(model, size) for size in request.images] if model.vision else []
    found += [tokens.video(model, clip) for clip in request.videos] if model.vision else []
    seen = tuple(one for one in found if one is not None)
    unknown = ("image tokens",) if len(seen) < len(found) else ()
    if (request.images or request.videos) and model.vision is None and any("vision" in name for name in model.unknown):
        unknown = ("image tokens",)
    count = sum(one.tokens for one in seen)
    return Input(seen, len(request.images), count, request.prompt + count, unknown)


def vision(model: Model, request: Request, given: Input) -> list[Piece]:
    """The tower at its widest moment, beside the pixels."""
    tower, segment = model.vision, _segment(model, request)
    if tower is None or not given.seen or request.vision_on_cpu:
        return [Piece("segmenter activations", segment, "activations")] if segment else []
    wide = weights.dtype_bytes(model, request)
    peak = _blocks(model, request, tower, given)
    if model.language is not None and tower.deepstack:
        peak += tower.deepstack * request.batch * given.image_tokens * model.language.width * wide
    # processors give fp32; inputs.to("cuda") holds that copy beside the cast one
    pixels = given.pixels * request.batch * (4 + wide)
    found = [Piece("vision activations", peak, "activations"), Piece("pixel values", pixels, "activations")]
    return [Piece("segmenter activations", segment, "activations")] if segment > peak + pixels else found


def _blocks(model: Model, request: Request, tower: Tower, given: Input) -> int:
    wide, patches = weights.dtype_bytes(model, request), given.patches * request.batch
    copies = WIDTH_COPIES.get(tower.kind, WIDTH_COPIES.get(model.family, 4))
    peak = patches * wide * (INNER_COPIES.get(tower.kind, 2) * tower.inner + copies * tower.width)
    peak = max(peak, int(patches * tower.width * ROTARY.get(tower.kind, 0) * wide / 2))
    if request.attention == "eager":
        calls = 1 if tower.merge > 1 else sum(one.calls for one in given.seen) * request.batch
        longest = max(one.longest for one in given.seen)
        scores = tower.heads * longest * longest * (wide + SCORES) * calls
        peak = max(peak, scores + patches * tower.width * wide * 6)
    if model.family in KEEPS_ALL:
        peak += tower.layers * patches * tower.width * wide
    return peak


def _segment(model: Model, request: Request) -> int:
    """SAM's global layers on 1024 x 1024: scores of all patches with all, plus the sum with the relative positions."""
    sam = model.segmenter
    if sam is None:
        return 0
    wide, patches = weights.dtype_bytes(model, request), sam.grid * sam.grid
    return sam.heads * patches * patches * wide * 3 + patches * sam.width * wide * 8


def logits_mode(model: Model, request: Request) -> str:
    """last, all (of the prompt), or all+fp32 (and a copy in fp32), by family and transformers release."""
    for before, mode in LOGITS.get(model.family, ()):
        if before == (99, 0) or (request.transformers and release(request.transformers) < before):
            return mode
    return "last"


def release(version: str) -> tuple[int, int]:
    """Major and minor number of a version; a text without them counts as new."""
    numbers = [number for part in version.split(".")[:2] if (number := whole(part)) is not None]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (99, 0)


def logits(model: Model, request: Request, prompt: int) -> int:
    """The output layer's numbers."""
    talk, mode = model.language, logits_mode(model, request)
    if talk is None:
        return 0
    wide = weights.dtype_bytes(model, request)
    each = wide if mode == "all" else wide + 4
    return request.batch * talk.vocab * each * (1 if mode == "last" else prompt)


def prefill(model: Model, request: Request, given: Input) -> list[Piece]:
    """The prompt in one pass: the wider of a block of the language model and the output layer."""
    talk = model.language
    if talk is None:
        return []
    wide, batch, length = weights.dtype_bytes(model, request), request.batch, given.prompt
    cached = Piece("KV cache", kv.cache(model, request, length, given.images), "cache")
    kept, rows = _kept(model, request, given), batch * length
    block = rows * (wide * ((3 if talk.gated else 2) * talk.inner + 4 * talk.width) + 4 * talk.head_dim)
    if request.attention == "eager":
        block = max(block, batch * talk.heads * length**2 * (wide + SCORES) + rows * wide * 6 * talk.width)
    if batch > 1 and request.attention == "sdpa":
        block += batch * length**2 * wide  # the mask of a padded batch
    deep = model.vision.deepstack * batch * given.image_tokens * talk.width * wide if model.vision else 0
    out = logits(model, request, length)
    unpacking = _unpacking(model, request)
    if block + kept + deep >= out + rows * talk.width * wide * 2:
        found = [Piece("language activations", block + deep, "activations"), Piece("inputs kept", kept, "activations")]
    else:
        found = [Piece("logits", out, "activations"),
                 Piece("language activations", rows * talk.width * wide * 2, "activations")]  # fmt: skip
    return [cached, *found, *unpacking]


def _kept(model: Model, request: Request, given: Input) -> int:
    """Image features and input embeddings, which the caller's frame keeps until the end."""
    talk, tower = model.language, model.vision
    if talk is None:
        return 0
    wide, batch = weights.dtype_bytes(model, request), request.batch
    kept = batch * (given.image_tokens + given.prompt) * talk.width * wide
    if tower is not None and given.seen and not request.vision_on_cpu:
        layers = tower.layers + 1 if model.family in KEEPS_ALL else 1
        kept += given.patches * batch * tower.width * wide * layers
    return kept


def _unpacking(model: Model, request: Request) -> list[Piece]:
    """A quantised matrix is unpacked before it is multiplied; LLM.int8 needs a second copy."""
    form = weights.find(request.quant)
    if form is None:
        return []
    size = weights.largest_matrix(model) * weights.dtype_bytes(model, request) * (2 if form.name == "int8" else 1)
    return [Piece("unpacked weights", size, "activations")]


def decode(model: Model, request: Request, given: Input) -> list[Piece]:
    """The last step: the whole cache, and one layer's cache copied while it grows."""
    talk = model.language
    if talk is None:
        return []
    wide, length = weights.dtype_bytes(model, request), full_length(request, given)
    growing = 2 * request.batch * length * talk.kv_heads * talk.head_dim * wide
    return [
        Piece("KV cache", kv.cache(model, request, length, given.images), "cache"),
        Piece("logits", request.batch * talk.vocab * 12, "activations"),
        Piece("language activations", growing, "activations"),
        *_unpacking(model, request),
    ]


def full_length(request: Request, given: Input) -> int:
    """Tokens at the end, or what the cache is made for."""
    return max(given.prompt + request.new, request.context or 0)


def load(model: Model, request: Request) -> list[Piece]:
    """Bitsandbytes holds a whole matrix in 16 bit while it quantises it."""
    form, talk = weights.find(request.quant), model.language
    if form is None or talk is None or not form.bnb:
        return []
    size = max(talk.vocab * talk.width, talk.width * talk.inner) * weights.dtype_bytes(model, request)
    return [Piece("matrix being quantised", size, "activations")]


def notes(model: Model, request: Request, given: Input) -> list[Note]:
    """What drives the peak and could be changed."""
    found = []
    mode = logits_mode(model, request)
    if mode != "last" and given.prompt > 512 and request.engine == "transformers":
        size = logits(model, request, given.prompt)
        fixed = max((before for before, _ in LOGITS.get(model.family, ())), default=(0, 0))
        if fixed != (99, 0):
            found.append(Note("note.logits", {"size": size, "version": f"{fixed[0]}.{fixed[1]}"}))
    return found
