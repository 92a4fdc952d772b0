"""Reads what ``nvidia-smi -q -x`` printed, or the same report as plain text. Pure and tolerant of cut-off output."""

from __future__ import annotations

import re
from typing import Any

CAP = 4 << 20  # bytes looked at
# The plain table: what a stand-in or a cut-down nvidia-smi prints whatever it is asked.
_BANNER = re.compile(r"Driver Version: {0,8}(\d{2,4}(?:\.\d{1,4}){1,3}) {1,20}CUDA Version: {0,8}(\d{1,2}\.\d{1,2})?")
_ROW = re.compile(
    r"^\| {1,4}(\d{1,2})  (\S.{0,60}?) {1,30}(?:On|Off|N/A) {0,8}\|[^\n]*\n"
    r"\|[^|\n]*\| {0,10}(\d{1,8})MiB / {0,8}(\d{1,8})MiB",
    re.MULTILINE,
)
# What it says when it fails -> the answer of NVML behind it.
_FAILURES = (
    ("driver/library version mismatch", "NVML_ERROR_LIB_RM_VERSION_MISMATCH"),
    ("couldn't communicate with the nvidia driver", "NVML_ERROR_DRIVER_NOT_LOADED"),
    ("driver not loaded", "NVML_ERROR_DRIVER_NOT_LOADED"),
    ("gpu is lost", "NVML_ERROR_GPU_IS_LOST"),
    ("unable to determine the device handle", "NVML_ERROR_GPU_IS_LOST"),
    ("insufficient permissions", "NVML_ERROR_NO_PERMISSION"),
    ("failed to initialize nvml: unknown error", "NVML_ERROR_UNKNOWN"),
)
GPU_CAP = 64
_START = re.compile(r"<gpu id=|^GPU [0-9A-Fa-f]{4,8}:", re.MULTILINE)
_SIZE = re.compile(r"(\d{1,12}) (MiB|KiB|GiB)")
_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_MODES = {"default": "default", "exclusive_process": "exclusive-process", "prohibited": "prohibited"}


def _field(text: str, tag: str, label: str) -> str | None:
    """A value as ``<tag>value</tag>`` or ``Label   : value``; None for N/A in its spellings."""
    found = re.search(rf"<{tag}>([^<\n]{{1,200}})</{tag}>|^\s*{label}\s*: ([^\n]{{1,200}})$", text, re.MULTILINE)
    value = (found.group(1) or found.group(2)).strip() if found else ""
    return None if not value or value.strip("[]") in ("N/A", "Not Supported", "Unknown Error") else value


def _bytes(text: str | None) -> int | None:
    found = _SIZE.match(text or "")
    return int(found.group(1)) * _UNITS[found.group(2)] if found else None


def _on(text: str | None) -> bool | None:
    return {"enabled": True, "disabled": False}.get((text or "").lower())


def _gpu(index: int, text: str) -> dict[str, Any]:
    memory = re.search(r"<fb_memory_usage>.*?</fb_memory_usage>|FB Memory Usage.*?(?=\n    \S|\Z)", text, re.DOTALL)
    inside = memory.group() if memory else ""
    record = {
        "index": index,
        "name": _field(text, "product_name", "Product Name"),
        "total": _bytes(_field(inside, "total", "Total")) or None,
        "free": _bytes(_field(inside, "free", "Free")),
        "used": _bytes(_field(inside, "used", "Used")),
        "mig": _on(_field(text, "current_mig", "Current")),
        "display": _on(_field(text, "display_active", "Display Active")),
        "persistence": _on(_field(text, "persistence_mode", "Persistence Mode")),
        "compute_mode": _MODES.get((_field(text, "compute_mode", "Compute Mode") or "").lower()),
    }
    return {key: value for key, value in record.items() if value is not None}


def parse(output: bytes) -> dict[str, Any]:
    """Facts of a report; {} when there is no driver version in it."""
    text = output[:CAP].decode("utf-8", "backslashreplace")
    version = _field(text, "driver_version", "Driver Version")
    if not version or not re.fullmatch(r"\d{2,4}(?:\.\d{1,4}){1,3}", version):
        return _table(text)
    starts = [found.start() for found in _START.finditer(text)][:GPU_CAP]
    blocks = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=False)]
    gpus = [_gpu(index, block) for index, block in enumerate(blocks)]
    return {
        "driver.version": version,
        "driver.branch": int(version.partition(".")[0]),
        "driver.cuda": _field(text, "cuda_version", "CUDA Version"),
        "driver.read_by": "nvidia-smi",
        "gpu.count": len(gpus),
        "gpus": gpus,
    }


def _table(text: str) -> dict[str, Any]:
    banner = _BANNER.search(text)
    if banner is None:
        return {}
    gpus = []
    for index, name, used, total in _ROW.findall(text)[:GPU_CAP]:
        free = max(0, int(total) - int(used)) << 20
        record = {"index": int(index), "name": name, "total": int(total) << 20, "used": int(used) << 20, "free": free}
        gpus.append(record)
    version = banner.group(1)
    return {
        "driver.version": version,
        "driver.branch": int(version.partition(".")[0]),
        "driver.cuda": banner.group(2),
        "driver.read_by": "nvidia-smi",
        **({"gpu.count": len(gpus), "gpus": gpus} if gpus else {}),
    }


def meaning(output: bytes) -> str | None:
    """The constant of NVML that stands behind a failure of nvidia-smi; None when it says something else."""
    said = output[:4096].decode("utf-8", "backslashreplace").lower()
    return next((name for words, name in _FAILURES if words in said), None)


def complaint(status: str, output: bytes) -> str:
    """One line for ``driver.smi_error``: how it ended and the first thing it said."""
    lines = [line.strip() for line in output[:4096].decode("utf-8", "backslashreplace").splitlines() if line.strip()]
    said = lines[0][:200] if lines else "it printed nothing"
    return f"{status}: {said}" if status != "ok" else f"its report was not understood: {said}"
