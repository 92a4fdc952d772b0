"""Pasted texts of servers, trainers and clusters: the cause comes first, and its steps hold what the text says."""

import pytest

from doctor.engine import store
from doctor.engine.evaluate import evaluate
from doctor.engine.rank import rank
from doctor.ingest import ingest
from doctor.knowledge.derive import derive

TEXTS = [
    ("shm-too-small", "RuntimeError: NCCL error\nNCCL WARN Error while creating shared memory segment /dev/shm/nccl-Xq1 (size 4194560)\nFilesystem      Size  Used Avail Use% Mounted on\nshm              64M   64M     0 100% /dev/shm"),
    ("docker-host-driver-missing", "Error response from daemon: OCI runtime create failed: error running hook #1: exit status 1, stderr: Auto-detected mode as 'legacy'\nnvidia-container-cli: initialization error: load library failed: libcuda.so.1: cannot open shared object file: no such file or directory: unknown"),
    ("k8s-no-free-gpu", "  Warning  FailedScheduling  12s  default-scheduler  0/5 nodes are available: 2 Insufficient cpu, 3 Insufficient nvidia.com/gpu."),
    ("nvcc-too-old-for-source", "FAILED: norm.cuda.o\n/usr/bin/nvcc -std=c++20 -c norm.cu\nnvcc fatal   : Value 'c++20' is not defined for option 'std'\nRuntimeError: Engine core initialization failed. See root cause above."),
    ("zero3-partitioned-weights", "RuntimeError: Error(s) in loading state_dict for Linear:\n\tsize mismatch for weight: copying a param with shape torch.Size([1024, 768]) from checkpoint, the shape in current model is torch.Size([0])."),
    ("lora-shapes-differ", "RuntimeError: Error(s) in loading state_dict for PeftModel:\n\tsize mismatch for base_model.model.visual.blocks.0.attn.qkv.lora_B.default.weight: copying a param with shape torch.Size([3840, 8]) from checkpoint, the shape in current model is torch.Size([3840, 32])."),
    ("nccl-collective-timeout", "[rank3]:[E ProcessGroupNCCL.cpp:629] [Rank 3] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=12, OpType=BROADCAST, NumelIn=1, NumelOut=1, Timeout(ms)=600000) ran for 600031 milliseconds before timing out."),
    ("cpu-lacks-instructions", "ERROR shard-manager: text_generation_launcher: Shard process was signaled to shutdown with signal 4 rank=1\nError: ShardCannotStart"),
    ("torch-extension-abi-mismatch", "ImportError: DLL load failed while importing _kernels_ext: 找不到指定的程序。"),
    ("native-class-without-chat", "AttributeError: 'Qwen2VLForConditionalGeneration' object has no attribute 'chat'"),
    ("config-under-text-config", "AttributeError: 'Idefics3Config' object has no attribute 'num_hidden_layers'"),
    ("rendezvous-timeout", "torch.distributed.DistNetworkError: The client socket has timed out after 300000ms while trying to connect to (node01, 29501)."),
    ("requirements-cannot-agree", "ERROR: Cannot install sglang==0.4.6 and torch==2.8.0 because these package versions have conflicting dependencies.\nThe conflict is caused by:\n    The user requested torch==2.8.0\n    sglang 0.4.6 depends on torch==2.6.0"),
    ("gcc-too-new-or-old-for-nvcc", 'Building wheel for flash-attn (setup.py) ... error\nC:/VS/include/yvals_core.h(902): error: static assertion failed with "error STL1002: Unexpected compiler version, expected CUDA 13.2 or newer."\nninja: build stopped: subcommand failed.\nERROR: Failed building wheel for flash-attn'),
    ("vllm-transformers-mismatch", "ERROR 05-02 [registry.py:329] Error in inspecting model architecture 'Gemma3ForConditionalGeneration'\n  File \"/x/site-packages/vllm/engine/arg_utils.py\", line 1, in create\nValueError: Model architectures ['Gemma3ForConditionalGeneration'] failed to be inspected. Please check the logs for more details."),
    ("vllm-arch-unsupported", "  File \"/x/site-packages/vllm/config.py\", line 9, in x\nValueError: Model architectures ['MolmoForCausalLM'] are not supported for now. Supported architectures: dict_keys(['Aquila'])"),
    ("engine-finds-no-accelerator", "RuntimeError: No accelerator (CUDA, XPU, HPU, NPU, MUSA, MPS) or platform plugin is available."),
    ("bnb-checkpoint-without-loader", "    param = params_dict[name]\nKeyError: 'language_model.layers.3.self_attn.qkv_proj.weight.quant_map'"),
    ("llava-import-error-hidden", "ImportError: cannot import name 'LlavaQwenForCausalLM' from 'llava.model' (/srv/LLaVA-NeXT/llava/model/__init__.py)"),
    ("hf-modules-cache-stale", "[rank1]: AttributeError: module 'transformers_modules.Phi-3_5-vision.configuration_phi3_v' has no attribute 'Phi3VConfig'"),
    ("model-type-unknown", "AttributeError: 'InternVLProcessor' object has no attribute 'video_token'"),
    ("model-type-needs-own-package", "OSError: lmms-lab/llava-next-interleave-qwen-7b does not appear to have a file named preprocessor_config.json. Checkout 'https://huggingface.co/x' for available files."),
    ("remote-code-missing-package", "AssertionError: please make sure s3tokenizer and stepaudio2 are installed."),
    ("missing-python-package", 'Traceback (most recent call last):\n  File "demo.py", line 3, in <module>\nImportError: Please install timm to use this vision tower.'),
    ("bnb-not-split-over-cards", "ValueError: Prequant BitsAndBytes models with tensor parallelism is not supported. Please try with pipeline parallelism."),
    ("wsl-gpu-driver-files-missing", "nvidia-container-cli: mount error: stat failed: /usr/lib/wsl/lib/libdxcore.so: no such file or directory: unknown."),
    ("transformers5-removed-api", "AttributeError: LlamaTokenizer has no attribute special_tokens_map_extended"),
    ("flash-attn-missing", "AssertionError: Flash Attention is not available, but is needed for dense attention"),
    ("llava-network-error-hides-cause", "2025-04-10 16:52:12 | INFO | stdout | error:  HTTPConnectionPool(host='127.0.0.1', port=21002): Read timed out."),
    ("vllm-arch-unsupported", "2024-09-13 - lmdeploy - ERROR - Engine loop failed with error: Phi3VForCausalLM.forward() got an unexpected keyword argument 'cache'"),
    ("ram-too-small-to-load", "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\nAborted (core dumped)"),
    ("model-does-not-fit", "terminate called after throwing an instance of 'std::runtime_error'\n  what():  [TM][ERROR] CUDA runtime error: out of memory /lmdeploy/src/turbomind/core/allocator.cc:49\nAborted (core dumped)"),
]  # fmt: skip
STEPS = [
    ("system-library-missing", "OSError: libsndfile.so.1: cannot open shared object file: No such file or directory", "install -y libsndfile1"),
    ("system-library-missing", "OSError: libhwloc.so.15: cannot open shared object file: No such file or directory", ""),
    ("torch-local-version-not-on-index", "ERROR: Could not find a version that satisfies the requirement torch==2.4.1+cu118 (from versions: 2.4.1)", "torch==2.4.1 --index-url https://download.pytorch.org/whl/cu118"),
    ("torch-local-version-not-on-index", "ERROR: Could not find a version that satisfies the requirement torch==2.0.1+cu121 (from versions: 2.0.1)", ""),
    ("ollama-memory-short", "Error: model requires more system memory (12.4 GiB) than is available (7.7 GiB)", "OLLAMA_CONTEXT_LENGTH"),
]  # fmt: skip
CALM = [
    "INFO 07-16 [__init__.py:244] Automatically detected platform cuda.\nPlease install einops to get a faster attention.",
    "To run the demo, please make sure librosa and soundfile are installed.",
    "{'loss': 2.0312, 'grad_norm': nan, 'learning_rate': 0.0, 'epoch': 0.0}\n{'loss': 1.9001, 'grad_norm': 4.2, 'learning_rate': 1e-07, 'epoch': 0.01}",
    'time=2025-10-30T20:31:49 level=INFO source=server.go:135 msg="system memory" total="31.4 GiB" free="20.1 GiB"',
    "slurmstepd: pyxis: importing docker image: nvcr.io/nvidia/pytorch:24.10-py3\nNCCL INFO comm 0x55 rank 0 nranks 2 - Init COMPLETE",
]  # fmt: skip


def _hits(text):
    rules = store.load().rules
    return rank(evaluate(rules, derive(ingest([text]))), rules, from_text=True)


@pytest.mark.parametrize(("slug", "text"), TEXTS, ids=[slug for slug, _ in TEXTS])
def test_the_cause_comes_first(slug, text):
    hits = _hits(text)
    assert hits
    assert hits[0].slug == slug


@pytest.mark.parametrize(("slug", "text", "said"), STEPS)
def test_steps_hold_what_the_text_says(slug, text, said):
    (hit,) = (hit for hit in _hits(text) if hit.slug == slug)
    lines = [step.target.format_map(step.bound) for step in hit.fix if step.kind in ("run", "set_env")]
    assert any(said in line for line in lines) if said else not lines


@pytest.mark.parametrize("text", CALM)
def test_calm_texts(text):
    assert not [hit.slug for hit in _hits(text) if hit.severity != "note"]
