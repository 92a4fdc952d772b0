"""The table of readers and the order in which they look at a text.

A reader is a small module with ``read(text, sheet) -> bool``: it looks for cheap literals first, puts what it reads
into the sheet, and says whether it recognised its part. What no reader knows stays plain log text.
"""

from __future__ import annotations

from collections.abc import Callable

from doctor.ingest import (
    binaries,
    envreport,
    installs,
    memory,
    outcome,
    packages,
    shell,
    smi,
    spoken,
    toolchain,
    tracebacks,
    wording,
)
from doctor.ingest.sheet import Sheet
from doctor.ingest.text import Text

# Kinds that no reader of their own announces: words that tell them.
_KINDS = (
    ("docker", ("error response from daemon", "nvidia-container-cli", "oci runtime")),
    ("kubernetes", ("kubelet", "crashloopbackoff", "failedscheduling", "oomkilled")),
    ("llava-log", ("| model_worker", "model_worker |", "controller |", "llava.serve")),
    ("vllm-log", ("vllm engine", "enginecore", "vllm api server", "vllm/entrypoints")),
    ("sglang-log", ("sglang.launch_server", "sglang/srt")),
    ("lmdeploy-log", ("lmdeploy - ", "lmdeploy/serve")),
    ("llama-cpp-log", ("llama_model_load", "llm_load_", "ggml_", "gguf_init")),
    ("build-log", ("cmake error", "ninja: build stopped", "nvcc fatal", "failed building wheel", "nvcc error")),
    ("dockerfile", ("from nvidia/cuda", "from pytorch/pytorch", "run pip install")),
)

Reader = Callable[[Text, Sheet], bool]

# Weak sources first: a later reader of the same rank wins.
READERS: tuple[Reader, ...] = (
    tracebacks.read,
    binaries.read,
    wording.read,
    spoken.read,
    toolchain.read,
    shell.read,
    envreport.read,
    smi.read,
    packages.read,
    installs.read,
    memory.read,
    outcome.read,
)


def read_all(text: Text, sheet: Sheet) -> None:
    """Every reader, then the kinds that words alone tell."""
    for read in READERS:
        try:
            read(text, sheet)
        except Exception as error:  # noqa: BLE001 - the one guard around readers: what breaks here costs one reader's facts
            sheet.failed(read.__module__.rpartition(".")[2], error)
    for kind, words in _KINDS:
        if text.has(*words):
            sheet.kind(kind)
