"""Tier 5: the tiny files are well-formed, and what the engine does becomes results. The engine is a stub."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest
import stubs

from doctor.fit.sources import load
from doctor.smoke.recipes import TABLE
from doctor.smoke.run import smoke


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The two files as tier 5 writes them."""
    spec = importlib.util.spec_from_file_location("tinygguf", TABLE.parent / "target" / "tinygguf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make(str(tmp_path_factory.mktemp("gguf")))


def by_step(outcome):
    return {result.step: result for result in outcome.results}


def test_the_tiny_files_are_read_by_our_own_reader(pair):
    model = load(pair[0]).model
    assert (model.language.layers, model.language.width, model.language.vocab) == (2, 64, 288)
    assert (model.vision.layers, model.vision.patch, model.vision.side) == (2, 14, 56)
    assert Path(pair[0]).stat().st_size < 300_000
    assert Path(pair[1]).stat().st_size < 100_000


def test_text_and_image_through_a_tiny_pair(stack):
    stubs.llama(stack)
    outcome = smoke(stack.request(5))
    assert not outcome.failed(), outcome.output
    steps = by_step(outcome)
    assert steps["import llama_cpp"].detail == "0.3.36, CPU build"
    assert steps["load with the image projector"].detail == "Llava15ChatHandler"
    assert "scores move by" in steps["the image counts"].detail
    assert outcome.reached() == 5


def test_an_image_that_changes_nothing_is_a_failure(stack):
    stubs.llama(stack, stubs.BLIND)
    assert "does not reach the model" in smoke(stack.request(5)).failed()[0].detail


def test_the_users_own_file_and_the_projector_beside_it(stack, pair):
    stubs.llama(stack)
    steps = by_step(smoke(stack.request(5, gguf=pair[0])))
    assert "tiny.gguf 0.2 MiB; mmproj.gguf 0.1 MiB" in steps["files"].detail
    assert steps["the image counts"].ok


def test_without_a_projector_only_the_text_is_tried(stack, pair, tmp_path):
    stubs.llama(stack)
    alone = tmp_path / "alone" / "model.gguf"
    alone.parent.mkdir()
    shutil.copy(pair[0], alone)
    outcome = smoke(stack.request(5, gguf=str(alone)))
    assert not outcome.failed()
    assert by_step(outcome)["load with the image projector"].ok is None
    assert outcome.reached() == 5


def test_a_pointer_file_is_told_as_such(stack, tmp_path):
    stubs.llama(stack)
    pointer = tmp_path / "model.gguf"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    failed = smoke(stack.request(5, gguf=str(pointer))).failed()[0]
    assert failed.step == "files"
    assert "git-lfs" in failed.detail


def test_no_engine(stack):
    failed = smoke(stack.request(5)).failed()[0]
    assert failed.detail == "ModuleNotFoundError: No module named 'llama_cpp'"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_abort_inside_the_engine(stack):
    stubs.llama(stack)
    stack.write("llama_cpp/llama_chat_format.py", "import os; os.abort()")
    failed = smoke(stack.request(5)).failed()[0]
    assert (failed.step, failed.detail) == ("load with the image projector", "ended by SIGABRT")


def test_tier_6_without_an_engine_could_not_be_tried(stack):
    outcome = smoke(stack.request(6))
    assert [result.ok for result in outcome.results] == [None]
    assert outcome.reached() is None


def test_tier_6_tells_which_engine_breaks(stack):
    stack.write("torch.py", (stack.folder / "torch.py").read_text() + "\nclass cuda:\n    is_available = staticmethod(lambda: False)\n")
    stack.write("bitsandbytes.py", "raise RuntimeError('CUDA Setup failed despite GPU being available.')")
    stack.write("awq.py", "raise ImportError('cannot import name PytorchGELUTanh')")
    failed = smoke(stack.request(6)).failed()
    assert [result.step for result in failed] == ["import bitsandbytes", "import awq"]


TORCH = """
__version__ = "2.6.0"
float32 = None


class version:
    cuda = None


class cuda:
    is_available = staticmethod(lambda: False)


class Given:
    class device:
        type = "cpu"

    def to(self, **more):
        return self


def manual_seed(number):
    pass


def randn(*sizes):
    return Given()


class inference_mode:
    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass
"""


@pytest.mark.parametrize("tier", [0, 6])
def test_nothing_is_compiled(stack, tier):
    stack.write("torch.py", TORCH)
    stack.write("exllamav2.py", "raise SystemExit('the compiler was started')")
    steps = {result.step: result for result in smoke(stack.request(tier)).results}
    assert steps["import exllamav2"].ok is None
    assert "not tried" in steps["import exllamav2"].detail


def test_an_engine_that_computes_on_a_gpu_only_is_no_failure(stack):
    stack.write("torch.py", TORCH)
    for folder in ("awq", "awq/modules", "awq/modules/linear"):
        stack.write(f"{folder}/__init__.py", "")
    stack.write("awq/modules/linear/gemm.py", "")
    steps = {result.step: result for result in smoke(stack.request(6, device="cpu")).results}
    assert steps["awq 4 bit on cpu"].ok is None
    assert "GPU only" in steps["awq 4 bit on cpu"].detail
