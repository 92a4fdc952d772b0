"""Healthy machines stay silent: no error and no warning for any pairing that the tables call fitting."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.engine.evaluate import evaluate
from doctor.engine.load import load_dir, read_toml
from doctor.engine.rank import rank
from doctor.ingest import ingest
from doctor.ingest.archive import load
from doctor.knowledge import archs, cuda, pairs, store, versions, wheels
from doctor.knowledge.derive import derive

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data"
RULES = [item.rule for item in load_dir(ROOT / "rules")]
BASE = load(ROOT / "fixtures" / "machines" / "healthy-qwen-h100" / "snapshot.json")
GIB = 2**30

CARDS = [
    ("Tesla P100-PCIE-16GB", "6.0", 16),
    ("NVIDIA GeForce GTX 1080 Ti", "6.1", 11),
    ("Tesla V100-SXM2-32GB", "7.0", 32),
    ("Tesla T4", "7.5", 15),
    ("NVIDIA GeForce RTX 2080 Ti", "7.5", 11),
    ("NVIDIA A100-SXM4-80GB", "8.0", 80),
    ("NVIDIA GeForce RTX 3090", "8.6", 24),
    ("NVIDIA A10", "8.6", 23),
    ("NVIDIA GeForce RTX 4090", "8.9", 24),
    ("NVIDIA L40S", "8.9", 45),
    ("NVIDIA H100 80GB HBM3", "9.0", 80),
    ("NVIDIA B200", "10.0", 180),
    ("NVIDIA GeForce RTX 5090", "12.0", 32),
]
DRIVERS = ["470.256.02", "515.105.01", "525.147.05", "535.183.01", "550.127.05", "570.133.20", "580.95.05", "595.71.05"]
# what one would install beside a torch of that time; the first row whose bound the torch is below
STACKS = [
    ("2.1", {"transformers": "4.31.0", "tokenizers": "0.13.3", "huggingface-hub": "0.16.4", "accelerate": "0.21.0"}),
    ("2.4", {"transformers": "4.37.2", "tokenizers": "0.15.1", "huggingface-hub": "0.20.3", "accelerate": "0.26.1"}),
    ("2.7", {"transformers": "4.47.1", "tokenizers": "0.21.0", "huggingface-hub": "0.27.0", "accelerate": "1.2.1"}),
    ("99", {"transformers": "4.57.1", "tokenizers": "0.22.1", "huggingface-hub": "0.36.0", "accelerate": "1.11.0"}),
]


def machine(dists, **changes):
    """The recorded sound machine with other distributions and facts (``__`` stands for the dot of a name)."""
    kept = {name: value for name, value in BASE.facts.items() if not name.startswith("dist.")}
    facts = {**kept, **{f"dist.{name}": version for name, version in dists.items()}}
    return BASE._replace(facts={**facts, **{n.replace("__", "."): v for n, v in changes.items()}})


def alarms(snapshot):
    """Slugs of the errors and warnings."""
    hits = rank(evaluate(RULES, derive(snapshot)), RULES, from_text=False)
    return [hit.slug for hit in hits if hit.severity != "note"]


def card(name, cc, gib):
    free = gib * GIB - GIB // 2
    return {**BASE.facts["gpus"][0], "name": name, "cc": cc, "total": gib * GIB, "used": GIB // 2, "free": free}


def gpu_facts(driver, *cards):
    """The facts of a machine with these cards."""
    gpus = [{**card(*each), "index": index} for index, each in enumerate(cards)]
    return {
        "gpus": gpus,
        "gpu.count": len(gpus),
        "gpu.present": bool(gpus),
        "driver.version": driver,
        "driver.branch": cuda.branch(driver) if driver else None,
        "driver.cuda": cuda.driver_cuda(driver) if driver else None,
    }


def drives(driver, toolkit, cc):
    """Does this driver know the card, and serve the toolkit without a compatibility mode?"""
    branch = cuda.branch(driver)
    if cc in ("10.0", "12.0") and branch < 570:
        return False
    return cuda.serves(driver, toolkit) == "yes" and cuda.driver_keeps(branch, cc) is not False


def python_for(torch):
    tags = ["3.11.7", "3.10.14", "3.12.4"]
    return next(v for v in tags if wheels.has_wheel("torch", torch, wheels.python_tag(v), "linux_x86_64"))


def stack(torch, local):
    """Distributions that belong beside a torch release."""
    build = store.rows("torch")[torch]["builds"]["linux_x86_64"]
    beside = next(dists for bound, dists in STACKS if versions.compare(torch, bound) < 0)
    dists = {
        **beside,
        "torch": f"{torch}+{local}",
        "numpy": "2.1.3" if build.get("numpy") == 2 and versions.compare(torch, "2.5") >= 0 else "1.26.4",
        "pillow": "10.4.0",
        "safetensors": "0.4.5",
        "sentencepiece": "0.2.0",
        "packaging": "24.1",
        "pip": "24.2",
        "setuptools": "69.5.1",
    }
    for name in ("torchvision", "torchaudio"):
        partner = pairs.partner(torch, name)
        if partner:
            dists[name] = f"{partner}+{local}"
    return dists


def at_python(version):
    tag = wheels.python_tag(version)
    return {"python.version": version, "python.abi": tag}


@pytest.mark.parametrize("torch", versions.known("torch"))
def test_every_pairing_that_fits(torch):
    row = store.rows("torch").get(torch, {}).get("builds", {}).get("linux_x86_64")
    if not row or not row.get("local"):
        pytest.skip("not catalogued")
    dists, local, tried = stack(torch, row["local"]), row["local"], 0
    for name, cc, gib in CARDS:
        if archs.torch_carries(torch, cc, local) != "yes":
            continue
        drivers = [driver for driver in DRIVERS if drives(driver, row["cuda"], cc)]
        for driver in {drivers[0], drivers[-1]}:
            facts = {**gpu_facts(driver, (name, cc, gib)), **at_python(python_for(torch))}
            assert not alarms(machine(dists, **facts)), (name, driver)
            tried += 1
    assert tried


# --- other machines and environments --------------------------------------------------------------------------------

MACHINE = {
    "llava 1.2": (("2.1.2", "cu121"), "535.183.01", [("NVIDIA GeForce RTX 3090", "8.6", 24)], {
        "llava": "1.2.2.post1", "transformers": "4.37.2", "tokenizers": "0.15.1", "accelerate": "0.21.0", "bitsandbytes": "0.42.0",
        "einops": "0.6.1", "einops-exts": "0.0.4", "timm": "0.6.13", "gradio": "4.16.0", "gradio-client": "0.8.1", "httpx": "0.24.0",
        "peft": "0.7.1", "pydantic": "2.6.1", "scikit-learn": "1.2.2", "scipy": "1.11.4", "sentencepiece": "0.1.99", "fastapi": "0.109.2",
        "starlette": "0.36.3", "uvicorn": "0.27.1", "protobuf": "4.25.3", "numpy": "1.26.4", "huggingface-hub": "0.20.3"}),
    "lisa": (("1.13.1", "cu117"), "525.147.05", [("Tesla V100-SXM2-32GB", "7.0", 32)], {
        "transformers": "4.31.0", "tokenizers": "0.13.3", "huggingface-hub": "0.16.4", "accelerate": "0.21.0", "bitsandbytes": "0.41.1",
        "gradio": "3.39.0", "gradio-client": "0.3.0", "fastapi": "0.100.1", "pydantic": "1.10.13", "starlette": "0.27.0", "peft": "0.4.0",
        "numpy": "1.24.2", "pillow": "9.4.0", "opencv-python": "4.8.0.74", "scipy": "1.11.2", "openai": "0.27.8", "safetensors": "0.3.3"}),
    "internvl": (("2.4.1", "cu121"), "550.127.05", [("NVIDIA A100-SXM4-80GB", "8.0", 80)] * 2, {
        "transformers": "4.37.2", "tokenizers": "0.15.1", "accelerate": "0.33.0", "timm": "1.0.9", "einops": "0.8.0", "flash-attn": "2.6.3",
        "peft": "0.12.0", "decord": "0.6.0", "numpy": "1.26.4", "opencv-python": "4.10.0.84", "deepspeed": "0.14.4"}),
    "qwen2-vl": (("2.5.1", "cu124"), "550.127.05", [("NVIDIA L40S", "8.9", 45)], {
        "qwen-vl-utils": "0.0.8", "av": "14.0.1", "flash-attn": "2.7.2.post1", "numpy": "1.26.4", "einops": "0.8.0"}),
    "vllm": (("2.5.1", "cu124"), "550.127.05", [("NVIDIA H100 80GB HBM3", "9.0", 80)] * 8, {
        "vllm": "0.6.6", "xformers": "0.0.28.post3", "ray": "2.40.0", "fastapi": "0.115.6", "pydantic": "2.10.4", "starlette": "0.41.3",
        "uvicorn": "0.34.0", "numpy": "1.26.4", "outlines": "0.1.11", "openai": "1.58.1"}),
    "gradio 5": (("2.6.0", "cu124"), "570.133.20", [("NVIDIA GeForce RTX 4090", "8.9", 24)], {
        "gradio": "5.23.1", "gradio-client": "1.8.0", "fastapi": "0.115.12", "pydantic": "2.10.6", "starlette": "0.46.1", "uvicorn": "0.34.0",
        "numpy": "2.2.4", "httpx": "0.28.1"}),
    "a card of the newest generation": (("2.8.0", "cu128"), "570.133.20", [("NVIDIA GeForce RTX 5090", "12.0", 32)], {
        "bitsandbytes": "0.47.0", "triton": "3.4.0", "numpy": "2.2.6"}),
    "gptq and awq": (("2.5.1", "cu124"), "550.127.05", [("NVIDIA A10", "8.6", 23)], {
        "gptqmodel": "1.7.4", "optimum": "1.23.3", "numpy": "1.26.4", "bitsandbytes": "0.45.0"}),
    "transformers 5": (("2.9.1", "cu128"), "580.95.05", [("NVIDIA GeForce RTX 4090", "8.9", 24)], {
        "transformers": "5.1.0", "tokenizers": "0.22.2", "huggingface-hub": "1.3.5", "accelerate": "1.12.0", "numpy": "2.3.5",
        "hf-xet": "1.2.0", "peft": "0.18.1", "bitsandbytes": "0.49.1"}),
}  # fmt: skip


@pytest.mark.parametrize("name", MACHINE)
def test_a_project_as_it_is_meant(name):
    (torch, local), driver, cards, dists = MACHINE[name]
    facts = {**gpu_facts(driver, *cards), **at_python("3.10.14")}
    assert not alarms(machine({**stack(torch, local), **dists}, **facts))


CPU = {**gpu_facts(None), "driver.nvml_error": None, "driver.read_by": None}
PLACES = {
    "laptop without a card": ("2.6.0", "cpu", CPU | {"mem.total": 16 * GIB, "mem.available": 9 * GIB, "swap.total": 8 * GIB}),
    "build service": ("2.6.0", "cpu", CPU | {"host.ci": "github", "mem.total": 16 * GIB, "mem.available": 14 * GIB}),
    "container without a card": (
        "2.6.0", "cpu",
        CPU | {"host.container": "docker", "host.root": True, "cgroup.memory_limit": 16 * GIB, "cgroup.memory_used": GIB, "shm.size": 64 << 20, "shm.free": 64 << 20},
    ),
    "container with a card": (
        "2.5.1", "cu124",
        gpu_facts("550.127.05", CARDS[8]) | {"host.container": "docker", "host.root": True, "shm.size": 16 * GIB, "shm.free": 16 * GIB, "host.container_gpu_runtime": True},
    ),
    "slurm login node": ("2.5.1", "cu124", CPU | {"host.slurm_tools": True, "host.slurm": False}),
    "slurm job": ("2.5.1", "cu124", gpu_facts("550.127.05", CARDS[5]) | {"host.slurm_tools": True, "host.slurm": True, "env.SLURM_JOB_ID": "11", "env.CUDA_VISIBLE_DEVICES": "0", "cuda.visible": [0]}),
    "wsl": (
        "2.5.1", "cu124",
        gpu_facts("566.36", CARDS[8]) | {"host.wsl": 2, "os.kernel": "5.15.167.4-microsoft-standard-WSL2", "os.kernel_version": "5.15.167.4", "mem.total": 32 * GIB, "mem.available": 28 * GIB},
    ),
    "rented box": (
        "2.5.1", "cu124",
        gpu_facts("550.127.05", CARDS[8]) | {"host.container": "docker", "host.root": True, "host.rented": "autodl", "shm.size": 60 * GIB, "shm.free": 60 * GIB},
    ),
    "conda": (
        "2.5.1", "cu124",
        gpu_facts("550.127.05", CARDS[6]) | {"python.kind": "conda", "conda.env": "llava", "python.installer": "pip"},
    ),
    "notebook": ("2.5.1", "cu124", gpu_facts("535.183.01", CARDS[3]) | {"host.notebook": "colab", "host.container": "docker", "host.root": True}),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_a_sound_place(name):
    torch, local, facts = PLACES[name]
    dists = stack(torch, local)
    if local == "cpu":
        dists = {n: v for n, v in dists.items() if not n.startswith("nvidia-")}
    assert not alarms(machine(dists, **at_python("3.11.7"), **facts))


WINDOWS = {
    "os.name": "windows", "os.arch": "AMD64", "os.distro": None, "os.distro_version": None, "os.kernel": "10.0.22631", "os.kernel_version": "10.0.22631",
    "libc.name": None, "libc.version": None, "libstdcxx.max": None, "libstdcxx.path": None, "shm.size": None, "shm.free": None,
    "python.platform": "win_amd64", "host.locale_encoding": "utf-8", "limit.nofile": None, "limit.memlock": None, "limit.nproc": None,
}  # fmt: skip
MAC = WINDOWS | {
    "os.name": "darwin", "os.arch": "arm64", "os.kernel": "24.3.0", "os.kernel_version": "24.3.0", "python.platform": "macos_arm64",
    "host.apple_gpu": True, "limit.nofile": 10240,
}  # fmt: skip


def test_windows_with_a_card():
    facts = {**gpu_facts("566.36", CARDS[8]), **at_python("3.11.7"), **WINDOWS}
    assert not alarms(machine(stack("2.5.1", "cu124"), **facts))


def test_apple_silicon():
    dists = {name: version.partition("+")[0] for name, version in stack("2.5.1", "cpu").items()}
    assert not alarms(machine(dists, **CPU, **at_python("3.11.7"), **MAC))


# --- harmless circumstances -----------------------------------------------------------------------------------------

BUSY = {**card(*CARDS[8]), "used": 3 * GIB, "free": 21 * GIB, "processes": 2, "utilization": 40, "display": True}
CIRCUMSTANCES = {
    "a card that is chosen": {"env.CUDA_VISIBLE_DEVICES": "0", "cuda.visible": [0]},
    "a desktop and a browser on the card": {"gpus": [BUSY]},
    "a mirror of the hub": {"env.HF_ENDPOINT": "https://hf-mirror.com", "hf.endpoint": "https://hf-mirror.com"},
    "a cache elsewhere": {"env.HF_HOME": "/data/huggingface", "hf.home": "/data/huggingface", "hf.hub_cache": "/data/huggingface/hub", "hf.hub_cache_by": "HF_HOME"},
    "a token": {"env.HF_TOKEN": "<redacted>", "hf.token": "HF_TOKEN"},
    "an allocator setting": {"env.PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"},
    "a proxy that answers": {
        "env.http_proxy": "http://10.0.0.2:7890", "env.https_proxy": "http://10.0.0.2:7890", "env.no_proxy": "localhost,127.0.0.1",
        "net.proxies": {"http": "http://10.0.0.2:7890", "https": "http://10.0.0.2:7890"}, "net.proxy_alive": True,
    },
    "the toolkit of torch's CUDA": {"cuda.nvcc": "12.4", "cuda.home": "/usr/local/cuda-12.4", "env.CUDA_HOME": "/usr/local/cuda-12.4"},
    "a toolkit of another minor": {"cuda.nvcc": "12.1", "cuda.home": "/usr/local/cuda-12.1"},
    "threads": {"env.OMP_NUM_THREADS": "8", "env.TOKENIZERS_PARALLELISM": "false", "env.MKL_NUM_THREADS": "8"},
    "some swap in use": {"swap.total": 8 * GIB, "swap.used": GIB // 4},
    "services listening": {"host.listening": [22, 80, 6006, 8888]},
    "root without a container": {"host.root": True},
    "eight files open": {"limit.nofile": 1024},
    "wandb and jupyter": {"dist.wandb": "0.19.1", "dist.jupyterlab": "4.3.4", "dist.notebook": "7.3.2", "host.notebook": "jupyter"},
    "headless opencv": {"dist.opencv-python-headless": "4.10.0.84"},
    "science packages": {"dist.scipy": "1.14.1", "dist.scikit-learn": "1.6.0", "dist.pandas": "2.2.3", "dist.matplotlib": "3.10.0"},
    "protobuf and friends": {"dist.protobuf": "5.29.2", "dist.grpcio": "1.68.1", "dist.tensorboard": "2.18.0"},
    "onnx": {"dist.onnx": "1.17.0", "dist.onnxruntime-gpu": "1.20.1"},
    "diffusers": {"dist.diffusers": "0.32.1", "dist.peft": "0.14.0"},
    "offline with everything cached": {"env.HF_HUB_OFFLINE": "1", "hf.offline": True, "hf.offline_by": "HF_HUB_OFFLINE"},
    "warm card": {"gpus": [{**card(*CARDS[8]), "temperature": 78, "utilization": 99, "throttle": ["power"]}]},
}  # fmt: skip


@pytest.mark.parametrize("name", CIRCUMSTANCES)
def test_a_harmless_circumstance(name):
    facts = {**gpu_facts("550.127.05", CARDS[8]), **at_python("3.11.7"), **CIRCUMSTANCES[name]}
    assert not alarms(machine(stack("2.5.1", "cu124"), **facts))


# --- programs -------------------------------------------------------------------------------------------------------

PROGRAMS = read_toml("programs", (DATA / "programs_ordinary.toml").read_text(encoding="utf-8"))["program"]
_READ = """
import json, sys
import program as part
import source
def read(name):
    found = {}
    for group in part.GROUPS:
        found.update(group.read({"what": [name], "cwd": ".", "env": {}, "deadline": 8.0}))
    return found
