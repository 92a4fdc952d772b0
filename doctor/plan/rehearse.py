"""The installer's own resolver is asked with the very command; what it would do is held against the plan."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doctor.collect.child import run_tool
from doctor.collect.redact import Redactor
from doctor.knowledge import versions
from doctor.knowledge.conda import distribution
from doctor.model import Snapshot
from doctor.model.names import normalise
from doctor.model.patterns import compiled
from doctor.model.plan import Install, Plan
from doctor.plan.constraints import Lessons
from doctor.plan.script import install
from doctor.plan.shell import Target
from doctor.plan.startup import lines

SECONDS = 120.0  # for one answer: an index without metadata files makes pip fetch whole wheels
NO_TRACES = {"PYTHONDONTWRITEBYTECODE": "1"}  # asking must not leave the installer's own bytecode behind
SINCE = "22.2"  # pip that knows --report
_UNREACHED = (
    r"(?i)temporary failure in name resolution|name or service not known|network is unreachable|connection refused"
    r"|condahttperror|http 000 connection failed|could not resolve host|offline mode|download error"
    r"|connection (?:timed out|broken|reset)|failed to establish a new connection|max retries exceeded"
    r"|error sending request|dns error|client error \(connect\)|proxyerror|could not connect|operation timed out"
)
_NONE = r"No matching distribution found for ([\w.-]+)===?([\w.!+]+)|there is no version of ([\w.-]+)===?([\w.!+]+)"
_NO_WHEEL = r"([\w.-]+)==([\w.!+]+) has no (?:usable )?wheels?"
_ASKS = r"([\w.-]+)(?: |==)(\d[\w.!+]*) depends on ([\w.-]+(?:[<>=!~]=?[\w.*!+]+(?:,\s?[<>=!~]=?[\w.*!+]+)*)?)"
_BOUND = r"The user requested \(constraint\) ([\w.-]+?) ?([<>=!~]=?[^\s;]+)"
_NOTHING = r"nothing provides(?: requested)? ([\w.-]+)[ =]+(\d[\w.]*)"
_CONDA_SPEC = r"([\w.-]+?)[ =]+(\d[\w.]*)"
_UV = r"(?m)^\s*([+~-]) ([\w.-]+)==(\S+)"


NOTHING = Lessons()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the resolver said.

    ``verdict``: agreed, refused (``why`` says it, ``lessons`` what to do better), other (it would also change ``more``)
    or silent (it was not reached or did not end; ``why``).
    """

    verdict: str
    why: str = ""
    more: tuple[str, ...] = ()
    lessons: Lessons = NOTHING


def rehearse(plan: Plan, snapshot: Snapshot, target: Target, seconds: float = SECONDS) -> Answer:
    """The worst answer over the plan's calls. Uses the network, changes nothing."""
    answers = [_one(each, plan, snapshot, target, seconds) for each in plan.installs]
    order = ("refused", "silent", "other", "agreed")
    return min(answers, key=lambda answer: order.index(answer.verdict), default=Answer("agreed"))


def _one(each: Install, plan: Plan, snapshot: Snapshot, target: Target, seconds: float) -> Answer:
    pip = snapshot.get("pip.version") if each.by == "pip" else None
    if target.installer != "uv" and pip and versions.compare(str(pip), SINCE) == -1:
        return Answer("silent", f"pip {pip} < {SINCE}")
    shell = shutil.which("bash" if target.shell == "bash" else "powershell")
    if shell is None:
        return Answer("silent", target.shell)
    with tempfile.TemporaryDirectory(prefix="vlmdoctor-") as folder:
        report = Path(folder) / "report.json"
        room = {**NO_TRACES, "TMPDIR": folder}  # what a killed installer has unpacked goes with the folder
        text = "\n".join([*lines(room, target.shell), *install(each, target, trial=str(report))])
        options = ("-euo", "pipefail", "-c") if target.shell == "bash" else ("-NoProfile", "-Command")
        answer = run_tool([shell, *options, text], seconds)
        output = answer.output.decode("utf-8", "replace")
        if answer.status == "ok":
            if each.by == "conda":
                return _held(_by_conda(output, target), plan, snapshot)
            would = _by_uv(output) if target.installer == "uv" else _by_pip(report)
            return _held(would, plan, snapshot)
    gone = answer.status in ("exit 126", "exit 127")  # the interpreter of another machine
    if gone or not answer.status.startswith("exit") or compiled(_UNREACHED).search(output):
        return Answer("silent", _last(output) if answer.status.startswith("exit") else answer.status)
    if each.by == "conda":
        return Answer("refused", _condas_reason(output), lessons=Lessons(frozenset(_condas_missing(output, target))))
    return Answer("refused", _reason(output), lessons=_lessons(output, each))


