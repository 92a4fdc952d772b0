"""Out-of-memory lines of torch 1.x to 2.x, NPU and HIP builds, llama.cpp, vLLM; ``free`` and ``df``."""

from __future__ import annotations

import re
from typing import Any

from doctor.ingest.sheet import SAID, Sheet
from doctor.ingest.text import Text
from doctor.model.numbers import whole

_UNITS = {
    "": 1,
    "b": 1,
    "bytes": 1,
    "k": 1 << 10,
    "kib": 1 << 10,
    "kb": 1 << 10,
    "m": 1 << 20,
    "mib": 1 << 20,
    "mb": 1 << 20,
    "g": 1 << 30,
    "gib": 1 << 30,
    "gb": 1 << 30,
    "t": 1 << 40,
    "tib": 1 << 40,
    "tb": 1 << 40,
    "ki": 1 << 10,
    "mi": 1 << 20,
    "gi": 1 << 30,
    "ti": 1 << 40,
}
_SIZE = r"(\d{1,9}(?:\.\d{1,4})?) ?(bytes|[KMGT]i?B)"
# torch's allocator: old "(GPU 0; 11.17 GiB total capacity; ...)" and new "GPU 0 has a total capacity of ..." sentences.
_NUMBERS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("tried", rf"[Tt]ried to allocate {_SIZE}"),
        ("total", rf"(?:total capac[a-z]{{0,4}} of|; ) ?{_SIZE}(?= total capac| of which|;|$)"),
        ("free", rf"{_SIZE}(?: is)? free"),
        ("in_use", rf"this process has {_SIZE} memory in use"),
        ("others", rf"Process \d{{1,9}} has {_SIZE} memory in use"),
        ("allocated", rf"{_SIZE} (?:is )?(?:already )?allocated(?: by PyTorch|;)?"),
        ("reserved", rf"{_SIZE} (?:reserved in total by PyTorch|cached|reserved)"),
        ("unallocated", rf"{_SIZE} is reserved by PyTorch but unallocated"),
        ("limit", rf"{_SIZE} allowed"),
    )
)
_DEVICE = re.compile(r"\b(?:GPU|NPU|XPU|device) (\d{1,3})\b")
_WORDS = (
    "out of memory",
    "outofmemory",
    "tried to allocate",
    "allocating ",
    "unable to allocate",
    "can't allocate memory",
    "cannot allocate memory",
    "defaultcpuallocator",
    "no available memory for the cache",
    "larger than the available kv cache memory",
    "free memory on device",
    "oom-kill",
    "oomkilled",
    "failed to allocate",
)
_CPU = re.compile(r"(?:you tried to allocate|[Uu]nable to allocate) (\d{1,16}(?:\.\d{1,4})?) ?(bytes|[KMGT]i?B)")
_LLAMA = re.compile(
    r"allocating (\d{1,9}\.\d{1,3}) (MiB|GiB) on device (\d{1,3}): cudaMalloc failed"
    r"|failed to allocate (CUDA\d{1,3}|ROCm\d{1,3}|Vulkan\d{1,3}|\w{1,20}) buffer of size (\d{1,16})"
    r"|failed to allocate buffer of size (\d{1,16})"
)
_PINNED = re.compile(r"failed to allocate (\d{1,9}[.]\d{1,3}) ([KMG]iB) of pinned memory")
_FREE_ON = re.compile(r"Free memory on device .{0,40}?\((\d[\d.]{0,12})/(\d[\d.]{0,12}) (GiB)\)")
_VLLM_KV = re.compile(
    r"(\d[\d.]{0,12}) (GiB) KV cache is needed, which is larger than the available KV cache memory \(("
    r"-?\d[\d.]{0,12}) GiB\)"
)


def size(number: str, unit: str) -> int:
    """Bytes of ``("2.5", "GiB")``; the decimal names GB, MB are read as binary, as these programs mean them."""
    return int(float(number.rstrip(".")) * _UNITS[unit.lower()])


def read(text: Text, sheet: Sheet) -> bool:
    """The last out-of-memory message with numbers; then ``free`` and ``df``."""
    for row in text.rows(*_WORDS, most=12):
        joined = " ".join(line.strip(" #") for line in text.lines[row : row + 6])[:3000]
        found = _torch(joined) or _others(joined)
        if found:
            old = sheet.facts.get("log.oom") or {}
            sheet.put("log.oom", found if len(found) >= len(old) else old)
    if text.has("mem:"):
        _free(text, sheet)
    if "use%" in text.low or "mounted on" in text.low:
        _df(text, sheet)
    return "log.oom" in sheet.facts


def _torch(line: str) -> dict[str, Any]:
    """Numbers of torch's message, in bytes."""
    begin = line.lower().find("out of memory")
    if begin < 0 or "ried to allocate" not in line:
        return {}
    line = line[begin : begin + 1400]
    found: dict[str, Any] = {}
    for name, pattern in _NUMBERS:
        match = pattern.search(line)
        if match:
            found[name] = size(match.group(1), match.group(2))
    if "unallocated" in found and "reserved" not in found and "allocated" in found:
        found["reserved"] = found["allocated"] + found["unallocated"]
    device = _DEVICE.search(line)
    if device:
        found["device"] = int(device.group(1))
    return found


