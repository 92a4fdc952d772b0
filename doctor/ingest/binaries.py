"""Messages of the loader: undefined symbols, missing libraries, too old C libraries; wheel names and site paths."""

from __future__ import annotations

import re
from typing import Any

from doctor.ingest import paths
from doctor.ingest.sheet import MENTIONED, Sheet
from doctor.ingest.text import Text
from doctor.model.names import normalise

_UNDEFINED = re.compile(r"undefined symbol: ?([\w@.$]{1,600})(?:,? version ([\w.]{1,60}))?")
_NO_LIBRARY = re.compile(
    r"(lib[\w.+-]{1,80}?\.so[\d.]{0,20}|[\w.-]{1,80}\.(?:dll|dylib|pyd)): cannot open shared object fi"
    r"le|[Cc]ould not (?:load|find) (?:dynamic )?(?:library|module)[: ']{1,3}([\w./\\:-]{1,300}?)'?(?:"
    r";|$| \()"
)
_TOO_OLD = re.compile(
    r"version [`'](GLIBC|GLIBCXX|CXXABI)_([\d.]{1,12})' not found(?: \(required by ([^)\n]{1,600})\))?"
)
_PACKAGES_AT = re.compile(r"(?:site|dist)-packages[/\\]")
_WHEEL = re.compile(
    r"([A-Za-z0-9][\w.]{0,80})-(\d[\w.+!]{0,80})-(?:\d\w{0,20}-)?((?:cp|py"
    r"|pp)\d{1,4}\w{0,3}(?:\.(?:cp|py|pp)\d{1,4}){0,4})-(\w[\w.]{0,60}?)-([a-z]\w[\w.]{0,100}?)\.whl"
)
_EXT = {
    "flash_attn_2_cuda": "flash-attn",
    "flash_attn_cuda": "flash-attn",
    "flash_attn_3": "flash-attn",
    "awq_ext": "autoawq-kernels",
    "awq_inference_engine": "awq-inference-engine",
    "awq_v2_ext": "autoawq-kernels",
    "exllama_kernels": "auto-gptq",
    "exllamav2_kernels": "auto-gptq",
    "autogptq_cuda_64": "auto-gptq",
    "torch_scatter": "torch-scatter",
    "cv2": "opencv-python",
    "sgl_kernel": "sgl-kernel",
    "xformers": "xformers",
    "causal_conv1d_cuda": "causal-conv1d",
    "selective_scan_cuda": "mamba-ssm",
}
# Beginning of a mangled or plain symbol -> the library it should come from.
_OWNERS = (
    (
        (
            "_ZN2at",
            "_ZNK2at",
            "_ZN3c10",
            "_ZNK3c10",
            "_ZN5torch",
            "_ZNK5torch",
            "_ZTIN5torch",
            "_ZTVN5torch",
            "_ZTIN3c10",
            "_ZTVN3c10",
            "_ZTVN2at",
            "_ZN8caffe2",
            "THP",
            "aoti_torch",
            "_ZN6THC",
        ),
        "torch",
    ),
    (("cublasLt", "cublas"), "cublas"),
    (("cudnn",), "cudnn"),
    (("nccl",), "nccl"),
    (("nvJitLink", "__nvJitLink"), "nvjitlink"),
    (("cusparse",), "cusparse"),
    (("cusolver",), "cusolver"),
    (("cufft",), "cufft"),
    (("curand",), "curand"),
    (("nvrtc",), "nvrtc"),
    (("cuda", "__cuda"), "cudart"),
    (("nvml",), "nvml"),
    (("cu",), "libcuda"),
    (("Py", "_Py"), "python"),
    (("iJIT",), "mkl"),
    (("omp_", "__kmpc", "GOMP_"), "openmp"),
    (("_ZNSt", "_ZSt", "_ZNKSt", "__cxa"), "libstdc++"),
    (("ffi_",), "libffi"),
    (("cget_", "cadam", "cquantize", "cdequantize"), "bitsandbytes"),
)


def read(text: Text, sheet: Sheet) -> bool:
    """Loader trouble as ``ext.problems``, wheels as ``log.wheels``, and what paths tell of the interpreter."""
    _undefined(text, sheet)
    _missing(text, sheet)
    _old_runtime(text, sheet)
    _wheels(text, sheet)
    _site_paths(text, sheet)
    return False


