"""torch and its lane: the same release in another build, its partners, what was compiled against it."""

import shlex

import pytest

from doctor.knowledge import extensions, versions
from doctor.plan.make import plan
from doctor.plan.script import install
from doctor.plan.shell import Target, command
from tests.plan.test_make import RULES, machine, moves

CARD = {"gpus": [{"index": 0, "name": "NVIDIA GeForce RTX 3090", "cc": "8.6"}], "gpu.present": True}
NEW_CARD = {"gpus": [{"index": 0, "name": "NVIDIA GeForce RTX 5090", "cc": "12.0"}], "gpu.present": True}
OLD_DRIVER = {**CARD, "driver.version": "515.105.01", "torch.cuda": "12.4"}
TRIO = {"torch": "2.5.1", "torchvision": "0.20.1", "torchaudio": "2.5.1", "numpy": "1.26.4"}


def planned(dists, facts, keep=frozenset()):
    return plan(machine(dists).with_facts(facts), RULES, keep)


def test_the_same_release_of_another_lane_is_a_move():
    made = planned(TRIO, OLD_DRIVER)
    assert moves(made) == {"torch": "2.5.1+cu118", "torchvision": "0.20.1+cu118", "torchaudio": "2.5.1+cu118"}
    assert made.installs[0].index == "https://download.pytorch.org/whl/cu118"
    assert not made.conflicts
    assert not made.advice


def test_a_torch_of_another_series_brings_partners_of_its_own_lane():
    made = planned({"torch": "2.5.1+cu124", "torchvision": "0.20.1+cu124"}, {**NEW_CARD, "driver.version": "576.02"})
    torch, vision = moves(made)["torch"], moves(made)["torchvision"]
    assert versions.local(torch) == versions.local(vision) == "cu128"


def test_the_nearest_series_with_kernels_for_the_card_is_taken():
    made = planned({"torch": "2.5.1+cu124"}, {**NEW_CARD, "driver.version": "576.02"})
    assert moves(made)["torch"].startswith("2.7.")


def test_what_states_a_torch_rises_with_it():
    made = planned(
        {"torch": "2.5.1+cu124", "xformers": "0.0.28.post3", "vllm": "0.6.6", "transformers": "4.57.6"},
        {**NEW_CARD, "driver.version": "576.02"},
    )
    assert versions.compare(moves(made)["vllm"], "0.6.6") == 1


def test_a_cure_that_another_one_makes_needless_moves_nothing():
    made = planned(
        {**TRIO, "bitsandbytes": "0.41.1", "scipy": "1.11.4"}, {**OLD_DRIVER, "bnb.cuda_binaries": ["11.7", "11.8"]}
    )
    assert "bitsandbytes" not in moves(made)
    assert "bnb-no-binary-for-cuda" in {goal.slug for goal in made.goals if goal.proof == "simulated"}


def test_extensions_are_built_again_after_the_install():
    made = planned(
        {**TRIO, "flash-attn": "2.6.3", "einops": "0.8.0"}, {**OLD_DRIVER, "tool.cc": "11.4.0", "cuda.nvcc": "11.8"}
    )
    step = next(step for step in made.steps if step.target == "flash-attn")
    words = shlex.split(command(step, Target()))
    assert {"--no-build-isolation", "--no-deps", "--force-reinstall", "flash-attn==2.6.3"} <= set(words)
    assert step.bound["build"] == "torch 2.5.1+cu124"
    assert made.steps.index(step) == len(made.steps) - 1


@pytest.mark.parametrize("facts", [{"tool.cc": None}, {"cuda.nvcc": None}, {"cuda.nvcc": "12.4"}])
def test_where_nothing_can_be_compiled_a_person_is_asked(facts):
    made = planned({**TRIO, "flash-attn": "2.6.3"}, {**OLD_DRIVER, **facts})
    assert [step.target for step in made.advice] == ["flash-attn"]
    assert "--no-build-isolation" in command(made.advice[0], Target())


def test_ready_wheels_need_no_compiler():
    made = planned({**TRIO, "torch-scatter": "2.1.2+pt25cu124"}, {**OLD_DRIVER, "cuda.nvcc": None})
    step = next(step for step in made.steps if step.target == "torch-scatter")
    assert step.to == "==2.1.2"
    assert "https://data.pyg.org/whl/torch-2.5.0+cu118.html" in command(step, Target())


def test_a_checkout_is_named_by_its_source():
    rows = [{"name": "detectron2", "source": "git+https://github.com/facebookresearch/detectron2"}]
    made = planned({**TRIO, "detectron2": "0.6"}, {**OLD_DRIVER, "dists": rows})
    text = command(next(step for step in made.steps if step.target == "detectron2"), Target())
    assert shlex.split(text)[-1] == "detectron2 @ git+https://github.com/facebookresearch/detectron2"


def test_binaries_that_fit_are_left_alone():
    assert extensions.same_binary("2.5.0+cu121", "2.5.1+cu124")
    assert not extensions.same_binary("2.5.1+cu124", "2.5.1+cu118")
    assert not extensions.same_binary("2.5.1+cu124", "2.6.0+cu124")
    assert not extensions.same_binary("2.5.1", "nonsense")


def test_windows_has_another_default_build():
    """There the default index has the CPU builds, so the lane is named for the partners, too."""
    facts = {**NEW_CARD, "driver.version": "576.02", "os.name": "windows", "os.arch": "AMD64", "libc.name": None, "libc.version": None}
    made = planned({"torch": "2.5.1+cu124", "torchvision": "0.20.1+cu124"}, facts)
    assert {versions.local(new) for new in moves(made).values()} == {"cu128"}


AUTO_GPTQ = {"torch": "2.5.1", "transformers": "4.46.3", "auto-gptq": "0.7.1", "numpy": "1.26.4", "optimum": "1.23.3", "huggingface-hub": "0.26.5", "tokenizers": "0.20.3", "accelerate": "1.1.1", "datasets": "3.1.0", "safetensors": "0.4.5", "triton": "3.1.0", "pyarrow": "18.1.0"}
BROKEN_KERNELS = {**CARD, "torch.cuda": "12.4", "model.quant": "gptq", "tool.cc": "/usr/bin/cc"}


@pytest.mark.parametrize("lacking", [{"cuda.nvcc": None}, {"cuda.nvcc": "12.4", "gpus": [], "gpu.present": False}])
def test_a_working_package_is_not_taken_out_for_one_that_cannot_be_built_here(lacking):
    made = planned(AUTO_GPTQ, {**BROKEN_KERNELS, **lacking})
    assert "auto-gptq" not in [step.target for step in made.steps]
    assert "gptqmodel" not in moves(made)


def test_an_extension_that_comes_as_source_is_built_against_the_torch_of_here():
    made = planned(AUTO_GPTQ, {**BROKEN_KERNELS, "cuda.nvcc": "12.4"})
    assert "gptqmodel" in moves(made)
    assert [each.builds for each in made.installs] == [True]
    assert "--no-build-isolation" in "\n".join(install(made.installs[0], Target()))
