"""On a real card: tiers 0 to 2 on cuda:0. ``VLMDOCTOR_TARGET`` names the interpreter; otherwise ours."""

import os
import subprocess
import sys

import pytest

from doctor.smoke import recipes
from doctor.smoke.run import Request, smoke

pytestmark = pytest.mark.gpu
TARGET = os.environ.get("VLMDOCTOR_TARGET", sys.executable)


@pytest.fixture(scope="module", autouse=True)
def card():
    """Skips everything where the target's torch sees no GPU."""
    code = "import torch; torch.zeros(1, device='cuda')"
    done = subprocess.run([TARGET, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip("no GPU for the target's torch: " + (done.stderr.strip().splitlines() or ["?"])[-1])


def passes(request):
    outcome = smoke(request)
    assert not outcome.failed(), outcome.output.decode(errors="replace")
    return {result.step: result for result in outcome.results}


def test_imports_and_kernels():
    steps = passes(Request(python=TARGET, tiers=(0, 1), device="cuda:0", gpus=1))
    assert steps["cuda:0 bfloat16"].ok
    assert "MiB before" in steps["cuda:0 memory"].detail


@pytest.mark.parametrize("kind", recipes.types())
def test_a_tiny_model_of_every_architecture(kind):
    steps = passes(Request(python=TARGET, tiers=(2,), arch=kind, device="cuda:0", gpus=1, dtype="bfloat16"))
    assert "on cuda:0" in steps["generate 8 tokens"].detail


@pytest.mark.parametrize("bits", [4, 8])
def test_quantised(bits):
    found = subprocess.run([TARGET, "-c", "import bitsandbytes"], capture_output=True, timeout=120, check=False)
    if found.returncode:
        pytest.skip("the target has no bitsandbytes")
    passes(Request(python=TARGET, tiers=(2,), arch="llava", device="cuda:0", gpus=1, bits=bits, dtype="float16"))
