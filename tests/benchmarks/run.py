"""What the doctor costs, beside what others cost: ``python tests/benchmarks/run.py [--python VENV/bin/python] [-n 9]``.

CPU seconds (user + system, children included) and peak memory of the largest process, by the operating system's own
accounting; each row runs in turn with the others, the median counts. Compare ratios: a busy machine moves all rows.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def cost(words: list[str]) -> tuple[float, float]:
    """``(CPU seconds, peak MiB)`` of one run."""
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def whole_processes(python: str, rounds: int) -> None:
    """The table of docs/performance.md."""
    ours = [str(Path(sys.executable).with_name("vlmdoctor"))]
    rows = {
        "vlmdoctor check": [*ours, "check", "--python", python],
        "vlmdoctor --help": [*ours, "--help"],
        "python -I -S -c pass": [python, "-I", "-S", "-c", "pass"],
        "pip check": [python, "-m", "pip", "check"],
        "torch collect_env": [python, "-m", "torch.utils.collect_env"],
    }
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
    for _ in range(rounds + 1):  # the first round warms the caches
        for name, words in rows.items():
            seen[name].append(cost(words))
    base = statistics.median(cpu for cpu, _ in seen["vlmdoctor check"][1:])
    for name, runs in seen.items():
        cpu = statistics.median(each[0] for each in runs[1:])
        peak = statistics.median(each[1] for each in runs[1:])
        print(f"{name:24s} {cpu * 1000:8.0f} ms CPU {peak:7.1f} MiB   x{cpu / base:6.2f}")


def rules() -> None:
    """Evaluation of parts of the corpus over this machine's snapshot: the slope tells the cost of one more rule."""
    from doctor.collect.live import Request, collect
    from doctor.engine import store
    from doctor.engine.evaluate import evaluate
    from doctor.knowledge.derive import derive

    began = time.process_time()
    corpus = store.load()
    loaded = time.process_time() - began
    snapshot = derive(collect(Request()))
    began = time.process_time()
    evaluate(corpus.rules, snapshot)
    first = time.process_time() - began
    print(f"{len(corpus.rules)} rules: load {loaded * 1000:.1f} ms, first evaluation {first * 1000:.1f} ms")
    for share in (4, 2, 1):
        part, spent = corpus.rules[::share], []
        for _ in range(15):
            began = time.process_time()
            evaluate(part, snapshot)
            spent.append(time.process_time() - began)
        warm = statistics.median(spent)
        print(f"  {len(part):5d} rules warm {warm * 1000:6.2f} ms, {warm / len(part) * 1e6:5.1f} us a rule")


def cache(files: int) -> None:
    """A hub cache of so many files, listed; ours has to stay near a bare walk."""
    with tempfile.TemporaryDirectory() as root:
        for repo in range(max(1, files // 1000)):
            snapshot = Path(root, f"models--o--m{repo:04d}", "snapshots", "a" * 40)
            snapshot.mkdir(parents=True)
            for number in range(1000):
                (snapshot / f"f{number}.bin").touch()
        words = [str(Path(sys.executable).with_name("vlmdoctor")), "cache", "ls", "--cache-dir", root]
        small, peak = min(cost(words) for _ in range(3))
        print(f"cache ls: {files / small:8.0f} files per CPU second, {peak:.1f} MiB")


def main() -> None:
    """All tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--python", default=sys.executable)
    options.add_argument("-n", type=int, default=9)
    options.add_argument("--files", type=int, default=100_000)
    asked = options.parse_args()
    whole_processes(asked.python, asked.n)
    rules()
    cache(asked.files)


if __name__ == "__main__":
    main()
