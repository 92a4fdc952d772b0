"""The estimator against published measurements and our own; the target is part of the product's promise."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest
from vramlab import error, model, rows

from doctor.fit import Request, activations
from doctor.fit.shapes import MIB

STATED = [row for row in rows("measurements") if row["stated"]]
OTHERS = [row for row in rows("measurements") if not row["stated"]]


def test_median_error():
    errors = [abs(error(row)) for row in STATED]
    assert len(errors) >= 50
    assert statistics.median(errors) <= 0.01
    assert max(errors) <= 0.05


@pytest.mark.parametrize("row", OTHERS, ids=lambda r: f"{r['model']}-{r['what']}-{r['value']}")
def test_round_numbers_are_near(row):
    assert abs(error(row)) <= 0.05


@pytest.mark.parametrize("row", rows("activations"), ids=lambda r: f"{r['model']}-{r['image']}-{r['attention']}")
def test_activations(row):
    """Measured on two layers each, with pixels already cast; the cache and what is kept grow with the layers."""
    one = shallow(model(row["model"]))
    asked = Request(images=(tuple(row["image"]),), dtype="bf16", attention=row["attention"])
    asked = replace(asked, prompt=row["prompt"] - activations.read(one, asked).image_tokens)
    given = activations.read(one, asked)
    vision = sum(piece.bytes for piece in activations.vision(one, asked, given)) - 4 * given.pixels
    prefill = sum(piece.bytes for piece in activations.prefill(one, asked, given))
    assert -0.02 <= max(vision, prefill) / MIB / row["mib"] - 1 <= 0.08


def shallow(whole):
    crossing = min(1, whole.language.cross)
    return replace(
        whole,
        language=replace(whole.language, layers=2 + crossing, cross=crossing),
        vision=replace(whole.vision, layers=2, deepstack=min(1, whole.vision.deepstack)),
    )
