"""A target interpreter whose packages are stubs: the suite never needs torch."""

import sys

import pytest

from doctor.smoke.run import Request

STUBS = {
    "numpy.py": "__version__ = '2.1.0'",
    "PIL/__init__.py": "__version__ = '11.0.0'",
    "PIL/Image.py": "",
    "torch.py": "class version: cuda = None\n__version__ = '2.6.0'",
    "tokenizers.py": "",
    "safetensors/__init__.py": "",
    "safetensors/torch.py": "",
    "huggingface_hub.py": "hf_hub_download = None",
    "transformers.py": "__version__ = '4.57.0'\nAutoConfig = AutoProcessor = PreTrainedModel = object",
}


class Stack:
    """Writes stub modules into a folder that the children see through PYTHONPATH."""

    def __init__(self, folder):
        self.folder = folder
        for name, body in STUBS.items():
            self.write(name, body)

    def write(self, name, body):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")

    def request(self, *tiers, **more):
        return Request(python=sys.executable, tiers=tiers or (0,), **{"timeout": 20.0, **more})


@pytest.fixture
def stack(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    return Stack(tmp_path)
