"""The fuzz targets with hypothesis: a few hundred mutations each in CI, ``FUZZ_RUNS`` of them behind ``-m slow``."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from targets import TARGETS

CORPORA = Path(__file__).parents[2] / "fixtures" / "fuzz"
SLOW = ("diagnosis", "report_lines", "program", "script", "project", "redactor", "text_report", "read_")  # milliseconds an input
LONG = int(os.environ.get("FUZZ_RUNS", "20000"))


def mutated(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """A seed with some pieces cut out, doubled or replaced, or plain noise."""

    @st.composite
    def draw_one(draw: st.DrawFn) -> bytes:
        data = draw(st.sampled_from(seeds))
        for _ in range(draw(st.integers(0, 4))):
            at, size = draw(st.integers(0, len(data))), draw(st.integers(0, 12))
            data = data[:at] + draw(st.binary(max_size=8)) * draw(st.sampled_from([1, 1, 1, 40])) + data[at + size :]
        return data

    return st.one_of(draw_one(), st.binary(max_size=300))


def campaign(name: str, runs: int) -> None:
    target, seeds = TARGETS[name]

    @settings(max_examples=runs, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(mutated(seeds))
    def holds(data: bytes) -> None:
        target(data)

    holds()


@pytest.mark.parametrize("name", TARGETS)
def test_seeds(name: str) -> None:
    for seed in TARGETS[name][1]:
        TARGETS[name][0](seed)


@pytest.mark.parametrize("name", TARGETS)
def test_corpus(name: str) -> None:
    """Inputs that reached new code when they were found, and those that once broke a reader (``crash-*``)."""
    for path in sorted((CORPORA / name).glob("*")):
        TARGETS[name][0](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_some_mutations(name: str) -> None:
    campaign(name, 30 if name.startswith(SLOW) else 150)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_many_mutations(name: str) -> None:
    campaign(name, LONG)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_time_is_linear_in_the_size(name: str) -> None:
    """Eight times the input may cost at most 24 times: a quadratic reader would need 64."""
    target, seeds = TARGETS[name]
    chance = random.Random(name)
    pieces = [seed[i : i + 7] for seed in seeds for i in range(0, len(seed), 7)]
    small = b"".join(chance.choices(pieces, k=6000))
    costs = []
    for data in (small, small * 8):
        began = time.process_time()
        target(data)
        costs.append(time.process_time() - began)
    assert costs[1] < 24 * max(costs[0], 0.02)
