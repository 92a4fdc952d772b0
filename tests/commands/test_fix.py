"""The fix command: formats, promises, apply, verify, undo, over an installer that only pretends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from doctor.commands import fix
from doctor.commands.env import command as env_command
from doctor.model import Snapshot

BASE = {
    "os.name": "linux", "os.arch": "x86_64", "python.version": "3.11.7", "python.installer": "pip", "python.writable": True,
    "dist.torch": "2.5.1", "dist.torchvision": "0.15.2", "dist.numpy": "1.26.4", "dist.pillow": "10.4.0",
}  # fmt: skip


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An environment whose ``pip install`` writes what it was asked for into a file."""
    site = tmp_path / "venv" / "lib" / "python3.11" / "site-packages"
    (site / "torchvision").mkdir(parents=True)
    (site / "torchvision" / "version.py").write_text("0.15.2")
    (tmp_path / "venv" / "bin").mkdir()
    python = tmp_path / "venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\ncase "$*" in *--dry-run*) exit 0;; esac\nrm {site}/torchvision/version.py\necho "$@" > {site}/torchvision/new.py\nexit ${{PIP_FAILS:-0}}\n')
    python.chmod(0o755)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/bash")
    return {**BASE, "python.prefix": str(tmp_path / "venv"), "python.executable": str(python), "python.site": [str(site)]}


@pytest.fixture
def machine(place, tmp_path, monkeypatch):
    """The machine as a new look sees it: repaired when the installer has run."""

    def look(*_args, **_named):
        done = (tmp_path / "venv" / "lib" / "python3.11" / "site-packages" / "torchvision" / "new.py").exists()
        return Snapshot({**place, **({"dist.torchvision": "0.20.1"} if done else {})})

    monkeypatch.setattr(fix, "live", look)
    return look


def run(*words):
    return CliRunner().invoke(fix.command, words, standalone_mode=False, catch_exceptions=False)


def test_a_dry_run_writes_nothing(machine, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    done = run("--dry-run", "--format", "sh")
    assert "torchvision==0.20.1" in done.output
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="bash")
def test_the_script_is_bash(machine):
    done = run("--dry-run", "--format", "sh")
    subprocess.run(["bash", "-n"], input=done.output.encode(), check=True)


def test_a_plan_as_json(machine):
    body = json.loads(run("--dry-run", "--format", "json").output)
    assert body["schema"] == "vlmdoctor.plan/1"
    assert body["moves"][0]["name"] == "torchvision"


def test_keep_from_a_file(machine, tmp_path):
    (tmp_path / "keep.txt").write_text("# promises\nTorchVision\n")
    done = run("--dry-run", "--keep", f"@{tmp_path / 'keep.txt'}", "--format", "sh")
    assert "Not possible" in done.output
    assert done.return_value == 1


def test_a_report_is_planned_for(machine, place, tmp_path):
    report = tmp_path / "r.json"
    report.write_text(json.dumps({"schema": "vlmdoctor.report/1", "source": "live", "snapshot": place, "closed": ["env"]}))
    done = run("--report", str(report), "--dry-run", "--format", "sh")
    assert "torchvision==0.20.1" in done.output


@pytest.mark.skipif(sys.platform == "win32", reason="the installer is a shell script")
def test_apply_verify_undo(machine, tmp_path):
    version = tmp_path / "venv" / "lib" / "python3.11" / "site-packages" / "torchvision" / "version.py"
    done = run("--yes", "--lang", "en")
    assert "Verified" in done.output
    assert done.return_value == 0
    assert not version.exists()
    assert "old state is back" in run("--undo", "--lang", "en").output
    assert version.read_text() == "0.15.2"
    assert not version.with_name("new.py").exists()
    assert "nothing to undo" in run("--undo", "--lang", "en").output


@pytest.mark.skipif(sys.platform == "win32", reason="the installer is a shell script")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_what_ends_a_program_brings_the_old_state_back(machine, place, tmp_path, name):
    """The signal comes from the installer, half way."""
    python = tmp_path / "venv" / "bin" / "python"
    python.write_text(python.read_text().replace("exit ${PIP", f"kill -{name[3:]} $DOCTOR; sleep 5; exit ${{PIP"))
    program = tmp_path / "go.py"
    program.write_text(ENDED.format(place=place))
    done = subprocess.run([sys.executable, program], check=False, capture_output=True, text=True)
    assert done.returncode == 130, done.stderr
    assert (tmp_path / "venv/lib/python3.11/site-packages/torchvision/version.py").read_text() == "0.15.2"
    assert not (tmp_path / "venv/lib/python3.11/site-packages/torchvision/new.py").exists()
    assert "nothing to undo" in run("--undo", "--lang", "en").output


