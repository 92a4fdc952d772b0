"""What the doctor costs, beside what others cost: ``python tests/benchmarks/run.py [--python VENV/bin/python] [-n 9]``.

CPU seconds (user + system, children included) and peak memory of the largest process, by the operating system's own
accounting; each row runs in turn with the others, the median counts, the least beside it is what a quiet machine
shows. Compare ratios: a busy machine moves all rows. Other tools are measured where the environment has them: torch,
transformers, env-doctor, vllm, and uv from PATH.
"""

from __future__ import annotations

import argparse
import os
import shutil
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


def peers(python: str) -> dict[str, list[str]]:
    """Commands of other tools that look at the same environment."""
    found = {"pip check": [python, "-m", "pip", "check"]}
    folder = Path(python).parent
    for module in ("torch.utils.collect_env", "vllm.collect_env"):
        if any(folder.parent.glob(f"lib/*/site-packages/{module.partition('.')[0]}")):
            found[module] = [python, "-m", module]
    for name, word in (("transformers", "env"), ("env-doctor", "check")):
        if (folder / name).is_file():
            found[f"{name} {word}"] = [str(folder / name), word]
    uv = shutil.which("uv")
    return {**found, "uv pip check": [uv, "pip", "check", "-q", "-p", python]} if uv else found


def whole_processes(python: str, rounds: int) -> None:
    """The table of docs/performance.md."""
    ours = [str(Path(sys.executable).with_name("vlmdoctor"))]
    rows = {
        "vlmdoctor check --python": [*ours, "check", "--python", python],
        "vlmdoctor check": [*ours, "check", "--python", sys.executable],
        "vlmdoctor --help": [*ours, "--help"],
        "python -I -S -c pass": [python, "-I", "-S", "-c", "pass"],
        **peers(python),
    }
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
    for _ in range(rounds + 1):  # the first round warms the caches
        for name, words in rows.items():
            seen[name].append(cost(words))
    known = len([*Path(python).parents[1].glob("lib/*/site-packages/*.dist-info")])
    print(f"{known} distributions, {rounds} rounds, load {os.getloadavg()[0]:.1f}, CPython {sys.version.split()[0]}")
    base = statistics.median(cpu for cpu, _ in next(iter(seen.values()))[1:])
    for name, runs in seen.items():
        cpu, least = (1000 * of(each[0] for each in runs[1:]) for of in (statistics.median, min))
        peak = statistics.median(each[1] for each in runs[1:])
        print(f"{name:26s} {cpu:8.0f} ms CPU, least {least:6.0f} {peak:7.1f} MiB   x{cpu / base / 1000:6.2f}")


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
        print(f"cache ls: {files} files, {files / small:8.0f} per CPU second, {peak:.1f} MiB")


def main() -> None:
    """All tables, or one of them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--python", default=sys.executable, help="environment to check")
    options.add_argument("-n", type=int, default=9, help="rounds of the first table")
    options.add_argument("--files", type=int, default=100_000, help="in the hub cache that is made and listed")
    options.add_argument("--only", choices=("processes", "rules", "cache"))
    asked = options.parse_args()
    tables = {
        "processes": lambda: whole_processes(asked.python, asked.n),
        "rules": rules,
        "cache": lambda: cache(asked.files),
    }
    for name, table in tables.items():
        if asked.only in (None, name):
            table()


if __name__ == "__main__":
    main()
