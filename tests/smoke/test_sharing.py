"""Tiers 0 to 2 share one child while nothing fails; each has its own seconds."""

import os

import pytest

from doctor.smoke.run import smoke

STUCK = "import os, time\ntime.sleep(float(os.environ['NAP']))\n"
posix = pytest.mark.skipif(os.name != "posix", reason="signals and sessions")


def steps(outcome):
    return {(result.tier, result.step): result for result in outcome.results}


def test_a_package_is_imported_once_for_all_tiers(stack, tmp_path):
    stack.write("numpy.py", f"open({str(tmp_path / 'count')!r}, 'a').write('x')")
    smoke(stack.request(0, 1))
    assert (tmp_path / "count").read_text() == "x"


def test_after_a_failure_the_next_tier_begins_in_a_new_process(stack, tmp_path):
    stack.write("numpy.py", f"open({str(tmp_path / 'count')!r}, 'a').write('x')")
    stack.write("cv2.py", "raise ImportError('libGL.so.1')")
    stack.write("torch.py", f"import numpy\n{(tmp_path / 'torch.py').read_text()}")
    outcome = smoke(stack.request(0, 1))
    assert (0, "import cv2") in {(r.tier, r.step) for r in outcome.failed()}
    assert (1, "devices") in steps(outcome)
    assert (tmp_path / "count").read_text() == "xx"


@posix
def test_every_tier_has_its_own_seconds(stack, monkeypatch):
    """Tier 0 takes most of its time and tier 1 more than what that left."""
    monkeypatch.setenv("NAP", "4")
    stack.write("tokenizers.py", STUCK)
    stack.write(
        "torch.py",
        "import time\nclass version: cuda = None\n__version__ = '2.6.0'\n"
        "class cuda:\n    @staticmethod\n    def is_available():\n        time.sleep(1.5)\n        return False\n",
    )
    outcome = smoke(stack.request(0, 1, timeout=6.0))
    assert not [result for result in outcome.failed() if "no answer" in result.detail], outcome.results


@posix
def test_a_hang_in_a_later_tier_says_its_own_seconds(stack, monkeypatch):
    monkeypatch.setenv("NAP", "1")
    stack.write("tokenizers.py", STUCK)
    stack.write(
        "torch.py",
        "import time\nclass version: cuda = None\n__version__ = '2.6.0'\n"
        "class cuda:\n    @staticmethod\n    def is_available():\n        time.sleep(60)\n",
    )
    outcome = smoke(stack.request(0, 1, timeout=3.0))
    assert steps(outcome)[1, "devices"].detail == "no answer in 3.0 s"


def test_files_beside_the_program_shadow_packages(stack, tmp_path, monkeypatch):
    """As in a program started from there."""
    project = tmp_path / "project"
    project.mkdir(mode=0o755)
    (project / "einops.py").write_text("raise ImportError('shadow')")
    monkeypatch.chdir(project)
    assert steps(smoke(stack.request()))[0, "import einops"].ok is False


@posix
def test_not_where_everybody_may_write(stack, tmp_path, monkeypatch):
    project = tmp_path / "project"
    project.mkdir()
    project.chmod(0o777)
    (project / "einops.py").write_text("raise ImportError('shadow')")
    monkeypatch.chdir(project)
    assert (0, "import einops") not in steps(smoke(stack.request()))
