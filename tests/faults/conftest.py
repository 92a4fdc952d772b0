"""The double is compiled once; without a compiler the tests that need it are skipped."""

import shutil
import subprocess
from pathlib import Path

import pytest
from patient import Patient


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    path = tmp_path_factory.mktemp("double") / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", path, Path(__file__).with_name("double.c")], check=True)
    return path


@pytest.fixture
def patient(tmp_path, library):
    return Patient(tmp_path, library)
