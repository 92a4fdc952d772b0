"""The table of readers and the order in which they look at a text.

A reader is a small module with ``read(text, sheet) -> bool``: it looks for cheap literals first, puts what it reads
into the sheet, and says whether it recognised its part. What no reader knows stays plain log text.
"""

from __future__ import annotations

from collections.abc import Callable

from doctor.ingest import (
    binaries,
    embedded,
    envreport,
    installs,
    memory,
    outcome,
    packages,
    shell,
    smi,
    toolchain,
    tracebacks,
    wording,
)
from doctor.ingest.sheet import Sheet
from doctor.ingest.text import Text

Reader = Callable[[Text, Sheet], bool]

# Weak sources first: a later reader of the same rank wins.
READERS: tuple[Reader, ...] = (
    tracebacks.read,
    binaries.read,
    wording.read,
    toolchain.read,
    shell.read,
    envreport.read,
    smi.read,
    packages.read,
    installs.read,
    memory.read,
    outcome.read,
    embedded.read,
)
