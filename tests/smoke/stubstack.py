"""A stack of stub packages for a target interpreter: the suite never needs torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

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


class Folder:
    """Stub modules in a folder that children see through PYTHONPATH; ``changes`` replace or add some."""

    def __init__(self, folder: Path, changes: Iterable[tuple[str, str]] = ()) -> None:
        self.folder = folder
        for name, body in {**STUBS, **dict(changes)}.items():
            self.write(name, body)

    def write(self, name: str, body: str) -> None:
        """One module."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
