"""How a program ended, memory, variables, commands."""

import pytest

GIB = 1 << 30
MIB = 1 << 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CUDA out of memory. Tried to allocate 12.50 MiB (GPU 1; 10.92 GiB total capacity; 8.57 MiB already allocated; 9.28 GiB free; 4.68 MiB cached)", {"tried": 12.5 * MIB, "total": 10.92 * GIB, "free": 9.28 * GIB, "allocated": 8.57 * MIB, "reserved": 4.68 * MIB, "device": 1}),
        ("CUDA out of memory. Tried to allocate 2.26 GiB (GPU 0; 6.00 GiB total capacity; 781.59 MiB already allocated; 0 bytes free; 1.24 GiB reserved in total by PyTorch)", {"tried": 2.26 * GIB, "total": 6 * GIB, "free": 0, "allocated": 781.59 * MIB, "reserved": 1.24 * GIB, "device": 0}),
        ("CUDA out of memory. Tried to allocate 32.00 MiB. GPU 0 has a total capacty of 4.00 GiB of which 41.56 MiB is free. Including non-PyTorch memory, this process has 3.44 GiB memory in use. Of the allocated memory 2.58 GiB is allocated by PyTorch, and 1.90 MiB is reserved by PyTorch but unallocated.", {"tried": 32 * MIB, "total": 4 * GIB, "free": 41.56 * MIB, "in_use": 3.44 * GIB, "allocated": 2.58 * GIB, "device": 0}),
        ("HIP out of memory. Tried to allocate 978.00 MiB. GPU 0 has a total capacity of 15.98 GiB of which 630.00 MiB is free. Process 20398 has 14.52 GiB memory in use. 12.00 GiB allowed; Of the allocated memory 0 bytes is allocated by PyTorch, and 0 bytes is reserved by PyTorch but unallocated.", {"total": 15.98 * GIB, "others": 14.52 * GIB, "limit": 12 * GIB, "allocated": 0}),
        ("NPU out of memory. Tried to allocate 64.00 GiB (NPU 3; 60.96 GiB total capacity; 18.35 GiB already allocated; 18.35 GiB current active; 41.44 GiB free; 19.17 GiB reserved in total by PyTorch)", {"free": 41.44 * GIB, "device": 3}),
        ("torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.34 GiB\n  (GPU 0; 39.59 GiB total capacity;\n   36.12 GiB already allocated;\n   1.89 GiB free;\n   37.24 GiB reserved in total by PyTorch)", {"total": 39.59 * GIB, "reserved": 37.24 * GIB}),
        ("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 18874368000 bytes. Error code 12", {"tried": 18874368000, "device": "cpu"}),
        ("alloc_buffer: allocating 12341.09 MiB on device 0: cudaMalloc failed: out of memory", {"tried": 12341.09 * MIB, "device": 0}),
        ("ValueError: Free memory on device (6.23/23.64 GiB) on startup is less than desired GPU memory utilization", {"free": 6.23 * GIB, "total": 23.64 * GIB}),
    ],
)  # fmt: skip
def test_out_of_memory(facts, text, expected):
    oom = facts(text)["log.oom"]
    assert {name: oom[name] for name in expected} == {
        name: int(v) if isinstance(v, float) else v for name, v in expected.items()
    }


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("Killed", 9), ("Segmentation fault (core dumped)", 11), ("run.sh: line 3: 4321 Killed    python x.py", 9), ("Caught signal 8 (Floating point exception)", 8),
        ("exit code: 137", 9), ("exitcode: -9 (pid: 77) of binary: /usr/bin/python", 9), ("died with <Signals.SIGKILL: 9>", 9), ("Bus error (core dumped)", 7), ("已杀死", 9), ("段错误 (核心已转储)", 11),
        ("    Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137", 9), ('"OOMKilled": false,\n"ExitCode": 139,', 11),
        ("Out of memory: Killed process 1557026 (python) total-vm:256780kB", 9),
        ("ERROR text_generation_launcher: Shard process was signaled to shutdown with signal 11 rank=1", 11),
        ("zsh: illegal hardware instruction  python", 4), ("Process finished with exit code 139 (interrupted by signal 11: SIGSEGV)", 11), ("Process finished with exit code -1073741819 (0xC0000005)", 11),
    ],
)  # fmt: skip
def test_signals(facts, text, signal):
    assert facts("Loading model\n" + text + "\n")["log.exit_signal"] == signal


def test_words_that_are_no_ends(facts):
    assert "log.exit_signal" not in facts(
        "I killed the process and it aborted nothing\nthe download was aborted by me\n"
    )
    assert facts("returned non-zero exit status 1.")["log.exit_status"] == 1


def test_double_load(facts):
    line = "Loading checkpoint shards: 100%|██████████| 2/2 [00:05<00:00,  2.6s/it]\n"
    assert facts(line)["log.double_load"] is False
    assert facts(line + "x\n" + line)["log.double_load"] is True
    assert facts(line + line)["log.double_load"] is False  # a bar prints its end twice
    first = line.replace("100%", "0%").replace("2/2", "0/2")
    assert facts((first + line) * 2)["log.double_load"] is True
    assert facts(first + line * 2)["log.double_load"] is False
    assert "log.double_load" not in facts("[rank1]: " + line + line + "world size 2\n")


