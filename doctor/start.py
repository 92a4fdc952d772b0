"""Where the program begins: makes the interpreter ours, then calls the command line.

The environment that is to be judged also started us: PYTHONPATH may put a stranger's ``click`` or ``packaging``
before ours, and a ``sitecustomize`` found there has already run. The launcher starts us isolated from both
(docs/decisions/0008-launcher.md); ``python -m doctor`` and a folder that only PYTHONPATH names do not.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from contextlib import suppress


def run() -> None:
    """The console script: the command line with few garbage collections, then gone at once.

    Both spare a tenth of a ``check``: a start makes many objects that live on, and taking an interpreter down is work
    that nobody waits for.
    """
    gc.set_threshold(100_000, 20, 20)
    prefer_our_own()
    open_closed_streams()
    print_as_asked()
    from doctor.standins import load_click  # not before the path is in order

    load_click()
    from doctor.cli import main

    try:
        main()
    except SystemExit as done:
        sys.stderr.flush()
        os._exit(done.code if isinstance(done.code, int) else 0)


def open_closed_streams() -> None:
    """A stream that the caller closed leads to the null device; else a pipe of ours could take its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))


def print_as_asked() -> None:
    """An isolated interpreter does not read how whoever reads us wants our output encoded; so we do."""
    asked = os.environ.get("PYTHONIOENCODING", "").partition(":")[0]
    if not asked and os.environ.get("PYTHONUTF8") == "1":
        asked = "utf-8"
    if not (sys.flags.ignore_environment and asked):
        return
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with suppress(LookupError, ValueError):  # an encoding that Python does not know, or no name at all
                stream.reconfigure(encoding=asked)


def prefer_our_own() -> None:
    """PYTHONPATH last, so that it can add modules but shadow none; import hooks of a sitecustomize switched off."""
    theirs = set(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))
    if theirs:
        sys.path.sort(key=theirs.__contains__)  # stable: the order within both halves stays
    sys.meta_path[:] = [f for f in sys.meta_path if _module(f) not in ("sitecustomize", "usercustomize")]


def _module(finder: object) -> str:
    kind = finder if isinstance(finder, type) else type(finder)
    return kind.__module__
