"""``check --smoke`` and what both commands say beside the steps; the target's packages are stubs."""

import json

import pytest


@pytest.fixture
def check(call):
    return lambda *words, changes=(): call(*words, changes=changes, command="check")


def test_one_report_with_the_steps_before_it(check):
    done = check("--smoke", "--lang", "en", changes={"torch.py": "raise OSError('libcudart.so.11.0: cannot open shared object file')"})
    assert done.returncode == 1
    head, _, report = done.stdout.partition("  0 imports")
    assert head.startswith("It does not run. First failure: tier 0, import torch")
    assert "libcudart.so.11.0" in report
    assert "rules looked at" in report


def test_the_report_comes_when_nothing_failed_too(check):
    done = check("--smoke", "--lang", "en", "--fail-on", "never")
    assert "rules looked at" in done.stdout
    assert done.returncode == 0


def test_json_has_both(check):
    done = check("--smoke", "--format", "json", changes={"numpy.py": "raise ImportError('x')"})
    report = json.loads(done.stdout)
    assert report["smoke"][0] == {"tier": 0, "step": "import numpy", "ok": False, "seconds": report["smoke"][0]["seconds"], "detail": "ImportError: x"}
    assert "findings" in report


def test_without_the_option_nothing_is_imported(check):
    done = check("--format", "json", changes={"numpy.py": "raise ImportError('x')"})
    assert json.loads(done.stdout)["smoke"] is None


def test_not_with_a_snapshot(check, tmp_path):
    assert check("--smoke", "--snapshot", str(tmp_path / "s.json")).returncode == 2
