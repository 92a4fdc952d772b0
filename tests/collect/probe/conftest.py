"""The probe's modules are scripts of one folder, not of a package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)
PROBE = str(Path(__file__).parents[3] / "doctor" / "collect" / "probe")
if PROBE not in sys.path:
    sys.path.append(PROBE)
if HERE not in sys.path:
    sys.path.append(HERE)

from envmake import Env  # noqa: E402


@pytest.fixture(autouse=True)
def _fresh_listings() -> None:
    """Folder listings are remembered for one run of the probe; a test is a run."""
    import paths

    for memory in (paths._LISTINGS, paths._SETS, paths._SLOW):
        memory.clear()


@pytest.fixture
def env(tmp_path: Path) -> Env:
    """An empty environment."""
    return Env(tmp_path)