def owner(symbol: str) -> str:
    """Library that should define ``symbol``: torch, cublas, cudart, python ..., '' when it is not known."""
    return next((name for starts, name in _OWNERS if symbol.startswith(starts)), "")


def _undefined(text: Text, sheet: Sheet) -> None:
    for row in text.rows("undefined symbol", most=20):
        line = text.lines[row]
        match = _UNDEFINED.search(line)
        if not match:
            continue
        file = _file_before(line, match.start())
        record = {
            **_where(file),
            "problem": "undefined-symbol",
            "symbol": match.group(1)[:300],
            "library": owner(match.group(1)),
        }
        if match.group(2):
            record["wants"] = match.group(2)
        sheet.add("ext.problems", record, 40)


def _missing(text: Text, sheet: Sheet) -> None:
    for row in text.rows(
        "cannot open shared object file",
        "could not load library",
        "could not find module",
        "could not load dynamic library",
        most=20,
    ):
        match = _NO_LIBRARY.search(text.lines[row])
        if match:
            name = (match.group(1) or match.group(2)).replace("\\", "/")
            record = {
                **(_where(name if "/" in name else "") or _raiser(sheet)),
                "problem": "missing-library",
                "library": name.rpartition("/")[2],
            }
            sheet.add("ext.problems", record, 40)


def _raiser(sheet: Sheet) -> dict[str, Any]:
    """Who asked for the library: the message does not say, the traceback above it may."""
    library = sheet.facts.get("log.raised_by")
    return {"dist": _EXT.get(library) or normalise(library)} if library and library != "stdlib" else {}


def _old_runtime(text: Text, sheet: Sheet) -> None:
    for row in text.rows("' not found", most=40):
        match = _TOO_OLD.search(text.lines[row])
        if match:
            kind = "glibc" if match.group(1) == "GLIBC" else "glibcxx"
            record = {
                **_where(match.group(3) or ""),
                "problem": kind,
                "wants": match.group(2),
                "library": _file_before(text.lines[row], match.start()).rpartition("/")[2],
            }
            sheet.add("ext.problems", record, 40)


def _file_before(line: str, at: int) -> str:
    """The path that stands before a message: ``ImportError: /a/b.so: undefined symbol``."""
    words = line[max(0, at - 1000) : at].rstrip(" :").split()
    return words[-1].strip("'\"(:") if words else ""


def _where(file: str) -> dict[str, Any]:
    """File and distribution of a compiled extension."""
    if not file:
        return {}
    library = paths.library(file)
    folder, _, name = file.replace("\\", "/").rpartition("/")
    stem = name.partition(".")[0]
    plain = folder.rpartition("/")[2] if stem.startswith("_C") and folder else stem
    dist = _EXT.get(stem) or _EXT.get(library) or (library if library not in ("", "stdlib") else plain)
    return {"file": file[:400], "dist": normalise(dist).strip("-")}


def _wheels(text: Text, sheet: Sheet) -> None:
    for row in text.rows(".whl", most=60):
        for match in _WHEEL.finditer(text.lines[row][:4096]):
            name, found, python, abi, platform = match.groups()
            sheet.add(
                "log.wheels",
                {"name": normalise(name), "version": found, "python": python, "abi": abi, "platform": platform},
                60,
            )


def _site_paths(text: Text, sheet: Sheet) -> None:
    """Python version, environment and platform from the first few paths into a package folder."""
    for row in text.rows("-packages/", "-packages\\", ".cpython-", most=6):
        for word in text.lines[row].split('"' if '"' in text.lines[row] else None)[:60]:
            if "-packages" not in word and ".cpython-" not in word:
                continue
            word = word.strip("'\"(),:")
            found = paths.python_version(word)
            if found:
                sheet.put("python.version", found, MENTIONED)
            home = paths.prefix(word)
            if home and (home.startswith(("/", "~")) or paths.is_windows(word)):
                sheet.put("python.prefix", home[:300], MENTIONED)
            sheet.put("os.name", "windows" if paths.is_windows(word) else _unix(word, sheet), MENTIONED)


def _unix(path: str, sheet: Sheet) -> str:
    if path.startswith(("/Users/", "/opt/homebrew", "/Library/")):
        return "darwin"
    known: str = sheet.facts.get("os.name") or "linux"
    return known
