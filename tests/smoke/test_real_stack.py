"""Tiers 0 to 2 with a real torch on the CPU: ``VLMDOCTOR_TARGET=/path/to/python pytest -m slow tests/smoke``."""

import os

import pytest

from doctor.smoke import recipes
from doctor.smoke.run import Request, smoke

pytestmark = pytest.mark.slow
TARGET = os.environ.get("VLMDOCTOR_TARGET")


@pytest.mark.skipif(not TARGET, reason="VLMDOCTOR_TARGET names no interpreter with torch and transformers")
@pytest.mark.parametrize("kind", ["llava", *(kind for kind in recipes.types() if kind != "llava")])
def test_a_tiny_model_of_every_architecture(kind):
    tiers = (0, 1, 2) if kind == "llava" else (2,)
    outcome = smoke(Request(python=TARGET, tiers=tiers, arch=kind, device="cpu"))
    assert not outcome.failed(), outcome.output.decode(errors="replace")
