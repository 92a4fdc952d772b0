"""The table of architectures by releases: ``python tests/smoke/stacktable.py TARGET...`` prints it with seconds.

Tiers 0 to 2 on the CPU for every architecture in every target interpreter, each as a user would run it alone. CPU seconds
are user and system time of all children: on a busy machine they are the measure that means something. Behind them stands
the time that the user waits.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from doctor.smoke import recipes
from doctor.smoke.run import Request, smoke

ABOUT = "import importlib.metadata as m, json; print(json.dumps({n: m.version(n) for n in %r if any(m.distributions(name=n))}))"
PARTS = ("transformers", "torch", "torchvision")
MEASURE = "import sys; sys.path.insert(0, sys.argv[1]); import stacktable; print(stacktable.one(*sys.argv[2:]))"


class Cell(NamedTuple):
    """``state``: ok, absent (this release does not know the type), or the first failure."""

    state: str
    cpu: float
    wall: float


def versions(target):
    done = subprocess.run([target, "-c", ABOUT % (PARTS,)], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def one(target, kind):
    """JSON [state, CPU seconds of all children, seconds waited]; in a process of its own, whose children are those of one run."""
    outcome = smoke(Request(python=target, tiers=(0, 1, 2), arch=kind, device="cpu"))
    waited = round(outcome.seconds, 1)
    reap()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    bad = next((result for result in outcome.failed()), None)
    absent = bad is not None and bad.step.startswith("make a tiny") and "does not recognize this architecture" in bad.detail
    state = "ok" if bad is None else "absent" if absent else f"{bad.step}: {bad.detail}"
    return json.dumps([state, round(used.ru_utime + used.ru_stime, 1), waited])


def reap():
    """Children that took longer to die than anybody waited: their time counts only then."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def cell(target, kind):
    argv = [sys.executable, "-c", MEASURE, str(Path(__file__).parent), target, kind]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
    return Cell(*json.loads(done.stdout)) if done.returncode == 0 else Cell(done.stderr[-200:], 0.0, 0.0)


def table(targets):
    """Yields lines of Markdown as they are known."""
    about = [versions(target) for target in targets]
    yield "| architecture | " + " | ".join(" ".join(f"{k} {v}" for k, v in one.items()) for one in about) + " |"
    yield "|---|" + "---|" * len(targets)
    for kind in recipes.types():
        cells = [cell(target, kind) for target in targets]
        yield f"| {kind} | " + " | ".join(f"{c.state} {c.cpu:.1f} s CPU, {c.wall:.1f} s" for c in cells) + " |"


if __name__ == "__main__":
    for line in table(sys.argv[1:]):
        print(line, flush=True)
