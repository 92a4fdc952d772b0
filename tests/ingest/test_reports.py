"""Reports of tools: collect_env, env commands, nvidia-smi, system tools."""

import json

import pytest

from doctor.ingest import archive, ingest

GIB = 1 << 30
MIB = 1 << 20


def test_collect_env(pasted):
    found = pasted("collect_env.txt")
    expected = {
        "torch.version": "2.5.1+cu121",
        "torch.cuda": "12.1",
        "os.name": "linux",
        "os.distro": "ubuntu",
        "os.distro_version": "22.04.4",
        "tool.cc": "11.4.0",
        "libc.version": "2.35",
        "python.version": "3.10.14",
        "host.wsl": 2,
        "cuda.nvcc": "12.4.131",
        "driver.version": "560.94",
        "driver.branch": 560,
        "gpu.count": 2,
        "cpu.count": 24,
        "cpu.flags": ["avx", "avx2", "f16c", "fma"],
        "dist.nvidia-cublas-cu12": "12.1.3.1",
        "log.healthy": True,
    }
    assert {name: found[name] for name in expected} == expected
    assert found["gpus"][1] == {"index": 1, "name": "NVIDIA GeForce RTX 3090"}
    assert found["log.kind"] == ["collect_env"]


def test_collect_env_without_torch(facts):
    found = facts(
        "Collecting environment information...\nPyTorch version: N/A\nCUDA used to build PyTorch: N/A\nNvidia driver version: Could not collect\n"
    )
    assert not {"dist.torch", "torch.version", "torch.cuda", "driver.version"} & set(found)


def test_cpu_build(facts):
    found = facts(
        "Collecting environment information...\nPyTorch version: 1.7.1+cpu\nCUDA used to build PyTorch: None\nOS: Microsoft Windows 11 Home\n"
    )
    assert (found["torch.build"], found["torch.cuda"], found["os.name"]) == ("cpu", None, "windows")


@pytest.mark.parametrize(
    ("line", "present"),
    [
        ("- PyTorch version (GPU?): 2.6.0+cu124 (True)", True),
        ("- PyTorch version (accelerator?): 2.6.0+cu124 (CUDA)", True),
        ("- PyTorch version (GPU?): 2.6.0+cu124 (False)", None),
    ],
)
def test_transformers_env(facts, line, present):
    found = facts(
        f"- `transformers` version: 4.52.4\n- Platform: Linux-6.1.123+-x86_64-with-glibc2.35\n- Python version: 3.11.13\n- DeepSpeed version: not installed\n{line}\n"
    )
    assert (found["dist.transformers"], found["dist.torch"], found["dist.deepspeed"]) == ("4.52.4", "2.6.0+cu124", None)
    assert found.get("gpu.present") is present
    assert found["os.kernel"] == "6.1.123+"


def test_sglang(pasted):
    found = pasted("sglang_env.txt")
    assert found["gpus"] == [{"index": i, "name": "NVIDIA H20-3e", "cc": "9.0"} for i in (0, 1)]
    assert (found["driver.version"], found["cuda.nvcc"], found["dist.vllm"]) == ("570.133.20", "12.8.61", None)
    assert found["dist.flashinfer-python"] == "0.5.3"
    assert found["dist.sgl-kernel"] == "0.3.20"


def test_hf_env_and_bitsandbytes(facts):
    found = facts(
        "- huggingface_hub version: 0.34.4\n- Running in iPython ?: No\n- Torch: 2.8.0\n- numpy: 2.2.6\n- hf_xet: 1.1.10\n- ENDPOINT: https://hf-mirror.com\n- HF_HUB_CACHE: /data/hf\n- HF_HUB_OFFLINE: True\n- FastAI: N/A\n"
    )
    assert (found["dist.huggingface-hub"], found["dist.torch"], found["hf.hub_cache"], found["hf.offline"]) == (
        "0.34.4",
        "2.8.0",
        "/data/hf",
        True,
    )
    found = facts(
        "Platform: Windows-11-10.0.26100-SP0\nPython: 3.12.9\nPyTorch: 2.6.0+cu126\n  CUDA: 12.6\n  HIP: N/A\nRelated packages:\n  accelerate: 1.6.0\n  trl: not found\n"
    )
    assert (found["os.name"], found["dist.accelerate"], found["torch.cuda"], found["dist.trl"]) == (
        "windows",
        "1.6.0",
        "12.6",
        None,
    )


