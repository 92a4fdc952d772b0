"""Whatever a library does to its process, a rule explains it; only what is harmless passes."""

import os

import pytest

from doctor.commands.common import Options, judge
from doctor.commands.smoke import knows, together
from doctor.model import Snapshot
from doctor.smoke.run import smoke

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and sessions")
KILL = "import os, signal\nos.kill(os.getpid(), signal.{})\n"
AT_EXIT = "import atexit, os, signal\natexit.register(lambda: {})\n"


def judged(outcome):
    """The report of a machine that has no limits, with what the run told."""
    snapshot = together(Snapshot({"limit.as": None}), outcome)
    return judge(snapshot, Options("text", None, "error", "en", False, (), (), None))


@pytest.mark.parametrize(
    ("body", "step", "slug"),
    [
        (KILL.format("SIGSEGV"), "import tokenizers", "native-library-crash"),
        (KILL.format("SIGBUS"), "import tokenizers", "native-library-crash"),
        ("import os; os.abort()", "import tokenizers", "native-library-crash"),
        (KILL.format("SIGILL"), "import tokenizers", "cpu-lacks-instructions"),
        (KILL.format("SIGKILL"), "import tokenizers", "ram-too-small-to-load"),
        ("import time; time.sleep(60)", "import tokenizers", "import-or-kernel-hangs"),
        ("raise MemoryError", "import tokenizers", None),
        (AT_EXIT.format("os.kill(os.getpid(), signal.SIGSEGV)"), "exit", "native-library-crash"),
        (AT_EXIT.format("__import__('time').sleep(60)"), "exit", "import-or-kernel-hangs"),
        ("raise SystemExit(0)", "import tokenizers", None),
        ("import os; os._exit(0)", "import tokenizers", None),
    ],
)
def test_trouble(stack, body, step, slug):
    stack.write("tokenizers.py", body)
    outcome = smoke(stack.request(timeout=4.0))
    assert [result.step for result in outcome.failed()] == [step], outcome.results
    report = judged(outcome)
    if slug is not None:
        assert report.entries[0].finding.slug == slug
        assert knows(report)


@pytest.mark.parametrize(
    "body",
    [
        "import os; os.write(1, bytes(range(256)) * 400)",
        "import os; os.write(2, b'\\x1b]0;title\\x07\\x1b[31mred\\n' * 100)",
        "print('0123456789abcdef 00000000 {\"end\":true}')",
        "import os; os.close(1)",
        "import sys; sys.stdout = sys.stderr = None",
        "import os; [os.close(fd) for fd in (0, 1, 2)]",
    ],
)
def test_noise_is_harmless(stack, body):
    stack.write("tokenizers.py", body)
    outcome = smoke(stack.request())
    assert not outcome.failed(), outcome.results
    assert outcome.reached() == 0


def test_an_error_is_told_when_the_streams_are_gone(stack):
    stack.write("tokenizers.py", "import os; os.close(1); os.close(2); raise ImportError('libGL.so.1')")
    outcome = smoke(stack.request())
    assert outcome.failed()[0].detail == "ImportError: libGL.so.1"
    assert "libGL.so.1" in outcome.first


def test_output_that_cannot_be_flushed_shows_at_the_end(stack):
    stack.write("tokenizers.py", "import os; print('x' * 100, end=''); os.close(1)")
    assert [result.step for result in smoke(stack.request()).failed()] in (["exit"], [])
