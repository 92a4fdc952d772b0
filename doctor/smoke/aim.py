"""Where to shoot: the interpreter and the model's folder as they are; a snapshot tells them redacted."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any, NamedTuple

from doctor.collect.child import ENTRY, Job, Runner, own_python
from doctor.collect.live import Request, choose
from doctor.errors import ProbeError

SECONDS = 20.0  # for a look at a folder or two, on a machine that swaps too


class Aim(NamedTuple):
    """``folder`` and ``kind`` (its model_type) are None where the model is not on this machine or none was named.

    ``named``: somebody said which interpreter, by an option or by activating an environment.
    """

    python: str
    folder: str | None
    kind: str | None
    named: bool = True


def aim(python: str | None, model: str | None) -> Aim:
    """Looks in a child, since both may lie on a dead mount. Raises ProbeError without an interpreter to run."""
    target = choose(Request(python=python, model=model), os.environ)
    asked = None if target.asked == "?" and torch_is_ours() else target.asked
    settings: dict[str, Any] = {
        "target": asked,
        "executable": None if asked else sys.executable,
        "prefix": None if asked else sys.prefix,
        "site": [],
        "model": model,
        "what": [],
    }
    runner = Runner(SECONDS)
    runner.add(Job("machine", (*own_python(), ENTRY, "machine,hub"), SECONDS, settings))
    answer = runner.run()["machine"]
    found = answer.facts.get("_target") or {}
    executable = found.get("executable") if asked else sys.executable
    if not executable or found.get("why"):
        raise ProbeError("missing", f"{python or 'python3'}: {found.get('why') or answer.status}")
    facts = answer.facts
    return Aim(executable, facts.get("model.path"), facts.get("model.type"), target.by not in ("own", "PATH"))


def torch_is_ours() -> bool:
    """Whether our own environment can be the target: ``vlmdoctor[smoke]`` brings torch. Imports nothing."""
    return importlib.util.find_spec("torch") is not None
