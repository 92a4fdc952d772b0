"""nvidia-smi: the table of drivers 331 to 615, its process table, -L, -q and the CSV query."""

from __future__ import annotations

import re
from typing import Any

from doctor.ingest.sheet import LISTED, Sheet
from doctor.ingest.text import Text
from doctor.model.numbers import whole

MIB = 1 << 20
_DRIVER = re.compile(r"(?:Driver Version|KMD Version) {0,40}: {0,40}(\d{2,4}(?:\.\d{1,4}){1,3})")
_CUDA = re.compile(r"CUDA (?:UMD |DRM )?Version {0,40}: {0,40}(\d{1,2}\.\d{1,2})")
_GPU = re.compile(
    r"\|? {0,6}(\d{1,3})  {0,4}(\S.{0,60}?) {1,40}(On|Off|N/A|ERR!|WDDM|TCC"
    r"|MCDM|TCC/WDDM) {0,6}\| {0,6}((?:[0-9A-Fa-f]{4,8}:)?[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d"
    r"|N/A)\s{0,8}(On|Off|N/A)? {0,6}\| {0,30}(\S{1,12})?"
)
_MEMORY = re.compile(r"(\d{1,9})MiB {0,4}/ {0,8}(\d{1,9})MiB {0,4}\|(?: {0,10}(\d{1,3})%)?")
_PROCESS = re.compile(
    r"\|? {0,6}(\d{1,3}) {1,10}(?:(?:N/A|\d{1,3}) {1,6}(?:N/A|\d{1,3}) {1,10})?(\d{1,9}) {1,6}(C\+G"
    r"|C|G|M\+C|M|M\+C\+G) {1,6}(\S.{0,300}?) {1,60}(\d{1,9}MiB|N/A|Insufficient)"
)
_MODE = {
    "Default": "default",
    "E. Process": "exclusive-process",
    "Prohibited": "prohibited",
    "E. Thread": "exclusive-thread",
}
_LIST = re.compile(r"(?:\d{1,2}:)?GPU (\d{1,3})\s{0,4}[:：]\s{0,4}(\S.{0,100}?)(?: \(UUID: [\w-]{1,60}\))?\s{0,20}$")
_FAILURES = (
    "has failed because it couldn't communicate",
    "failed to initialize nvml",
    "no devices were found",
    "unable to determine the device handle",
    "nvidia-smi: command not found",
    "'nvidia-smi' is not recognized",
)


def read(text: Text, sheet: Sheet) -> bool:
    """Driver, CUDA, GPUs and processes."""
    seen = _banner(text, sheet)
    seen = _failure(text, sheet) or seen
    if "mib /" in text.low:
        seen = _table(text, sheet) or seen
    if text.has("process name", "pid   type"):
        _processes(text, sheet)
    if "nvsmi log" in text.low:
        seen = _query(text, sheet) or seen
    if ", " in text.body and text.has("driver_version", "memory.total", " mib,", " mib\n"):
        seen = _csv(text, sheet) or seen
    if "(uuid: gpu-" in text.low:
        seen = listing(text, sheet) or seen
    if seen:
        sheet.kind("nvidia-smi")
    return seen


def _banner(text: Text, sheet: Sheet) -> bool:
    seen = False
    for row in text.rows("driver version", "kmd version", most=20):
        line = text.lines[row]
        match = _DRIVER.search(line)
        if not match:
            continue
        seen = seen or "NVIDIA-SMI" in line
        sheet.put("driver.version", match.group(1))
        sheet.put("gpu.present", True)
        for near in text.lines[row : row + 3]:
            cuda = _CUDA.search(near)
            if cuda:
                sheet.put("driver.cuda", cuda.group(1))
                break
    return seen


def _failure(text: Text, sheet: Sheet) -> bool:
    for row in text.rows(*_FAILURES, most=3):
        line = text.lines[row].strip()
        sheet.put("driver.smi_error", line[:300])
        return True
    return False


def _table(text: Text, sheet: Sheet) -> bool:
    """Two or three lines a GPU: name and bus, then memory and use, then MIG mode. The last table wins."""
    gpus: list[dict[str, Any]] = []
    for row in text.rows("mib /", most=600):
        memory = _MEMORY.search(text.lines[row])
        head = (
            _GPU.match(text.lines[row - 1].lstrip("|").rstrip()) or _GPU.match(text.lines[row - 1].strip())
            if memory and row
            else None
        )
        if not memory or not head:
            continue
        record = _gpu(head, memory, text.lines[row])
        if record["index"] == 0 or any(old["index"] == record["index"] for old in gpus):
            gpus = [] if record["index"] == 0 else gpus
        gpus.append(record)
    if gpus:
        sheet.put("gpus", gpus[:64])
    return bool(gpus)


def _gpu(head: re.Match[str], memory: re.Match[str], line: str) -> dict[str, Any]:
    used, total = int(memory.group(1)) * MIB, int(memory.group(2)) * MIB
    record: dict[str, Any] = {
        "index": int(head.group(1)),
        "name": head.group(2).strip(),
        "total": total,
        "used": used,
        "free": max(total - used, 0),
    }
    if memory.group(3):
        record["utilization"] = int(memory.group(3))
    if head.group(5) in ("On", "Off"):
        record["display"] = head.group(5) == "On"
    if head.group(3) in ("On", "Off"):
        record["persistence"] = head.group(3) == "On"
    mode = next((word for shown, word in _MODE.items() if shown in line[memory.end() - 1 :]), "")
    if mode:
        record["compute_mode"] = mode
    ecc = whole(head.group(6))
    if ecc is not None:
        record["ecc_uncorrected"] = ecc
    return record


