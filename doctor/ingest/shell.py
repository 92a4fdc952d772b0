"""Typed commands and variables: shell transcripts, PowerShell, cmd, Dockerfiles, compose files, ``env`` output."""

from __future__ import annotations

import re

from doctor.ingest.sheet import LISTED, SAID, Sheet
from doctor.ingest.text import Text

# Variables that matter to a model's environment; anything else of a paste is nobody's business.
_FAMILIES = tuple(
    """
    CUDA NVIDIA_ NVTE_ HF_ HUGGING TRANSFORMERS_ TORCH PYTORCH_ NCCL_ LD_ PYTHON VLLM_ SGLANG_ SGL_ CONDA_
    VIRTUAL_ENV PIP_ UV_ OMP_ MKL_ KMP_ GGML_ LLAMA_ CMAKE_ARGS FORCE_CMAKE CC CXX MAX_JOBS TRITON_ XFORMERS_
    TOKENIZERS_PARALLELISM MODELSCOPE_ USE_MODELSCOPE RAY_ GRADIO_ HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
    XDG_CACHE_HOME BNB_ DISABLE_VERSION_CHECK ACCELERATE_ HIP_ ROCR_ HSA_ GLOO_ MASTER_ WORLD_SIZE RANK
    LOCAL_RANK TF_ XLA_ FLASH_ATTENTION_ DS_ MPLBACKEND LANG LC_ALL TMPDIR WSL
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
_SECRET = ("TOKEN", "SECRET", "PASSWORD", "API_KEY", "ACCESS_KEY", "CREDENTIAL")
_SECRET_FINE = ("TOKENIZERS_PARALLELISM", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "HF_TOKEN_PATH")
_NAME = r"[A-Za-z][A-Z0-9a-z_]{1,60}"
_VALUE = r"(?:\"([^\"\n]{0,600})\"|'([^'\n]{0,600})'|([^\s;&|\"']{0,600}))"
# One assignment at the beginning of a line, of a command, or behind another one. Advice such as "try setting X=1"
# in the middle of a sentence is none.
_SET = re.compile(
    r"[ \t]{0,20}(?:- )?(?:(?:export|setenv|declare -x|ENV|set|SET|setx|env|%env|%set_env) {1,4}|\$[Ee]nv:|!export )?"
    rf"['\"]?({_NAME})['\"]? ?= ?{_VALUE}"
)
_PYTHON = re.compile(rf"os\.environ(?:\[|\.setdefault\()['\"]({_NAME})['\"](?:\] ?=|,) ?{_VALUE}")
_DOCKER_ENV = re.compile(rf" (?:-e|--env) ['\"]?({_NAME})={_VALUE}")
_COLON = re.compile(r"[ \t]{0,20}(?:- )?([A-Z][A-Z0-9]{1,20}_[A-Z0-9_]{1,50}): (\S.{0,500})$")
_PROMPT = re.compile(
    r"(?:\([\w .:/~-]{1,60}\) ?){0,3}(?:"
    r"\$ |[%#❯➜] (?=[a-z])|PS [A-Za-z]:\\[^>\n]{0,200}> ?|[A-Za-z]:\\[^>\n]{0,200}> ?|>>> |In ?\[\d{1,5}\]: |!(?=[a-z])"
    r"|[\w.-]{1,40}@[\w.-]{1,64}[: ][^\n$#]{0,120}[$#] |\[[\w.-]{1,40}@[\w.-]{1,64} [^\]\n]{1,80}\][$#] ?)(\S.{0,2000})"
)
_COMMANDS = re.compile(
    r"(?:sudo )?(?:[A-Z][A-Z0-9_]{1,40}=\S{0,200} ){0,8}(?:python[\d.]{0,5}|pip[\d.]{0,5}|uv|conda|mamba"
    r"|accelerate|torchrun|deepspeed|vllm|lmdeploy|swift|llamafactory-cli|huggingface-cli|hf|docker|modelscope)"
    r" (?! |[\d.]{1,12}(?: |$))[^=\n]\S*"
)
_DOCKER = re.compile(r"(?:RUN|FROM|CMD|ENTRYPOINT) (\S.{0,800})$")
_CLUES = ("=", "environ", "hf_", "cuda_", "_path: ", "_proxy: ")
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
        command = match.group(1) if match else line if _COMMANDS.match(line) and not _is_prose(line) else ""
        if not command and line.startswith(("RUN ", "FROM ", "CMD ", "ENTRYPOINT ")):
            docker = _DOCKER.match(line)
            command = docker.group(1) if docker else ""
        if command:
            sheet.add("log.commands", _whole(command, text.lines, row), MOST)


def _is_prose(line: str) -> bool:
    """Sentences about python begin like a command too."""
    return line.endswith((".", ":")) and not line.endswith((" .", "/."))


def _whole(command: str, lines: list[str], row: int) -> str:
    """With the lines that a trailing backslash joins."""
    parts = [command]
    while parts[-1].endswith(("\\", "^", "`")) and row + 1 < len(lines) and len(parts) < 30:
        parts[-1] = parts[-1][:-1].rstrip()
        row += 1
        parts.append(lines[row].strip())
    return " ".join(parts)[:2000]


def _variables(text: Text, sheet: Sheet) -> None:
    for row in text.rows(*_CLUES, most=400):
        line = text.lines[row][:2000]
        prompt = _PROMPT.match(line.strip())
        if "environ" in line:
            for match in _PYTHON.finditer(line):
                _variable(match.group(1), _first(match), sheet)
            continue
        if " -e" in line:
            for match in _DOCKER_ENV.finditer(line):
                _variable(match.group(1), _first(match), sheet)
        if "=" in line:
            _assignments(prompt.group(1) if prompt else line, sheet)
        elif ": " in line:
            match_colon = _COLON.match(line)
            if match_colon:
                _variable(match_colon.group(1), match_colon.group(2).strip().strip("'\""), sheet)


def _assignments(line: str, sheet: Sheet) -> None:
    """``export A=1 B=2``, ``A=1 B=2 python x.py``."""
    match = _SET.match(line)
    for _ in range(20):
        if not match:
            return
        _variable(match.group(1), _first(match), sheet)
        match = _SET.match(line, match.end()) if line[match.end() : match.end() + 1] in (" ", ";", "&") else None


def _first(match: re.Match[str]) -> str:
    """The value, whichever way it was quoted."""
    return next((group for group in match.groups()[1:] if group is not None), "")


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
