"""Environment variables: the values of an allow-list, of secrets only that they are set, and odd characters."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

from doctor.model.patterns import compiled

# Names whose value is about how programs run. Prefixes first; everything else on the machine is never read.
PREFIXES = (
    "HF_",
    "HUGGINGFACE",
    "HUGGING_FACE_",
    "TRANSFORMERS_",
    "DIFFUSERS_",
    "ACCELERATE_",
    "CUDA_",
    "CUDNN_",
    "CUBLAS_",
    "NVIDIA_",
    "NCCL_",
    "PYTORCH_",
    "TORCH_",
    "TORCHINDUCTOR_",
    "TRITON_",
    "LD_",
    "DYLD_",
    "PYTHON",
    "PIP_",
    "UV_",
    "CONDA_",
    "OMP_",
    "MKL_",
    "KMP_",
    "OPENBLAS_",
    "VLLM_",
    "SGLANG_",
    "LMDEPLOY_",
    "GRADIO_",
    "XDG_CACHE",
    "XDG_DATA",
    "XDG_CONFIG",
    "LC_",
    "BNB_",
    "BITSANDBYTES_",
    "FLASH_ATTENTION_",
    "FLASH_ATTN_",
    "SLURM_JOB",
    "SLURM_STEP",
    "SLURM_GPUS",
    "SLURM_NNODES",
    "SLURM_MEM",
    "KUBERNETES_SERVICE_",
    "MODELSCOPE_",
    "LLAMA_",
    "GGML_",
    "CMAKE_",
    "ROCM_",
    "HIP_",
    "HSA_",
    "ROCR_",
    "XFORMERS_",
    "DS_",
    "DEEPSPEED_",
    "AUTODL",
    "AutoDL",
    "RUNPOD_POD",
    "VAST_",
    "COLAB_",
    "KAGGLE_",
    "JUPYTER",
    "ASCEND_",
    "XLA_",
    "ONNX_",
    "TF_",
    "GLOO_",
    "RAY_",
    "WANDB_",
    "SAFETENSORS_",
    "QWEN_",
    "FORCE_QWENVL_",
    "DECORD_",
    "OPENCV_",
    "QT_QPA_",
    "PYOPENGL_",
    "MAGICK_",
    "CI_",
    "GITHUB_ACTION",
    "GITHUB_RUN",
)
NAMES = (
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "ftp_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "FTP_PROXY",
    "TMPDIR",
    "TEMP",
    "TMP",
    "HOME",
    "USERPROFILE",
    "VIRTUAL_ENV",
    "LANG",
    "LANGUAGE",
    "PATH",
    "SHELL",
    "TERM",
    "TZ",
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "BUILD_ID",
    "JENKINS_URL",
    "TRAVIS",
    "CIRCLECI",
    "TF_BUILD",
    "BUILDKITE",
    "USE_TORCH",
    "USE_TF",
    "USE_FLAX",
    "USE_JAX",
    "TOKENIZERS_PARALLELISM",
    "RAYON_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "MAX_JOBS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "CC",
    "CXX",
    "CUDAHOSTCXX",
    "NVCC_PREPEND_FLAGS",
    "NVCC_APPEND_FLAGS",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "LIBRARY_PATH",
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "MAKEFLAGS",
    "FORCE_CUDA",
    "FORCE_CMAKE",
    "BUILD_CUDA_EXT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_NO_VERIFY",
    "GIT_LFS_SKIP_SMUDGE",
    "SOURCE_DATE_EPOCH",
    "WORLD_SIZE",
    "RANK",
    "LOCAL_RANK",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
    "GPU_DEVICE_ORDINAL",
    "ZE_AFFINITY_MASK",
    "OPENAI_BASE_URL",
    "OPENAI_API_BASE",
    "OPENAI_API_KEY",
    "DASHSCOPE_API_KEY",
    "ANTHROPIC_API_KEY",
    "DATABRICKS_RUNTIME_VERSION",
    "WSL_DISTRO_NAME",
    "WSLENV",
    "WSL_INTEROP",
    "APPTAINER_CONTAINER",
    "SINGULARITY_CONTAINER",
    "container",
    "COLUMNS",
    "NO_COLOR",
    "ATTN_IMPLEMENTATION",
    "LOWRES_RESIZE",
    "MAX_PIXELS",
    "MIN_PIXELS",
    "VIDEO_MAX_PIXELS",
    "AWS_CA_BUNDLE",
    "MALLOC_ARENA_MAX",
    "MPLBACKEND",
    "NUMBA_CACHE_DIR",
    "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION",
    "DEBUG",
    "INVOCATION_ID",
    "SLURM_CLUSTER_NAME",
    "SLURM_JOB_ID",
    "LOADEDMODULES",
    "SINGULARITY_NAME",
)
NUMBER_ENDINGS = ("_NUM_THREADS", "_TIMEOUT", "_PORT")
NUMBERS = frozenset(
    ("MAX_JOBS", "WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "VLLM_WORKER_COUNT", "CUDA_LAUNCH_BLOCKING",
     "MAX_PIXELS", "MIN_PIXELS")
)  # fmt: skip
NUMBER = r"-?\d+(?:\.\d+)?(?:,\d+)*$"
# Values that stop the program when they are anything else: Python itself, torch, accelerate, DeepSpeed, vLLM. Of
# TORCH_LOGS, whose names grow with every release, only what is meant as a level is known to be none.
CHOICES = {
    "PYTHONUTF8": r"[01]$",
    "PYTHONHASHSEED": r"(?:random|\d{1,10})$",
    "PYTHONMALLOC": r"(?:default|debug|malloc|malloc_debug|pymalloc|pymalloc_debug|mimalloc|mimalloc_debug)$",
    "TORCH_LOGS": r"(?i)(?!(?:.*,)?\s*[+-]?(?:verbose|debug|info|warn|warning|error|true|false|on|off|\d+)\s*(?:,|$))",
    "TORCH_DISTRIBUTED_DEBUG": r"(?i)(?:off|info|detail)$",
    "ACCELERATE_MIXED_PRECISION": r"(?i)(?:no|fp16|bf16|fp8)$",
    "DS_ACCELERATOR": r"(?:cuda|cpu|xpu|xpu\.external|npu|mps|hpu|mlu|sdaa|supa)$",
    "VLLM_LOGGING_LEVEL": r"(?i)(?:debug|info|warning|warn|error|critical|fatal|notset)$",
}
HIDDEN = r"(?i)(?:token|secret|passw|pwd|(?:^|_)(?:api_?)?key(?:_id)?$|credential|auth(?:$|_))"
NOT_SECRET = ("TOKENIZERS_PARALLELISM", "HF_TOKEN_PATH", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "GIT_SSL_NO_VERIFY")
VALUE_CAP = 4096  # characters
ODD_BY_NATURE = ("LD_PRELOAD", "NO_COLOR", "LANGUAGE")
SMART = "\u2018\u2019\u201c\u201d\uff02\uff07\u300c\u300d\u3000\u00a0"


def allowed(name: str) -> bool:
    """Whether the variable may be read at all."""
    return name in NAMES or name.startswith(PREFIXES) or name.endswith("_ARGS")  # options of a program: ports, devices


def secret(name: str) -> bool:
    """Whether only the fact that it is set may be told."""
    return name not in NOT_SECRET and compiled(HIDDEN).search(name) is not None


def read(env: Mapping[str, str]) -> dict[str, Any]:
    """Facts ``env.*`` (a complete listing of the allow-list: the family is closed) and ``env_odd``."""
    listed = sorted((name, value) for name, value in env.items() if allowed(name))
    facts: dict[str, Any] = {
        f"env.{name}": "set" if secret(name) and value else value[:VALUE_CAP] for name, value in listed
    }
    odd = [{"name": name, "problem": problem(name, value)} for name, value in listed if name not in ODD_BY_NATURE]
    facts["env_odd"] = [record for record in odd if record["problem"]]
    return facts


def problem(name: str, value: str) -> str | None:
    """What is odd about a value, the worst thing first; None when nothing is."""
    if "\r" in value:
        return "carriage-return"
    if value != value.strip():
        return "surrounding-blanks"
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"`":
        return "quotes"
    if any(c in SMART for c in value):
        return "smart-quotes"
    if any((ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 for c in value):
        return "control-character"
    if any(0xDC80 <= ord(c) <= 0xDCFF for c in value):
        return "not-utf-8"
    if value and (name in NUMBERS or name.endswith(NUMBER_ENDINGS)) and not compiled(NUMBER).match(value):
        return "not-a-number"
    if value and name in CHOICES and not compiled(CHOICES[name]).match(value):
        return "not-a-choice"
    return "not-a-choice" if name == "PYTHONIOENCODING" and not _codec(value.partition(":")[0]) else None


def _codec(name: str) -> bool:
    try:
        return not name or bool(codecs.lookup(name))
    except LookupError:
        return False
