"""Who publishes a model folder's repository, by the name of the folder. An answer is a guess that has to be shown."""

from __future__ import annotations

from doctor.knowledge import store


def repository(name: str) -> str | None:
    """``Qwen2.5-VL-7B-Instruct`` -> ``Qwen/Qwen2.5-VL-7B-Instruct``; None when no owner's names begin so."""
    found = next((row["owner"] for row in store.rows("hub_owners") if name.startswith(row["begins"])), None)
    return f"{found}/{name}" if found else None
