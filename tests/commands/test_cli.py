"""The command line as a user meets it: output, exit codes, errors without tracebacks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from doctor.cli import group

ROOT = Path(__file__).parents[2]
HEALTHY = ROOT / "fixtures" / "machines" / "healthy-qwen-h100" / "snapshot.json"
BROKEN = ROOT / "fixtures" / "machines" / "autodl-lisa-3090" / "snapshot.json"


def call(*words, env=None):
    """A real process, so that exit codes and both streams are what a shell sees."""
    return subprocess.run(
        [sys.executable, "-m", "doctor", *map(str, words)], capture_output=True, text=True, timeout=60, env=env, check=False
    )


def test_exit_codes():
    assert call("check", "--snapshot", HEALTHY).returncode == 0
    assert call("check", "--snapshot", BROKEN).returncode == 1
    assert call("check", "--snapshot", BROKEN, "--fail-on", "never").returncode == 0
    assert call("check", "--no-such-option").returncode == 2
    assert call("check", "--snapshot", "no-such-file.json").returncode in (2, 3)
    assert call("explain", "XYZ999").returncode == 2


def test_a_mistyped_interpreter_is_a_usage_error(tmp_path):
    done = call("check", "--python", tmp_path / "no" / "python")
    assert done.returncode == 2
    assert "there is no interpreter or environment at" in done.stderr


def test_a_mistyped_program_is_a_usage_error(tmp_path):
    done = call("check", tmp_path / "no.py")
    assert done.returncode == 2
    assert "there is no file or folder" in done.stderr


@pytest.mark.parametrize("words", [("check", "--snapshot", "/dev/null"), ("rules", "show", "nothing"), ("frobnicate",)])
def test_failures_are_one_line(words):
    done = call(*words)
    assert done.returncode in (2, 3)
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr + done.stdout


def test_json_goes_to_stdout_alone(tmp_path):
    done = call("check", "--snapshot", BROKEN, "--format", "json")
    assert json.loads(done.stdout)["findings"]
    assert not done.stderr
    out = tmp_path / "report.json"
    assert call("check", "--snapshot", BROKEN, "--format", "json", "-o", out).stdout == ""
    assert json.loads(out.read_text(encoding="utf-8"))["findings"]


def test_only_and_skip():
    runner = CliRunner()
    only = runner.invoke(group, ["check", "--snapshot", str(BROKEN), "--only", "TOR101", "--format", "json"])
    assert [f["id"] for f in json.loads(only.output)["findings"]] == ["TOR101"]
    skip = runner.invoke(group, ["check", "--snapshot", str(BROKEN), "--skip", "torch", "--format", "json"])
    assert not [f for f in json.loads(skip.output)["findings"] if f["family"] == "torch"]
    assert "no rule is called" in runner.invoke(group, ["check", "--only", "nonsense"]).output


def test_language_follows_the_locale(monkeypatch):
    runner = CliRunner()
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "错误" in runner.invoke(group, ["check", "--snapshot", str(BROKEN)]).output
    assert "ERROR" in runner.invoke(group, ["check", "--snapshot", str(BROKEN), "--lang", "en"]).output


def test_a_narrow_locale_shows_escapes_instead_of_failing():
    done = call("check", "--snapshot", BROKEN, "--lang", "zh", env={"LC_ALL": "C", "PYTHONUTF8": "0", "PATH": "/usr/bin"})
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_no_accident():
    line = f"{sys.executable} -m doctor rules list | head -n 1"
    done = subprocess.run(["bash", "-c", line], check=False, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_rules_of_a_checkout(tmp_path):
    runner = CliRunner()
    assert runner.invoke(group, ["rules", "list", "TOR101"]).output.startswith("TOR101")
    assert json.loads(runner.invoke(group, ["rules", "show", "TOR101"]).output)["slug"] == "torch-torchvision-pair"
    assert runner.invoke(group, ["rules", "test", "TOR101", "--lang", "en"]).output.strip().endswith("hold.")
    made = runner.invoke(group, ["rules", "new", "torch", "A new trouble", "--rules", str(tmp_path)])
    draft = Path(made.output.strip())
    assert draft.name.endswith("-a-new-trouble.toml")
    tested = runner.invoke(group, ["rules", "test", draft.name[:6], "--rules", str(tmp_path), "--lang", "en"])
    assert tested.exit_code == 0, tested.output


def test_collect_and_check_agree(tmp_path):
    out = tmp_path / "snapshot.json"
    assert call("collect", "-o", out).returncode == 0
    done = call("check", "--snapshot", out, "--format", "json")
    assert json.loads(done.stdout)["snapshot"]["os.name"] == {"win32": "windows"}.get(sys.platform, sys.platform)


def test_a_plan_that_breaks_costs_only_the_plan(monkeypatch):
    def breaks(snapshot, rules, **_):
        raise ValueError("made up")

    monkeypatch.setattr("doctor.plan.make.plan", breaks)
    done = CliRunner().invoke(group, ["check", "--snapshot", str(BROKEN)], standalone_mode=False)
    assert done.exception is None
    assert "plan: ValueError: made up" in done.output
