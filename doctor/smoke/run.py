"""Runs the tiers in children of the target interpreter and gathers what they tell.

A crash, a hang or a kill of a child is a result like any other; only the doctor's own trouble raises.
"""

from __future__ import annotations

import re
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from doctor.collect.child import LAST_WAIT, Answer, Job, Runner

CHILD = str(Path(__file__).with_name("child.py"))
TAIL = 256 << 10  # bytes of a child's output that are kept for the diagnosis
STACK_TIER = 0
RESTARTS = 8  # crashes of imports after which the rest is left alone
SLOW = 3  # times the usual seconds after which the progress says that it takes long
SLOW_FLOOR = 10.0  # seconds that nobody wonders about
# Nothing is downloaded, nothing is asked, nothing is drawn: the tiers ask for what is on this machine.
ENV = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}
# Without these a higher tier would only repeat the failure.
NEEDS = {1: ("import torch",), 2: ("import torch", "transformers."), 3: ("import torch", "transformers.")}


class Request(NamedTuple):
    """What is to be tried, and how the user would call it."""

    python: str
    tiers: tuple[int, ...]
    arch: str | None = None
    config: str | None = None  # the user's own config.json
    model: str | None = None  # folder of the real model
    device: str | None = None
    gpus: int = 0  # that the machine has
    bits: int | None = None
    dtype: str | None = None
    attn: str | None = None
    endpoint: str | None = None
    served: str | None = None  # name of the model behind the endpoint
    timeout: float = 180.0  # seconds for each child


class Result(NamedTuple):
    """One step: ``ok`` is None when it did not apply."""

    tier: int
    step: str
    ok: bool | None
    seconds: float
    detail: str

    def record(self) -> dict[str, Any]:
        """As the fact ``smoke.results`` holds it."""
        return dict(self._asdict())


class Outcome:
    """What all tiers gave."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.output = b""
        self.first = ""  # traceback, or what was printed, of the first failure
        self.ends: dict[str, int] = {}  # log.exit_status, log.exit_signal
        self.began = time.monotonic()
        self.seconds = 0.0

    def failed(self) -> list[Result]:
        """Steps that went wrong, in the order tried."""
        return [result for result in self.results if result.ok is False]

    def reached(self) -> int | None:
        """The highest tier that passed, every asked one below it included."""
        best = None
        for tier in sorted({result.tier for result in self.results}):
            mine = [result.ok for result in self.results if result.tier == tier]
            if False in mine or True not in mine:
                break
            best = tier
        return best

    def facts(self) -> dict[str, Any]:
        """``smoke.*`` and how the worst child ended."""
        facts: dict[str, Any] = {"smoke.results": [result.record() for result in self.results]}
        if self.reached() is not None:
            facts["smoke.tier"] = self.reached()
        if self.failed():
            facts.update({"log.exit_status": 1, **self.ends})
        return facts


Watch = Callable[[int, str, float, float], None]  # (tier, step, usual seconds, seconds so far)


def smoke(request: Request, watch: Watch | None = None) -> Outcome:
    """All tiers of ``request``, lowest first; a tier is left out when what it stands on has failed."""
    outcome = Outcome()
    for tier in request.tiers:
        broken = [r.step for r in outcome.failed() if r.step.startswith(NEEDS.get(tier, ("?",)))]
        if broken:
            outcome.results.append(Result(tier, "-", None, 0.0, broken[0]))
        else:
            _tier(tier, request, outcome, watch)
    outcome.seconds = time.monotonic() - outcome.began
    return outcome


def _tier(tier: int, request: Request, outcome: Outcome, watch: Watch | None) -> None:
    """One tier in one child; the imports go on in another one when one of them ends theirs."""
    done: list[str] = []
    for _ in range(RESTARTS if tier == STACK_TIER else 1):
        with _private_folder() as folder:
            child = _Tier(tier, request, outcome, watch)
            answer = child.run(folder, done)
        outcome.output += answer.output + b"\n"
        done = [result.step for result in outcome.results if result.tier == tier]
        if answer.ended or not child.current:
            return


@contextmanager
def _private_folder() -> Iterator[str]:
    """A folder that only this user may enter, gone afterwards whatever is in it."""
    folder = tempfile.mkdtemp(prefix="vlmdoctor-smoke-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Tier:
    """One child at work on one tier."""

    def __init__(self, tier: int, request: Request, outcome: Outcome, watch: Watch | None) -> None:
        self.tier = tier
        self.request = request
        self.outcome = outcome
        self.watch = watch
        self.current = ""  # step that has begun and not ended
        self.began = 0.0
        self.runner = Runner(request.timeout + LAST_WAIT, self._on_fact)

    def run(self, folder: str, done: list[str]) -> Answer:
        """Start, wait, and account for a child that ended in the middle of a step."""
        request = self.request
        settings = {
            **request._asdict(),
            "tier": self.tier,
            "folder": folder,
            "env": ENV,
            "done": done,
            "limit": self.tier in (1, 2) and not request.gpus and not (request.device or "cpu").startswith("cuda"),
        }
        self.runner.add(Job("smoke", (request.python, CHILD), request.timeout, settings, shim=True, tail=TAIL))
        answer = self.runner.run()["smoke"]
        if not answer.ended:
            self._lost(answer)
        return answer

    def _on_fact(self, name: str, value: Any) -> None:
        if not isinstance(value, Mapping):
            return
        if name == "begin":
            self._begin(str(value.get("step", "")), float(value.get("usual", 1)))
        elif name == "done":
            self.current = ""
            seconds, ok = float(value.get("seconds", 0)), value.get("ok")
            step, detail = str(value.get("step", "")), str(value.get("detail", ""))
            self.outcome.results.append(Result(self.tier, step, ok if ok is None else bool(ok), seconds, detail))
            self.outcome.first = self.outcome.first or str(value.get("trace", ""))

    def _begin(self, step: str, usual: float) -> None:
        self.current = step
        self.began = began = time.monotonic()
        watch = self.watch
        if watch is None:
            return
        watch(self.tier, step, usual, 0.0)

        def still() -> None:
            if self.current == step and self.began == began:
                watch(self.tier, step, usual, time.monotonic() - began)
                self.runner.later(1.0, still)

        self.runner.later(max(SLOW_FLOOR, SLOW * usual), still)

    def _lost(self, answer: Answer) -> None:
        """The child ended without its end mark: the step it was in is what failed."""
        self.outcome.first = self.outcome.first or answer.output.decode("utf-8", "replace")
        seconds = round(time.monotonic() - self.began, 3) if self.current else round(answer.seconds, 3)
        step = self.current or "start"
        ended = re.fullmatch(r"(signal|exit) (\d+)", answer.status)
        if ended is None:
            self.outcome.results.append(Result(self.tier, step, False, seconds, answer.status))
            return
        number = int(ended[2])
        if ended[1] == "signal":
            self.outcome.ends = {"log.exit_signal": number, "log.exit_status": 128 + number}
        else:
            self.outcome.ends = {"log.exit_status": number}
        detail = f"ended by {name_of(number)}" if ended[1] == "signal" else f"ended with status {number}"
        last = answer.tail() if not self.current else ""
        self.outcome.results.append(Result(self.tier, step, False, seconds, f"{detail} {last}".strip()))


def name_of(number: int) -> str:
    """SIGSEGV for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
