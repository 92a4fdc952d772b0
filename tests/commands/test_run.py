"""``vlmdoctor run``: the command's own status, the report beside it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from doctor.collect.stuck import Doing
from doctor.commands import quiet
from doctor.commands.run import interpreter, programs


def run(*words, **more):
    command = [sys.executable, "-m", "doctor", "run", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)


def test_a_command_that_works_says_nothing_of_ours():
    done = run("--", "sh", "-c", "echo fine")
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")


def test_a_report_is_written_also_when_it_works(tmp_path):
    done = run("--format", "json", "-o", str(tmp_path / "r.json"), "--", "true")
    assert done.returncode == 0
    assert json.loads((tmp_path / "r.json").read_text())["schema"] == "vlmdoctor.report/1"


def test_a_failure_is_explained_below_and_its_status_kept(tmp_path):
    text = "requests.exceptions.SSLError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"
    done = run("--", "sh", "-c", f"echo '{text}' >&2; exit 3")
    assert done.returncode == 3
    assert done.stderr.startswith(f"{text}\n")
    assert "NET119" in done.stderr
    assert done.stdout == ""


def test_a_report_that_cannot_be_written_does_not_cost_the_status(tmp_path):
    done = run("-o", str(tmp_path / "no" / "such" / "r.txt"), "--", "sh", "-c", "exit 4")
    assert done.returncode == 4
    assert "vlmdoctor:" in done.stderr


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("python", "a.py", "--x", "b.txt"), ("a.py",)),
        (("bash", "-c", "cd x && python 'my a.py' | tee log"), ("my a.py",)),
        (("bash", "-c", "unbalanced 'quote a.py"), ()),
        (("bash", "-c", "pip install -r requirements.txt && echo -r x"), ("requirements.txt",)),
        (("pip", "install", "-r", "r.txt"), ("r.txt",)),
        (("torchrun", "--nproc=2", "t.py", "t.py"), ("t.py",)),
    ],
)
def test_programs_of_a_command_line(words, found):
    assert programs(words) == found


def test_an_interpreter_by_its_path_is_the_target():
    assert interpreter(("/v/bin/python3.11", "a.py")) == "/v/bin/python3.11"
    assert interpreter(("python", "a.py")) is None
    assert interpreter(("/v/bin/torchrun", "a.py")) is None


def test_silence_is_spoken_of_at_growing_distances(monkeypatch):
    looks = []
    monkeypatch.setattr("doctor.collect.stuck.look_twice", looks.append)
    notice = quiet.Notice("en")
    for seconds in (61, 121, 181, 241, 301, 361, 61):
        notice(7, seconds)
    assert len(looks) == 3  # one minute, five minutes, and one minute after it spoke again


@pytest.mark.parametrize("kind", ["compiling", "downloading", "loading-shards", "computing", "disk-wait", "waiting"])
def test_every_occupation_has_a_sentence(kind):
    for lang in ("en", "zh"):
        line = quiet.sentence(Doing(kind, "\x1b[2Jfile", 2e6, 1.5, 3 << 30), 300, lang)
        assert "5" in line
        assert "\x1b" not in line
    assert quiet.PHRASES["en"].keys() == quiet.PHRASES["zh"].keys()
