"""On a real card, in less than ten minutes: ``python -m pytest -m gpu -s``. Needs the base dependencies and pytest.

All tiers on cuda:0, then predicted against measured memory, written to fixtures/vram/CARD.json as it is measured, and a
redacted snapshot of the machine in fixtures/machines/CARD/. ``VLMDOCTOR_TARGET`` names the interpreter (ours otherwise),
``VLMDOCTOR_GPU_SECONDS`` what the measurements may take (330), ``VLMDOCTOR_GPU_OUT`` another folder than fixtures/.
``VLMDOCTOR_GPU_DEVICE=cpu`` rehearses everything with shrunken models and writes only to that other folder.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import gpulab
import pytest
import tinyhub

from doctor.collect.live import Request as Look
from doctor.collect.live import collect
from doctor.ingest.archive import dump
from doctor.smoke import recipes
from doctor.smoke.run import Request, smoke

pytestmark = pytest.mark.gpu
TARGET = os.environ.get("VLMDOCTOR_TARGET", sys.executable)
DEVICE = os.environ.get("VLMDOCTOR_GPU_DEVICE", "cuda:0")
REHEARSAL = DEVICE == "cpu"
SECONDS = float(os.environ.get("VLMDOCTOR_GPU_SECONDS", "330"))
FIXTURES = Path(__file__).parents[2] / "fixtures"
KINDS = recipes.types()[:2] if REHEARSAL else recipes.types()
WITHIN = 0.05  # of the measured peak


def has(module):
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([TARGET, "-c", code], timeout=120, check=False).returncode == 0


@pytest.fixture(scope="module", autouse=True)
def card():
    """What the record is about; skips everything where the target's torch sees no GPU."""
    code = f"import torch; torch.zeros(1, device={DEVICE!r})"
    done = subprocess.run([TARGET, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip("no GPU for the target's torch: " + (done.stderr.strip().splitlines() or ["?"])[-1])
    return {"card": "rehearsal"} if REHEARSAL else gpulab.card()


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """fixtures/, or the folder of VLMDOCTOR_GPU_OUT."""
    place = os.environ.get("VLMDOCTOR_GPU_OUT") or (tmp_path_factory.mktemp("gpu") if REHEARSAL else FIXTURES)
    for name in ("vram", "machines"):
        Path(place, name).mkdir(parents=True, exist_ok=True)
    return Path(place)


def request(*tiers, **more):
    return Request(python=TARGET, tiers=tiers, device=DEVICE, gpus=0 if REHEARSAL else 1, **more)


def passes(asked):
    outcome = smoke(asked)
    assert not outcome.failed(), outcome.output.decode(errors="replace")
    for result in outcome.results:
        print(f"  {result.tier} {result.step}: {result.detail} ({result.seconds:.1f} s)", flush=True)
    return {result.step: result for result in outcome.results}


def test_imports_and_kernels():
    steps = passes(request(0, 1))
    assert steps[f"{DEVICE} bfloat16"].ok
    if not REHEARSAL:
        assert "MiB before" in steps[f"{DEVICE} memory"].detail


@pytest.mark.parametrize("kind", KINDS)
def test_a_tiny_model_of_every_architecture(kind):
    steps = passes(request(2, arch=kind, dtype="bfloat16"))
    assert f"on {DEVICE}" in steps["generate 8 tokens"].detail


@pytest.mark.parametrize("bits", [4, 8])
def test_a_tiny_model_quantised(bits):
    if not has("bitsandbytes"):
        pytest.skip("the target has no bitsandbytes")
    passes(request(2, arch="llava", bits=bits, dtype="float16" if not REHEARSAL else None))


def test_a_cached_model(tmp_path, monkeypatch):
    folder = tinyhub.cached(TARGET, tmp_path, "llava")
    steps = passes(request(3, model=str(folder)))
    assert "first token after" in steps["speed"].detail


def test_a_gguf():
    if not has("llama_cpp"):
        pytest.skip("the target has no llama-cpp-python")
    passes(request(5))


def test_every_quantised_engine():
    outcome = smoke(request(6))
    assert not outcome.failed(), outcome.output.decode(errors="replace")


def test_predicted_against_measured(card, out):
    """Every figure is printed and written as it comes; then all are held to the promise."""
    about = {**card, "date": time.strftime("%Y-%m-%d", time.gmtime())}
    lab = gpulab.Lab(TARGET, DEVICE, out / "vram" / f"{gpulab.file_name(card['card'])}.json", SECONDS)
    cases = [case for case in gpulab.PLAN if case.quant is None or has("bitsandbytes")]
    rows = lab.run(cases[:3] if REHEARSAL else cases, about)
    assert rows, lab.skipped
    assert json.loads(lab.out.read_text(encoding="utf-8"))["rows"] == rows
    wrong = [row for row in rows if row["estimated_parameters"] != row["parameters"]]
    far = [row for row in rows if abs(row["error"]) > WITHIN and not REHEARSAL]  # tiny ones have other proportions
    assert not wrong
    assert not far


def test_the_machine_is_kept(card, out):
    """Its redacted snapshot, for tests/test_machines.py: write expected.toml and the reports with ``--update``."""
    snapshot = collect(Look(python=TARGET, timeout=20.0))
    folder = out / "machines" / gpulab.file_name(card["card"])
    folder.mkdir(exist_ok=True)
    (folder / "snapshot.json").write_text(dump(snapshot), encoding="utf-8", newline="\n")
    (folder / "expected.toml").write_text("# a lent machine, read live; see snapshot.json\n", encoding="utf-8", newline="\n")
    if not REHEARSAL:
        assert snapshot.get("gpu.count", 0) >= 1
        assert snapshot.get("driver.version") == card["driver"]
