"""A plan as a script that a person can read, edit and run: bash or PowerShell. Values are quoted by plan/shell.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from doctor.model import FixStep
from doctor.model.plan import Install, Move, Plan
from doctor.plan.hand import AsRoot
from doctor.plan.order import arranged, changes_shell
from doctor.plan.shell import (
    Target,
    checked,
    command,
    comment,
    conda_install,
    guarded,
    index_options,
    installer,
    powershell_value,
    quote,
)

_OPEN = {
    "bash": ["(", "set -euo pipefail"],
    "powershell": ["& {", "$ErrorActionPreference = 'Stop'", "$PSNativeCommandUseErrorActionPreference = $true"],
}
_CLOSE = {"bash": ")", "powershell": "}"}
NOTHING = AsRoot()
_BESIDE = "changes the machine, not the environment: no undo takes it back"


def render(
    plan: Plan,
    target: Target,
    allow: bool = False,
    refused: Sequence[str] = (),
    note: str = "",
    first: AsRoot = NOTHING,
    tail: Sequence[str] = (),
) -> str:
    """The whole script. Commands that change the shell stand outside the group, so that sourcing keeps them.

    ``allow``: steps that destroy something are written as commands, not as comments. ``refused``: why nothing may be
    installed here; then everything but the variables is a comment. ``note``: one more line for the head; ``first``:
    what is done beside the environment before all else; ``tail``: what is said at the end, as comments.
    """
    notes = [comment(line) for line in (note, *refused) if line]
    lines = [*_head(plan, target, first.rules), *notes, *_variables(plan, target)]
    beside = [comment(f"{', '.join(first.rules)}: {_BESIDE}"), *first.lines] if first.lines else []
    body = [*beside, *_body(plan, target, allow)]
    if refused:
        body, lines = [], [*lines, *(comment(line) for line in body)]
    if body:
        lines += ["", *_OPEN[target.shell], *body, _CLOSE[target.shell]]
    end = ["", *(comment(line) for line in tail)] if tail else []
    return "\n".join([*lines, *end]) + "\n"


def _head(plan: Plan, target: Target, beside: Sequence[str]) -> list[str]:
    first = ["#!/usr/bin/env bash"] if target.shell == "bash" else []
    lines = [f"vlmdoctor fix, for {target.python}", "Source it to keep its variables in this shell."]
    acting = [goal for goal in plan.goals if goal.rule in beside or _acts(plan, goal.rule)]
    lines += [f"cures {goal.rule} {goal.slug} ({_PROOF[goal.proof]})" for goal in acting]
    return first + [comment(line) for line in lines]


_PROOF = {
    "simulated": "seen gone in the prediction",
    "foreseen": "would have come with the new versions",
    "afterwards": "to be confirmed by a new check",
}


def _acts(plan: Plan, rule: str) -> bool:
    return any(rule in step.because for step in plan.steps) or any(c.because == rule for c in plan.constraints)


def _variables(plan: Plan, target: Target) -> list[str]:
    return [text for step in plan.steps if changes_shell(step) and (text := command(step, target))]


def _body(plan: Plan, target: Target, allow: bool) -> Iterator[str]:
    for each in arranged(plan):
        if isinstance(each, Install):
            yield from (comment(_move(move)) for move in plan.moves)
            yield from install(each, target)
        elif not changes_shell(each) and (text := guarded(each, target)):
            yield from _because(each, plan)
            yield text if allow or each.safety != "destructive" else comment("destructive, remove the #: " + text)


def _because(step: FixStep, plan: Plan) -> Iterator[str]:
    slugs = {goal.rule: goal.slug for goal in plan.goals}
    who = ", ".join(f"{rule} {slugs.get(rule, '')}".strip() for rule in step.because)
    guess = "the repository is a guess by the folder's name" if step.bound.get("guess") else ""
    built = f"{step.target} was compiled against {step.bound['build']}" if step.bound.get("build") else ""
    why = guess or built or (step.to if step.kind == "run" else "")
    yield comment(f"{who}: {why}" if why else who)


def _move(move: Move) -> str:
    new = "(newest)" if move.goes_to == "*" else move.goes_to or "(removed)"
    return f"{move.name} {move.old or '(not installed)'} -> {new}"


def install(each: Install, target: Target, trial: str = "") -> Iterator[str]:
    """The lines of one call of the installer; ``trial``: it only says what it would do (pip: in that report)."""
    if each.by == "conda":
        yield _conda_install(each, target, bool(trial))
        return
    words = [installer(target, "install")]
    if trial:
        words.append("--dry-run")
    if trial and target.installer != "uv":
        words += ["--report", quote(trial, target.shell)]
    if each.alone:
        words.append("--no-deps")
    if each.builds:
        words.append("--no-build-isolation")
    if each.limits and target.shell == "bash":
        yield "limits=$(mktemp)"
        yield "trap 'rm -f -- \"$limits\"' EXIT"
        yield "printf '%s\\n' " + " ".join(quote(limit) for limit in each.limits) + ' > "$limits"'
        words.append('-c "$limits"')
    elif each.limits:
        yield "$limits = New-TemporaryFile"
        yield ", ".join(powershell_value(limit) for limit in each.limits) + " | Set-Content -Path $limits"
        words.append("-c $limits")
    words += index_options(each.index, target)
    yield checked(" ".join([*words, *(quote(text, target.shell) for text in each.requirements)]), target)


def _conda_install(each: Install, target: Target, trial: bool) -> str:
    """Conda has no list of limits: what must stay is named with its version in the same call."""
    words = conda_install(target, each.channels, *(["--dry-run", "--json"] if trial else []))
    named = [quote(text, target.shell) for text in (*each.requirements, *each.limits)]
    return checked(" ".join([*words, *named]), target)


def installing(target: Target, index: str | None) -> str:
    """The installer up to what is to be installed, solved with all dependencies."""
    return " ".join([installer(target, "install"), *index_options(index, target)])
