"""``key: value`` reports of tools and people.

collect_env of torch, vllm, sglang and mmengine; env of transformers, accelerate and huggingface_hub;
``python -m bitsandbytes``; and what people write by hand in the same shape.
One table of keys serves them all: the tools copied each other's wording.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from doctor.ingest import smi
from doctor.ingest.aliases import PACKAGES
from doctor.ingest.sheet import LISTED, MENTIONED, SAID, VERSION, Sheet, version
from doctor.ingest.text import Text
from doctor.model.names import normalise
from doctor.model.numbers import whole

_LINE = re.compile(
    r"[ \t]{0,20}(?:[-*+•|] {0,4})?(?:\*\*)?([`A-Za-z][^:：=|\n]{0,60}?)(?:\*\*)?[ \t]{0,30}"
    r"(?:[:：](?!//)|\||={1,3}|->|→)[ \t]{0,30}(?:\*\*)?[`'\"]?([^\n]{1,400})"
)
_PLAIN = re.compile(
    r"[ \t]{0,20}(?:[-*+•] {0,4})?(?:(?:INFO|DEBUG)[ :]{1,8})?([A-Za-z][\w-]{1,30}(?: ?[Vv]ersion)?)"
    rf"[ \t]{{1,8}}[vV]?({VERSION})(?! \(you have| with CUDA)(?=[\s,;)|`]|$)"
)
_MISSING = ("not installed", "module not found", "not found", "none")
_VOID = ("n/a", "could not collect", "none", "not available", "unknown", "no cuda", "")
_ARCH = re.compile(r"(?:\b|_)(?:sm|compute)_\d{2,3}[a-z]?\b")
# mmengine's collect_env as python prints its dictionary.
_PAIR = re.compile(r"\('([\w.]{2,20}(?: \w{1,12}){0,2})', '?([^'\n()]{1,80})")
_PLATFORM = re.compile(r"(Linux|Windows|macOS|Darwin)-([\w.+~-]{1,120})")
_GLIBC = re.compile(r"glibc[- ]?(\d\.\d{1,3})|musl[- ]?(\d\.\d{1,3})")
_GIB = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?(Ki|Mi|Gi|Ti|K|M|G|T)?B?\b", re.IGNORECASE)
_DISTROS = (
    ("ubuntu", "ubuntu"),
    ("debian", "debian"),
    ("centos", "centos"),
    ("red hat", "rhel"),
    ("rocky", "rocky"),
    ("alma", "almalinux"),
    ("fedora", "fedora"),
    ("arch", "arch"),
    ("amazon", "amzn"),
    ("opensuse", "opensuse"),
    ("suse", "sles"),
    ("alibaba", "alinux"),
    ("openeuler", "openeuler"),
    ("kylin", "kylin"),
    ("alpine", "alpine"),
    ("oracle", "ol"),
    ("manjaro", "manjaro"),
    ("mint", "linuxmint"),
    ("nixos", "nixos"),
)

# What makes a key-value text the report of a tool (rank LISTED) instead of something written by hand.
_TOOLS = (
    ("collect_env", ("collecting environment information", "is debug build:", "cuda used to build pytorch:")),
    ("transformers-env", ("`transformers` version:", "pytorch version (gpu?)", "pytorch version (accelerator?)")),
    ("accelerate-env", ("`accelerate` version:", "`accelerate` bash location")),
    ("hf-env", ("running in ipython ?", "token path ?")),
    ("bitsandbytes", ("related packages:", "bug report information", "bitsandbytes v0.", "cuda setup:")),
    ("sglang-env", ("nvidia topology:", "cuda driver version:")),
    ("mmengine-env", ("sys.platform:", "pytorch compiling details", "environmental information")),
    ("vllm-env", ("vllm build flags:", "vllm version:")),
)


def read(text: Text, sheet: Sheet) -> bool:
    """Every telling key of the text. True when the shape of a tool's report was recognised."""
    kinds = [kind for kind, words in _TOOLS if text.has(*words)]
    rank = LISTED if kinds else SAID
    keyed = False
    for line in text.lines[:8000]:
        if len(line) < 5 or not (":" in line or "=" in line or "|" in line or "：" in line or "-> " in line):
            continue
        match = _LINE.match(line)
        if match and _key(_name(match.group(1)), match.group(2).strip().rstrip("`*'\"|").strip(), sheet, rank):
            keyed = True
    if "('sys.platform'" in text.low:
        for match in _PAIR.finditer(text.body):
            _key(_name(match.group(1)), match.group(2).strip(), sheet, LISTED)
    _plain(text, sheet)
    if keyed and text.has("gpu 0", "gpu models", "gpu0", "gpu 1"):
        smi.listing(text, sheet)
        _gpu_sets(text, sheet)
    sheet.kind(*kinds)
    return bool(kinds)


