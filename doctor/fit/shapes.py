"""The types of a memory estimate: what a model consists of, what is asked of it, and where the bytes go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from doctor.fit.config import Config

MIB, GIB = 1 << 20, 1 << 30
BYTES = {"fp32": 4, "fp16": 2, "bf16": 2}
NAMES = {
    "float32": "fp32", "float": "fp32", "fp32": "fp32", "float16": "fp16", "half": "fp16", "fp16": "fp16",
    "bfloat16": "bf16", "bf16": "bf16",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Count:
    """Parameters of one part, by what a quantiser does to them.

    ``linear`` are weights of linear layers, ``experts`` the fused 3-D tensors of a mixture of experts (no linear
    layers to a quantiser that works on modules), ``other`` all the rest: norms, biases, convolutions, tables.
    """

    linear: int = 0
    other: int = 0
    experts: int = 0

    @property
    def total(self) -> int:
        """All parameters."""
        return self.linear + self.other + self.experts

    def __add__(self, more: Count) -> Count:
        return Count(self.linear + more.linear, self.other + more.other, self.experts + more.experts)

    def __mul__(self, times: int) -> Count:
        return Count(self.linear * times, self.other * times, self.experts * times)


@dataclass(frozen=True, slots=True)
class Language:
    """The language model's shape. ``inner`` is the width of the feed-forward part that one token uses."""

    kind: str
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    inner: int
    tied: bool
    window: int = 0  # tokens that a sliding layer looks back; 0 without sliding layers
    sliding: int = 0  # number of sliding layers
    cross: int = 0  # layers that attend to image states instead of the text (mllama)
    latent: int = 0  # numbers a token and layer that multi-head latent attention caches; 0 without
    fixed: int = 0  # layers that keep a state of fixed size instead of keys and values (gated delta net, convolution)
    state: int = 0  # numbers of such a state, a layer and sequence
    wide: int = 0  # KV numbers a token of a layer without window, where it differs from the sliding ones (Gemma 4)
    shared: int = 0  # last layers that read the keys and values of an earlier one (Gemma 4)
    experts: bool = False
    gated: bool = True


@dataclass(frozen=True, slots=True)
class Tower:
    """A vision tower's shape. ``grid`` is patches a side of one fixed tile, 0 where the image decides."""

    kind: str
    width: int
    inner: int
    layers: int
    heads: int
    patch: int
    grid: int = 0
    side: int = 0  # pixels a side of one tile; what is left over beside whole patches is not seen
    extra: int = 0  # tokens beside the patches: a class token
    out: int = 0  # width of what the tower hands over, where it merges by itself
    merge: int = 1  # patches a side that become one token, where the tower merges by itself
    deepstack: int = 0  # feature maps added inside the language model (Qwen3-VL)
    tiles: int = 1  # tiles that every image is padded to (mllama)

    @property
    def tokens(self) -> int:
        """Sequence length of one tile, class token included."""
        return self.grid * self.grid + self.extra


Built = tuple[Tower, Count, Count]  # the tower, its parameters, the parameters of a merger inside it


@dataclass(frozen=True, slots=True)
class Model:
    """One model, as far as it is known. What is not known is named in ``unknown``, never filled in."""

    name: str
    family: str
    parts: Mapping[str, Count]
    config: Config
    pre: Config
    language: Language | None = None
    vision: Tower | None = None
    segmenter: Tower | None = None
    dtype: str = "bf16"
    quantised: str | None = None  # the checkpoint's own quantisation
    skipped: tuple[str, ...] = ()  # modules that the checkpoint's quantisation leaves alone
    stored: Mapping[str, int] = field(default_factory=dict)  # bytes by part as the files hold them
    unknown: tuple[str, ...] = ()
    source: str = ""

    @property
    def params(self) -> int:
        """Parameters of all parts; tied weights once."""
        return sum(count.total for count in self.parts.values())


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the model. Images are (width, height), videos (frames, width, height)."""

    dtype: str | None = None
    quant: str | None = None
    images: tuple[tuple[int, int], ...] = ((1024, 768),)
    videos: tuple[tuple[int, int, int], ...] = ()
    prompt: int = 64  # text tokens
    new: int = 256  # tokens to be generated
    context: int | None = None  # tokens the KV cache is made for
    batch: int = 1
    engine: str = "transformers"
    attention: str = "sdpa"  # or eager
    transformers: str | None = None  # installed version
    vision_on_cpu: bool = False
    kv: str | None = None  # fp8, q8_0, q4_0: how the engine stores the cache
    utilization: float | None = None  # share of a device that the engine may take
    devices: int = 1  # GPUs that the model is spread over; each has a context of its own
    gpu_layers: int | None = None  # llama.cpp's -ngl: layers on the GPU


@dataclass(frozen=True, slots=True)
class Note:
    """Something to be said, as a key of the interface words with its values."""

    key: str
    values: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Piece:
    """One share of the memory. ``kind``: weights, cache, activations, overhead."""

    name: str
    bytes: int
    kind: str


@dataclass(frozen=True, slots=True)
class Budget:
    """Where every byte goes at the moment of the peak; ``pieces`` add up to ``total``."""

    model: str
    pieces: tuple[Piece, ...]
    peak: str  # load, vision, prefill or decode
    phases: Mapping[str, int]  # bytes beyond the weights in each phase
    params: int
    image_tokens: int
    tokens: int  # of the prompt, images included
    kv_token: int  # bytes a token of the KV cache
    precision: str  # the quantisation, else the dtype
    notes: tuple[Note, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Bytes on the devices at the peak."""
        return sum(piece.bytes for piece in self.pieces)

    def of(self, kind: str) -> int:
        """Bytes of all pieces of one kind."""
        return sum(piece.bytes for piece in self.pieces if piece.kind == kind)
