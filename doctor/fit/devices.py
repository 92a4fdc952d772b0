"""The devices: what they have free, who holds the rest, and how a budget is laid over them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from doctor.errors import FitError
from doctor.fit.shapes import GIB, MIB, Budget, Model, Piece, Request
from doctor.fit.weights import CONSTANTS
from doctor.knowledge import store
from doctor.model.snapshot import Snapshot

UNITS = {"": GIB, "g": GIB, "gb": GIB, "gib": GIB, "m": MIB, "mb": MIB, "mib": MIB}  # cards are sold in binary "GB"
MOST = 64  # devices that are looked at
DRIVER = 0.98  # of a card's nominal memory is there for programs
LAYERED = ("language model", "KV cache", CONSTANTS)  # what a pipeline can cut by layers
TENSOR_PARALLEL = ("vllm", "lmdeploy")
# what to write so that an engine spreads a model over several devices
SPREAD = {
    "transformers": 'device_map="auto"',
    "vllm": "--tensor-parallel-size {count}",
    "lmdeploy": "--tp {count}",
    "llama.cpp": "-sm layer",
    "exllamav2": "model.load_autosplit(cache)",
}
VLLM_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds memory. ``bytes`` is None where the driver does not say."""

    name: str
    pid: int
    bytes: int | None
    ours: bool


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU (or MIG instance). ``index`` None: only supposed."""

    name: str
    total: int
    free: int
    index: int | None = None
    holders: tuple[Holder, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """What a device must hold, of what it can."""

    device: Device
    bytes: int
    usable: int


def parse(text: str) -> tuple[Device, ...]:
    """``24GiB,24GiB``, ``2x24``, ``RTX 4090``: supposed devices, wholly free. Raises FitError."""
    found: list[Device] = []
    for word in (part.strip() for part in text.split(",")):
        several = re.match(r"(\d{1,2})\s*[x*]\s*(?=.)", word)
        found += [_supposed(word[several.end() :] if several else word)] * (int(several[1]) if several else 1)
    if not 0 < len(found) <= MOST:
        raise FitError(f"--gpu {text[:60]!r}: between 1 and {MOST} devices, as in 24GiB,24GiB")
    return tuple(found)


def _supposed(word: str) -> Device:
    number = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s*([a-z]*)", word.lower())
    if number and number[2] in UNITS and float(number[1]) > 0:
        size = int(float(number[1]) * UNITS[number[2]])
        return Device(f"{size / GIB:.4g} GiB", size, size)
    if word.startswith("-") or (number and float(number[1]) == 0):
        raise FitError(f"--gpu {word[:60]!r}: no card has that much memory; say it as in 24GiB")
    wanted = _plain(word)
    cards = [row for row in store.rows("gpus") if row.get("vram_gb")]
    exact = [row for row in cards if _plain(row["name"]) == wanted]
    exact = exact or [row for row in cards if wanted and wanted in _plain(row["name"])]
    sizes = {row["vram_gb"] for row in exact}
    if len(sizes) != 1:
        why = "no such card" if not exact else "several cards of that name: " + ", ".join(r["name"] for r in exact[:6])
        raise FitError(f"--gpu {word[:60]!r}: {why}; say the memory, as in 24GiB")
    size = int(exact[0]["vram_gb"] * GIB * DRIVER)
    return Device(exact[0]["name"], size, size)


def _plain(name: str) -> str:
    """A card's name without maker and series, which people leave out."""
    return re.sub(r"[^a-z0-9]|nvidia|geforce|tesla|quadro", "", name.lower())


def live(snapshot: Snapshot) -> tuple[Device, ...]:
    """The GPUs of this machine that CUDA would show, MIG instances in place of a divided GPU."""
    found = []
    for record in snapshot.get("gpus") or ():
        instances = [m for m in snapshot.get("mig.devices") or () if m.get("gpu") == record.get("index")]
        if record.get("visible") is False or record.get("lost"):
            continue
        if record.get("mig") and instances:
            sized = [(str(m.get("name") or "MIG"), m["total"]) for m in instances if m.get("total")]
            found += [Device(name, total, total, record.get("index")) for name, total in sized]
        elif record.get("total"):
            free = record.get("free")
            free = max(0, record["total"] - (record.get("used") or 0)) if free is None else free
            holders = _holders(snapshot, record.get("index"))
            found.append(Device(str(record.get("name") or "GPU"), record["total"], free, record.get("index"), holders))
    return tuple(found[:MOST])