def test_hand_written(pasted):
    found = pasted("issue_body.md")
    expected = {
        "dist.torch": "2.1.2+cu121",
        "dist.transformers": "4.37.2",
        "os.distro": "ubuntu",
        "driver.version": "535.129.03",
        "cuda.visible": ["0", "1"],
        "env.HF_ENDPOINT": "https://hf-mirror.com",
    }
    assert {name: found[name] for name in expected} == expected
    assert found["log.oom"]["tried"] == 50 * MIB
    assert (
        "CUDA_VISIBLE_DEVICES=0,1 python -m llava.serve.cli --model-path liuhaotian/llava-v1.5-7b"
        in found["log.commands"]
    )


def test_smi_535(pasted):
    found = pasted("smi_535.txt")
    assert (found["driver.version"], found["driver.cuda"]) == ("535.129.03", "12.2")
    first, second = found["gpus"]
    assert (first["total"], first["used"], first["free"]) == (81920 * MIB, 71234 * MIB, 10686 * MIB)
    assert (first["utilization"], first["persistence"], first["compute_mode"]) == (97, True, "default")
    assert (second["index"], second["compute_mode"], second["ecc_uncorrected"]) == (1, "exclusive-process", 2)
    assert found["gpu.processes"] == [{"gpu": 0, "pid": 20398, "name": "python", "used": 71226 * MIB}]


def test_smi_of_other_ages(pasted):
    found = pasted("smi_610.txt")
    assert (found["driver.version"], found["driver.cuda"], found["gpus"][0]["display"]) == ("610.43.02", "13.3", True)
    found = pasted("smi_331.txt")
    assert (found["driver.version"], found["gpus"][0]["name"], found["gpus"][0]["total"]) == (
        "331.62",
        "GeForce GTX 680",
        4095 * MIB,
    )
    assert "driver.cuda" not in found


def test_smi_query_csv_and_listing(facts):
    found = facts(
        "name, memory.total [MiB], memory.used [MiB], driver_version\nNVIDIA L4, 23034 MiB, 10 MiB, 550.54.15\nNVIDIA L4, 23034 MiB, 0 MiB, 550.54.15\n"
    )
    assert found["gpus"][1] == {"name": "NVIDIA L4", "total": 23034 * MIB, "used": 0, "index": 1}
    assert found["driver.version"] == "550.54.15"
    found = facts("GPU 0: NVIDIA A10G (UUID: GPU-11111111-2222-3333-4444-555555555555)\n")
    assert found["gpus"] == [{"index": 0, "name": "NVIDIA A10G"}]
    found = facts(
        "==============NVSMI LOG==============\n\nDriver Version                            : 450.66\nCUDA Version                              : 11.0\n\nGPU 00000000:01:00.0\n    Product Name                          : GeForce GTX 780\n    FB Memory Usage\n        Total                             : 3020 MiB\n        Used                              : 1 MiB\n    Compute Mode                          : Exclusive_Process\n"
    )
    assert (found["driver.version"], found["driver.cuda"]) == ("450.66", "11.0")
    assert found["gpus"] == [
        {"index": 0, "name": "GeForce GTX 780", "total": 3020 * MIB, "used": MIB, "compute_mode": "exclusive-process"}
    ]


def test_smi_failures(facts):
    assert facts("Failed to initialize NVML: Driver/library version mismatch")["driver.smi_error"].endswith("mismatch")
    assert "gpu.present" not in facts("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.")


