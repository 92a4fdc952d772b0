"""What was judged: one rule against one snapshot."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

_NONE: Mapping[str, str] = {}  # nothing bound


class Verdict(str, Enum):
    """``unknown`` and ``crash`` are counted in every summary; a missing fact never becomes ``clear``."""

    HIT = "hit"
    CLEAR = "clear"
    SILENT = "silent"
    UNKNOWN = "unknown"
    CRASH = "crash"


class Evidence(NamedTuple):
    """One thing the rule looked at: the fact's name and what it held, or a line of a pasted text."""

    fact: str
    seen: Any
    line: int | None = None  # 1-based line of the pasted text


class FixStep(NamedTuple):
    """One concrete step, not yet a command of any shell.

    Every hole is filled, but for ``run``: its target is a shell template whose ``bound`` values are put in, quoted,
    by the one module that knows the shell.
    """

    kind: str
    target: str
    to: str
    safety: str
    way: int = 1
    because: tuple[str, ...] = ()
    bound: Mapping[str, str] = _NONE


class Finding(NamedTuple):
    """The verdict of one rule. ``confidence`` in 0..1; ``under`` is the id of the finding that explains it."""

    rule: str
    slug: str
    family: str
    severity: str
    verdict: Verdict
    confidence: float = 0.0
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()
    bound: Mapping[str, str] = _NONE
    fix: tuple[FixStep, ...] = ()
    under: str | None = None
    trouble: str = ""