def _by_conda(output: str, target: Target) -> dict[str, str]:
    """Distributions that conda would link or only take away, by the JSON of its dry run; the rest is not in it."""
    actions = _object(output).get("actions")
    rows = [(kind, row) for kind in ("UNLINK", "LINK") for row in (actions or {}).get(kind, [])]
    names = {"UNLINK": "-"}
    return {_condas_name(str(row.get("name")), target): names.get(kind, str(row.get("version"))) for kind, row in rows}


def _object(output: str) -> dict[str, Any]:
    """The JSON object among what else a program has said."""
    try:
        found = json.loads(output[output.index("{") : output.rindex("}") + 1])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _condas_name(package: str, target: Target) -> str:
    """The distribution of a package, by conda's own records of here, else by the table."""
    owned = target.conda.owned if target.conda else {}
    here = next((name for name, row in owned.items() if row.package == package), None)
    return here or normalise(distribution(package) or package)


def _condas_missing(output: str, target: Target) -> Iterator[tuple[str, str]]:
    """Releases that the channels do not have: in the list of the error, or in the words of the solver."""
    named = [str(each) for each in _object(output).get("packages", [])]
    for text in (*named, *(" ".join(pair) for pair in compiled(_NOTHING).findall(output))):
        found = compiled(_CONDA_SPEC).match(text)
        if found:
            yield _condas_name(found[1], target), found[2]


def _condas_reason(output: str) -> str:
    said = _object(output)
    words = str(said.get("message") or said.get("error") or said.get("solver_problems") or "")
    return Redactor().text(" ".join(words.split())[:1200]) or _reason(output)


def _by_pip(report: Path) -> dict[str, str]:
    """What pip would install, by its own report; nothing where it wrote none."""
    try:
        rows = json.loads(report.read_text(encoding="utf-8"))["install"]
        return {normalise(row["metadata"]["name"]): str(row["metadata"]["version"]) for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _by_uv(output: str) -> dict[str, str]:
    found = compiled(_UV).findall(output)
    return {normalise(name): version for sign, name, version in found if sign != "-"}


def _held(would: Mapping[str, str], plan: Plan, snapshot: Snapshot) -> Answer:
    """Whatever is installed and is no move of the plan must stay."""
    moved = {move.name for move in plan.moves}
    more = tuple(
        f"{name} {have} -> {new}"
        for name, new in sorted(would.items())
        if name not in moved and (have := snapshot.get("dist." + name)) and have != new
    )
    return Answer("other", more=more) if more else Answer("agreed")


def _lessons(output: str, asked: Install) -> Lessons:
    """Releases that cannot be had here, requirements that the tables do not know, the user's own constraints."""
    return Lessons(frozenset(_missing(output)), frozenset(_asks(output)), frozenset(_bounds(output, asked)))


def _missing(output: str) -> Iterator[tuple[str, str]]:
    for one, first, other, second in compiled(_NONE).findall(output):
        yield normalise(one or other), versions.public((first or second).rstrip("."))
    for name, version in compiled(_NO_WHEEL).findall(output):
        yield normalise(name), versions.public(version)


def _asks(output: str) -> Iterator[tuple[str, str, str]]:
    for name, version, line in compiled(_ASKS).findall(output):
        yield normalise(name), versions.public(version), line


def _bounds(output: str, asked: Install) -> Iterator[tuple[str, str]]:
    """Constraints that pip names and that are not those of the call."""
    for name, spec in compiled(_BOUND).findall(output):
        if f"{normalise(name)}{spec}" not in asked.limits:
            yield normalise(name), spec


def _reason(output: str) -> str:
    """The installer's own words: from its first error on."""
    said = [line.strip() for line in output.splitlines() if line.strip()]
    starts = (at for at, line in enumerate(said) if re.match(r"(?i)error|×|╰|the conflict is caused", line))
    first = next(starts, max(len(said) - 6, 0))
    return Redactor().text(" ".join(said[first:])[:1200])


def _last(output: str) -> str:
    said = [line.strip() for line in output.splitlines() if line.strip()]
    return Redactor().text(said[-1][:200]) if said else ""
