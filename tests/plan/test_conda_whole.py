"""A conda environment from the look to the undo: the real probe, the real planner, the real journal, a made-up conda."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.knowledge import versions
from tests.plan import fakeconda
from tests.plan.killed import picture

NEW = versions.newest("tokenizers", ">=0.21,<0.22")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a copied interpreter")


def dist(site, name, version, installer, requires=""):
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n{requires}\n")
    (folder / "INSTALLER").write_text(installer + "\n")
    (folder / "RECORD").write_text(f"{name}/__init__.py,,\n")
    (site / name).mkdir()
    (site / name / "__init__.py").write_text(version)
    return [f"{folder.name}/{each}" for each in ("METADATA", "INSTALLER", "RECORD")] + [f"{name}/__init__.py"]


@pytest.fixture
def prefix(tmp_path):
    """``conda/envs/vlm``: an interpreter of its own, conda's tokenizers, pip's transformers that wants another one."""
    prefix = tmp_path / "conda" / "envs" / "vlm"
    short = "python{}.{}".format(*sys.version_info)
    site = prefix / "lib" / short / "site-packages"
    site.mkdir(parents=True)
    (prefix / "bin").mkdir()
    for each in (Path(sys.base_prefix) / "lib" / short).iterdir():
        if each.name != "site-packages":
            (site.parent / each.name).symlink_to(each)
    shutil.copy(os.path.realpath(sys.executable), prefix / "bin" / "python")
    said = subprocess.run([prefix / "bin" / "python", "-c", "import sys; print(sys.prefix, *sys.path, sep=chr(10))"], capture_output=True, text=True, check=False)
    lines = said.stdout.splitlines()
    if lines[:1] != [str(prefix)] or str(site) not in lines:  # a Debian's looks into dist-packages
        pytest.skip("this interpreter does not run from a copy")
    files = dist(site, "tokenizers", "0.19.1", "conda")
    dist(site, "transformers", "4.49.0", "pip", "Requires-Dist: tokenizers<0.22,>=0.21\n")
    dist(site, "pip", "24.0", "conda")
    meta = prefix / "conda-meta"
    meta.mkdir()
    inside = site.relative_to(prefix).as_posix()
    record = {"name": "tokenizers", "version": "0.19.1", "channel": "https://conda.example/conda-forge/linux-64", "depends": ["python >=3.9"], "files": [f"{inside}/{name}" for name in files]}
    (meta / "tokenizers-0.19.1-py_0.json").write_text(json.dumps(record))
    (meta / "history").write_text("==> 2025-01-01 00:00:00 <==\n# update specs: ['tokenizers']\n")
    (prefix / "lib" / "libshared.so.1").write_text("old")
    (tmp_path / "conda" / "conda-meta").mkdir()
    fakeconda.put(tmp_path / "conda" / "condabin", sys.executable)
    return prefix


def doctor(home, *words):
    env = {"HOME": str(home), "PATH": os.environ["PATH"], "SHELL": "/bin/bash", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-m", "doctor", *words], env=env, cwd=home, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_from_the_look_to_the_undo(prefix, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    before = picture(prefix)
    target = ("--python", str(prefix / "bin" / "python"), "--timeout", "30")
    status, said = doctor(home, "fix", *target, "--yes", "--lang", "en")
    assert f"tokenizers: 0.19.1 -> {NEW}" in said
    assert f"condabin/conda install -y -p {prefix} -c conda-forge tokenizers={NEW}" in said.replace("~/", f"{home}/")
    assert status == 0, said
    assert (prefix / "conda-meta" / f"tokenizers-{NEW}-py_1.json").exists()
    calls = [json.loads(line) for line in (tmp_path / "conda" / "condabin" / "calls").read_text().splitlines()]
    assert ["--dry-run" in call for call in calls] == [True, False]
    assert picture(prefix) != before
    status, said = doctor(home, "fix", *target, "--undo", "--lang", "en")
    assert status == 0, said
    assert picture(prefix) == before
    assert not list((tmp_path / "conda").glob(".vlmdoctor-*"))


def test_a_refusal_of_conda_changes_nothing(prefix, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "conda" / "condabin" / "answer.json").write_text(json.dumps({"exception_name": "UnsatisfiableError", "message": "tokenizers and python disagree"}))
    before = picture(prefix)
    status, said = doctor(home, "fix", "--python", str(prefix / "bin" / "python"), "--timeout", "30", "--yes", "--lang", "en")
    assert status == 3
    assert "tokenizers and python disagree" in said
    assert picture(prefix) == before


def test_a_conda_that_dies_half_way_is_taken_back(prefix, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "conda" / "condabin" / "dies").write_text("")
    before = picture(prefix)
    status, said = doctor(home, "fix", "--python", str(prefix / "bin" / "python"), "--timeout", "30", "--yes", "--lang", "en")
    assert status == 3, said
    assert picture(prefix) == before
    assert not list((tmp_path / "conda").glob(".vlmdoctor-*"))
