"""Options of the test suite."""

from hypothesis import settings

# the same examples at each run, so that a change is judged by what it changed; without the profile they are drawn anew
settings.register_profile("ci", derandomize=True)


def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="rewrite golden files from what the program says now")
