"""The shipped model profiles (rules/kb/vlm_profiles.json): configurations of public checkpoints, by name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from doctor.knowledge import store

TABLE = "vlm_profiles"
NEAR = 6
# what a repository's name says about its weights; the longest endings first
SUFFIXES = (
    ("-gptq-int4", "gptq4"), ("-gptq-int8", "gptq8"), ("-bnb-4bit", "nf4"), ("-bnb-8bit", "int8"), ("-awq", "awq4"),
    ("-gptq", "gptq4"), ("-fp8", "fp8"), ("-gguf", "gguf:Q4_K_M"),
    ("-int4", "nf4"), ("-4bit", "nf4"), ("-8bit", "int8"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Profile:
    """One row. ``quant`` is what the asked name says about quantisation, None when it says nothing."""

    id: str
    hub: str
    config: Mapping[str, Any]
    source: str
    params: int | None  # published total, for those who want to compare
    quant: str | None = None


def names() -> list[str]:
    """Ids of all profiles, towers and other parts included."""
    return sorted(store.rows(TABLE))


def get(name: str) -> Profile | None:
    """The profile of exactly this id."""
    row = store.rows(TABLE).get(name)
    if row is None:
        return None
    return Profile(name, row["hub"], row["config"], row["source"], row.get("params"))


def part(name: str) -> Mapping[str, Any] | None:
    """The configuration of a single tower, in the form of a ``vision_config``."""
    profile = get(key(name))
    if profile is None:
        return None
    nested: Mapping[str, Any] | None = profile.config.get("vision_config")
    return nested or profile.config


def key(name: str) -> str:
    """A repository id or loose name in the form of our ids: without owner, lower case, dots for versions."""
    word = name.strip().rstrip("/").rpartition("/")[2].lower()
    return re.sub(r"(?<=\d)[_](?=\d)", ".", word).replace("_", "-").replace(" ", "-")


def find(name: str) -> Profile | None:
    """The profile that a user means: by id, hub id, without quantisation ending, or the only one that begins so."""
    word, quant = key(name), None
    for suffix, meaning in SUFFIXES:
        if word.endswith(suffix) and word not in store.rows(TABLE):
            word, quant = word.removesuffix(suffix), meaning
            break
    found = _match(word)
    profile = get(found) if found else None
    if profile is None or quant is None:
        return profile
    return Profile(profile.id, profile.hub, profile.config, profile.source, profile.params, quant)


def _match(word: str) -> str | None:
    rows = store.rows(TABLE)
    if word in rows:
        return word
    for other, row in rows.items():
        if key(row["hub"]) == word or word in (key(alias) for alias in row.get("also", ())):
            return str(other)
    starting = [str(other) for other in rows if other.startswith(word + "-")] if len(word) > 3 else []
    return starting[0] if len(starting) == 1 else None


def near(name: str) -> list[str]:
    """Ids that the user may have meant, best first."""
    word, ids = key(name), names()
    inside = [other for other in ids if len(word) > 2 and word in other]
    close = difflib.get_close_matches(word[:100], ids, n=NEAR, cutoff=0.5)
    return list(dict.fromkeys([*inside, *close]))[:NEAR]