ENDED = """
import os
os.environ["DOCTOR"] = str(os.getpid())
from doctor.cli import main
from doctor.commands import fix
from doctor.model import Snapshot
fix.live = lambda *_, **__: Snapshot({place!r})
main(["fix", "--yes"])
"""


def test_what_only_a_person_can_do_changes_nothing(machine, tmp_path, monkeypatch):
    monkeypatch.setattr(fix, "live", lambda *_, **__: Snapshot({"dists": [{"name": "llava", "editable": True, "target_exists": False}]}))
    before = sorted(tmp_path.rglob("*"))
    assert run("--yes", "--lang", "en").return_value == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_limit_is_left_to_type(machine, monkeypatch):
    monkeypatch.setattr(fix, "live", lambda *_, **__: Snapshot({"os.name": "linux", "limit.as": 2**30}))
    done = run("--yes", "--lang", "en")
    assert 'Type this in your own shell: ulimit -v "$(ulimit -H -v)"' in done.output
    assert "Waits for you" in done.output
    assert "Still there" not in done.output
    assert done.return_value == 1


IN_WSL = {"os.name": "linux", "host.wsl": 2, "host.container": None, "driver.libcuda_path": "/usr/lib/libcuda.so.1"}


def test_what_destroys_something_waits_for_its_own_flag(machine, monkeypatch):
    monkeypatch.setattr(fix, "live", lambda *_, **__: Snapshot(IN_WSL))
    done = run("--yes", "--lang", "en")
    assert "Waits for you" in done.output
    assert "Still there" not in done.output
    assert done.return_value == 1


@pytest.mark.skipif(sys.platform == "win32", reason="the installer is a shell script")
def test_a_failing_step_brings_the_old_state_back(machine, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_FAILS", "1")
    with pytest.raises(fix.ApplyError) as found:
        run("--yes")
    assert found.value.undone
    version = tmp_path / "venv" / "lib" / "python3.11" / "site-packages" / "torchvision" / "version.py"
    assert version.read_text() == "0.15.2"


@pytest.mark.skipif(sys.platform == "win32", reason="the installer is a shell script")
def test_a_failing_step_tells_its_error_without_its_frames(machine, place, monkeypatch):
    says = 'Collecting x\\nTraceback (most recent call last):\\n  File "a.py", line 1\\n    f()\\nOSError: [Errno 28] full\\n'
    python = Path(place["python.executable"])
    python.write_text(python.read_text().replace("exit ${PIP", f"printf '{says}'; exit ${{PIP"))
    monkeypatch.setenv("PIP_FAILS", "1")
    with pytest.raises(fix.ApplyError) as found:
        run("--yes")
    assert str(found.value).endswith("Collecting x\nOSError: [Errno 28] full")


def test_a_changed_environment_is_refused(machine, place, tmp_path):
    report = tmp_path / "r.json"
    report.write_text(json.dumps({"schema": "vlmdoctor.report/1", "source": "live", "snapshot": {**place, "dist.numpy": "1.26.3"}}))
    with pytest.raises(fix.ApplyError, match="numpy"):
        run("--report", str(report), "--yes")


@pytest.mark.parametrize("facts", [{"python.externally_managed": True}, {"python.writable": False}, {"python.lock": "uv.lock"}])
def test_a_system_of_others_is_refused(machine, place, monkeypatch, facts):
    monkeypatch.setattr(fix, "live", lambda *_, **__: Snapshot({**place, **facts}))
    with pytest.raises(fix.ApplyError):
        run("--yes")
    script = run("--dry-run", "--format", "sh").output
    assert not [line for line in script.splitlines() if line and not line.startswith("#")]


def test_env_prints_the_managed_block(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".bashrc").write_text("a\n# >>> vlmdoctor >>>\nexport HF_HOME=/d\n# <<< vlmdoctor <<<\n")
    assert CliRunner().invoke(env_command, ["--shell", "bash"]).output == "export HF_HOME=/d\n"
    assert CliRunner().invoke(env_command, ["--shell", "zsh"]).output == ""


def test_where_nothing_may_be_installed_no_install_is_shown_to_be_typed(machine, place, monkeypatch):
    monkeypatch.setattr(fix, "live", lambda *_, **__: Snapshot({**place, "python.externally_managed": True}))
    text = run("--dry-run", "--lang", "en").output
    assert "-m pip install" not in text
    assert "python3 -m venv ~/venvs/vlm" in text