def test_system_tools(facts):
    found = facts("nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 12.4, V12.4.131\n")
    assert found["cuda.nvcc"] == "12.4.131"
    found = facts("ldd (Ubuntu GLIBC 2.31-0ubuntu9.16) 2.31\ngcc (Ubuntu 9.4.0-1ubuntu1~20.04.2) 9.4.0\n")
    assert (found["libc.version"], found["tool.cc"]) == ("2.31", "9.4.0")
    found = facts(
        "               total        used        free      shared  buff/cache   available\nMem:            62Gi        20Gi        10Gi       1.0Gi        31Gi        40Gi\nSwap:             0B          0B          0B\n"
    )
    assert (found["mem.total"], found["mem.available"], found["swap.total"]) == (62 * GIB, 40 * GIB, 0)
    found = facts(
        "Filesystem      Size  Used Avail Use% Mounted on\n/dev/vda1        50G   49G  1.0G  98% /\nshm              64M  4.0K   64M   1% /dev/shm\n"
    )
    assert found["disks"][0]["free"] == GIB
    assert found["shm.size"] == 64 * MIB
    assert (
        facts("Python 3.8.12 | packaged by conda-forge | (default)\n[GCC 9.4.0] on linux\n")["python.version"]
        == "3.8.12"
    )


def test_measured_beats_mentioned(facts):
    found = facts(
        "- torch: 2.0.1\nCollecting environment information...\nPyTorch version: 2.5.1+cu121\nrequires torch>=2.6, found 2.5.0\n"
    )
    assert found["dist.torch"] == "2.5.1+cu121"


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        (
            "ImportError: transformers>=4.41.2 is required for a normal functioning of this module, but found transformers==4.49.0.dev0.",
            "dist.transformers",
            "4.49.0.dev0",
        ),
        (
            "ImportError: huggingface-hub>=0.34.0,<1.0 is required for a normal functioning of this module, but found huggingface-hub==1.1.2.",
            "dist.huggingface-hub",
            "1.1.2",
        ),
        ("Disabling PyTorch because PyTorch >= 2.4 is required but found 2.3.0", "dist.torch", "2.3.0"),
        ("Please upgrade to torch >= 2.11.0 (found 2.9.1+cu128).", "dist.torch", "2.9.1+cu128"),
        (
            "A module that was compiled using NumPy 1.x cannot be run in\nNumPy 2.1.1 as it may crash.",
            "dist.numpy",
            "2.1.1",
        ),
        ("    PyTorch 2.3.0+cu121 with CUDA 1201 (you have 2.3.0+cu118)", "torch.cuda", "11.8"),
        ("    Python  3.10.14 (you have 3.10.5)", "python.version", "3.10.5"),
        ("The NVIDIA driver on your system is too old (found version 11040).", "driver.cuda", "11.4"),
        ("PyTorch has CUDA Version=11.7 and torchvision has CUDA Version=11.8", "torchvision.cuda", "11.8"),
        ("PackageNotFoundError: No package metadata was found for bitsandbytes", "dist.bitsandbytes", None),
        ("A40 with CUDA capability sm_86 is not compatible", "gpus", [{"index": 0, "name": "A40", "cc": "8.6"}]),
        (
            "  Device 0: NVIDIA GeForce RTX 3090, compute capability 8.6, VMM: yes",
            "gpus",
            [{"index": 0, "name": "NVIDIA GeForce RTX 3090", "cc": "8.6"}],
        ),
        (
            "The current PyTorch install supports CUDA capabilities sm_50 sm_60 compute_60.",
            "torch.arch_list",
            ["sm_50", "sm_60", "compute_60"],
        ),
    ],
)
def test_versions_in_messages(facts, text, name, value):
    found = facts(text)
    assert name in found
    assert found[name] == value


