"""What could be changed so that the model fits: the nearest changes first, those that cost quality last.

Each axis offers steps of growing cost. All combinations are estimated; kept are those that fit and of which no part
fits by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from doctor.fit import activations, engines, weights
from doctor.fit.axes import LADDER, Step, axes
from doctor.fit.config import Config
from doctor.fit.devices import SPREAD, TENSOR_PARALLEL, Device, Share, freed, place, spread, usable
from doctor.fit.shapes import GIB, Model, Note, Request

KEEP = 6  # options shown
LEAST = 0.01  # of the need: an option that leaves less is not worth proposing
IN_LLAMA_CPP = {
    "llava", "llava_next", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "internvl", "internvl_chat", "idefics3", "smolvlm",
    "gemma3", "minicpmv", "qwen3_vl_moe",
}  # fmt: skip
# what vLLM has a class for (its vllm/model_executor/models/registry.py, 2026; mllama went with 0.10.2)
IN_VLLM = {
    "llava", "llava_next", "llava_next_video", "llava_onevision", "paligemma", "gemma3", "idefics3", "smolvlm",
    "internvl", "internvl_chat", "minicpmv", "qwen2_vl", "qwen2_5_vl", "qwen2_5_omni_thinker", "qwen3_vl",
    "qwen3_vl_moe", "glm4v", "glm4v_moe", "aria", "aya_vision", "cohere2_vision", "blip-2", "fuyu", "mistral3",
    "pixtral", "lighton_ocr", "paddleocr_vl", "llama4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Option:
    """A set of changes after which it fits."""

    steps: tuple[Step, ...]
    total: int  # bytes over all devices
    spare: int  # bytes left on the fullest device

    @property
    def cost(self) -> int:
        """The rank: quality first, then effort."""
        return sum(step.cost for step in self.steps)


def nearest(model: Model, request: Request, devices: Sequence[Device]) -> list[Option]:
    """Combinations that fit, best quality first. Without devices there is nothing to fit."""
    if not devices:
        return []
    steps = axes(model, request)
    found: list[Option] = _free_memory(model, request, devices)
    enough: list[tuple[int, ...]] = []  # for each option that fits, how far it goes on each axis
    for pick in sorted(itertools.product(*[range(len(axis) + 1) for axis in steps]), key=lambda p: _rank(steps, p)):
        if not any(pick) or any(all(e <= p for e, p in zip(other, pick, strict=True)) for other in enough):
            continue  # nothing changed, or no further than what is enough already
        chosen = tuple(axis[at - 1] for axis, at in zip(steps, pick, strict=True) if at)
        option = _try(model, request, chosen, devices)
        if option is not None:
            found.append(option)
            enough.append(pick)
        if len(found) == KEEP:
            break
    if len(found) < KEEP:
        found += _elsewhere(model, request, devices)
    return sorted(found, key=lambda option: option.cost)[:KEEP]


def _rank(steps: Sequence[Sequence[Step]], pick: Sequence[int]) -> tuple[int, int]:
    """Cost of a combination, then the number of its changes."""
    costs = [axis[at - 1].cost for axis, at in zip(steps, pick, strict=True) if at]
    return sum(costs), len(costs)


def changed(model: Model, request: Request, steps: Sequence[Step]) -> tuple[Model, Request]:
    """Model and request with these steps applied."""
    for step in steps:
        if step.pre:
            model = replace(model, pre=Config({**model.pre.values, **step.pre}))
        request = replace(request, **step.request)
    return model, request


def _try(model: Model, request: Request, steps: Sequence[Step], devices: Sequence[Device]) -> Option | None:
    other, asked = changed(model, request, steps)
    if asked.engine in TENSOR_PARALLEL and _hopeless(other, asked, devices):
        return None
    budget = engines.estimate(other, asked)
    shares, fits = place(other, asked, budget, devices)
    spare = min(s.usable - s.bytes for s in shares)
    if not fits or spare < LEAST * budget.total:
        return None
    if len(shares) > 1 and asked.vision_on_cpu:
        return None  # its device map names one device
    return Option((*steps, *_spread(asked.engine, steps, shares)), sum(s.bytes for s in shares), spare)


def _hopeless(model: Model, request: Request, devices: Sequence[Device]) -> bool:
    """The weights alone are too much: seen in a tenth of the time of an estimate, of which there are hundreds."""
    held = sum(piece.bytes for piece in weights.pieces(model, request))
    return held > sum(usable(device, request) for device in devices)


def _spread(engine: str, steps: Sequence[Step], shares: Sequence[Share]) -> list[Step]:
    """How the engine is told of several devices, where no step says it."""
    flags = spread(engine, shares)
    if not flags or any(step.flags == flags for step in steps):
        return []
    return [Step(0, Note("step.spread", {"count": len(shares)}), flags)]


def _free_memory(model: Model, request: Request, devices: Sequence[Device]) -> list[Option]:
    """Ending one program of the same user that holds enough."""
    found = []
    for device, holder in ((d, h) for d in devices for h in d.holders if h.bytes and h.ours):
        rest = [freed(device, holder) if other is device else other for other in devices]
        what = Note("step.free", {"name": holder.name, "pid": holder.pid, "size": holder.bytes or 0})
        option = _try(model, request, [Step(0, what, f"kill {holder.pid}")], rest)
        if option is not None:
            found.append(option)
    return found or _free_all(model, request, devices)


def _free_all(model: Model, request: Request, devices: Sequence[Device]) -> list[Option]:
    """Ending all programs of the same user, where no single one is enough."""
    steps, rest = [], list(devices)
    for at, device in enumerate(devices):
        for holder in (h for h in device.holders if h.bytes and h.ours):
            what = Note("step.free", {"name": holder.name, "pid": holder.pid, "size": holder.bytes or 0})
            steps.append(Step(1, what, f"kill {holder.pid}"))
            rest[at] = freed(rest[at], holder)
    option = _try(model, request, steps, rest) if len(steps) > 1 else None
    return [option] if option else []


def _elsewhere(model: Model, request: Request, devices: Sequence[Device]) -> list[Option]:
    """A second device of the same kind, or another engine."""
    found = []
    if len(devices) == 1:
        second = replace(devices[0], free=devices[0].total, holders=(), index=None)
        flags = SPREAD[request.engine].format(count=2)
        step = Step(90, Note("step.second", {"name": devices[0].name}), flags)
        option = _try(model, request, [step], [*devices, second])
        found += [option] if option else []
    if request.engine == "transformers" and (spilled := _offload(model, request, devices)):
        found.append(spilled)
    return [*found, *_other_engines(model, request, devices)]


def _other_engines(model: Model, request: Request, devices: Sequence[Device]) -> list[Option]:
    """The best file for llama.cpp that fits, and a 4-bit checkpoint in vLLM."""
    if model.quantised is not None:
        return []
    fresh = {"kv": None, "utilization": None, "gpu_layers": None}
    ladder = LADDER[:4] if request.engine != "llama.cpp" and model.family in IN_LLAMA_CPP else ()
    given = activations.read(model, request)
    length = -(-(given.prompt + request.new) // 1024) * 1024
    steps = [
        Step(
            60 + n,
            Note("step.engine", {"engine": "llama.cpp", "quant": quant}),
            f"llama-server -m MODEL-{quant[5:]}.gguf --mmproj mmproj-F16.gguf -ngl 99 -c {length}",
            {**fresh, "engine": "llama.cpp", "quant": quant, "context": length},
        )
        for n, quant in enumerate(ladder)
    ]
    first = next((option for step in steps if (option := _try(model, request, [step], devices))), None)
    served = {**fresh, "engine": "vllm", "quant": "awq4", "context": length}
    flags = f"vllm serve MODEL-AWQ --max-model-len {length}"
    step = Step(70, Note("step.engine", {"engine": "vLLM", "quant": "awq4"}), flags, served)
    known = request.engine != "vllm" and model.family in IN_VLLM
    second = _try(model, request, [step], devices) if known else None
    return [option for option in (first, second) if option is not None]


def _offload(model: Model, request: Request, devices: Sequence[Device]) -> Option | None:
    """What does not fit is fetched from the CPU's memory for every token. bitsandbytes cannot do that."""
    budget = engines.estimate(model, request)
    free = budget.of("activations") + budget.of("overhead")
    limits = [max(0, usable(device, request) - free) // GIB for device in devices]
    rest = budget.total - free - sum(limits) * GIB
    form = weights.find(request.quant)
    if not any(limits) or rest <= 0 or (form is not None and form.bnb):
        return None
    words = "".join(f'{at}: "{limit}GiB", ' for at, limit in enumerate(limits))
    flags = f'device_map="auto", max_memory={{{words}"cpu": "{-(-rest // GIB) + 2}GiB"}}'
    total = sum(limits) * GIB + free
    spare = sum(usable(device, request) for device in devices) - total
    return Option((Step(95, Note("step.offload", {"size": rest}), flags),), total, spare)
