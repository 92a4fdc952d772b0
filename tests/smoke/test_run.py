"""What the children of a target do, good or bad, becomes results; nothing they do is the doctor's failure."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.smoke.run import Outcome, Result, smoke

CHILD = Path(__file__).parents[2] / "doctor" / "smoke"
posix = pytest.mark.skipif(os.name != "posix", reason="signals and sessions")


def by_step(outcome):
    return {result.step: result for result in outcome.results}


def test_a_healthy_stack_passes(stack):
    outcome = smoke(stack.request())
    assert not outcome.failed(), outcome.output
    assert outcome.reached() == 0
    assert by_step(outcome)["import torch"].detail == "2.6.0 (cpu)"
    assert "log.exit_status" not in outcome.facts()


def test_the_hidden_cause_is_told(stack):
    stack.write(
        "transformers.py",
        "def __getattr__(name):\n"
        "    try:\n        raise OSError('libcudart.so.11.0: cannot open shared object file')\n"
        "    except OSError as error:\n        raise RuntimeError('Failed to import ' + name) from error\n",
    )
    outcome = smoke(stack.request(0, 1, 2))
    bad = outcome.failed()[0]
    assert (bad.step, bad.detail) == (
        "transformers.AutoConfig",
        "OSError: libcudart.so.11.0: cannot open shared object file",
    )
    assert b"Failed to import AutoConfig" in outcome.output
    assert outcome.reached() is None


@posix
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGILL, signal.SIGKILL])
def test_a_crash_is_a_result_and_the_other_imports_go_on(stack, number):
    stack.write("tokenizers.py", f"import os, signal; os.kill(os.getpid(), {int(number)})")
    outcome = smoke(stack.request())
    steps = by_step(outcome)
    assert steps["import tokenizers"].ok is False
    assert number.name in steps["import tokenizers"].detail
    assert steps["transformers.AutoConfig"].ok
    assert outcome.facts()["log.exit_signal"] == number


@posix
def test_a_hang_is_a_result_and_says_where(stack):
    stack.write("torch.py", "import time\ntime.sleep(60)")
    outcome = smoke(stack.request(0, 2, timeout=3.0))
    assert "no answer in" in by_step(outcome)["import torch"].detail
    assert b"torch.py" in outcome.output
    assert outcome.results[-1] == Result(2, "-", None, 0.0, "import torch")


@posix
def test_leaving_early_is_a_result(stack):
    stack.write("numpy.py", "import os; os._exit(7)")
    steps = by_step(smoke(stack.request()))
    assert steps["import numpy"].detail == "ended with status 7"
    assert steps["import torch"].ok


def test_an_interpreter_that_does_not_start(stack, tmp_path):
    outcome = smoke(stack.request()._replace(python=str(tmp_path / "nothing")))
    assert outcome.failed()[0].step == "start"


def test_a_flood_is_ended(stack):
    stack.write("numpy.py", "while True: print('x' * 10000)")
    assert "printed more than" in by_step(smoke(stack.request()))["import numpy"].detail


def test_an_unknown_architecture_is_left_out(stack):
    outcome = smoke(stack.request(2, arch="no_such_vl"))
    assert [result.ok for result in outcome.results] == [None]
    assert outcome.reached() is None


def test_no_folder_is_left_and_no_network_is_asked(stack, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    stack.write("numpy.py", "import os; assert os.environ['HF_HUB_OFFLINE'] == '1'; open('left', 'w').close()")
    outcome = smoke(stack.request())
    assert by_step(outcome)["import numpy"].ok
    assert not list((tmp_path / "t").iterdir())


def test_the_folder_of_the_child_is_not_importable(stack):
    stack.write("numpy.py", "import sys; assert not [p for p in sys.path if p.endswith('doctor/smoke')]")
    assert by_step(smoke(stack.request()))["import numpy"].ok


def test_progress_names_the_step_before_it_is_done(stack):
    seen = []
    smoke(stack.request(), lambda *told: seen.append(told))
    assert (0, "import torch", 5.0, 0.0) in seen


def test_reached_needs_every_tier_below():
    outcome = Outcome()
    outcome.results = [Result(0, "a", True, 0, ""), Result(1, "b", False, 0, ""), Result(2, "c", True, 0, "")]
    assert outcome.reached() == 0


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.13"])
def test_the_child_speaks_old_python(version):
    import ast

    major, minor = map(int, version.split("."))
    for path in [CHILD / "child.py", *(CHILD / "target").glob("*.py")]:
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(major, minor))


def test_our_side_never_imports_torch():
    code = "import sys, doctor.smoke.run, doctor.smoke.aim, doctor.smoke.recipes; print([m for m in sys.modules if m in ('torch', 'numpy')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
