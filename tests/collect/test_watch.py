"""The watched command runs as it would without us."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from doctor.collect import watch as module
from doctor.collect.watch import HEAD, TAIL, Kept

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and terminals")


def outside(code, *words, **more):
    """Watch a command from a process of its own, whose streams the test holds."""
    script = f"import sys; from doctor.collect.watch import watch; w = watch(sys.argv[1:]); {code}; sys.exit(w.exit_code())"
    return subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, timeout=60, check=False, **more)


def test_streams_and_status_pass_through():
    done = outside("0", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")


def test_standard_input_is_the_commands():
    assert outside("0", "cat", input="hello").stdout == "hello"


def test_a_signal_becomes_the_shells_status():
    assert outside("0", "sh", "-c", "kill -KILL $$").returncode == 137


def test_a_command_that_is_not_there():
    done = outside("print(w.trouble)", "no-such-program-here")
    assert done.returncode == 127
    assert "no-such-program-here" in done.stdout


def test_a_daemon_left_behind_does_not_hold_us():
    began = time.monotonic()
    assert outside("0", "sh", "-c", "sleep 30 & echo started").stdout == "started\n"
    assert time.monotonic() - began < 10


def test_what_is_sent_to_us_reaches_the_command():
    script = "from doctor.collect.watch import watch; import sys; sys.exit(watch(sys.argv[1:]).exit_code())"
    command = "trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.1; done"
    process = subprocess.Popen([sys.executable, "-c", script, "sh", "-c", command], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[0] == "got\n"
    assert process.returncode == 5


def test_a_terminal_stays_a_terminal():
    leader, follower = pty.openpty()
    script = "from doctor.collect.watch import watch; import sys; sys.exit(watch(sys.argv[1:]).exit_code())"
    code = "import sys; print(sys.stdout.isatty(), sys.stderr.isatty())"
    process = subprocess.Popen([sys.executable, "-c", script, sys.executable, "-c", code], stdout=follower, stderr=follower)
    os.close(follower)
    assert process.wait(timeout=20) == 0
    assert os.read(leader, 100).strip() == b"True True"
    os.close(leader)


def test_both_ends_are_kept():
    kept = Kept()
    for number in range(100):
        kept.add(b"%03d" % number + b"x" * 9997)
    text = kept.text()
    assert text.startswith(b"000")
    assert text.endswith(b"x")
    assert b"099" in text
    assert HEAD + TAIL <= len(text) < HEAD + TAIL + 20000


def test_silence_is_told_with_its_whole_length(monkeypatch):
    told = []
    monkeypatch.setattr(module, "QUIET", 0.5)
    module.watch(["sleep", "4"], on_quiet=lambda _pid, seconds: told.append(seconds))
    assert len(told) >= 2
    assert told == sorted(told)


@pytest.mark.slow
def test_a_flood_costs_little():
    began = time.monotonic()
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        script = "from doctor.collect.watch import watch; import sys; sys.exit(watch(sys.argv[1:]).exit_code())"
        command = [sys.executable, "-c", script, "head", "-c", "100000000", "/dev/zero"]
        assert subprocess.run(command, stdout=nowhere, timeout=60, check=False).returncode == 0
    assert time.monotonic() - began < 5
