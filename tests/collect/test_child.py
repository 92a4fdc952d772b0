"""The runner of children: deadlines, floods, orphans, garbled answers."""

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from doctor.collect import child
from doctor.collect.child import Job, Runner, own_python, read_line, run_tool
from doctor.collect.pump import ThreadPump

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups")
SAY = """
import json, os, sys, time, zlib
s = json.loads(sys.argv[-1])
def say(p, nonce=s["nonce"]):
    b = json.dumps(p).encode()
    os.write(s["fd"], b"%s %08x %s\\n" % (nonce.encode(), zlib.crc32(b), b))
"""


def wired(code, seconds=3.0, **more):
    return Job("probe", (*own_python(), "-c", SAY + code), seconds, dict(more))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def run(*jobs, seconds=5.0, **hooks):
    runner = Runner(seconds, **hooks)
    for job in jobs:
        runner.add(job)
    return runner.run()


def test_facts_reasons_families_and_the_end_mark():
    code = "say({'f': 'a', 'v': 1}); say({'u': 'b', 'why': 'gone'}); say({'c': 'env'}); say({'end': True})"
    answer = run(wired(code))["probe"]
    assert (answer.status, answer.ended) == ("ok", True)
    assert (answer.facts, answer.unread, answer.closed) == ({"a": 1}, {"b": "gone"}, {"env"})


def test_settings_arrive_with_descriptor_nonce_and_deadline():
    answer = run(wired("say({'f': 'got', 'v': s}); say({'end': True})", model="m"))["probe"]
    assert answer.facts["got"]["model"] == "m"
    assert 0 < answer.facts["got"]["deadline"] < 3


def test_partial_answer_of_a_killed_child_is_kept():
    answer = run(wired("say({'f': 'a', 'v': 1}); os.kill(os.getpid(), 9)"))["probe"]
    assert (answer.status, answer.ended, answer.facts) == ("signal 9", False, {"a": 1})


def test_status_zero_without_the_end_mark_is_not_success():
    assert "before it had said all" in run(wired("say({'f': 'a', 'v': 1})"))["probe"].status


def test_noise_and_forged_lines_are_not_facts():
    code = (
        "print('{\"f\": 1}'); say({'f': 'x', 'v': 1}, 'forged'); os.write(s['fd'], b'garbage\\n'); say({'end': True})"
    )
    answer = run(wired(code))["probe"]
    assert (answer.ended, answer.facts) == (True, {})


@pytest.mark.parametrize("body", [b"[" * 200_000, b"9" * 5000, b'"text"', b"\xff"])
def test_read_line_survives_hostile_json(body):
    assert read_line(b"n %08x %s" % (zlib.crc32(body), body), "n") is None


def test_read_line_checks_the_sum():
    body = json.dumps({"end": True}).encode()
    assert read_line(b"n %08x %s" % (zlib.crc32(body), body), "n") == {"end": True}
    assert read_line(b"n %08x %s" % (zlib.crc32(body) ^ 1, body), "n") is None


def test_hanging_child_and_its_grandchild_are_ended():
    pids = []
    code = (
        "import subprocess; p = subprocess.Popen(['sleep', '60']); say({'f': 'pid', 'v': p.pid}); "
        "import signal; signal.signal(15, 1); time.sleep(60)"
    )
    began = time.monotonic()
    answer = run(wired(code, 0.7), on_fact=lambda _n, v: pids.append(v))["probe"]
    assert answer.status == "no answer in 0.7 s"
    assert time.monotonic() - began < 2
    time.sleep(0.1)
    assert pids
    assert not alive(pids[0])


def test_grandchild_that_holds_the_pipe_is_not_waited_for():
    began = time.monotonic()
    answer = run_tool(("/bin/sh", "-c", "sleep 30 & echo started"), 5)
    assert (answer.status, answer.output) == ("ok", b"started\n")
    assert time.monotonic() - began < 2


