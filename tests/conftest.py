"""Options of the test suite."""

import os
import signal

from hypothesis import settings

# the same examples at each run, so that a change is judged by what it changed; without the profile they are drawn anew
settings.register_profile("ci", derandomize=True)


def pytest_configure():
    """Signals as a shell in the foreground leaves them: under nohup or behind an & children would ignore them."""
    os.environ["VLMDOCTOR_DEBUG"] = "1"  # a defect of ours ends a test, and the programs it starts, with its traceback
    for name, usual in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


def pytest_ignore_collect(collection_path, config):
    """``-m gpu`` reads no other test: a lent machine has little time and perhaps not what all of them import."""
    only = config.getoption("markexpr", "") == "gpu" and collection_path.name.startswith("test_")
    return True if only and "mark.gpu" not in collection_path.read_text(encoding="utf-8") else None


def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="rewrite golden files from what the program says now")
