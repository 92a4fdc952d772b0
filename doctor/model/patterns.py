"""Regular expressions that are compiled when they are first used."""

from __future__ import annotations

import re
from functools import cache


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, compiled once. A run needs few of those that its modules name; all would cost a tenth of a check."""
    return re.compile(pattern)