def test_endless_printer_is_cut():
    answer = run_tool(("/bin/sh", "-c", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done"), 5, cap_bytes=100_000)
    assert answer.status == "printed more than 97 KiB"
    assert len(answer.output) == 100_000


def test_all_output_of_an_ended_child_is_read():
    answer = run_tool((sys.executable, "-I", "-S", "-c", "print('x' * 300_000)"), 5)
    assert (answer.status, len(answer.output)) == ("ok", 300_001)


@pytest.mark.parametrize(("script", "status"), [("exit 9", "exit 9"), ("kill -SEGV $$", "signal 11")])
def test_status_names_the_way_it_ended(script, status):
    assert run_tool(("/bin/sh", "-c", script), 5).status == status


def test_tool_needs_an_absolute_path_and_may_be_missing():
    assert run_tool(("nvidia-smi",), 1).status == "not an absolute path"
    assert run_tool(("/nonexistent/tool",), 1).status == "exit 127"


def test_tool_cannot_read_our_input():
    assert run_tool(("/bin/sh", "-c", "read x; echo got$x"), 3).output == b"got\n"


def test_child_that_cannot_start_has_an_answer():
    answer = run(Job("gone", ("/nonexistent/python",), 1, {}))["gone"]
    assert answer.status == "could not start: No such file or directory"


def test_later_actions_and_jobs_added_on_the_way():
    runner = Runner(
        5, on_done=lambda a: a.name == "first" and runner.add(Job("second", ("/bin/sh", "-c", "echo 2"), 2))
    )
    runner.add(Job("first", ("/bin/sh", "-c", "sleep 0.3"), 2))
    fired = []
    runner.later(0.05, lambda: fired.append(runner.running("first")))
    answers = runner.run()
    assert fired == [True]
    assert answers["second"].output == b"2\n"


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_signals_end_the_children_first(number, error):
    pids = []
    runner = Runner(10, on_fact=lambda _n, v: pids.append(v))
    runner.add(wired("say({'f': 'pid', 'v': os.getpid()}); time.sleep(60)", 10))
    runner.later(0.4, lambda: os.kill(os.getpid(), number))
    before = signal.getsignal(number)
    with pytest.raises(error):
        runner.run()
    assert signal.getsignal(number) is before
    assert pids
    assert not alive(pids[0])


@pytest.mark.parametrize(("held", "said"), [(True, "stuck in the kernel"), (False, "no answer in 0.2 s")])
def test_child_that_cannot_be_ended_is_left_behind(monkeypatch, held, said):
    """What was killed and has not died is stuck only if the kernel says so: on a busy machine it waits for its turn."""
    assert not child.uninterruptible(os.getpid())
    monkeypatch.setattr(child, "uninterruptible", lambda _: held)
    real, pids = child.kill_group, []
    monkeypatch.setattr(child, "kill_group", lambda process: pids.append(process.pid))
    monkeypatch.setattr(child, "LAST_WAIT", 0.05)
    answer = run(Job("stuck", ("/bin/sh", "-c", "sleep 20"), 0.2))["stuck"]
    assert said in answer.status
    os.killpg(pids[0], signal.SIGKILL)
    os.waitpid(pids[0], 0)
    assert real is not child.kill_group


def test_no_descriptor_is_leaked():
    before = len(list(Path("/proc/self/fd").iterdir()))
    run(wired("say({'end': True})"), Job("tool", ("/bin/sh", "-c", "exit 1"), 2))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_thread_pump_reads_what_select_would():
    ours, theirs = os.pipe()
    pump = ThreadPump()
    pump.add(ours)
    os.write(theirs, b"hello")
    assert pump.read(2) == [(ours, b"hello")]
    os.close(theirs)
    assert pump.read(2) == [(ours, b"")]
    assert pump.read(0.01) == []
    pump.close()
    os.close(ours)


def test_modules_of_the_probe_that_we_import_ourselves_stand_alone():
    """The probe's folder is on the path of its children only."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); from doctor.collect.probe import hubpaths, visible, wire"
    root = str(Path(__file__).parents[2])
    assert subprocess.run([sys.executable, "-I", "-S", "-c", code, root], check=False).returncode == 0
