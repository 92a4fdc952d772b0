"""Predicates about memory: who holds it, and whether what is asked for fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from doctor.engine.scope import Scope
from doctor.knowledge import libraries
from doctor.model.patterns import compiled
from doctor.model.rule import Clause

GIB = 1 << 30
CONTEXT = 600 << 20  # bytes: what a CUDA context and its libraries take of a card, upper end
MANY_TOKENS = 512
_LIST = r"\[[^\]]*\]"  # the value of an option that is a list: 256:1,512:2
_MOVES = frozenset(("cuda", "to", "half", "dispatch_model"))
_PLACES = frozenset(("device_map", "device", "max_memory", "load_in_8bit", "load_in_4bit", "quantization_config"))


def _oom(scope: Scope) -> Mapping[str, int] | None:
    """The numbers of the out-of-memory line, or None when they are not complete."""
    known, numbers = scope.get("log.oom", "bytes")
    if not known or not numbers:
        return None
    if not all(isinstance(numbers.get(key), int | float) for key in ("total", "allocated", "free")):
        scope.miss("log.oom")
        return None
    return dict(numbers)


def _missing_oom(scope: Scope) -> bool | None:
    """False when it is known that there was no such line, None when that is not known."""
    known, numbers = scope.snapshot.look("log.oom")
    return False if known and numbers is None else None


def oom_by_others(scope: Scope, clause: Clause) -> bool | None:
    """The failing program itself holds less than half of the card, and the card is full."""
    numbers = _oom(scope)
    if numbers is None:
        return _missing_oom(scope)
    mine = max(numbers["allocated"], numbers.get("reserved", 0)) + CONTEXT
    rest = numbers["total"] - numbers["free"] - mine
    return rest > max(2 * GIB, numbers["total"] * 0.25)


def oom_by_this_process(scope: Scope, clause: Clause) -> bool | None:
    """The failing program holds most of the card."""
    numbers = _oom(scope)
    if numbers is None:
        return _missing_oom(scope)
    return numbers["allocated"] > numbers["total"] * 0.6


def oom_by_fragmentation(scope: Scope, clause: Clause) -> bool | None:
    """More than a tenth of the card is reserved but not allocated, and would have held what was asked for."""
    numbers = _oom(scope)
    if numbers is None or "reserved" not in numbers:
        return _missing_oom(scope)
    idle = numbers["reserved"] - numbers["allocated"]
    return idle > numbers["total"] * 0.1 and idle > numbers.get("tried", 0)


def gpu_filled_by_processes(scope: Scope, clause: Clause) -> bool | None:
    """Every visible card has less than a third of its memory free, because of processes that run now."""
    known, gpus = scope.get("gpus")
    if not known:
        return None
    known_memory = (gpu for gpu in gpus or () if gpu.get("total") and gpu.get("free") is not None)
    usable = [gpu for gpu in known_memory if gpu.get("visible", True)]
    if not usable:
        return False
    return all(gpu["free"] < gpu["total"] / 3 and gpu["total"] - gpu["free"] > 3 * GIB for gpu in usable)


def gpu_nearly_full(scope: Scope, clause: Clause) -> bool | None:
    """Some card has less than 3 % of its memory free."""
    return _some_gpu(scope, lambda gpu: gpu["free"] < gpu["total"] * 0.03)


def gpu_partly_used(scope: Scope, clause: Clause) -> bool | None:
    """Some card has more than a tenth of its memory in use; binds ``gpu``."""
    return _some_gpu(scope, lambda gpu: gpu["free"] < gpu["total"] * 0.9)


def _some_gpu(scope: Scope, test: Callable[[Mapping[str, Any]], bool]) -> bool | None:
    known, gpus = scope.get("gpus")
    if not known:
        return None
    for gpu in gpus or ():
        if gpu.get("total") and gpu.get("free") is not None and test(gpu):
            scope.bind("gpu.index", gpu.get("index", 0))
            scope.bind("gpu.total", gpu["total"], "bytes")
            scope.bind("gpu.free", gpu["free"], "bytes")
            return True
    return False


def weights_exceed_memory(scope: Scope, clause: Clause) -> bool | None:
    """The weight files are larger than memory and swap that are available, by a tenth or more."""
    numbers = [scope.get(name, "bytes") for name in ("model.weight_bytes", "mem.available", "swap.total")]
    if not all(known for known, _ in numbers):
        return None
    weights, memory, swap = (value or 0 for _, value in numbers)
    known, limit = scope.snapshot.look("cgroup.memory_limit")
    room = min(memory, limit) if known and limit else memory
    return bool(weights > (room + swap) * 1.1)


def weights_exceed_slice(scope: Scope, clause: Clause) -> bool | None:
    """The weight files are larger than every MIG slice."""
    known, weights = scope.get("model.weight_bytes", "bytes")
    there, slices = scope.get("mig.devices")
    if not (known and there):
        return None
    return bool(slices) and all((weights or 0) > (part.get("total") or 0) for part in slices)


def cgroup_far_below_ram(scope: Scope, clause: Clause) -> bool | None:
    """The container's limit is less than half of what the machine shows, and below 64 GiB."""
    known, limit = scope.get("cgroup.memory_limit", "bytes")
    there, total = scope.get("mem.total", "bytes")
    if not (known and there):
        return None
    return bool(limit and total and limit < total / 2 and limit < 64 * GIB)


