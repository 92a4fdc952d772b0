"""What can be changed about a run, engine by engine: an axis a kind of change, its steps the cheapest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from doctor.fit import activations, engines, kv, weights
from doctor.fit.shapes import Model, Note, Request

LADDER = ("gguf:Q8_0", "gguf:Q6_K", "gguf:Q5_K_M", "gguf:Q4_K_M", "gguf:Q3_K_M", "gguf:Q2_K")
FOUR = 'load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16'
BITSANDBYTES = (
    (12, "int8", "load_in_8bit=True"),
    (30, "nf4", FOUR),
    (32, "nf4-dq", FOUR + ", bnb_4bit_use_double_quant=True"),
)
# LISA's chat.py and app.py: bitsandbytes by flags of their own, which work with half precision only
LISA = {"int8": "--precision fp16 --load_in_8bit", "nf4": "--precision fp16 --load_in_4bit"}
TOWER_MODULE = {"qwen2_vl": "model.visual", "qwen2_5_vl": "model.visual", "qwen3_vl": "model.visual"}


@dataclass(frozen=True, slots=True)
class Step:
    """One change. ``cost`` ranks: below 10 the answers stay the same, from 10 on they get worse."""

    cost: int
    what: Note
    flags: str  # exactly what to write for the chosen engine
    request: Mapping[str, Any] = field(default_factory=dict)
    pre: Mapping[str, Any] = field(default_factory=dict)


def axes(model: Model, request: Request) -> list[list[Step]]:
    """What can be changed with this engine, one list an axis, cheapest step first."""
    own = {"transformers": _transformers, "vllm": _vllm, "lmdeploy": _lmdeploy, "llama.cpp": _llama_cpp,
           "exllamav2": _exllama}[request.engine](model, request)  # fmt: skip
    shared = [_batch(request), _images(model, request), _frames(request)]
    return [axis for axis in (*own, *shared) if axis]


def _batch(request: Request) -> list[Step]:
    return [Step(2, Note("step.batch"), "batch size 1", {"batch": 1})] if request.batch > 1 else []


def _frames(request: Request) -> list[Step]:
    if not request.videos:
        return []
    found = []
    for cost, part in ((24, 2), (28, 4)):
        clips = tuple((max(2, frames // part), w, h) for frames, w, h in request.videos)
        found.append(
            Step(cost, Note("step.frames", {"count": clips[0][0]}), f"num_frames={clips[0][0]}", {"videos": clips})
        )
    return found


def _images(model: Model, request: Request) -> list[Step]:
    """Fewer pixels, tiles or slices, where the family's processor can be told so."""
    tower = model.vision
    if tower is None or not request.images:
        return []
    if tower.merge > 1:
        factor = (tower.patch * tower.merge) ** 2
        area = max(w * h for w, h in request.images)
        limits = [(20 + 3 * n, max(4, area // part // factor) * factor) for n, part in enumerate((2, 4, 8))]
        if request.engine == "vllm":  # it makes room for the largest picture that the processor lets through
            limits.insert(0, (3, -(-area // factor) * factor))
        return [_image_step(model, request, cost, "max_pixels", limit) for cost, limit in limits]
    key, values = {
        "internvl": ("max_patches", (6, 2, 1)),
        "internvl_chat": ("max_dynamic_patch", (6, 2, 1)),
        "idefics3": ("longest_edge", (3 * tower.side, 2 * tower.side, tower.side)),
        "smolvlm": ("longest_edge", (3 * tower.side, 2 * tower.side, tower.side)),
        "minicpmv": ("max_slice_nums", (4, 2, 1)),
    }.get(model.family, ("", ()))
    if request.engine in ("llama.cpp", "exllamav2"):
        return []  # they cut tiles as the model file says
    return [_image_step(model, request, 20 + 3 * n, key, value) for n, value in enumerate(values)]


def _image_step(model: Model, request: Request, cost: int, key: str, value: int) -> Step:
    pre: dict[str, Any] = {key: value}
    if key == "max_dynamic_patch":
        pre = {"max_patches": value}
    if key == "longest_edge":
        pre = {"size": {"longest_edge": value}}
    flags = _image_flags(model, request, key, value)
    return Step(cost, Note("step.image", {"limit": f"{key} {value}"}), flags, pre=pre)


def _image_flags(model: Model, request: Request, key: str, value: int) -> str:
    """How the engine, or the repository's own code, takes the limit."""
    words = f'"size": {{"longest_edge": {value}}}' if key == "longest_edge" else f'"{key}": {value}'
    if request.engine == "vllm":
        return f"--mm-processor-kwargs '{{{words}}}'"
    if request.engine == "lmdeploy":
        return f'"image_url": {{"url": URL, {words}}}'
    if request.engine in ("llama.cpp", "exllamav2"):
        side = max(28, int(value**0.5))
        return f"image.thumbnail(({side}, {side}))"
    if model.family == "internvl_chat":
        return f"load_image(PATH, max_num={value})"
    if model.family == "minicpmv":
        return f"model.chat(..., max_slice_nums={value})"
    words = f'size={{"longest_edge": {value}}}' if key == "longest_edge" else f"{key}={value}"
    return f"AutoProcessor.from_pretrained(MODEL, {words})"


def _narrower(name: str, request: Request) -> bool:
    """Whether this bitsandbytes format takes less than what is asked."""
    now, other = weights.find(request.quant), weights.find(name)
    if other is None or (now is not None and not now.bnb):
        return False
    return now is None or other.bits + other.constants < now.bits + now.constants


def _precision(model: Model, request: Request) -> bool:
    """Whether the weights can still be made narrower while loading."""
    return request.quant in (None, "none") and model.quantised is None


def _bitsandbytes(model: Model, cost: int, quant: str, words: str) -> Step:
    flags = f"quantization_config=BitsAndBytesConfig({words})"
    if model.family == "lisa":
        flags = LISA.get(quant, flags)
    return Step(cost, Note("step.quant", {"quant": quant}), flags, {"quant": quant})


def _transformers(model: Model, request: Request) -> list[list[Step]]:
    plain: list[list[Step]] = []
    if request.attention == "eager":
        plain.append([Step(0, Note("step.sdpa"), 'attn_implementation="sdpa"', {"attention": "sdpa"})])
    newest = replace(request, transformers=None)
    if activations.logits_mode(model, request) != activations.logits_mode(model, newest):
        fixed = max(before for before, _ in activations.LOGITS[model.family])
        version = f"{fixed[0]}.{fixed[1]}"
        flags = f'pip install "transformers>={version}"'
        plain.append([Step(1, Note("step.upgrade", {"version": version}), flags, {"transformers": None})])
    if (request.dtype or model.dtype) == "fp32":
        plain.append([Step(3, Note("step.dtype"), "dtype=torch.bfloat16", {"dtype": "bf16"})])
    quants = [
        _bitsandbytes(model, *row) for row in BITSANDBYTES if model.quantised is None and _narrower(row[1], request)
    ]
    if model.family == "lisa":
        quants = [step for step in quants if step.request["quant"] in LISA]
    tower = []
    if model.vision is not None and not request.vision_on_cpu and model.family in TOWER_MODULE:
        name = TOWER_MODULE[model.family]
        text = "model.language_model"
        if request.transformers and activations.release(request.transformers) < (4, 52):
            name, text = "visual", "model"  # the names of modules before 4.52
        flags = f'device_map={{"{name}": "cpu", "{text}": 0, "lm_head": 0}}'
        tower = [Step(9, Note("step.tower"), flags, {"vision_on_cpu": True})]
    return [*plain, quants, tower]


def _shorter(model: Model, request: Request, flag: str) -> list[Step]:
    """A cache for what is really asked, and for half of the answer."""
    given = activations.read(model, request)
    need = -(-(given.prompt + request.new) // 256) * 256
    have = request.context or engines.max_context(model) or need
    steps = [n for n in (32768, 16384, 8192, 4096) if need <= n < have]
    lengths = [*steps, *([need] if need < have and need not in steps else [])]
    return [
        Step(2 + n, Note("step.context", {"tokens": length}), f"{flag} {length}", {"context": length})
        for n, length in enumerate(lengths)
    ]


def _vllm(model: Model, request: Request) -> list[list[Step]]:
    quants: list[Step] = []
    if _precision(model, request):
        quants = [
            Step(12, Note("step.quant", {"quant": "fp8"}), "--quantization fp8", {"quant": "fp8"}),
            Step(32, Note("step.checkpoint", {"quant": "awq4"}), "vllm serve MODEL-AWQ", {"quant": "awq4"}),
        ]
    share = (
        []
        if (request.utilization or 0) >= 0.95
        else [Step(8, Note("step.share"), "--gpu-memory-utilization 0.95", {"utilization": 0.95})]
    )
    cache = [] if request.kv else [Step(14, Note("step.kv", {"kv": "fp8"}), "--kv-cache-dtype fp8", {"kv": "fp8"})]
    return [_shorter(model, request, "--max-model-len"), share, cache, quants]


def _lmdeploy(model: Model, request: Request) -> list[list[Step]]:
    quants = (
        [Step(32, Note("step.checkpoint", {"quant": "awq4"}), "--model-format awq", {"quant": "awq4"})]
        if _precision(model, request)
        else []
    )
    cache = [] if request.kv else [
        Step(14, Note("step.kv", {"kv": "int8"}), "--quant-policy 8", {"kv": "int8"}),
        Step(26, Note("step.kv", {"kv": "int4"}), "--quant-policy 4", {"kv": "int4"}),
    ]  # fmt: skip
    shares = [
        Step(4 + n, Note("step.share"), f"--cache-max-entry-count {share}", {"utilization": share})
        for n, share in enumerate((0.6, 0.4, 0.2))
        if share < (request.utilization or engines.LMDEPLOY_SHARE)
    ]
    return [_shorter(model, request, "--session-len"), shares, cache, quants]


def _llama_cpp(model: Model, request: Request) -> list[list[Step]]:
    now = weights.find(request.quant)
    bits = now.bits if now else 16.0
    quants = [
        Step(11 + 6 * n, Note("step.file", {"quant": name}), f"-m MODEL-{name[5:]}.gguf", {"quant": name})
        for n, name in enumerate(LADDER)
        if (found := weights.find(name)) and found.bits < bits and model.quantised is None
    ]
    cache = [] if request.kv else [
        Step(13, Note("step.kv", {"kv": "q8_0"}), "-fa on -ctk q8_0 -ctv q8_0", {"kv": "q8_0"}),
    ]  # fmt: skip
    layers = model.language.layers if model.language else 0
    most = min(layers, layers if request.gpu_layers is None else request.gpu_layers)
    counts = [most * part // 4 for part in (3, 2, 1)] if most >= 4 else []
    steps = [
        Step(8 + n, Note("step.layers", {"count": count}), f"-ngl {count}", {"gpu_layers": count})
        for n, count in enumerate(counts)
    ]
    return [_shorter(model, request, "-c"), cache, quants, steps]


def _exllama(model: Model, request: Request) -> list[list[Step]]:
    now = weights.find(request.quant)
    bits = now.bits if now else 16.0
    quants = [
        Step(
            cost,
            Note("step.checkpoint", {"quant": f"exl2:{wanted}"}),
            f"MODEL-exl2-{wanted}bpw",
            {"quant": f"exl2:{wanted}"},
        )
        for cost, wanted in ((12, 8.0), (18, 6.0), (24, 5.0), (30, 4.0), (42, 3.0))
        if wanted < bits
    ]
    cache = [] if request.kv else [
        Step(cost, Note("step.kv", {"kv": name}), f"ExLlamaV2Cache_{name.upper()}(model)", {"kv": name})
        for cost, name in ((13, "q8"), (15, "q6"), (22, "q4"))
        if name in kv.STORED
    ]  # fmt: skip
    return [_shorter(model, request, "max_seq_len ="), cache, quants]
