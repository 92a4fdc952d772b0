"""Tier 3 beside the memory estimate: what the model will need, whether that is there, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass

from doctor.errors import FitError
from doctor.fit import devices, judge, sources
from doctor.fit.shapes import GIB, Budget
from doctor.fit.shapes import Request as Wanted
from doctor.model.snapshot import Snapshot
from doctor.smoke.run import REAL, Request, Result

PICTURE = (320, 240)  # as target/infer.py makes it
NEW = 32  # tokens, as target/real.py generates
QUANTS = {4: "nf4", 8: "int8"}
DTYPES = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}


@dataclass(frozen=True, slots=True)
class Estimate:
    """The budget of the run, the memory that there is for it in words, and whether it is enough."""

    budget: Budget
    room: str
    fits: bool

    @property
    def text(self) -> str:
        """For people."""
        return f"needs {_gib(self.budget.total)} at its peak ({self.budget.peak}); {self.room}"


def estimate(request: Request, machine: Snapshot) -> Estimate | None:
    """What tier 3 will take, or None where that is not known; the rest of the tier does without."""
    if request.model is None:
        return None
    wanted = Wanted(
        dtype=DTYPES.get(request.dtype or ""),
        quant=QUANTS.get(request.bits or 0),
        images=(PICTURE,),
        new=NEW,
        attention="eager" if request.attn == "eager" else "sdpa",
        transformers=machine.dists().get("transformers"),
    )
    found = _devices(request, machine)
    if not found:
        return None
    try:
        answer = judge([sources.load(request.model)], wanted, found)
    except FitError:
        return None
    room = ", ".join(f"{_gib(device.free)} free on {device.name}" for device in found)
    return Estimate(answer.budget, room, answer.verdict != "no")


def _devices(request: Request, machine: Snapshot) -> tuple[devices.Device, ...]:
    """The asked device, else all GPUs, else the host; its libraries take about what a CUDA context takes."""
    device = request.device or ("cuda" if request.gpus else "cpu")
    if device.startswith("cuda"):
        index = device.partition(":")[2]
        return tuple(gpu for gpu in devices.live(machine) if not index or str(gpu.index) == index)
    total, free = machine.get("mem.total"), machine.get("mem.available")
    return (devices.Device("the host", total, free),) if total and free else ()


def compared(said: Estimate, peaks: dict[str, int]) -> Result | None:
    """The estimate beside what was measured: tensors on the GPUs, what the process grew by on a host without."""
    on_gpus = [size for device, size in peaks.items() if device != "host"]
    measured = sum(on_gpus) if on_gpus else peaks.get("host", 0)
    if not measured:
        return None
    expected = said.budget.total - said.budget.of("overhead")
    what = "in tensors" if on_gpus else "of the process beyond its libraries"
    apart = f" ({100 * (expected - measured) / measured:+.1f} %)" if measured > GIB // 4 else ""
    text = f"peak {what} {_gib(measured)}, estimated {_gib(expected)}{apart}"
    return Result(REAL, "memory against the estimate", True, 0.0, text)


def _gib(size: int) -> str:
    return f"{size / GIB:.2f} GiB"
