"""A target interpreter whose packages are stubs: the suite never needs torch."""

import sys

import pytest
from stubstack import Folder

from doctor.smoke.run import Request


class Stack(Folder):
    """The stubs, and requests for them."""

    def request(self, *tiers, **more):
        return Request(python=sys.executable, tiers=tiers or (0,), **{"timeout": 20.0, **more})


@pytest.fixture
def stack(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    return Stack(tmp_path)
