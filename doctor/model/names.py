"""Names of distributions."""

from __future__ import annotations

import re
from functools import lru_cache

PACKAGES = ("pin", "reinstall", "uninstall")  # steps that name a distribution
DIST = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[A-Za-z0-9._, -]*\])?"  # PEP 508: never an option, never a URL
SPECIFIER = r"(?:\s*(?:===|[<>=!~]=|[<>])\s*[\w.*+!-]+\s*(?:,|$))*"
_RUNS = re.compile(r"[-_.]+")


@lru_cache(maxsize=4096)
def normalise(name: str) -> str:
    """PEP 503 normalised name: lower case, runs of ``-_.`` become one dash."""
    return _RUNS.sub("-", name).lower()
