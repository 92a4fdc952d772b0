"""Tier 3 beside the memory estimate: refused where it cannot fit, compared where it ran."""

import json

import pytest

from doctor.model.snapshot import Snapshot
from doctor.smoke import budget
from doctor.smoke.recipes import TABLE
from doctor.smoke.run import Request, smoke

GIB = 1 << 30
CONFIG = json.loads(TABLE.read_text(encoding="utf-8"))["llava"]["config"]


@pytest.fixture
def folder(tmp_path):
    """A model's folder that has its config and no weights: enough for an estimate."""
    place = tmp_path / "llava"
    place.mkdir()
    (place / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    return str(place)


def machine(free, cards=1):
    gpus = [{"index": at, "name": "NVIDIA L4", "total": 24 * GIB, "free": free} for at in range(cards)]
    return Snapshot({"gpus": gpus, "gpu.count": cards, "mem.total": 64 * GIB, "mem.available": 60 * GIB})


def asked(folder, **more):
    return Request(python="python3", tiers=(3,), model=folder, **more)


@pytest.mark.parametrize(
    ("free", "bits", "fits"),
    [(22 * GIB, None, True), (8 * GIB, None, False), (8 * GIB, 4, True)],
)
def test_the_estimate_decides(folder, free, bits, fits):
    said = budget.estimate(asked(folder, gpus=1, bits=bits, dtype="float16"), machine(free))
    assert said.fits is fits
    assert f"{free / GIB:.2f} GiB free on NVIDIA L4" in said.text


def test_the_asked_device_counts(folder):
    snapshot = machine(22 * GIB, cards=2)
    one = budget.estimate(asked(folder, gpus=2, device="cuda:1"), snapshot)
    both = budget.estimate(asked(folder, gpus=2), snapshot)
    host = budget.estimate(asked(folder, gpus=2, device="cpu"), snapshot)
    assert one.room.count("NVIDIA L4") == 1
    assert both.room.count("NVIDIA L4") == 2
    assert host.room == "60.00 GiB free on the host"


def test_nothing_is_said_of_what_is_not_known(folder, tmp_path):
    assert budget.estimate(asked(folder), Snapshot({})) is None
    assert budget.estimate(asked(None), machine(22 * GIB)) is None
    empty = tmp_path / "empty"
    empty.mkdir()
    assert budget.estimate(asked(str(empty)), machine(22 * GIB)) is None


def test_refused_without_a_child(stack, folder, tmp_path):
    stack.write("numpy.py", f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    outcome = smoke(stack.request(3, model=folder, estimate="needs 15 GiB, 8 GiB free", refused=True))
    assert [(result.step, result.ok) for result in outcome.results] == [("memory estimate", False)]
    assert not (tmp_path / "ran").exists()


def test_both_figures_are_shown(folder):
    said = budget.estimate(asked(folder, gpus=1, dtype="float16"), machine(22 * GIB))
    tensors = said.budget.total - said.budget.of("overhead")
    on_gpu = budget.compared(said, {"cuda:0": int(tensors / 1.01), "host": GIB})
    assert "in tensors" in on_gpu.detail
    assert "(+1.0 %)" in on_gpu.detail
    assert "beyond its libraries" in budget.compared(said, {"host": tensors}).detail
    assert budget.compared(said, {}) is None


def test_a_pointer_is_no_weight_file(stack, folder, tmp_path):
    (tmp_path / "llava" / "pytorch_model-00001-of-00002.bin").write_bytes(b"x" * 4096)
    (tmp_path / "llava" / "pytorch_model-00002-of-00002.bin").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    failed = smoke(stack.request(3, model=folder)).failed()[0]
    assert (failed.step, failed.detail) == ("files", "Wrong: pytorch_model-00002-of-00002.bin is a Git LFS pointer, not weights")


@pytest.mark.parametrize(
    ("wanted", "word"), [("LISAForCausalLM", "its own project loads it"), ("LlavaForConditionalGeneration", "none needed")]
)
def test_no_class_is_filled_with_the_weights_of_another(stack, folder, tmp_path, wanted, word):
    own = tmp_path / "llava"
    (own / "config.json").write_text(json.dumps({**CONFIG, "architectures": [wanted]}), encoding="utf-8")
    (own / "model.safetensors").write_bytes(b"x" * 4096)
    stack.write("transformers/__init__.py", "__version__ = '4.57.0'\nAutoModel = AutoProcessor = LlavaForConditionalGeneration = object\n")
    for name in ("models", "models/auto"):
        stack.write(f"transformers/{name}/__init__.py", "")
    stack.write("transformers/models/auto/configuration_auto.py", "CONFIG_MAPPING_NAMES = {'llava': 'LlavaConfig'}")
    steps = {result.step: result for result in smoke(stack.request(3, model=folder)).results}
    assert word in steps["own code"].detail
    assert steps["own code"].ok is (None if wanted.startswith("LISA") else True)