def alloc_conf_overwritten(scope: Scope, clause: Clause) -> bool | None:
    """The allocator variable is set to different values by one shell script, or under both of its names."""
    known, settings = scope.snapshot.look("src.env")
    if not known:
        scope.miss("src.env")
        return None
    seen: dict[tuple[str, str], set[str]] = {}
    for item in settings or ():
        if item.get("name") in {"PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"} and item.get("value"):
            values = seen.setdefault((str(item.get("file")), ""), set())
            values.add(str(item["value"]))
            if len(values) > 1:
                scope.see("src.env", f"{item.get('file')}:{item.get('line')} {item['name']}={item['value']}")
                scope.bind("setting.file", item.get("file", ""))
                return True
    return False


def alloc_conf_unknown_option(scope: Scope, clause: Clause) -> bool | None:
    """PYTORCH_CUDA_ALLOC_CONF has an option that this torch does not know, or one not written as option:value.

    Binds ``option``, and ``better`` where an equals sign stands for the colon.
    """
    known, value = scope.get("env.PYTORCH_CUDA_ALLOC_CONF")
    there, torch = scope.get("torch.version")
    if known and value is None:
        return False
    if not (known and there and torch):
        return None
    parts = [part.strip() for part in compiled(_LIST).sub("", str(value)).split(",") if part.strip()]
    odd = [part for part in parts if ":" not in part]
    if odd:  # torch expects option:value, and stops at anything else
        scope.bind("option", odd[0])
        better = str(value).replace("=", ":")
        if ":" in better:
            scope.bind("better", better)
        return True
    names = [part.partition(":")[0].strip() for part in parts]
    answers = {name: libraries.allocator_knows(torch, name) for name in names if name}
    wrong = [name for name, known_there in answers.items() if known_there is False]
    if wrong:
        scope.bind("option", wrong[0])
        return True
    return None if None in answers.values() else False


def asks_for_many_tokens(scope: Scope, clause: Clause) -> bool | None:
    """A generate() call asks for 512 new tokens or more; binds ``call``."""
    known, calls = scope.snapshot.look("src.calls")
    if not known:
        scope.miss("src.calls")
        return None
    for call in calls or ():
        wanted = (call.get("keywords") or {}).get("max_new_tokens")
        if isinstance(wanted, int) and wanted >= MANY_TOKENS:
            _bind_call(scope, call)
            scope.bind("call.keywords", wanted)
            return True
    return False


def model_never_moved(scope: Scope, clause: Clause) -> bool | None:
    """A language model is loaded without a place and no call moves it; binds ``call``."""
    known, calls = scope.snapshot.look("src.calls")
    if not known:
        scope.miss("src.calls")
        return None
    calls = calls or ()
    if any(call.get("method") in _MOVES for call in calls):
        return False
    for call in calls:
        placed = _PLACES & set(call.get("keywords") or {})
        moved = _MOVES & set(call.get("then") or ())
        if _loads_language_model(call) and not placed and not moved:
            _bind_call(scope, call)
            return True
    return False


def _loads_language_model(call: Mapping[str, Any]) -> bool:
    on = str(call.get("on") or "")
    return call.get("method") == "from_pretrained" and "For" in on and "generate" in (call.get("then") or ())


def _bind_call(scope: Scope, call: Mapping[str, Any]) -> None:
    scope.see("src.calls", f"{call.get('file')}:{call.get('line')} {call.get('method')}")
    scope.bind("call.file", call.get("file", ""))
    scope.bind("call.line", call.get("line", ""))


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    function.__name__: function
    for function in (
        oom_by_others,
        oom_by_this_process,
        oom_by_fragmentation,
        gpu_filled_by_processes,
        gpu_nearly_full,
        gpu_partly_used,
        weights_exceed_memory,
        weights_exceed_slice,
        cgroup_far_below_ram,
        alloc_conf_overwritten,
        alloc_conf_unknown_option,
        asks_for_many_tokens,
        model_never_moved,
    )
}
