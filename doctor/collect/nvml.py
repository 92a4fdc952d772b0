"""Asks the NVIDIA driver through NVML. Runs only as a child: a bad library ends, stops or crashes the process.

Facts are sent as soon as they are read, so that a later crash costs only what follows. Errors are named from the
constants' values: ``str(NVMLError)`` calls back into the library.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from doctor.collect.probe import visible, wire
from doctor.model.numbers import whole

DEVICE_CAP = 64  # more GPUs than any machine has: a count beyond is nonsense
PROCESS_CAP = 256
PLAUSIBLE_BYTES = 1 << 46  # 64 TiB; NVML writes 2^64-1 for "not available"
GPU_IS_LOST = (15, 16)  # NVML_ERROR_GPU_IS_LOST, NVML_ERROR_RESET_REQUIRED
NO_HANDLE = (*GPU_IS_LOST, 999)  # NVML_ERROR_UNKNOWN: nvidia-smi then says "Unable to determine the device handle"
COMPUTE_MODES = {0: "default", 1: "exclusive-thread", 2: "prohibited", 3: "exclusive-process"}
FABRIC = {1: False, 2: False, 3: True}  # not started, in progress, completed; 0 is "not supported"
THROTTLE = {
    0x1: "gpu-idle",
    0x2: "applications-clocks",
    0x4: "sw-power-cap",
    0x8: "hw-slowdown",
    0x10: "sync-boost",
    0x20: "sw-thermal",
    0x40: "hw-thermal",
    0x80: "hw-power-brake",
    0x100: "display-clocks",
}


def main() -> None:
    """Entry of the child; the last argument is the settings of probe/wire.py as JSON."""
    settings = json.loads(sys.argv[-1])
    out = wire.Wire(settings.get("fd", 1), settings["nonce"])
    try:
        _Reader(out).read()
    except Exception as error:  # noqa: BLE001 - the guard of this probe: whatever the library does is an answer
        out.fact("driver.nvml_error", wire.reason(error))
    context = {"deadline": settings.get("deadline", 4.0)}
    wire.run([wire.Group(("driver.cuinit",), lambda _ctx: {"driver.cuinit": cuinit()}, risky=True)], context, out)
    os._exit(0)  # without nvmlShutdown(), which can hang; the process ends anyway


def cuinit() -> int | None:
    """Result of cuInit(0), None when there is no libcuda. It makes no context, so it takes no GPU memory."""
    try:
        library = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
        return int(library.cuInit(0))
    except OSError:
        return None


def load_failure() -> str:
    """Why the loader refuses the library: nvidia-ml-py says "not found" for six different states."""
    try:
        ctypes.CDLL("nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1")
    except OSError as error:
        text = str(error)
        if "No such file" in text or "not found" in text.lower():
            return "NVML_ERROR_LIBRARY_NOT_FOUND"
        return "libnvidia-ml.so.1 cannot be loaded: " + text.rpartition("/")[2]
    return "NVML_ERROR_LIBRARY_NOT_FOUND"


class _Reader:
    """All NVML calls, each in a guard of its own."""

    def __init__(self, out: Any) -> None:
        import pynvml

        self.nvml = pynvml
        self.out = out
        self.names = {value: name for name, value in vars(pynvml).items() if name.startswith("NVML_ERROR_")}
        self.gpus: list[dict[str, Any]] = []
        self.mig: list[dict[str, Any]] = []
        self.processes: list[dict[str, Any]] = []
        self.trouble: dict[str, str] = {}  # NVML function -> its error
        self.silent: dict[str, str] = {}  # what is missing inside ``gpus`` -> why
        self.lost = False  # the call before said that the GPU is gone
        self.shown, _ = visible.parse(os.environ.get("CUDA_VISIBLE_DEVICES"))

    def read(self) -> None:
        """Driver first, then GPU by GPU."""
        try:
            self.nvml.nvmlInit()
        except Exception as error:  # noqa: BLE001 - three kinds of failure pass by NVMLError
            name = self._name(error)
            self.out.fact("driver.nvml_error", load_failure() if name == "NVML_ERROR_LIBRARY_NOT_FOUND" else name)
            return
        self._driver()
        count = self._call("nvmlDeviceGetCount")
        if count is None:
            self.out.fact("driver.nvml_error", self.trouble["nvmlDeviceGetCount"])
            return
        if not 0 <= count <= DEVICE_CAP:
            self.out.unread("gpu.count", f"NVML says {count}, which is implausible")
            return
        self.out.fact("gpu.count", count)
        for index in range(count):
            self._device(index)
        self.out.facts({"gpus": self.gpus, "mig.devices": self.mig, "gpu.processes": self.processes})
        self.out.fact("driver.nvml_error", None)

    def _driver(self) -> None:
        version = self._call("nvmlSystemGetDriverVersion")
        if version:
            branch = whole(version.partition(".")[0])
            facts = {"driver.version": version, "driver.read_by": "nvml"}
            self.out.facts(facts | ({} if branch is None else {"driver.branch": branch}))
        else:
            self.out.unread("driver.version", self.trouble.get("nvmlSystemGetDriverVersion", "empty"))
        cuda = self._call("nvmlSystemGetCudaDriverVersion")
        if cuda is None:
            self.out.unread("driver.cuda", self.trouble.get("nvmlSystemGetCudaDriverVersion", "not told"))
        else:
            self.out.fact("driver.cuda", f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda > 0 else None)

    def _name(self, error: BaseException) -> str:
        value = getattr(error, "value", None)
        return self.names.get(value, f"NVML error {value}") if isinstance(value, int) else str(wire.reason(error))

    def _call(self, name: str, *args: Any) -> Any:
        """The function's result, None when it fails; ``trouble`` then knows why."""
        try:
            return getattr(self.nvml, name)(*args)
        except UnicodeDecodeError as error:
            return bytes(error.object).split(b"\0")[0].decode("utf-8", "backslashreplace")
        except Exception as error:  # noqa: BLE001 - NVMLLibraryMismatchError is no NVMLError; every call is guarded
            self.trouble[name] = self._name(error)
            gone = NO_HANDLE if name == "nvmlDeviceGetHandleByIndex" else GPU_IS_LOST
            self.lost = getattr(error, "value", None) in gone
            return None

    def _device(self, index: int) -> None:
        record: dict[str, Any] = {"index": index}
        self.gpus.append(record)
        handle = self._call("nvmlDeviceGetHandleByIndex", index)
        if handle is None:
            record["lost"] = self.lost
            self.silent[f"gpus.{index}"] = self.trouble["nvmlDeviceGetHandleByIndex"]
            self.out.facts({"gpus": self.gpus, "_silent": self.silent})
            return
        self.lost = False
        for read in (self._identity, self._memory, self._state, self._health, self._users, self._instances):
            read(handle, record)
            self.out.fact("gpus", self.gpus)
        record["lost"] = self.lost
        for key, function in (("name", "nvmlDeviceGetName"), ("total", "nvmlDeviceGetMemoryInfo")):
            if key not in record:
                self.silent[f"gpus.{index}.{key}"] = self.trouble.get(function, "an implausible value")
                self.out.fact("_silent", self.silent)

    def _identity(self, handle: Any, record: dict[str, Any]) -> None:
        self._put(record, "name", self._call("nvmlDeviceGetName", handle))
        capability = self._call("nvmlDeviceGetCudaComputeCapability", handle)
        self._put(record, "cc", capability and "{}.{}".format(*capability))
        self._put(record, "visible", self._is_visible(handle, record["index"]))

    def _is_visible(self, handle: Any, index: int) -> bool | None:
        """Whether CUDA_VISIBLE_DEVICES leaves this GPU; None when the two may number GPUs differently."""
        if self.shown is None:
            return True
        if any(not entry.isdigit() for entry in self.shown):
            uuid = self._call("nvmlDeviceGetUUID", handle) or ""
            return any(uuid.startswith(entry) for entry in self.shown)
        if os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID" and len({gpu.get("name") for gpu in self.gpus}) > 1:
            return None
        return str(index) in self.shown

    def _memory(self, handle: Any, record: dict[str, Any]) -> None:
        memory = self._call("nvmlDeviceGetMemoryInfo", handle)
        if memory is not None and 0 < memory.total < PLAUSIBLE_BYTES:
            record["total"] = int(memory.total)
            for key in ("free", "used"):
                value = int(getattr(memory, key))
                self._put(record, key, value if value <= memory.total else None)

    def _state(self, handle: Any, record: dict[str, Any]) -> None:
        ask: dict[str, tuple[str, Callable[[Any], Any]]] = {
            "display": ("nvmlDeviceGetDisplayActive", bool),
            "mig": ("nvmlDeviceGetMigMode", lambda mode: bool(mode[0])),
            "compute_mode": ("nvmlDeviceGetComputeMode", lambda mode: COMPUTE_MODES.get(mode, str(mode))),
            "persistence": ("nvmlDeviceGetPersistenceMode", bool),
            "utilization": ("nvmlDeviceGetUtilizationRates", lambda rates: int(rates.gpu)),
            "throttle": (
                "nvmlDeviceGetCurrentClocksThrottleReasons",
                lambda bits: [name for bit, name in THROTTLE.items() if bits & bit],
            ),
        }
        for key, (function, convert) in ask.items():
            value = self._call(function, handle)
            self._put(record, key, None if value is None else convert(value))
        self._put(record, "temperature", self._call("nvmlDeviceGetTemperature", handle, 0))

    def _health(self, handle: Any, record: dict[str, Any]) -> None:
        self._put(record, "ecc_uncorrected", self._call("nvmlDeviceGetTotalEccErrors", handle, 1, 0))
        rows = self._call("nvmlDeviceGetRemappedRows", handle)
        if rows is not None:
            record.update(remap_pending=bool(rows[2]), remap_failed=bool(rows[3]))
        if record["index"] == 0 and hasattr(self.nvml, "c_nvmlGpuFabricInfo_t"):
            info = self.nvml.c_nvmlGpuFabricInfo_t()
            if self._call("nvmlDeviceGetGpuFabricInfo", handle, ctypes.byref(info)) is not None:
                self.out.fact("driver.fabric_manager", FABRIC.get(info.state))

    def _users(self, handle: Any, record: dict[str, Any]) -> None:
        found: dict[int, int | None] = {}
        answered = False
        for kind in ("Compute", "Graphics"):
            processes = self._call(f"nvmlDeviceGet{kind}RunningProcesses", handle)
            answered = answered or processes is not None
            for process in (processes or [])[:PROCESS_CAP]:
                used = process.usedGpuMemory
                found[int(process.pid)] = int(used) if used is not None and 0 <= used < PLAUSIBLE_BYTES else None
        if answered:
            record["processes"] = len(found)
        for pid, used in found.items():
            self.processes.append(self._process(record["index"], pid, used))

    def _process(self, gpu: int, pid: int, used: int | None) -> dict[str, Any]:
        record: dict[str, Any] = {"gpu": gpu, "pid": pid}
        self._put(record, "used", used)
        folder = Path("/proc", str(pid))
        try:
            record["ours"] = folder.stat().st_uid == os.geteuid()
            record["zombie"] = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0] == "Z"
            record["name"] = (folder / "comm").read_text("utf-8", "replace").strip()
            record["visible"] = True
        except (OSError, IndexError, AttributeError):  # of another pid name space, or gone, or no /proc
            record["visible"] = False
            named = str(self._call("nvmlSystemGetProcessName", pid) or "").split()
            self._put(record, "name", named[0].replace("\\", "/").rpartition("/")[2][:64] if named else None)
        return record

    def _instances(self, handle: Any, record: dict[str, Any]) -> None:
        if not record.get("mig"):
            return
        for number in range(min(self._call("nvmlDeviceGetMaxMigDeviceCount", handle) or 0, 16)):
            instance = self._call("nvmlDeviceGetMigDeviceHandleByIndex", handle, number)
            if instance is None:
                continue
            found: dict[str, Any] = {"gpu": record["index"]}
            self._put(found, "name", self._call("nvmlDeviceGetName", instance))
            self._put(found, "uuid", self._call("nvmlDeviceGetUUID", instance))
            memory = self._call("nvmlDeviceGetMemoryInfo", instance)
            self._put(found, "total", int(memory.total) if memory and 0 < memory.total < PLAUSIBLE_BYTES else None)
            self.mig.append(found)

    @staticmethod
    def _put(record: dict[str, Any], key: str, value: Any) -> None:
        """A field that was not read is left out; it is not known, so it is not null."""
        if value is not None:
            record[key] = value