def test_our_own_snapshot_comes_back():
    live = ingest(["torch==2.5.1+cu121\n| NVIDIA-SMI 550.54   Driver Version: 550.54.14   CUDA Version: 12.4 |"])
    again = ingest(["here is mine:\n```json\n" + archive.dump(live) + "```\n"])
    assert again.facts["driver.version"] == "550.54.14"
    assert again.facts["dist.torch"] == "2.5.1+cu121"
    assert "vlmdoctor" in again.facts["log.kind"]


def test_our_own_words_are_not_searched():
    report = {
        "schema": "vlmdoctor.report/1",
        "findings": [{"title": "CUDA out of memory"}],
        "snapshot": {"driver.version": "550.54.14", "log.healthy": True},
    }
    found = ingest(["look\n" + json.dumps(report, indent=1) + "\nValueError: mine\n"]).facts
    assert found["driver.version"] == "550.54.14"
    assert "CUDA out of memory" not in "".join(found["log.lines"])
    assert found["log.exceptions"][0]["message"] == "mine"
    text = (
        "  Python: 3.10.14, torch 2.5.1+cu121\n\nERROR  DRV105  CUDA out of memory everywhere\n  why    RuntimeError: x\n  seen   driver.cuda = 12.6\n\n"
        "225 rules looked at 35 facts; 147 could not decide, 0 crashed.\nKeyError: 'mine'\n"
    )
    found = ingest([text]).facts
    assert (found["driver.cuda"], found["dist.torch"], found["python.version"]) == ("12.6", "2.5.1+cu121", "3.10.14")
    assert [e["type"] for e in found["log.exceptions"]] == ["KeyError"]
    assert found["log.exceptions"][0]["line"] == 8


def test_broken_snapshot_in_a_text_is_just_text(facts):
    for inner in ("{", '{"dist.torch": 5}', "[]", "null"):
        assert "vlmdoctor" not in facts('{"schema": "vlmdoctor.snapshot/1", "facts": ' + inner + "}").get(
            "log.kind", []
        )
    assert facts(json.dumps({"schema": "vlmdoctor.report/1", "snapshot": {"gpu.count": 3}}))["gpu.count"] == 3


def test_mmengine_dictionary_and_llamafactory(facts):
    found = facts(
        "OrderedDict([('sys.platform', 'linux'), ('Python', '3.9.17 (main, Jul  5 2023, 20:41:20) [GCC 11.2.0]'), ('CUDA available', False), ('PyTorch', '2.0.1')])"
    )
    assert (found["os.name"], found["python.version"], found["dist.torch"]) == ("linux", "3.9.17", "2.0.1")
    found = facts(
        "- `llamafactory` version: 0.9.3.dev0\n- PyTorch version: 2.6.0+cu124 (GPU)\n- GPU type: Tesla T4\n- GPU number: 1\n- GPU memory: 14.74GB\n"
    )
    assert found["gpus"] == [{"index": 0, "name": "Tesla T4", "total": int(14.74 * GIB)}]
    assert found["dist.llamafactory"] == "0.9.3.dev0"


def test_llava_logs_success_at_error_level(facts):
    found = facts(
        "2023-09-03 13:06:49 | ERROR | stderr | INFO:     Application startup complete.\n2023-09-03 13:06:49 | INFO | model_worker | Register to controller\n"
    )
    assert found["log.healthy"] is True
    assert "llava-log" in found["log.kind"]


def test_answers_of_an_interpreter(facts):
    found = facts(">>> torch.__version__\n'2.0.1+cu118'\n>>> torch.cuda.is_available()\nFalse\n")
    assert (found["dist.torch"], found["log.cuda_available"]) == ("2.0.1+cu118", False)
    found = facts(
        '$ python -c "import torch, transformers; print(torch.__version__, torch.version.cuda, transformers.__version__)"\n2.5.1 12.4 4.46.3\n'
    )
    assert (found["dist.torch"], found["torch.cuda"], found["dist.transformers"]) == ("2.5.1", "12.4", "4.46.3")
    assert "dist.torch" not in facts("print(torch.__version__)\nTraceback (most recent call last):\n")


