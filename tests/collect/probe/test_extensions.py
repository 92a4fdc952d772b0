"""Compiled extensions against what is installed, on libraries made here."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import damage
import elf
import extensions
import libsearch
import pytest
import torchlib
from elfmake import library
from envmake import Env

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="reads ELF")

MACHINE = {text: number for number, text in elf.MACHINES.items()}.get(platform.machine(), 62)
TAG = f".cpython-311-{platform.machine()}-linux-gnu.so"
OLD = b"_ZN3c106detail14torchCheckFailEPKcS2_jRKSs"


def make(**parts: Any) -> bytes:
    return library(machine=MACHINE, **parts)


def install_torch(env: Env, cuda: str | None = "12.4", defined: tuple[bytes, ...] = (b"_ZN2at3addEv",), **files: bytes) -> None:
    tag = f"+cu{cuda.replace('.', '')}" if cuda else "+cpu"
    version = f"__version__ = '2.5.1{tag}'\ndebug = False\ncuda: Optional[str] = {cuda!r}\nhip: Optional[str] = None\n"
    libs = {
        "torch/__init__.py": b"x",
        "torch/version.py": version.encode(),
        "torch/lib/libc10.so": make(defined=[OLD]),
        "torch/lib/libtorch_cpu.so": make(needed=["libc10.so"], defined=list(defined), rpath="$ORIGIN"),
        "torch/lib/libtorch_python.so": make(needed=["libtorch_cpu.so"], defined=[b"THPVariable_Wrap"], rpath="$ORIGIN"),
    }
    if cuda:
        libs["torch/lib/libtorch_cuda.so"] = make(needed=["libnccl.so.2"], undefined=[b"ncclCommRegister"], rpath="$ORIGIN/../../nvidia/nccl/lib")
    env.dist("torch", "2.5.1", files={**libs, **files})


def nccl(*names: bytes) -> dict[str, bytes]:
    return {"nvidia/nccl/lib/libnccl.so.2": make(defined=list(names))}


def problems(env: Env, /, **more: Any) -> list[tuple[str, str]]:
    found = damage.read_extensions(env.ctx(**more))["ext.problems"]
    return [(record["problem"], record.get("symbol") or record.get("library") or record.get("wants")) for record in found]


def test_torch_facts(env: Env) -> None:
    install_torch(env)
    facts = torchlib.read_torch(env.ctx())
    assert facts.pop("?torch.arch_list")
    assert facts == {
        "torch.version": "2.5.1+cu124", "torch.cuda": "12.4", "torch.hip": None, "torch.build": "cuda",
        "torch.cxx11_abi": False, "torch.package": "pip",
    }


def test_no_torch_is_known_absent(env: Env) -> None:
    assert set(torchlib.read_torch(env.ctx()).values()) == {None}
    assert set(torchlib.read_family(env.ctx()).values()) == {None}


def test_a_healthy_set_has_no_problem(env: Env) -> None:
    install_torch(env)
    env.dist("nvidia-nccl-cu12", "2.21.5", files=nccl(b"ncclCommRegister"))
    vision = make(needed=["libtorch_cpu.so", "libc10.so"], undefined=[b"_ZN2at3addEv", b"memcpy"])
    env.dist("torchvision", "0.20.1", files={"torchvision/__init__.py": b"x", "torchvision/_C.so": vision})
    env.dist("pillow", "11.0", files={f"PIL/_imaging{TAG}": make()})
    assert problems(env) == []


def test_a_cuda_library_inside_torch_itself(env: Env) -> None:
    bundled = {"torch/lib/libcusparseLt-f80c68d1.so.0": make(defined=[b"cusparseLtInit"])}
    install_torch(env, cuda=None, **bundled)
    linear = make(needed=["libcusparseLt-f80c68d1.so.0"], undefined=[b"cusparseLtInit"], rpath="$ORIGIN")
    (env.site / "torch/lib/libtorch_cpu.so").write_bytes(linear)
    assert problems(env) == []


def test_old_nccl_lacks_a_symbol(env: Env) -> None:
    install_torch(env)
    env.dist("nvidia-nccl-cu12", "2.18.1", files=nccl(b"ncclInit"))
    assert problems(env) == [("undefined-symbol", "ncclCommRegister")]


def test_a_missing_cuda_library(env: Env) -> None:
    install_torch(env)
    assert problems(env) == [("missing-library", "libnccl.so.2")]


def test_an_extension_for_another_torch(env: Env) -> None:
    install_torch(env, cuda=None)
    vision = make(needed=["libtorch_cpu.so"], undefined=[b"_ZN2at3addEv", b"_ZN2at4goneEv"])
    env.dist("torchvision", "0.20.1", files={"torchvision/_C.so": vision})
    assert problems(env) == [("undefined-symbol", "_ZN2at4goneEv")]


def test_an_extension_of_another_cuda(env: Env) -> None:
    install_torch(env)
    env.dist("nvidia-nccl-cu12", "2.21.5", files=nccl(b"ncclCommRegister"))
    flash = make(needed=["libtorch_cpu.so", "libcudart.so.11.0"])
    env.dist("flash-attn", "2.5.8", files={f"flash_attn_2_cuda{TAG}": flash})
    assert problems(env) == [("cuda-major", "libcudart.so.11.0")]


def test_no_symbol_is_judged_while_torch_itself_is_broken(env: Env) -> None:
    install_torch(env, cuda=None)
    (env.site / "torch/lib/libtorch_cpu.so").unlink()
    vision = make(needed=["libtorch_cpu.so"], undefined=[b"_ZN2at4goneEv"])
    env.dist("torchvision", "0.20.1", files={"torchvision/_C.so": vision})
    assert {problem for problem, _ in problems(env)} == {"missing-library"}


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["PIL/_imaging.cpython-310-x86_64-linux-gnu.so"], 1),
        (["PIL/_imaging.cpython-310-x86_64-linux-gnu.so", "PIL/_imaging.cpython-311-x86_64-linux-gnu.so"], 0),
        (["PIL/_imaging.abi3.so"], 0),
        (["foo/lib.so"], 0),
        (["foo/x.cpython-313t-x86_64-linux-gnu.so"], 1),
    ],
)
def test_extensions_of_another_python(names: list[str], wanted: int) -> None:
    assert len(extensions.other_python(names, "cpython-311")) == wanted


def test_newer_c_and_cxx_libraries_than_the_system_has(env: Env, tmp_path: Path) -> None:
    lib = tmp_path / "old"
    lib.mkdir()
    (lib / "libstdc++.so.6").write_bytes(make(versions=["GLIBCXX_3.4", "GLIBCXX_3.4.20"]))
    env.dist("foo", "1", files={f"foo/a{TAG}": make(needs={"libstdc++.so.6": ["GLIBCXX_3.4.26"]}), f"foo/b{TAG}": make(needs={"libc.so.6": ["GLIBC_9.99"]})})
    assert problems(env, env={"LD_LIBRARY_PATH": str(lib)}) == [
        ("glibcxx", str(lib / "libstdc++.so.6")),
        ("glibc", "libc.so.6"),
    ]


def test_a_truncated_and_a_foreign_library(env: Env) -> None:
    other = 183 if MACHINE == 62 else 62
    env.dist("foo", "1", files={f"foo/a{TAG}": make()[:-20], f"foo/b{TAG}": library(machine=other)})
    assert sorted(problem for problem, _ in problems(env)) == ["other-machine", "truncated"]


def test_optional_parts_may_miss_their_libraries(env: Env) -> None:
    libs = {f"torchaudio/lib/libtorio_ffmpeg4{TAG}": make(needed=["libavutil.so.56"])}
    env.dist("torchaudio", "2.5.1", files=libs)
    env.dist("strange", "1", files={f"strange/_y{TAG}": make(needed=["libnone.so.9"])})
    assert problems(env) == []


def test_a_foreign_library_in_front_of_the_wheels(env: Env, tmp_path: Path) -> None:
    install_torch(env, cuda=None)
    (env.site / "torch/lib/libtorch_cuda.so").write_bytes(make(needed=["libcusparse.so.12"], rpath="$ORIGIN/../../nvidia/cusparse/lib"))
    record = env.site / "torch-2.5.1.dist-info" / "RECORD"
    record.write_text(record.read_text() + "torch/lib/libtorch_cuda.so,,\n")
    sparse = make(needed=["libnvJitLink.so.12"], undefined=[b"__nvJitLinkAddData_12_4"], runpath="$ORIGIN/../../nvjitlink/lib")
    env.dist("nvidia-cusparse-cu12", "12.3", files={"nvidia/cusparse/lib/libcusparse.so.12": sparse})
    env.dist("nvidia-nvjitlink-cu12", "12.4", files={"nvidia/nvjitlink/lib/libnvJitLink.so.12": make(defined=[b"__nvJitLinkAddData_12_4"])})
    assert problems(env) == []
    old = tmp_path / "cuda" / "lib64"
    old.mkdir(parents=True)
    (old / "libnvJitLink.so.12").write_bytes(make(defined=[b"__nvJitLinkAddData_12_1"]))
    assert problems(env, env={"LD_LIBRARY_PATH": str(old)}) == [("undefined-symbol", "__nvJitLinkAddData_12_4")]


def test_verdicts_are_kept_until_a_file_changes(env: Env, tmp_path: Path) -> None:
    env.dist("pillow", "11.0", files={f"PIL/_imaging{TAG}": make()})
    cache = str(tmp_path / "cache")
    assert problems(env, cache=cache) == []
    path = env.site / f"PIL/_imaging{TAG}"
    path.write_bytes(make()[:100])
    os.utime(path, (1, 1))
    assert problems(env, cache=cache) == [("truncated", problems(env)[0][1])]


def test_backends(env: Env) -> None:
    names = ["libbitsandbytes_cpu.so", "libbitsandbytes_cuda118.so", "libbitsandbytes_cuda121_nocublaslt121.so", "libbitsandbytes_cuda124.so"]
    env.dist("bitsandbytes", "0.43", files={f"bitsandbytes/{name}": b"x" for name in names})
    env.dist("llama-cpp-python", "0.3", files={"llama_cpp/__init__.py": b"x", "llama_cpp/lib/libggml-cuda.so": b"x"})
    assert torchlib.read_backends(env.ctx()) == {
        "bnb.cuda_binaries": ["11.8", "12.1", "12.4"], "bnb.cpu_binary": True, "llama_cpp.cuda": True,
    }


def test_an_editable_checkout_is_examined(env: Env, tmp_path: Path) -> None:
    package = tmp_path / "GroundingDINO" / "groundingdino"
    package.mkdir(parents=True)
    (package / "__init__.py").write_bytes(b"")
    (package / "_C.cpython-39-x86_64-linux-gnu.so").write_bytes(make())
    info = package.parent / "groundingdino.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Name: groundingdino\nVersion: 0.1.0\n\n")
    (info / "top_level.txt").write_text("groundingdino\n")
    (env.site / "easy-install.pth").write_text(f"{package.parent}\n")
    assert problems(env) == [("other-python", "cpython-39")]


def test_version_tags() -> None:
    assert libsearch.level("GLIBCXX_3.4.30") == ("GLIBCXX", (3, 4, 30))
    assert libsearch.level("GLIBC_PRIVATE") is None
