"""What the published figures are compared with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from doctor.fit import Request, activations, estimate, kv, profiles, weights
from doctor.fit.budget import CONTEXT
from doctor.fit.count import describe
from doctor.fit.shapes import GIB, MIB, Model

VRAM = Path(__file__).parents[2] / "fixtures" / "vram"
UNITS = {"B": 1, "MiB": MIB, "GiB": GIB, "GB": 10**9}


def rows(name: str) -> Any:
    return json.loads((VRAM / f"{name}.json").read_text(encoding="utf-8"))["rows"]


def model(name: str):
    profile = profiles.get(name)
    assert profile is not None, name
    return describe(name, profile.config)


def request(values: dict[str, Any]) -> Request:
    return Request(**{k: tuple(map(tuple, v)) if k == "images" else v for k, v in values.items()})


def figure(row: dict[str, Any]) -> int:
    """Our estimate of what a row of measurements.json names."""
    one = describe(row["model"], row["config"]) if "config" in row else model(row["model"])
    asked = request(row["request"])
    if asked.engine != "transformers":
        return served(one, asked, row["what"])
    held = weights.pieces(one, asked)
    total = sum(piece.bytes for piece in held)
    if row["what"] == "weights":
        return total
    if row["what"] == "footprint":
        return sum(piece.bytes for piece in held if piece.name != weights.CONSTANTS)
    if row["what"] == "resident":
        return total + CONTEXT
    if row["what"] == "mmproj, 16 bit":
        return sum(p.bytes for p in weights.pieces(one, replace(asked, quant="gguf:F16")) if p.name in weights.VISION)
    if row["what"] == "language parameters":
        return sum(one.parts[name].total for name in ("language model", "embeddings", "lm_head"))
    if row["what"] == "mmproj":
        return 4 * sum(one.parts[name].total for name in ("vision tower", "projector"))
    if row["what"] == "kv":
        return kv.cache(one, asked, asked.context or 0, 0)
    if row["what"] == "eager vision":
        seen = activations.read(one, asked).seen[0]
        return one.vision.heads * seen.longest**2 * 2
    return estimate(one, asked).total - (CONTEXT if row["what"] == "torch" else 0)


def served(one: Model, asked: Request, what: str) -> int:
    """Our estimate of what a server's start-up log says."""
    if what == "kv":
        stateless = replace(one, language=replace(one.language, state=0))
        return kv.cache(stateless, asked, asked.context or 0, 0)
    if what == "state":
        return kv.cache(one, asked, 0, 0)
    pieces = estimate(one, asked).pieces
    if what == "weights":
        return sum(piece.bytes for piece in pieces if piece.kind == "weights")
    name = {"compute": "compute buffer", "vision compute": "vision activations"}[what]
    return sum(piece.bytes for piece in pieces if piece.name == name)


def error(row: dict[str, Any]) -> float:
    """Relative error of our figure."""
    return figure(row) / (row["value"] * UNITS[row["unit"]]) - 1
