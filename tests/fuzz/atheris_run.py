"""Coverage-guided fuzzing of one target: ``python tests/fuzz/atheris_run.py TARGET -runs=1000000 [-max_len=4096]``.

Needs ``atheris`` (CPython 3.11 or older at the time of writing), which is no dependency of the project. An input that
fails is written to ``crash-*`` in the current folder by libFuzzer; make a test of it before mending the reader.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["doctor", "elf", "weights", "metadata", "requirements", "paths"]):
    sys.path.insert(0, str(Path(__file__).parent))
    from targets import TARGETS


def main() -> None:
    """Seeds go into a corpus folder of their own, which libFuzzer grows and which is thrown away."""
    target, seeds = TARGETS[sys.argv[1]]
    with tempfile.TemporaryDirectory(prefix="corpus") as corpus:
        for number, seed in enumerate(seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *sys.argv[2:], corpus], target)
        atheris.Fuzz()


main()
