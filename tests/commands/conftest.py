"""A target interpreter whose packages are stubs."""

import os
import subprocess
import sys

import pytest

STUBS = {
    "numpy.py": "__version__ = '2.1.0'",
    "PIL/__init__.py": "",
    "PIL/Image.py": "",
    "torch.py": "class version: cuda = None\n__version__ = '2.6.0'",
    "tokenizers.py": "",
    "safetensors/__init__.py": "",
    "safetensors/torch.py": "",
    "huggingface_hub.py": "hf_hub_download = None",
    "transformers.py": "__version__ = '4.57.0'\nAutoConfig = AutoProcessor = PreTrainedModel = object",
}


@pytest.fixture
def call(tmp_path):
    """A real process whose children see the stubs, after ``changes`` to them."""

    def run(*words, changes=(), command="smoke"):
        stubs = tmp_path / "stubs"
        for name, body in {**STUBS, **dict(changes)}.items():
            (stubs / name).parent.mkdir(parents=True, exist_ok=True)
            (stubs / name).write_text(body, encoding="utf-8")
        env = {**os.environ, "PYTHONPATH": str(stubs), "PYTHONDONTWRITEBYTECODE": "1", "HF_HOME": str(tmp_path)}
        env.pop("OPENAI_API_KEY", None)
        argv = [sys.executable, "-m", "doctor", command, "--python", sys.executable, *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, env=env, check=False)

    return run
