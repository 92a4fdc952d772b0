"""Bytes of the weights, part by part, in a precision or quantised; quantisation constants apart.

The table of formats is rules/kb/quant_formats.json.
"""

from __future__ import annotations

from dataclasses import dataclass

from doctor.errors import FitError
from doctor.fit.shapes import BYTES, Count, Model, Note, Piece, Request
from doctor.knowledge import store

VISION = (
    "vision tower", "projector", "Q-Former", "image newline", "segmenter", "audio tower", "video tower",
    "visual embeddings", "high-resolution tower",
)  # fmt: skip
ON_CPU = ("vision tower", "projector", "Q-Former", "image newline")  # what a device map can leave on the CPU
CONSTANTS = "quantisation constants"
HEAD_BITS = 6  # exl2's default for the output layer


@dataclass(frozen=True, slots=True)
class Format:
    """How a quantised weight is stored. ``vision``: the vision tower's linear layers are quantised too."""

    name: str
    bits: float
    constants: float  # bits a weight of scales and zero points
    vision: bool
    bnb: bool  # quantised while loading by bitsandbytes
    engines: tuple[str, ...]

    @property
    def everything(self) -> bool:
        """A file format that stores tables as well: its bits are an average over the whole language model."""
        return self.name.startswith("gguf:")


def formats() -> list[str]:
    """Names that ``--quant`` takes."""
    return [*store.rows("quant_formats"), "exl2:BITS"]


def find(name: str | None) -> Format | None:
    """The format of this name. Raises FitError for one that does not exist."""
    if name is None or name == "none":
        return None
    head, _, tail = name.partition(":")
    if head == "exl2":
        return Format(name, _bits(tail), 0.0, vision=False, bnb=False, engines=("exllamav2",))
    wanted = f"gguf:{tail.upper()}" if head == "gguf" else name
    row = store.rows("quant_formats").get(wanted)
    if row is None:
        raise FitError(f"no quantisation is called {name[:40]!r}; there are: {', '.join(formats())}")
    return Format(
        wanted, row["bits"], row["constants"], row.get("vision", False), row.get("bnb", False), tuple(row["engines"])
    )


def _bits(word: str) -> float:
    try:
        bits = float(word)
    except ValueError:
        bits = 0.0
    if not 1.5 <= bits <= 8.5:
        raise FitError(f"exl2 needs its bits per weight, as in exl2:4.0, not {word[:20]!r}")
    return bits


def dtype_bytes(model: Model, request: Request) -> int:
    """Bytes of an unquantised number."""
    return BYTES[request.dtype or model.dtype]


def ready_made(model: Model, request: Request) -> bool:
    """The files are quantised already and are loaded as they are."""
    return bool(model.stored) and model.quantised is not None and request.quant in (None, model.quantised)


def pieces(model: Model, request: Request) -> list[Piece]:
    """Weights on the GPU, one piece a part."""
    left_out = ON_CPU if request.vision_on_cpu else ()
    if ready_made(model, request):
        return [Piece(name, size, "weights") for name, size in model.stored.items() if size and name not in left_out]
    form, constants, found = find(request.quant or _by_file(model)), 0, list[Piece]()
    for name, count in model.parts.items():
        if name in left_out or not count.total:
            continue
        size, extra = part_bytes(model, request, name, count, form)
        constants += extra
        found.append(Piece(name, size, "weights"))
    if constants:
        found.append(Piece(CONSTANTS, constants, "weights"))
    return found


def part_bytes(model: Model, request: Request, name: str, count: Count, form: Format | None) -> tuple[int, int]:
    """``(bytes, bytes of constants)`` of one part."""
    wide = dtype_bytes(model, request)
    if form is None:
        return count.total * wide, 0
    if form.bnb and name == "Q-Former":
        return count.total * 4, 0  # transformers keeps it in fp32 when it quantises
    if form.everything:
        return _in_file(name, count, form), 0
    if not _touched(model, form, name):
        return count.total * wide, 0
    bits = HEAD_BITS if name == "lm_head" and form.name.startswith("exl2") else form.bits
    rest = (count.other + count.experts) * wide
    if count.experts and not form.bnb:  # a checkpoint made in advance holds its experts quantised
        narrow = count.linear + count.experts
        return int(narrow * form.bits / 8) + count.other * wide, int(narrow * form.constants / 8)
    return int(count.linear * bits / 8 + rest), int(count.linear * form.constants / 8)


def _in_file(name: str, count: Count, form: Format) -> int:
    """GGUF: the language model in the named type, the vision tower in a file of its own: matrices at 16 bit."""
    if name in VISION:
        return 2 * (count.linear + count.experts) + 4 * count.other
    return int(count.total * form.bits / 8)


def _touched(model: Model, form: Format, name: str) -> bool:
    """Whether a part's linear layers are quantised. LISA names its exceptions, which ends the default for the head."""
    if name in ("embeddings", "segmenter"):
        return False
    if name == "lm_head":
        return form.name.startswith("exl2") or (form.bnb and model.family == "lisa")
    return form.vision or name not in VISION


def largest_matrix(model: Model) -> int:
    """Weights of the largest linear layer of the language model: what a kernel unpacks at once."""
    talk = model.language
    if talk is None:
        return 0
    return max(talk.width * talk.inner, talk.width * talk.heads * talk.head_dim)


def notes(model: Model, request: Request) -> list[Note]:
    """What is worth saying about the chosen precision."""
    form, found = find(request.quant), list[Note]()
    experts = model.parts.get("language model", Count()).experts
    if form is not None and form.bnb and experts:
        found.append(Note("note.experts", {"quant": form.name}))
    if request.dtype is None and model.dtype == "fp32" and request.quant is None:
        found.append(Note("note.fp32", {}))
    return found


def _by_file(model: Model) -> str | None:
    """The checkpoint's own quantisation, where its files were not read and its name is one of ours."""
    return model.quantised if model.quantised in store.rows("quant_formats") else None
