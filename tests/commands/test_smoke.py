"""``vlmdoctor smoke`` as a user meets it; the target's packages are stubs."""

import json
import os

import pytest

from doctor.commands.common import Options, judge
from doctor.commands.smoke import knows, together
from doctor.model import Snapshot
from doctor.smoke.run import Outcome, Result


def test_all_green(call):
    done = call("--tier", "0", "--lang", "en")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("It runs: ")
    assert "import torch: 2.6.0 (cpu)" in done.stdout
    assert not done.stderr


def test_a_failure_is_explained_by_a_rule():
    outcome = Outcome()
    outcome.results = [Result(0, "import torchvision", False, 1.0, "RuntimeError: operator torchvision::nms does not exist")]
    outcome.output = (
        b'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    import torchvision\n'
        b"RuntimeError: operator torchvision::nms does not exist\n"
    )
    snapshot = together(Snapshot({}), outcome)
    assert snapshot.facts["log.exit_status"] == 1
    report = judge(snapshot, Options("text", None, "error", "en", False, (), (), None))
    assert report.entries[0].finding.slug == "torch-torchvision-pair"
    assert knows(report)


def test_json_is_the_report_with_the_steps_among_its_facts(call):
    done = call("--tier", "0", "--format", "json", changes={"cv2.py": "raise ImportError('libGL.so.1: cannot open')"})
    assert done.returncode == 1
    steps = json.loads(done.stdout)["snapshot"]["smoke.results"]
    assert [step["step"] for step in steps if step["ok"] is False] == ["import cv2"]


def test_an_error_that_no_rule_knows_is_shown(call):
    done = call("--tier", "2", "--lang", "en", changes={"torch.py": "raise ValueError('frobnication of the left widget')"})
    assert done.returncode == 1
    assert done.stdout.startswith("It does not run. First failure: tier 0, import torch: ValueError: frobnication")
    assert "ValueError: frobnication of the left widget" in done.stdout.partition("No rule names this very error")[2]
    assert "not tried after the failure of import torch" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_crash_has_no_traceback_of_ours(call):
    done = call("--tier", "0", "--format", "markdown", "--lang", "zh", changes={"numpy.py": "import os; os.abort()"})
    assert done.returncode == 1
    assert "SIGABRT" in done.stdout
    assert "无法运行" in done.stdout
    assert "doctor/" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--tier", "4"),
        ("--tier", "3"),
        ("--arch", "no_such"),
        ("--load-in-4bit", "--load-in-8bit"),
        ("--tier", "7"),
        ("--model", "nobody/knows-this"),
    ],
)
def test_usage(call, words):
    done = call(*words)
    assert done.returncode == 2
    assert "Error: " in done.stderr


def test_no_interpreter_is_code_3(call, tmp_path):
    done = call("--python", str(tmp_path / "nothing"))
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_the_models_own_type_chooses_the_architecture(call, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "strange_vl"}), encoding="utf-8")
    done = call("--model", str(folder), "--tier", "2", "--format", "json", changes={"torch.py": "raise OSError('x')"})
    assert done.returncode == 1
    assert json.loads(done.stdout)["snapshot"]["smoke.results"][-1]["step"] == "-"


def test_the_report_goes_to_a_file(call, tmp_path):
    done = call("--tier", "0", "-o", str(tmp_path / "out.md"), "--format", "markdown")
    assert done.returncode == 0
    assert done.stdout == ""
    assert "| 0 | import numpy: 2.1.0 |" in (tmp_path / "out.md").read_text(encoding="utf-8")