def _others(line: str) -> dict[str, Any]:
    """Host memory, llama.cpp, vLLM."""
    match = _CPU.search(line)
    if match:
        return {"tried": size(match.group(1), match.group(2)), "device": "cpu"}
    match = _LLAMA.search(line)
    if match:
        if match.group(1):
            return {"tried": size(match.group(1), match.group(2)), "device": int(match.group(3))}
        return {"tried": int(match.group(5) or match.group(6)), "device": match.group(4) or "gpu"}
    match = _PINNED.search(line)
    if match:
        return {"tried": size(match.group(1), match.group(2)), "device": "cpu"}
    match = _FREE_ON.search(line)
    if match:
        return {"free": size(match.group(1), match.group(3)), "total": size(match.group(2), match.group(3))}
    match = _VLLM_KV.search(line)
    if match:
        return {"tried": size(match.group(1), match.group(2)), "free": max(0, size(match.group(3).lstrip("-"), "GiB"))}
    return {}


def _free(text: Text, sheet: Sheet) -> None:
    """``free -h``, ``free -m``, ``free``: the row of memory and the row of swap."""
    for row in text.rows("mem:", "swap:", most=6):
        words = text.lines[row].split()
        if words[:1] not in (["Mem:"], ["Swap:"]) or len(words) < 3:
            continue
        amounts = [_amount(word, words) for word in words[1:]]
        if None in amounts[:2]:
            continue
        if words[0] == "Swap:":
            sheet.put("swap.total", amounts[0])
            sheet.put("swap.used", amounts[1])
            continue
        sheet.put("mem.total", amounts[0])
        if len(amounts) > 5 and amounts[5] is not None:
            sheet.put("mem.available", amounts[5])


def _amount(word: str, row: list[str]) -> int | None:
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,3})?)([KMGT]?i?B?)", word)
    if not match:
        return None
    if match.group(2):
        return size(match.group(1), match.group(2)) if match.group(2).lower() in _UNITS else None
    number = int(float(match.group(1)))
    total = whole(row[1]) or 0
    scale = 1 << 10 if total > 5_000_000 else 1 << 20 if total > 500 else 1 << 30
    return number * scale if number < 1 << 40 else None


_DF = re.compile(
    r"(\S{1,200}) {1,40}(?:(ext[234]|xfs|btrfs|nfs4?|tmpfs|overlay|zfs|fuse\S{0,20}"
    r"|cifs|9p) {1,20})?(\d[\d.]{0,15}[KMGTP]?i?B?) {1,20}(\d[\d.]{0,15}[KMGTP]?i?B?) {1,20}(\d[\d.]{0"
    r",15}[KMGTP]?i?B?) {1,20}(\d{1,3})% {1,20}(/\S{0,300})$"
)


def _df(text: Text, sheet: Sheet) -> None:
    roles = {"/": "root", "/tmp": "tmp", "/home": "home", "/dev/shm": "shm"}  # noqa: S108 - names of mounts, nothing is written
    inodes = "iuse%" in text.low
    for row in text.rows("% /", "%  /", "%   /", most=60):
        match = _DF.match(text.lines[row].strip())
        if not match or inodes:
            continue
        total, free = _df_size(match.group(3)), _df_size(match.group(5))
        mount = match.group(7)
        if mount == "/dev/shm":  # noqa: S108
            sheet.put("shm.size", total, SAID)
            sheet.put("shm.free", free, SAID)
            continue
        record = {
            "role": roles.get(mount, "data"),
            "path": mount,
            "mount": mount,
            "exists": True,
            "size": total,
            "free": free,
        }
        sheet.add("disks", record, 40)
    _serve(text, sheet)


def _serve(text: Text, sheet: Sheet) -> None:
    """What the mounts of a whole ``df`` mean for the model cache and for temporary files: the longest prefix."""
    mounts = {str(row["mount"]): row for row in sheet.facts.get("disks") or ()}
    if "/" not in mounts:
        return
    home = "/root" if text.has("root@") else "/home/user"
    named = sheet.facts.get("env.HF_HUB_CACHE") or sheet.facts.get("env.HF_HOME")
    cache = named if str(named).startswith("/") else f"{home}/.cache/huggingface"
    for role, path in (("hf_cache", str(cache)), ("tmp", "/tmp")):  # noqa: S108 - the name of a folder, nothing is written
        if any(row["role"] == role for row in mounts.values()):
            continue
        mount = max((m for m in mounts if m == "/" or f"{path}/".startswith(f"{m}/")), key=len)
        sheet.add("disks", {**mounts[mount], "role": role, "path": path, "writable": True}, 40)


def _df_size(word: str) -> int:
    match = re.match(r"(\d[\d.]*)([KMGT]?)", word)
    if not match or match.group(1).count(".") > 1:
        return 0
    return int(float(match.group(1)) * (_UNITS[match.group(2).lower()] if match.group(2) else 1 << 10))
