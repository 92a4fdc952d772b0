"""The probe's modules are scripts of one folder, not of a package."""

from __future__ import annotations

import sys
from pathlib import Path

PROBE = str(Path(__file__).parents[3] / "doctor" / "collect" / "probe")
if PROBE not in sys.path:
    sys.path.append(PROBE)
