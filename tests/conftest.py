"""Options of the test suite."""

import signal

from hypothesis import settings

# the same examples at each run, so that a change is judged by what it changed; without the profile they are drawn anew
settings.register_profile("ci", derandomize=True)


def pytest_configure():
    """Signals as a shell in the foreground leaves them: under nohup or behind an & children would ignore them."""
    for name, usual in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="rewrite golden files from what the program says now")
