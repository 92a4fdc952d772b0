"""Names of distributions."""

from __future__ import annotations

import re

_RUNS = re.compile(r"[-_.]+")


def normalise(name: str) -> str:
    """PEP 503 normalised name: lower case, runs of ``-_.`` become one dash."""
    return _RUNS.sub("-", name).lower()
