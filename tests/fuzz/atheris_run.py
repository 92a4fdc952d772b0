"""Coverage-guided fuzzing of one target: ``python tests/fuzz/atheris_run.py TARGET -runs=1000000 [-max_len=4096]``.

FUZZ_INSTRUMENT names the modules that are instrumented (all readers by default): a corpus that is grown can be mutated
several times faster with one small module instrumented. Folders among the arguments are further corpora, the first of
them is the one that grows.

Needs ``atheris`` (CPython 3.11 or older at the time of writing), which is no dependency of the project. An input that
fails is written to ``crash-*`` in the current folder by libFuzzer; make a test of it before mending the reader.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import atheris

PROBE = Path(__file__).resolve().parents[2] / "doctor" / "collect" / "probe"
EVERY = ["doctor", *(path.stem for path in sorted(PROBE.glob("*.py")) if path.stem != "__main__")]

with atheris.instrument_imports(include=os.environ.get("FUZZ_INSTRUMENT", "").split() or EVERY):
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
