"""Runs the tiers in children of the target interpreter and gathers what they tell.

Tiers 0 to 2 share one child as long as nothing fails, since most of their time goes into the same imports.

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

from doctor.collect.child import EARLY, LAST_WAIT, Answer, Job, Runner

NAME = "smoke"
CHILD = str(Path(__file__).with_name("child.py"))
TAIL = 256 << 10  # bytes of a child's output that are kept for the diagnosis
STACK_TIER, REAL = 0, 3
LEAVING = "exit"  # the step that is the interpreter's own end
SHARED = (0, 1, 2)  # tiers that go on in the child of the one before
RESTARTS = 8  # crashes of imports after which the rest is left alone
LINGER = 5.0  # seconds for a process of gigabytes to die
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
NEEDS = {
    1: ("import torch",),
    2: ("import torch", "transformers.", "libraries"),
    3: ("import torch", "transformers.", "libraries"),
}


class Request(NamedTuple):
    """What is to be tried, and how the user would call it."""

    python: str
    tiers: tuple[int, ...]
    arch: str | None = None
    named: bool = True  # the user, or the user's model, says which architecture
    config: str | None = None  # the user's own config.json
    model: str | None = None  # folder of the real model
    device: str | None = None
    gpus: int = 0  # that the machine has
    bits: int | None = None
    dtype: str | None = None
    attn: str | None = None
    gguf: str | None = None
    mmproj: str | None = None
    endpoint: str | None = None
    served: str | None = None  # name of the model behind the endpoint
    timeout: float = 180.0  # seconds for each tier
    estimate: str = ""  # what tier 3 will need, of what there is
    refused: bool = False  # tier 3 is left alone for that


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
        self.peaks: dict[str, int] = {}  # bytes by device, "host" included, as tier 3 measured them
        self.began = time.monotonic()
        self.seconds = 0.0

    def close(self) -> Outcome:
        """The same, with its time."""
        self.seconds = time.monotonic() - self.began
        return self

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
    waiting, restarts = list(request.tiers), 0
    while waiting:
        tier = waiting[0]
        broken = [r.step for r in outcome.failed() if r.step.startswith(NEEDS.get(tier, ("?",)))]
        if broken:
            outcome.results.append(Result(tier, "-", None, 0.0, broken[0]))
            waiting.remove(tier)
            continue
        if tier == REAL and request.estimate:
            outcome.results.append(Result(REAL, "memory estimate", not request.refused, 0.0, request.estimate))
            if request.refused:
                return outcome.close()
        together = [t for t in waiting if t in SHARED] if tier in SHARED and not restarts else [tier]
        child = _Tiers(together, request, outcome, watch)
        lost = child.run()
        if lost and child.tier == STACK_TIER and restarts < RESTARTS:
            restarts += 1  # an import ended the child: the others go on in another one
        else:
            waiting = [t for t in waiting if t > child.tier]
            restarts = 0
    return outcome.close()


@contextmanager
def _private_folder() -> Iterator[str]:
    """A folder that only this user may enter, gone afterwards whatever is in it."""
    folder = tempfile.mkdtemp(prefix="vlmdoctor-smoke-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Tiers:
    """One child at work on some tiers."""

    def __init__(self, tiers: list[int], request: Request, outcome: Outcome, watch: Watch | None) -> None:
        self.tiers = tiers
        self.tier = tiers[0]  # at work
        self.request = request
        self.outcome = outcome
        self.watch = watch
        self.current = ""  # step that has begun and not ended
        self.began = 0.0
        self.runner = Runner(request.timeout + LAST_WAIT, self._on_fact)

    def run(self) -> bool:
        """Start, wait, and account for a child that ended before it had said all. True: in the middle of a step."""
        with _private_folder() as folder:
            answer = self._answer(folder)
        self.outcome.output += answer.output + b"\n"
        if self.current == LEAVING and answer.status == EARLY:
            return False  # it left in peace
        self._lost(answer)
        return bool(self.current) and self.current != LEAVING

    def _answer(self, folder: str) -> Answer:
        request = self.request
        on_cpu = not request.gpus and not (request.device or "cpu").startswith("cuda")
        settings = {
            **request._asdict(),
            "tiers": self.tiers,
            "folder": folder,
            "cwd": _here(),
            "env": ENV,
            "done": [result.step for result in self.outcome.results if result.tier == self.tier],
            "limit": on_cpu and bool({1, 2} & set(self.tiers)),
        }
        argv = (request.python, CHILD)
        self.runner.add(Job(NAME, argv, request.timeout, settings, shim=True, tail=TAIL, linger=LINGER))
        return self.runner.run()[NAME]

    def _on_fact(self, name: str, value: Any) -> None:
        if name == "tier" and value in self.tiers:
            self.tier = value
            self.runner.renew(NAME)
        if not isinstance(value, Mapping):
            return
        if name == "peaks":
            self.outcome.peaks = {str(device): int(size) for device, size in value.items()}
        elif name == "begin":
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
        last = answer.tail() if self.current in ("", LEAVING) else ""
        self.outcome.results.append(Result(self.tier, step, False, seconds, f"{detail} {last}".strip()))


def _here() -> str | None:
    """The folder that we were called from, which a program of the user's would see; None when it is gone."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None


def name_of(number: int) -> str:
    """SIGSEGV for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