def test_progress_bars_collapse(facts):
    text = (
        "".join(f"\rLoading checkpoint shards:  {i}%|██| {i}/100 [00:01]" for i in range(101)) + "\nRuntimeError: x\n"
    )
    assert len(facts(text)["log.lines"]) < 6


def test_stuck_and_health(facts):
    assert (
        facts(
            "it is stuck here for an hour:\nUsing /root/.cache/torch_extensions/py310_cu121 as PyTorch extensions root...\n"
        )["log.stuck"]
        == "compiling"
    )
    assert facts("卡住了\nDownloading shards:   0%|      | 0/4\n")["log.stuck"] == "downloading"
    assert facts("INFO:     Uvicorn running on http://0.0.0.0:8000\n")["log.healthy"] is True
    assert facts("INFO:     Uvicorn running on http://0.0.0.0:8000\nValueError: x\n")["log.healthy"] is False
    assert "log.healthy" not in facts("how do I install this?")


def test_variables_count_where_they_are_set(facts):
    found = facts(
        'export HF_HOME="/data/hf"\nset HF_ENDPOINT=https://hf-mirror.com\n$env:CUDA_VISIBLE_DEVICES = "1,0"\nPS C:\\x> $env:HF_HUB_OFFLINE=1\n'
        'os.environ["TRANSFORMERS_OFFLINE"] = "1"\nENV TORCH_HOME=/t\nLD_LIBRARY_PATH=/usr/local/cuda/lib64:/x\ndocker run --gpus all -e NCCL_DEBUG=INFO img\n'
        "      - VLLM_USE_V1=0\n(base) me@box:~$ NCCL_P2P_DISABLE=1 OMP_NUM_THREADS=4 python a.py\n"
    )
    env = {name[4:]: value for name, value in found.items() if name.startswith("env.")}
    assert env == {
        "HF_HOME": "/data/hf", "HF_ENDPOINT": "https://hf-mirror.com", "CUDA_VISIBLE_DEVICES": "1,0", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TORCH_HOME": "/t",
        "LD_LIBRARY_PATH": "/usr/local/cuda/lib64:/x", "NCCL_DEBUG": "INFO", "VLLM_USE_V1": "0", "NCCL_P2P_DISABLE": "1", "OMP_NUM_THREADS": "4",
    }  # fmt: skip
    assert found["cuda.visible"] == ["1", "0"]
    assert found["ld.library_path"] == ["/usr/local/cuda/lib64", "/x"]


def test_advice_sets_nothing(facts):
    found = facts(
        "For debugging consider passing CUDA_LAUNCH_BLOCKING=1.\nset 'HF_HUB_OFFLINE=0' as environment variable\nPlease set `NCCL_P2P_DISABLE=\"1\"` or so\n"
    )
    assert not [name for name in found if name.startswith("env.")]


def test_secrets_are_never_kept(facts):
    found = facts("export HF_TOKEN=hf_abcdefghijklmnop\nexport OPENAI_API_KEY=sk-1\nexport HF_HOME=/x\n")
    assert found["env.HF_TOKEN"] == "set"
    assert "env.OPENAI_API_KEY" not in found


def test_commands(facts):
    found = facts(
        "(llava) me@box:~/LLaVA$ python -m llava.serve.cli \\\n    --load-4bit\nC:\\x>pip install torch\n>>> import torch\npip install -e .\ntorch      2.1.2\n"
    )
    assert found["log.commands"] == [
        "python -m llava.serve.cli --load-4bit",
        "pip install torch",
        "import torch",
        "pip install -e .",
    ]


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("ImportError: /x/lib/python3.8/site-packages/awq_ext.cpython-38-x86_64-linux-gnu.so: undefined symbol: _ZN3c104cuda9SetDeviceEi", {"dist": "autoawq-kernels", "problem": "undefined-symbol", "library": "torch"}),
        ("ImportError: /w/vllm/_C.abi3.so: undefined symbol: _ZN5torch3jit17parseSchemaOrNameERKSsb", {"dist": "vllm", "library": "torch"}),
        ("libcusparse.so.12: undefined symbol: __nvJitLinkComplete_12_4, version libnvJitLink.so.12", {"library": "nvjitlink", "wants": "libnvJitLink.so.12"}),
        ("ImportError: /lib64/libc.so.6: version `GLIBC_2.32' not found (required by /x/site-packages/flash_attn_2_cuda.cpython-310-x86_64-linux-gnu.so)", {"dist": "flash-attn", "problem": "glibc", "wants": "2.32"}),
        ("ImportError: /lib64/libstdc++.so.6: version `GLIBCXX_3.4.20' not found (required by /x/site-packages/a/b.so)", {"dist": "a", "problem": "glibcxx", "wants": "3.4.20"}),
        ("ImportError: libGL.so.1: cannot open shared object file: No such file or directory", {"problem": "missing-library", "library": "libGL.so.1"}),
        ("FileNotFoundError: Could not find module 'C:\\P\\Lib\\site-packages\\torchaudio\\lib\\libtorchaudio.pyd' (or one of its dependencies).", {"dist": "torchaudio", "library": "libtorchaudio.pyd"}),
    ],
)  # fmt: skip
def test_loader_trouble(facts, text, record):
    found = facts(text)["ext.problems"][0]
    assert {name: found[name] for name in record} == record
