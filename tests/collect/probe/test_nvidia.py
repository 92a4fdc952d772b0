"""CUDA wheels against torch's own list, and conda's packages."""

from __future__ import annotations

import json
from pathlib import Path

import about
import conda as condas
import nvidia
import pytest
import torchlib
from envmake import Env


def test_wheels_and_pins(env: Env) -> None:
    lines = (
        "nvidia-nccl-cu12 (==2.21.5) ; platform_system != 'x'",
        "nvidia-cudnn-cu12==9.1.0.70",
        "nvidia-cublas-cu12==12.4.5.8; sys_platform == 'nowhere'",
        "filelock",
    )
    env.dist("torch", "2.5.1", requires=lines)
    env.dist("nvidia-nccl-cu12", "2.18.1")
    env.dist("nvidia-cublas", "13.0.0.19")
    env.dist("nvidia-ml-py", "12.560")
    facts = nvidia.read(env.ctx())
    assert facts["python.nvidia_wheels"] == [
        {"name": "nvidia-cublas", "version": "13.0.0.19", "major": 13, "lib": "cublas"},
        {"name": "nvidia-nccl-cu12", "version": "2.18.1", "major": 12, "lib": "nccl"},
    ]
    assert facts["python.nvidia_pins"] == [
        {"name": "nvidia-nccl-cu12", "want": "==2.21.5", "found": "2.18.1", "ok": False},
        {"name": "nvidia-cudnn-cu12", "want": "==9.1.0.70", "found": None, "ok": False},
    ]


@pytest.fixture
def conda(env: Env) -> Env:
    (env.prefix / "pyvenv.cfg").unlink()
    meta = env.prefix / "conda-meta"
    meta.mkdir()
    text = json.dumps({"build": "x", "channel": "https://me:pw@conda.example/pytorch/linux-64", "name": "pytorch"})
    (meta / "pytorch-2.1.0-py3.11_cuda12.1_cudnn8.9.2_0.json").write_text(text)
    (meta / "zlib-1.3-0.json").write_text("{}")
    return env


def test_a_conda_environment(conda: Env) -> None:
    folder = conda.dist("torch", "2.1.0", installer="conda", files={"torch/__init__.py": b"x"})
    (folder / "RECORD").unlink()
    ctx = conda.ctx(env={"CONDA_DEFAULT_ENV": "llava"})
    assert about.read(ctx)["python.kind"] == "conda"
    facts = condas.read(ctx)
    assert facts["conda.packages"] == {"pytorch": "2.1.0 py3.11_cuda12.1_cudnn8.9.2_0 pytorch/linux-64"}
    assert torchlib.read_torch(ctx)["torch.package"] == "conda"


def test_a_conda_environment_without_pip_is_changed_by_conda(conda: Env) -> None:
    assert about.read(conda.ctx())["python.installer"] == "conda"
    conda.dist("pip", "24.0")
    import paths

    paths._LISTINGS.clear()
    assert about.read(conda.ctx())["python.installer"] == "pip"


@pytest.mark.parametrize(
    ("version", "wanted"),
    [("2.1.0+cu121", "12.1"), ("2.0.1+cu118", "11.8"), ("1.13+cu102", "10.2"), ("2.1.0+cpu", None), ("2.1.0", None), (None, None)],
)
def test_cuda_of_a_local_version(version: str | None, wanted: str | None) -> None:
    assert torchlib.local_cuda(version) == wanted


def test_lock_file_of_a_project(env: Env, tmp_path: Path) -> None:
    import paths

    def found(**more: str) -> str | None:
        paths._LISTINGS.clear()
        name: str | None = about.lock(env.ctx(**more))["python.lock"]
        return name

    assert found() is None
    (env.cwd / "uv.lock").write_bytes(b"")
    assert found() is None  # the project of the working folder does not own this environment
    assert found(cwd=str(tmp_path)) is None
    (tmp_path / "pdm.lock").write_bytes(b"")
    assert found(cwd=str(tmp_path)) == "pdm.lock"
    assert found() == "pdm.lock"


def test_environments_that_a_tool_keeps_apart(tmp_path: Path) -> None:
    import paths

    env = Env(tmp_path / "virtualenvs")
    (env.cwd / "poetry.lock").write_bytes(b"")
    paths._LISTINGS.clear()
    assert about.lock(env.ctx()) == {"python.lock": "poetry.lock"}
