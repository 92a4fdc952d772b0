"""Which architectures have a tiny model: the rows of architectures.json, which the child reads too."""

from __future__ import annotations

import json
from pathlib import Path

TABLE = Path(__file__).with_name("architectures.json")


def types() -> tuple[str, ...]:
    """``model_type`` of every architecture that tier 2 can make."""
    return tuple(json.loads(TABLE.read_text(encoding="utf-8")))
