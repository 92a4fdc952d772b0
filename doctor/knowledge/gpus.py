"""GPU cards by the name that a driver prints."""

import re
from typing import NamedTuple

from doctor.knowledge import store
from doctor.model.patterns import compiled

_WORD = r"[a-z]+\d*[a-z]*\d*|\d+[a-z]*"
_MEMORY = r"^(\d+)gi?b$"
# words that say nothing about the chip
_NOISE = frozenset(
    (
        "nvidia",
        "geforce",
        "tesla",
        "gpu",
        "graphics",
        "device",
        "generation",
        "edition",
        "workstation",
        "server",
        "laptop",
        "max",
        "q",
        "pcie",
        "sxm",
        "sxm2",
        "sxm3",
        "sxm4",
        "sxm5",
        "hbm2",
        "hbm2e",
        "hbm3",
        "hbm3e",
        "nvgpu",
        "mobile",
        "design",
        "with",
    )
)
# words that change the memory but not the compute capability
_VARIANT = frozenset(("laptop", "max", "q", "mobile", "d", "design"))
# chips whose name has no number
_NAMED = ("orin", "thor", "xavier", "titan")
_GIB = 2**30


class Gpu(NamedTuple):
    """``cc`` compute capability, ``total`` nominal bytes (None when the name leaves it open), ``kind`` class."""

    cc: str
    total: int | None
    kind: str | None  # dc, ws, consumer, soc, jetson


def _tokens(name: str) -> tuple[frozenset[str], str | None, bool]:
    """``(chip words, memory in GB, a variant with memory of its own)``."""
    text = name.lower().partition(" mig ")[0].replace("(", " ").replace(")", " ")
    words = [word for part in re.split(r"[\s\-/_,]+", text) for word in compiled(_WORD).findall(part)]
    memory = next((found[1] for word in words if (found := compiled(_MEMORY).match(word))), None)
    chip = frozenset(w for w in words if w not in _NOISE and not compiled(_MEMORY).match(w))
    return chip, memory, bool(set(words) & _VARIANT) or " mig " in name.lower()


@store.memo
def _cards() -> tuple[tuple[frozenset[str], str | None, bool, dict[str, str]], ...]:
    return tuple((*_tokens(row["name"]), row) for row in store.rows("gpus"))


@store.memo
def find(name: str) -> Gpu | None:
    """The card with this name. None unless every catalogued card that the name can mean has one compute capability."""
    chip, memory, odd = _tokens(name)
    if not any(any(c.isdigit() for c in word) or word in _NAMED for word in chip):
        return None
    rows = [card for card in _cards() if card[0] == chip and card[2] == odd] or _loose(chip)
    if len({card[3]["cc"] for card in rows}) != 1:
        return None
    exact = [card for card in rows if card[2] == odd and card[0] == chip and memory in (None, card[1])]
    exact = exact or [card for card in rows if card[2] == odd and card[0] == chip and card[1] is None]
    sizes = {float(card[3]["vram_gb"]) for card in exact}
    total = int(sizes.pop() * _GIB) if len(sizes) == 1 else None
    kinds = {card[3]["class"] for card in rows}
    return Gpu(rows[0][3]["cc"], total, kinds.pop() if len(kinds) == 1 else None)


def _loose(chip: frozenset[str]) -> list[tuple[frozenset[str], str | None, bool, dict[str, str]]]:
    """Cards of the same chip words but another variant, then cards whose name says more than ``name`` does."""
    bare = chip - _VARIANT
    return [card for card in _cards() if card[0] - _VARIANT == bare] or [card for card in _cards() if bare < card[0]]
