"""Names of distributions."""

from __future__ import annotations

import re
from functools import lru_cache

_RUNS = re.compile(r"[-_.]+")


@lru_cache(maxsize=4096)
def normalise(name: str) -> str:
    """PEP 503 normalised name: lower case, runs of ``-_.`` become one dash."""
    return _RUNS.sub("-", name).lower()