def _name(key: str) -> str:
    """``- `Accelerate` version`` -> ``accelerate version``; bracketed remarks go."""
    words = key.replace("`", "").replace("*", "").lower()
    return words.partition("(")[0].strip(" \t-_'\"").replace("_", "-")


def _key(key: str, value: str, sheet: Sheet, rank: int) -> bool:
    """One line of a report."""
    reader = _READERS.get(key)
    if reader:
        if value.lower() not in _VOID or key == "cuda used to build pytorch":
            reader(value, sheet, rank)
        return True
    short = key.removesuffix(" version").removesuffix("-version")
    dist = PACKAGES.get(short) or PACKAGES.get(short.replace(" ", "-"))
    if dist:
        _package(dist, value, sheet, rank)
        return True
    return False


def _package(dist: str, value: str, sheet: Sheet, rank: int) -> None:
    found = version(value)
    if found and (("." in found) or len(found) > 3) and not value[len(found) :].startswith(("/", "%", ":")):
        sheet.dist(dist, found, rank)
        if dist == "torch" and value[len(found) :].lower().startswith((" (true)", " (cuda)", " (gpu)")):
            sheet.put("gpu.present", True, SAID)
    elif rank == LISTED and value.lower().startswith(_MISSING) and "dist." + normalise(dist) not in sheet.facts:
        sheet.dist(dist, None, rank)


def _python(value: str, sheet: Sheet, rank: int) -> None:
    found = version(value.removeprefix("Python").strip())
    if found and "." in found and found[0] in "23":
        sheet.put("python.version", found, rank)
    if "64 bit" in value or "64-bit" in value:
        sheet.put("python.bits", 64, rank)
    elif "32 bit" in value or "32-bit" in value:
        sheet.put("python.bits", 32, rank)
    if "MSC v." in value:
        sheet.put("os.name", "windows", rank)


def _built_for(value: str, sheet: Sheet, rank: int) -> None:
    """``CUDA used to build PyTorch``; "None" and "Could not collect" stand for a build without CUDA."""
    found = version(value)
    if found:
        sheet.put("torch.cuda", found, rank)
        sheet.put("torch.build", "cuda", rank)
    elif value.lower() in ("none", "could not collect"):
        sheet.put("torch.cuda", None, rank)


def _hip(value: str, sheet: Sheet, rank: int) -> None:
    found = version(value)
    if found:
        sheet.put("torch.hip", found, rank)
        sheet.put("torch.build", "rocm", rank)


def _os(value: str, sheet: Sheet, rank: int) -> None:
    """``Ubuntu 22.04.4 LTS (x86_64)``, ``Microsoft Windows 11 Home``, ``linux``, ``win32``, ``macOS 14.5``."""
    low = value.lower()
    match = _PLATFORM.search(value)
    if match:
        _platform(value, sheet, rank)
        return
    if "windows" in low or low.startswith("win"):
        sheet.put("os.name", "windows", rank)
        return
    if "mac" in low or "darwin" in low:
        sheet.put("os.name", "darwin", rank)
        return
    distro = next((name for word, name in _DISTROS if word in low), "")
    if distro or "linux" in low:
        sheet.put("os.name", "linux", rank)
    if distro:
        sheet.put("os.distro", distro, rank)
        found = re.search(r"\d{1,2}(?:\.\d{1,4}){0,2}", value)
        if found:
            sheet.put("os.distro_version", found.group(), rank)
    for arch in ("x86_64", "aarch64", "arm64"):
        if arch in low:
            sheet.put("os.arch", arch, rank)


def _platform(value: str, sheet: Sheet, rank: int) -> None:
    """``Linux-6.8.0-47-generic-x86_64-with-glibc2.35``, ``Windows-10-10.0.22631-SP0``."""
    match = _PLATFORM.search(value)
    if not match:
        return
    name = {"linux": "linux", "windows": "windows", "macos": "darwin", "darwin": "darwin"}[match.group(1).lower()]
    sheet.put("os.name", name, rank)
    rest = match.group(2)
    if name == "linux":
        kernel = re.match(r"[\w.+~]{1,40}(?:-[\w.+~]{1,40}){0,4}?(?=-(?:x86_64|aarch64|ppc64le|with)|$)", rest)
        if kernel:
            sheet.put("os.kernel", kernel.group(), rank)
        if "microsoft" in rest.lower():
            sheet.put("host.wsl", 2 if "wsl2" in rest.lower() else 1, rank)
    for arch in ("x86_64", "aarch64", "arm64", "ppc64le"):
        if arch in rest:
            sheet.put("os.arch", arch, rank)
    _libc(rest, sheet, rank)