def _processes(text: Text, sheet: Sheet) -> None:
    for row in text.rows("mib |", "mib\n", " n/a |", "n/a      |", most=400):
        match = _PROCESS.match(text.lines[row].lstrip("|"))
        if match:
            used = match.group(5)
            program = re.split(r"[/\\]", match.group(4).split()[0])[-1]
            record: dict[str, Any] = {"gpu": int(match.group(1)), "pid": int(match.group(2)), "name": program[:80]}
            if used.endswith("MiB"):
                record["used"] = int(used[:-3]) * MIB
            sheet.add("gpu.processes", record)
    if "no running processes found" in text.low:
        sheet.facts.setdefault("gpu.processes", [])


def _query(text: Text, sheet: Sheet) -> bool:
    """``nvidia-smi -q``: indented ``key : value`` lines under one head a GPU."""
    gpus: list[dict[str, Any]] = []
    section = ""
    for line in text.lines:
        key, colon, value = (part.strip() for part in line.partition(" : "))
        if not colon:
            section = line.strip() or section
            if line.startswith("GPU ") and ":" in line:
                gpus.append({"index": len(gpus)})
        elif gpus and len(gpus) <= 64:
            _query_line(gpus[-1], section, key, value)
    whole = [gpu for gpu in gpus if "name" in gpu]
    if whole:
        sheet.put("gpus", whole)
    return bool(whole)


def _query_line(gpu: dict[str, Any], section: str, key: str, value: str) -> None:
    number, _, unit = value.partition(" ")
    if key == "Product Name":
        gpu["name"] = value[:80]
    elif section == "FB Memory Usage" and key in ("Total", "Used", "Free") and unit == "MiB":
        size = whole(number)
        if size is not None:
            gpu[key.lower()] = size * MIB
    elif key == "Compute Mode":
        gpu["compute_mode"] = value.lower().replace("_", "-")[:40]
    elif key == "Display Active":
        gpu["display"] = value == "Enabled"


_CSV_COLUMNS = {
    "name": "name",
    "gpu_name": "name",
    "index": "index",
    "memory.total": "total",
    "memory.used": "used",
    "memory.free": "free",
    "driver_version": "driver",
    "compute_cap": "cc",
}


def _csv(text: Text, sheet: Sheet) -> bool:
    """``--format=csv`` with its header; without one, a row of name, sizes and driver is guessed."""
    gpus: list[dict[str, Any]] = []
    columns: list[str] = []
    for row in text.rows(", ", most=400):
        cells = [cell.strip() for cell in text.lines[row].split(",")]
        heads = [_CSV_COLUMNS.get(cell.partition(" [")[0], "") for cell in cells]
        if sum(map(bool, heads)) > 1:
            columns, gpus = heads, []
            continue
        record = _csv_row(cells, columns) if len(cells) == len(columns) else _csv_guess(cells)
        if record:
            driver = record.pop("driver", None)
            if driver:
                sheet.put("driver.version", driver, LISTED)
            record.setdefault("index", len(gpus))
            gpus.append(record)
    gpus = [gpu for gpu in gpus if "name" in gpu]
    if gpus:
        sheet.put("gpus", gpus[:64])
    return bool(gpus)


def _csv_row(cells: list[str], columns: list[str]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=True):
        if column in ("total", "used", "free"):
            size = whole(cell.removesuffix("MiB").strip())
            if size is not None:
                record[column] = size * MIB
        elif column == "index":
            index = whole(cell)
            if index is not None:
                record["index"] = index
        elif column:
            record[column] = cell[:80]
    return record


def _csv_guess(cells: list[str]) -> dict[str, Any] | None:
    if (
        not any(word in cells[0] for word in ("NVIDIA", "Tesla", "GeForce", "Quadro", "RTX", "GTX"))
        or len(cells[0]) > 80
    ):
        return None
    record: dict[str, Any] = {"name": cells[0]}
    for cell in cells[1:]:
        size = whole(cell.removesuffix(" MiB")) if cell.endswith(" MiB") else None
        if size is not None:
            record.setdefault("total", size * MIB)
        elif re.fullmatch(r"\d{3}\.\d{1,3}(?:\.\d{1,3})?", cell):
            record["driver"] = cell
    return record if len(record) > 1 else None


def listing(text: Text, sheet: Sheet) -> bool:
    """``nvidia-smi -L`` and collect_env: ``GPU 0: NVIDIA A100 (UUID: ...)``."""
    gpus: list[dict[str, Any]] = []
    for row in text.rows("gpu ", most=200):
        line = text.lines[row].strip()
        line = (
            line[line.find("GPU ") :]
            if line.startswith("GPU models and configuration:") and "GPU " in line[4:]
            else line
        )
        if line.startswith("GPU models"):
            line = line.partition(": ")[2]
        match = _LIST.match(line)
        if match and not match.group(2).startswith(("-", "0000")):
            index = int(match.group(1))
            gpus = [gpu for gpu in gpus if gpu["index"] != index] + [{"index": index, "name": match.group(2)}]
    if gpus and not sheet.facts.get("gpus"):
        sheet.put("gpus", gpus[:64])
    return bool(gpus)
