"""CUDA_VISIBLE_DEVICES as the CUDA driver reads it: entries count up to the first one that is not valid."""

import re

ORDINAL = r"\s*([+-]?\d{1,18})"  # what follows is ignored, as strtol does; no machine has so many cards
IDENTITY = ("GPU-", "MIG-")


def parse(value):
    """``(entries, problem)``: indices and UUIDs as texts; problem is None, empty, invalid or duplicate."""
    if value is None:
        return None, None
    if not value.strip():
        return [], "empty"
    parts = value.split(",")
    prefix = next((p for p in IDENTITY if value.startswith(p)), None)
    taken = []
    for part in parts:
        entry = _entry(part, prefix)
        if entry is None:
            return taken, "invalid"
        if entry in taken:
            return [], "duplicate"  # the driver then shows no device at all
        taken.append(entry)
    return taken, None


def _entry(part, prefix):
    if prefix:
        return part.strip() if part.strip().startswith(prefix) else None
    found = re.match(ORDINAL, part)
    return str(int(found.group(1))) if found and int(found.group(1)) >= 0 else None