def test_lines_of_versions(facts):
    found = facts("torch2.1.2，cuda11.8，python3.10\ntransformers版本4.37.2\n")
    assert (found["dist.torch"], found["log.cuda"], found["python.version"], found["dist.transformers"]) == (
        "2.1.2",
        "11.8",
        "3.10",
        "4.37.2",
    )
    assert "dist.torch" not in facts("you should upgrade to torch 2.4.0 to make it work with this model")


def test_new_collect_env_of_vllm(facts):
    found = facts(
        "Collecting environment information...          \n==============================\n        System Info\n==============================\nOS                           : TencentOS Server 3.2 (Final) (x86_64)\n"
        "Libc version                 : glibc-2.28\nPyTorch version              : 2.8.0+cu128\nCUDA used to build PyTorch   : 12.8\nPython version               : 3.10.10 (main, Mar 21 2023, 18:45:11) [GCC 11.2.0] (64-bit runtime)\n"
        "Is CUDA available            : True\nCUDA runtime version         : 12.4.131\nGPU models and configuration : \nGPU 0: NVIDIA H20                                                             \nGPU 1: NVIDIA H20\n\n"
        "Nvidia driver version        : 535.161.08\nvLLM Version                 : 0.11.0\nCUDA_VISIBLE_DEVICES=0,1\n"
    )
    assert (
        found["torch.version"],
        found["torch.cuda"],
        found["cuda.nvcc"],
        found["driver.version"],
        found["dist.vllm"],
    ) == ("2.8.0+cu128", "12.8", "12.4.131", "535.161.08", "0.11.0")
    assert found["gpus"] == [{"index": 0, "name": "NVIDIA H20"}, {"index": 1, "name": "NVIDIA H20"}]
    assert (found["os.name"], found["libc.version"], found["cuda.visible"]) == ("linux", "2.28", ["0", "1"])


DF = """[me@box ~]$ df -h
Filesystem      Size  Used Avail Use% Mounted on
overlay          40G   40G     0 100% /
tmpfs            64M     0   64M   0% /dev
/dev/vdb        200G  3.0G  197G   2% /data
"""


def test_a_whole_df_says_where_cache_and_temporary_files_lie():
    roles = {row["role"]: row for row in ingest([DF]).facts["disks"] if row["role"] in ("hf_cache", "tmp")}
    assert (roles["hf_cache"]["mount"], roles["hf_cache"]["free"], roles["tmp"]["mount"]) == ("/", 0, "/")
    moved = {row["role"]: row for row in ingest(["export HF_HOME=/data/hf\n" + DF]).facts["disks"]}
    assert (moved["hf_cache"]["mount"], moved["hf_cache"]["path"]) == ("/data", "/data/hf")
    assert "hf_cache" not in {row["role"] for row in ingest([DF.replace("% /\n", "% /mnt\n")]).facts["disks"]}


def test_what_a_script_printed_about_torch_and_its_card():
    facts = ingest(["archs: ['sm_70', 'sm_75', 'sm_80', 'sm_90']\nCUDA device name: NVIDIA GeForce RTX 5080\n"]).facts
    assert facts["torch.arch_list"] == ["sm_70", "sm_75", "sm_80", "sm_90"]
    assert facts["gpus"][0]["name"] == "NVIDIA GeForce RTX 5080"


def test_a_sentence_before_a_path_is_no_part_of_it():
    told = "ImportError: /lib64/libm.so.6: version `GLIBC_2.29' not found (required by /opt/e/lib/python3.10/site-packages/x/_c.so)"
    assert ingest([f'WARNING: "{told}"']).facts["python.prefix"] == "/opt/e"


def test_a_shell_of_slurm():
    assert ingest(["[u@login ~]$ srun --mem=32G --pty bash\n[u@n1 ~]$ nvidia-smi\nNo devices were found\n"]).facts["host.slurm"]
