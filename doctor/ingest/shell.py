"""Typed commands and variables: shell transcripts, PowerShell, cmd, Dockerfiles, compose files, ``env`` output."""

from __future__ import annotations

import re

from doctor.ingest.sheet import LISTED, SAID, Sheet
from doctor.ingest.text import Text

# Variables that matter to a model's environment; anything else of a paste is nobody's business.
_FAMILIES = (
    "CUDA", "NVIDIA_", "NVTE_", "HF_", "HUGGING", "TRANSFORMERS_", "TORCH", "PYTORCH_", "NCCL_", "LD_", "PYTHON", "VLLM_", "SGLANG_", "SGL_",
    "CONDA_", "VIRTUAL_ENV", "PIP_", "UV_", "OMP_", "MKL_", "KMP_", "GGML_", "LLAMA_", "CMAKE_ARGS", "FORCE_CMAKE", "CC", "CXX", "MAX_JOBS", "TRITON_", "XFORMERS_",
    "TOKENIZERS_PARALLELISM", "MODELSCOPE_", "USE_MODELSCOPE", "RAY_", "GRADIO_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "XDG_CACHE_HOME",
    "BNB_", "DISABLE_VERSION_CHECK", "ACCELERATE_", "HIP_", "ROCR_", "HSA_", "GLOO_", "MASTER_", "WORLD_SIZE", "RANK", "LOCAL_RANK", "TF_", "XLA_", "FLASH_ATTENTION_", "DS_", "MPLBACKEND", "LANG", "LC_ALL", "TMPDIR", "WSL",
)  # fmt: skip
_SECRET = ("TOKEN", "SECRET", "PASSWORD", "API_KEY", "ACCESS_KEY", "CREDENTIAL")
_SECRET_FINE = ("TOKENIZERS_PARALLELISM", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "HF_TOKEN_PATH")
_NAME = r"[A-Za-z][A-Z0-9a-z_]{1,60}"
_VALUE = r"(?:\"([^\"\n]{0,600})\"|'([^'\n]{0,600})'|([^\s;&|\"']{0,600}))"
_SET = re.compile(
    rf"(?:^|[\s;&`($])(?:(?:export|setenv|declare -x|ENV|set|SET|env|-e|--env|%env|os\.environ\.setdefault\() ?|\$[Ee]nv:|os\.environ\[)?['\"]?({_NAME})['\"]?\]? ?(?:=|, ?) ?{_VALUE}"
)
_ENV_LINE = re.compile(rf"[ \t]{{0,20}}(?:- )?({_NAME})(?:=|: )(.{{0,800}})$")
_PROMPT = re.compile(
    r"(?:\([\w .:/~-]{1,60}\) ?){0,3}(?:"
    r"\$ |[%#❯➜] (?=[a-z])|PS [A-Za-z]:\\[^>\n]{0,200}> ?|[A-Za-z]:\\[^>\n]{0,200}> ?|>>> |In ?\[\d{1,5}\]: |!(?=[a-z])"
    r"|[\w.-]{1,40}@[\w.-]{1,64}[: ][^\n$#]{0,120}[$#] |\[[\w.-]{1,40}@[\w.-]{1,64} [^\]\n]{1,80}\][$#] ?)(\S.{0,2000})"
)
_COMMANDS = re.compile(
    r"(?:sudo )?(?:[A-Z][A-Z0-9_]{1,40}=\S{0,200} ){0,8}(?:python[\d.]{0,5}|pip[\d.]{0,5}|uv|conda|mamba|accelerate|torchrun|deepspeed|vllm|lmdeploy|swift|llamafactory-cli|huggingface-cli|hf|docker|nvidia-smi|modelscope"
    r"|CUDA_VISIBLE_DEVICES=\S{1,60}) [^=\n]\S*"
)
_DOCKER = re.compile(r"(?:RUN|FROM|CMD|ENTRYPOINT) (\S.{0,800})$")
MOST = 60


def read(text: Text, sheet: Sheet) -> bool:
    """Commands into ``log.commands``, variables into ``env.*``."""
    _commands(text, sheet)
    if "=" in text.body or ": " in text.body:
        _variables(text, sheet)
    return False


def _commands(text: Text, sheet: Sheet) -> None:
    words = (
        "$ ",
        "# ",
        "> ",
        ">>> ",
        "in [",
        "!",
        "% ",
        "python",
        "pip",
        "uv ",
        "conda ",
        "accelerate ",
        "torchrun",
        "deepspeed",
        "vllm ",
        "swift ",
        "docker ",
        "nvidia-smi",
        "huggingface-cli",
        "lmdeploy ",
        "run ",
        "hf ",
    )
    for row in text.rows(*words, most=60):
        line = text.lines[row].strip()
        match = _PROMPT.match(line)
        command = match.group(1) if match else line if _COMMANDS.match(line) and not line.endswith((".", ":")) else ""
        if not command and line.startswith(("RUN ", "FROM ", "CMD ", "ENTRYPOINT ")):
            docker = _DOCKER.match(line)
            command = docker.group(1) if docker else ""
        if command:
            sheet.add("log.commands", _whole(command, text.lines, row), MOST)


def _whole(command: str, lines: list[str], row: int) -> str:
    """With the lines that a trailing backslash joins."""
    parts = [command]
    while parts[-1].endswith(("\\", "^", "`")) and row + 1 < len(lines) and len(parts) < 30:
        parts[-1] = parts[-1][:-1].rstrip()
        row += 1
        parts.append(lines[row].strip())
    return " ".join(parts)[:2000]


def _variables(text: Text, sheet: Sheet) -> None:
    for row in text.rows(*(family.lower() for family in _FAMILIES if len(family) > 2), most=40):
        line = text.lines[row]
        if "=" not in line and ": " not in line and "environ" not in line:
            continue
        for match in _SET.finditer(line[:2000]):
            value = next((group for group in match.groups()[1:] if group is not None), "")
            _variable(match.group(1), value, sheet)
        whole = _ENV_LINE.match(line)
        if whole and ":" not in whole.group(1):
            _variable(whole.group(1), whole.group(2).strip().strip("'\""), sheet)


def _variable(name: str, value: str, sheet: Sheet) -> None:
    """One assignment. The value of a secret is never kept."""
    upper = name.upper() if name.lower().endswith("_proxy") else name
    if not upper.isupper() or not upper.startswith(_FAMILIES):
        return
    if any(word in upper for word in _SECRET) and upper not in _SECRET_FINE:
        value = "set"
    sheet.put(f"env.{name}", value[:500], SAID)
    if upper == "CUDA_VISIBLE_DEVICES":
        sheet.put("cuda.visible", [part.strip() for part in value.split(",") if part.strip()][:64], SAID)
    elif upper == "LD_LIBRARY_PATH":
        sheet.put("ld.library_path", [part for part in value.split(":") if part][:60], SAID)
    elif upper == "CUDA_HOME" and value.startswith(("/", "~")):
        sheet.put("cuda.home", value[:300], LISTED)
