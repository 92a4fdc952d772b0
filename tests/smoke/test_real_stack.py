"""Tiers 0 to 2 and 6 with real stacks on the CPU: ``VLMDOCTOR_TARGET=PYTHON[:PYTHON...] pytest -m slow tests/smoke``.

``python tests/smoke/stacktable.py PYTHON...`` prints the same as a table.
"""

import os

import pytest
import stacktable
import tinyhub

from doctor.smoke import recipes
from doctor.smoke.run import Request, smoke

TARGETS = [path for path in os.environ.get("VLMDOCTOR_TARGET", "").split(os.pathsep) if path]
BOUND = 10.0  # CPU seconds
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not TARGETS, reason="VLMDOCTOR_TARGET names no interpreter with torch and transformers"),
]
targets = pytest.mark.parametrize("target", TARGETS)


@targets
@pytest.mark.parametrize("kind", recipes.types())
def test_a_tiny_model_of_every_architecture(target, kind):
    cell = stacktable.cell(target, kind)
    assert cell.state in ("ok", "absent")
    assert cell.cpu < BOUND


@targets
def test_a_cached_model_offline(target, tmp_path):
    outcome = smoke(Request(python=target, tiers=(3,), model=str(tinyhub.cached(target, tmp_path, "llava")), device="cpu"))
    assert not outcome.failed(), outcome.output.decode(errors="replace")
    steps = {result.step: result.detail for result in outcome.results}
    assert "first token after" in steps["speed"]
    assert outcome.peaks["host"] > 0


@targets
@pytest.mark.parametrize("tier", [5, 6])
def test_other_engines_where_installed(target, tier):
    outcome = smoke(Request(python=target, tiers=(tier,), device="cpu"))
    missing = any("No module named 'llama_cpp'" in result.detail for result in outcome.failed())
    assert missing or not outcome.failed(), outcome.output.decode(errors="replace")