def _libc(value: str, sheet: Sheet, rank: int) -> None:
    match = _GLIBC.search(value.lower())
    if match:
        sheet.put("libc.name", "glibc" if match.group(1) else "musl", rank)
        sheet.put("libc.version", match.group(1) or match.group(2), rank)


def _cuda_available(value: str, sheet: Sheet, rank: int) -> None:
    if value.lower() in ("true", "yes"):
        sheet.put("gpu.present", True, rank)
        sheet.put("log.cuda_available", True, rank)
    elif value.lower() in ("false", "no"):
        sheet.put("log.cuda_available", False, rank)


def _driver(value: str, sheet: Sheet, rank: int) -> None:
    found = re.match(r"(?:NVIDIA |Driver |Version )*(\d{3}\.\d{1,3}(?:\.\d{1,3})?)", value)
    if found:
        sheet.put("driver.version", found.group(1), rank)
        sheet.put("gpu.present", True, rank)


def _nvcc(value: str, sheet: Sheet, rank: int) -> None:
    found = re.search(r"\bV(\d{1,2}\.\d{1,2}\.\d{1,4})", value) or re.search(r"(\d{1,2}\.\d{1,2}(?:\.\d{1,4})?)", value)
    if found:
        sheet.put("cuda.nvcc", found.group(1), rank)


def _toolkit(value: str, sheet: Sheet, rank: int) -> None:
    """A bare ``CUDA: 12.1`` of a hand-written list: nobody knows which CUDA is meant, so only a weak hint for torch."""
    found = version(value.removeprefix("cuda").removeprefix("CUDA").strip())
    if found and "." in found and 8 <= (whole(found.partition(".")[0]) or 0) <= 20:
        sheet.put("torch.cuda" if rank == LISTED else "log.cuda", found, MENTIONED if rank != LISTED else SAID)


def _gpu(value: str, sheet: Sheet, rank: int) -> None:
    """``GPU type: Tesla T4``, ``GPU: 2 x RTX 4090 (24 GB)``."""
    match = re.match(
        r"(?:(\d{1,2}) ?[x×*] ?)?((?:NVIDIA |Nvidia |nvidia )?(?:GeForce |Tesla |Quadro )?[A-Za-z][\w +/-]{1,50})",
        value,
    )
    if not match or sheet.facts.get("gpus") or not re.search(r"\d", match.group(2)):
        return
    name = re.split(r" ?[x×*] ?\d| with | and |, ", match.group(2))[0].strip()
    record: dict[str, object] = {"name": name}
    cc = re.search(r"compute capability (\d{1,2}\.\d)|\bsm_?(\d{1,2})(\d)\b", value)
    if cc:
        record["cc"] = cc.group(1) or f"{cc.group(2)}.{cc.group(3)}"
    size = re.search(r"(\d{1,3}) ?(?:GB|GiB|G)\b", value)
    if size:
        record["total"] = int(size.group(1)) << 30
    count = min(int(match.group(1) or 1), 16)
    sheet.put("gpus", [{"index": index, **record} for index in range(count)], min(rank, SAID))


def _gpu_memory(value: str, sheet: Sheet, rank: int) -> None:
    """Size of the cards that were named above, for all that have none."""
    match = _GIB.match(value)
    for gpu in (sheet.facts.get("gpus") or ()) if match else ():
        gpu.setdefault("total", int(float(match.group(1)) * (1 << 20 if "M" in value.upper() else 1 << 30)))  # type: ignore[union-attr]


def _memory(value: str, sheet: Sheet, rank: int) -> None:
    match = _GIB.match(value)
    if match:
        power = {"k": 10, "m": 20, "g": 30, "t": 40}.get((match.group(2) or "g")[0].lower(), 30)
        sheet.put("mem.total", int(float(match.group(1)) * (1 << power)), rank)


def _cpu(value: str, sheet: Sheet, rank: int) -> None:
    """``CPU(s): 24`` and ``CPU: Intel ...``: the bracket is no part of the key."""
    count = whole(value)
    if count is not None and count < 100_000:
        sheet.put("cpu.count", count, rank)
    if any(word in value for word in ("Intel", "AMD", "Xeon", "Ryzen", "EPYC", "Core", "ARM", "Neoverse", "Apple")):
        sheet.put("cpu.model", value[:120], rank)


def _flags(value: str, sheet: Sheet, rank: int) -> None:
    have = set(value.split())
    if len(have) > 10:
        sheet.put(
            "cpu.flags", [flag for flag in ("avx", "avx2", "avx512f", "f16c", "fma", "sse4_2") if flag in have], rank
        )


