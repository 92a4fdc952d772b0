"""A target interpreter whose packages are stubs."""

import os
import subprocess
import sys

import pytest
from stubstack import Folder


@pytest.fixture
def call(tmp_path):
    """A real process whose children see the stubs, after ``changes`` to them."""

    def run(*words, changes=(), command="smoke"):
        stubs = Folder(tmp_path / "stubs", changes).folder
        env = {**os.environ, "PYTHONPATH": str(stubs), "PYTHONDONTWRITEBYTECODE": "1", "HF_HOME": str(tmp_path)}
        env.pop("OPENAI_API_KEY", None)
        argv = [sys.executable, "-m", "doctor", command, "--python", sys.executable, *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, env=env, check=False)

    return run
