"""Sessions that are no part of a change's tests: ``nox -s benchmarks -- --python VENV/bin/python``."""

import nox


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Cost of the installed wheel (byte code compiled), see docs/performance.md."""
    session.install(".")
    session.run("python", "tests/benchmarks/run.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Long property tests of every reader; FUZZ_RUNS sets how many mutations each."""
    session.install(".[dev]")
    session.run("python", "-m", "pytest", "-m", "slow", "tests/fuzz", *session.posargs)