def _text(fact: str) -> Callable[[str, Sheet, int], None]:
    def reader(value: str, sheet: Sheet, rank: int) -> None:
        sheet.put(fact, value[:300], rank)

    return reader


def _version(fact: str) -> Callable[[str, Sheet, int], None]:
    def reader(value: str, sheet: Sheet, rank: int) -> None:
        found = re.search(r"\d{1,3}(?:\.\d{1,9}){1,3}(?=[ \t]*$|-| \()", value) or re.search(
            r"\d{1,3}(?:\.\d{1,9}){1,3}", value
        )
        if found:
            sheet.put(fact, found.group(), rank)

    return reader


def _offline(value: str, sheet: Sheet, rank: int) -> None:
    sheet.put("hf.offline", value.lower() in ("true", "1", "yes", "on"), rank)


_READERS: dict[str, Callable[[str, Sheet, int], None]] = {
    "python version": _python,
    "python": _python,
    "python platform": _platform,
    "platform": _platform,
    "sys.platform": _os,
    "cuda used to build pytorch": _built_for,
    "rocm used to build pytorch": _hip,
    "hip": _hip,
    "os": _os,
    "operating system": _os,
    "system": _os,
    "libc version": _libc,
    "libc": _libc,
    "glibc": _libc,
    "glibc version": _libc,
    "is cuda available": _cuda_available,
    "cuda available": _cuda_available,
    "torch.cuda.is-available": _cuda_available,
    "nvidia driver version": _driver,
    "driver version": _driver,
    "driver": _driver,
    "nvidia driver": _driver,
    "cuda driver version": _driver,
    "gpu driver": _driver,
    "cuda runtime version": _nvcc,
    "nvcc": _nvcc,
    "nvcc version": _nvcc,
    "cuda toolkit": _nvcc,
    "cuda compiler": _nvcc,
    "cuda": _toolkit,
    "cuda version": _toolkit,
    "cuda-version": _toolkit,
    "gpu type": _gpu,
    "gpu device name": _gpu,
    "cuda device name": _gpu,
    "gpu memory": _gpu_memory,
    "gpu": _gpu,
    "gpu model": _gpu,
    "graphics card": _gpu,
    "显卡": _gpu,
    "system ram": _memory,
    "mem": _memory,
    "ram": _memory,
    "内存": _memory,
    "model name": _cpu,
    "cpu": _cpu,
    "flags": _flags,
    "gcc version": _version("tool.cc"),
    "gcc": _version("tool.cc"),
    "cmake version": _version("tool.cmake"),
    "cmake": _version("tool.cmake"),
    "cuda-home": _text("cuda.home"),
    "endpoint": _text("hf.endpoint"),
    "hf-hub-cache": _text("hf.hub_cache"),
    "huggingface-hub-cache": _text("hf.hub_cache"),
    "hf-hub-offline": _offline,
    "python executable": _text("python.executable"),
    "architecture": _os,
}


def _plain(text: Text, sheet: Sheet) -> None:
    """``torch 2.1.2``, ``INFO     Torch 2.0.1+cu118``, ``Python 3.8.12 | packaged by``: a name, a blank, a version."""
    for row, line in enumerate(text.lines[:4000]):
        if len(line) > 4 and "." in line:
            match = _PLAIN.match(line)
            if match:
                _mention(match.group(1), match.group(2), sheet, row)


def _mention(name: str, found: str, sheet: Sheet, row: int) -> None:
    key = _name(name).removesuffix(" version").removesuffix("version").strip()
    if key == "python" and found[0] in "23" and "." in found:
        sheet.put("python.version", found, SAID)
    elif key in PACKAGES and "." in found:
        sheet.dist(PACKAGES[key], found, SAID)
    elif key == "cuda" and "." in found:
        sheet.put("log.cuda", found, MENTIONED)


def _gpu_sets(text: Text, sheet: Sheet) -> None:
    """Read the lines of sglang and mmengine: ``GPU 0,1,2,3: NVIDIA H20`` and its compute capability."""
    for row in text.rows("gpu 0", most=20):
        match = re.match(r"GPU (\d{1,3}(?:,\d{1,3}){0,31})( Compute Capability)?: (\S.{0,80})", text.lines[row].strip())
        if not match:
            continue
        wanted = [int(index) for index in match.group(1).split(",")]
        if match.group(2):
            for gpu in sheet.facts.get("gpus") or ():
                if gpu["index"] in wanted:
                    gpu["cc"] = match.group(3).strip()
        elif len(wanted) > 1:
            sheet.put("gpus", [{"index": index, "name": match.group(3).strip()} for index in wanted])
