"""What else serves when a package or a model cannot be had."""

from __future__ import annotations

from doctor.knowledge import store
from doctor.model.names import normalise
from doctor.model.patterns import compiled

_ENDING = r"-(?:gptq|awq|bnb|gguf|fp8|hf|int\d|\dbit|4bit|8bit)(?:-.*)?$"


def engines(name: str) -> tuple[str, ...]:
    """Distributions that load the same weights, or quantise as the named one does."""
    return tuple(store.rows("substitutes")["engines"].get(normalise(name), ()))


def smaller(model: str, room: int) -> str | None:
    """The largest public model of the same type that is smaller and whose 16-bit weights take 80 % of ``room`` bytes.

    None: the model is not known, or none is small enough.
    """
    rows = store.rows("vlm_profiles")
    here = rows.get(_plain(model))
    if here is None or not here.get("params"):
        return None
    kin = [row for row in rows.values() if row["config"].get("model_type") == here["config"].get("model_type")]
    limit = min(int(here["params"]) - 1, room * 2 // 5)
    fitting = [row for row in kin if 0 < int(row.get("params") or 0) <= limit]
    best = max(fitting, key=lambda row: int(row["params"]), default=None)
    return str(best["hub"]) if best else None


def gguf_of(model: str) -> str | None:
    """Repository with a ready GGUF of a model (repository id or folder); None: none is known."""
    found = store.rows("substitutes")["gguf"].get(_plain(model))
    return str(found) if found else None


def _plain(model: str) -> str:
    """``Qwen/Qwen2.5-VL-7B-Instruct-AWQ`` -> ``qwen2.5-vl-7b-instruct``."""
    word = model.rstrip("/").rpartition("/")[2].lower().replace("_", "-")
    return compiled(_ENDING).sub("", compiled(r"(?<=internvl2)-5").sub(".5", word))