print(json.dumps({name: read(name) for name in sys.argv[1:]}))
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """What the source probe reads of each program, the third-party imports served by their usual distribution."""
    folder = tmp_path_factory.mktemp("programs")
    for item in PROGRAMS:
        (folder / item["file"]).write_text(item["code"], encoding="utf-8", newline="\n")
    probe = str(ROOT / "doctor" / "collect" / "probe")
    run = [
        sys.executable,
        "-c",
        f"import sys; sys.path.append({probe!r})" + _READ,
        *(item["file"] for item in PROGRAMS),
    ]
    found = json.loads(subprocess.run(run, cwd=folder, check=True, capture_output=True, timeout=60).stdout)
    for facts in found.values():
        for record in facts["src.imports"]:
            if not record["where"]:
                record.update(where="site", resolves=True, dist=record["want"])
    return found


@pytest.mark.parametrize("item", PROGRAMS, ids=lambda item: item["name"])
def test_a_good_program_beside_its_packages(item, sources):
    dists = {**stack("2.5.1", "cu124"), **item.get("dists", {})}
    cards = [("NVIDIA GeForce RTX 4090", "8.9", 24)] * 2
    facts = {**gpu_facts("550.127.05", *cards), **at_python("3.11.7"), **sources[item["file"]]}
    assert not sources[item["file"]]["src.errors"]
    assert not alarms(machine(dists, **facts))


# --- texts ----------------------------------------------------------------------------------------------------------

TEXTS = read_toml("texts", (DATA / "texts_harmless.toml").read_text(encoding="utf-8"))["text"]


@pytest.mark.parametrize("item", TEXTS, ids=lambda item: item["name"])
def test_a_harmless_text(item):
    snapshot = derive(ingest([item["log"]]))
    hits = rank(evaluate(RULES, snapshot), RULES, from_text=bool(snapshot.get("log.exceptions")))
    assert not [(hit.slug, hit.confidence) for hit in hits if hit.severity != "note"]
