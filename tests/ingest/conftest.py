"""What all tests of ingest share."""

from pathlib import Path

import pytest

from doctor.ingest import ingest

PASTED = Path(__file__).parents[2] / "fixtures" / "pasted"


@pytest.fixture
def facts():
    """Facts of a text, or of a file under fixtures/pasted."""

    def read(text):
        return dict(ingest([text]).facts)

    return read


@pytest.fixture
def pasted():
    def read(name):
        return dict(ingest([(PASTED / name).read_bytes()]).facts)

    return read