def _holders(snapshot: Snapshot, index: int | None) -> tuple[Holder, ...]:
    found = [
        Holder(str(p.get("name") or "?"), int(p.get("pid") or 0), p.get("used"), bool(p.get("ours")))
        for p in snapshot.get("gpu.processes") or ()
        if p.get("gpu") == index
    ]
    return tuple(sorted(found, key=lambda holder: -(holder.bytes or 0)))


def usable(device: Device, request: Request) -> int:
    """Bytes that the engine may take of this device."""
    if request.engine == "vllm":
        return min(device.free, int((request.utilization or VLLM_SHARE) * device.total))
    return device.free


def place(model: Model, request: Request, budget: Budget, devices: Sequence[Device]) -> tuple[list[Share], bool]:
    """``(shares, fits)``: on the roomiest device alone when that is enough, else over all of them."""
    room = sorted(devices, key=lambda device: -usable(device, request))
    alone = Share(room[0], budget.total, usable(room[0], request))
    if alone.bytes <= alone.usable or len(room) == 1 or model.language is None:
        return [alone], alone.bytes <= alone.usable
    if request.engine in TENSOR_PARALLEL:
        return _tensor(model, request, budget, room)
    return _pipeline(request, budget, list(devices), model.language.layers)


def spread(engine: str, shares: Sequence[Share]) -> str:
    """What makes ``engine`` use all the devices of ``shares``; empty for one device."""
    return SPREAD[engine].format(count=len(shares)) if len(shares) > 1 else ""


def _part(piece: Piece) -> str:
    return piece.name.rpartition(": ")[2]


def _tensor(model: Model, request: Request, budget: Budget, room: Sequence[Device]) -> tuple[list[Share], bool]:
    """Weights and cache are cut through every layer; peaks and overhead are on each device."""
    heads = model.language.heads if model.language else 1
    count = max((n for n in (1, 2, 4, 8, 16) if n <= len(room) and heads % n == 0), default=1)
    each = (budget.of("weights") + budget.of("cache")) // count + budget.of("activations") + budget.of("overhead")
    shares = [Share(device, each, usable(device, request)) for device in room[:count]]
    return shares, all(share.bytes <= share.usable for share in shares)


def _pipeline(request: Request, budget: Budget, devices: Sequence[Device], layers: int) -> tuple[list[Share], bool]:
    """Whole layers a device; vision tower and embeddings on the first, the output layer on the last."""
    layered = sum(p.bytes for p in budget.pieces if _part(p) in LAYERED)
    last = sum(p.bytes for p in budget.pieces if _part(p) == "lm_head")
    peak, overhead = budget.of("activations"), budget.of("overhead")
    first = budget.total - layered - last - peak - overhead
    room = [usable(d, request) - peak - overhead for d in devices]
    room[0] -= first
    room[-1] -= last
    unit = max(1, layered // layers)
    takes = [max(0, space // unit) for space in room]
    fits = sum(takes) >= layers and min(room) >= 0
    scale = sum(takes) or 1
    shares = []
    for at, device in enumerate(devices):
        layers_here = layers * takes[at] / scale if sum(takes) else layers / len(devices)
        held = int(unit * layers_here) + peak + overhead + (0 if at else first)
        held += last if at == len(devices) - 1 else 0
        shares.append(Share(device, held, usable(device, request)))
    return shares, fits


def freed(device: Device, holder: Holder) -> Device:
    """The device without this process."""
    return replace(device, free=min(device.total, device.free + (holder.bytes or 0)))


def cards(need: int, count: int = 4) -> list[tuple[str, float]]:
    """Cards that hold ``need`` bytes, the smallest first: (name, GB)."""
    rows = [row for row in store.rows("gpus") if row.get("vram_gb") and row["class"] in ("dc", "ws", "consumer")]
    # cards before Turing lack what current engines need
    rows = [row for row in rows if row["vram_gb"] * GIB * DRIVER >= need and float(row["cc"]) >= 7.5]
    rows.sort(key=lambda row: (row["vram_gb"], -float(row["cc"])))
    return [(row["name"], row["vram_gb"]) for row in rows[:count]]
