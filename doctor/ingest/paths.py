"""What a file path in a traceback tells: the library, the Python version, the platform."""

from __future__ import annotations

import re

_SITE = re.compile(r"(?:site|dist)-packages[/\\]([\w.~-]{1,80})")
_PYTHON_POSIX = re.compile(r"[/\\](?:lib|lib64)[/\\]python(\d\.\d{1,2})t?[/\\]")
_PYTHON_WINDOWS = re.compile(r"[/\\]python(\d)(\d{1,2})[/\\]", re.IGNORECASE)
_ABI = re.compile(r"\.(?:cpython-|cp)(\d)(\d{1,2})[t.-]")
_STDLIB = re.compile(
    (
        r"^<frozen |[/\\]lib(?:64)?[/\\]python\d\.\d{1,2}[/\\](?!site-packages"
        r"|dist-packages)|[/\\]python\d{2,3}[/\\]lib[/\\](?!site-packages)"
    ),
    re.IGNORECASE,
)
_STDLIB_NAMES = frozenset(
    {
        "importlib",
        "runpy.py",
        "subprocess.py",
        "threading.py",
        "multiprocessing",
        "asyncio",
        "ctypes",
        "contextlib.py",
        "concurrent",
        "json",
        "urllib",
        "ssl.py",
        "socket.py",
        "site.py",
    }
)
# Import folders whose name alone tells the library, for shortened paths such as ``transformers/utils/generic.py``.
LIBRARIES = frozenset(
    """
    torch torchvision torchaudio transformers huggingface_hub tokenizers safetensors accelerate peft trl
    diffusers bitsandbytes flash_attn flash_attn_2_cuda xformers triton torchao timm deepspeed vllm sglang
    lmdeploy llama_cpp gradio gradio_client fastapi starlette pydantic uvicorn numpy scipy pandas sklearn PIL
    cv2 decord av matplotlib onnxruntime tensorflow keras jax requests urllib3 httpx httpcore aiohttp openai
    ray datasets evaluate sentencepiece google protobuf pip setuptools pkg_resources wheel awq autoawq
    auto_gptq gptqmodel optimum swift modelscope llamafactory llava open_clip clip torch_geometric
    torch_scatter torch_cluster einops xgrammar outlines flashinfer sgl_kernel mmcv mmengine apex numba
""".split()  # noqa: SIM905 - a list of words reads best as words
)


def library(path: str) -> str:
    """Import name of the library a frame belongs to, ``stdlib``, or '' for the user's own code."""
    match = _SITE.search(path)
    if match:
        return match.group(1).removesuffix(".py").partition(".cpython-")[0].partition(".cp3")[0]
    if _STDLIB.search(path):
        return "stdlib"
    if path.startswith(("/", "~", "<")) or path[1:2] == ":":
        return ""
    first = re.split(r"[/\\]", path.removeprefix("./").removeprefix(".../"), maxsplit=1)[0]
    if first in _STDLIB_NAMES:
        return "stdlib"
    return first if first in LIBRARIES and first != path else ""


def python_version(path: str) -> str | None:
    r"""``3.10`` from ``.../lib/python3.10/...``, ``...\\Python310\\...`` or ``.cpython-310-``."""
    match = _PYTHON_POSIX.search(path)
    if match:
        return match.group(1)
    match = _ABI.search(path) or _PYTHON_WINDOWS.search(path)
    return f"{match.group(1)}.{match.group(2)}" if match else None


def is_windows(path: str) -> bool:
    """A drive letter or a share, with backslashes."""
    return path[1:3] == ":\\" or path.startswith("\\\\") or ("\\site-packages\\" in path)


def prefix(path: str) -> str | None:
    r"""Folder of the environment: what stands before ``lib/pythonX.Y/site-packages`` or ``Lib\\site-packages``."""
    for mark in ("/lib/python", "/lib64/python", "\\lib\\site-packages", "\\Lib\\site-packages"):
        at = path.find(mark)
        if at > 0 and "-packages" in path[at:]:
            return re.split(r"[ ('\"](?=/)", path[:at])[-1]  # a sentence may stand before the path
    return None
