"""``vlmdoctor fix``: one consistent plan, shown, applied, verified, undone."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from doctor.commands.check import live, target_options
from doctor.commands.common import columns, language
from doctor.errors import ApplyError
from doctor.model import Rule, Snapshot
from doctor.model.plan import Plan
from doctor.plan.shell import Target
from doctor.words import say

if TYPE_CHECKING:
    from doctor.plan.rehearse import Answer

RETRIES = 3  # plans made anew after the resolver has said why it refuses
FORMATS = ("text", "sh", "powershell", "json")


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at, so that it can be looked at again afterwards."""

    what: tuple[str, ...]
    python: str | None
    model: str | None
    timeout: float
    online: bool
    lang: str

    def now(self) -> Snapshot:
        """The machine as it is now."""
        return live(self.what, self.python, self.model, self.timeout, self.online, self.lang, around=True)


@click.command("fix")
@click.argument("what", nargs=-1, type=click.Path())
@target_options
@click.option("--report", type=click.Path(path_type=Path), help="Plan for this JSON report of check, run or diagnose.")
@click.option("--keep", multiple=True, metavar="PKG", help="Leave this distribution as it is (repeatable, or @FILE).")
@click.option("--dry-run", is_flag=True, help="Only show the plan; ask nothing.")
@click.option("--yes", is_flag=True, help="Apply without asking.")
@click.option("--undo", "undo_", is_flag=True, help="Bring back the state before the last fix.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True, help="Plan format.")
@click.option("--destructive", is_flag=True, help="Also do what destroys something.")
@click.option("--lang", type=click.Choice(("en", "zh")), help="Language; otherwise the locale's.")
def command(
    what: tuple[str, ...],
    python: str | None,
    model: str | None,
    timeout: float,
    online: bool,
    report: Path | None,
    keep: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    undo_: bool,
    format_: str,
    destructive: bool,
    lang: str | None,
) -> int:
    """Make the findings of a check into one plan; show it, apply it, verify it.

    WHAT is what you want to run, as for check.
    """
    look = Look(what, python, model, timeout, online, language(lang))
    if undo_:
        return _undo(look)
    from doctor.engine import store

    snapshot = _reported(report) if report else look.now()
    rules = store.load().rules
    kept = _kept(keep, snapshot, look.lang)
    named = (*look.what, *(("--model", model) if model else ()))
    target = _target(snapshot, python, format_)._replace(what=named)
    applies = not dry_run and format_ == "text" and (yes or _at_terminal())
    made, answer = _planned(snapshot, rules, kept, target, ask=online or applies)
    shown = Shown(made, snapshot, target, answer)
    click.echo(rendered(shown, format_, destructive, look.lang), nl=False)
    if answer is not None and answer.verdict == "refused":
        raise ApplyError("resolver", answer.why)
    idle = not made.steps and not made.installs
    if applies and not idle and (yes or click.confirm(say(look.lang, "fix.ask"))):
        return _apply(shown, look, rules, destructive, fresh=report is None)
    if not dry_run and format_ == "text" and not applies and not idle:
        click.echo(say(look.lang, "fix.hint"))
    if idle and not (made.goals or made.conflicts) and _blind(snapshot, look.lang):
        return 3
    return int(bool(made.conflicts or made.unconfirmed) or (yes and bool(made.goals)))


def _blind(snapshot: Snapshot, lang: str) -> bool:
    """Whether there is nothing to do only because an essential part could not be read, which is said."""
    from doctor.report.reading import unread
    from doctor.report.text import incomplete

    unseen = unread(snapshot, lang)
    if unseen:
        click.echo(incomplete(lang, unseen), err=True)
    return bool(unseen)


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan, the machine it is for, and what the installer's own resolver said of it (None: it was not asked)."""

    plan: Plan
    snapshot: Snapshot
    target: Target
    answer: Answer | None


def _planned(
    snapshot: Snapshot, rules: tuple[Rule, ...], keep: frozenset[str], target: Target, ask: bool
) -> tuple[Plan, Answer | None]:
    """The plan. When the resolver refuses it and says something new, what it said is taken in and it is asked again."""
    from doctor.plan.make import plan as make
    from doctor.plan.refuse import refusal

    made = make(snapshot, rules, keep)
    if not ask or not made.installs or refusal(made, snapshot, target):
        return made, None
    from doctor.plan.constraints import Lessons
    from doctor.plan.rehearse import rehearse

    lessons = Lessons()
    answer = rehearse(made, snapshot, target)
    for _ in range(RETRIES):
        if answer.verdict != "refused" or lessons | answer.lessons == lessons:
            break
        lessons |= answer.lessons
        made = make(snapshot, rules, keep, lessons)
        answer = rehearse(made, snapshot, target)
    return made, answer


def _at_terminal() -> bool:
    import sys

    return sys.stdin.isatty() and sys.stdout.isatty()


def _apply(shown: Shown, look: Look, rules: tuple[Rule, ...], destructive: bool, fresh: bool) -> int:
    """Apply and look again. Raises ApplyError."""
    from doctor.plan import verify
    from doctor.plan.apply import apply
    from doctor.plan.refuse import refusal

    plan, snapshot, target = shown.plan, shown.snapshot, shown.target
    refused = refusal(plan, snapshot, target)
    if refused:
        raise ApplyError("install", say(look.lang, "fix.not." + refused.why, name=refused.name))
    if plan.unconfirmed:
        raise ApplyError("plan", say(look.lang, "fix.strange", what=", ".join(plan.unconfirmed)))
    if not fresh:
        changed = verify.changed(snapshot, look.now())
        if changed:
            raise ApplyError("plan", say(look.lang, "fix.changed", what=", ".join(changed)))
    for line in verify.by_shell(plan, target):
        click.echo(say(look.lang, "fix.shell", line=line))
    apply(plan, snapshot, target, destructive, _progress)
    found = verify.outcome(plan, rules, look.now(), destructive)
    if found.cured:
        click.echo(say(look.lang, "fix.verified", cured=", ".join(found.cured)))
    if found.left:
        click.echo(say(look.lang, "fix.still", left=", ".join(found.left)))
    if found.waiting:
        click.echo(say(look.lang, "fix.waiting", left=", ".join(found.waiting)))
    return int(bool(found.left or found.waiting or plan.conflicts))


def _progress(text: str) -> None:
    """One line on stderr; a terminal that is gone must not stop a repair half way."""
    with contextlib.suppress(OSError):
        click.echo(f"  {text}", err=True)


def _undo(look: Look) -> int:
    from doctor.plan.journal import newest
    from doctor.plan.undo import sweep, undo

    sweep()
    prefix = look.now().get("python.prefix") if look.python else None
    journal = newest(prefix)
    if journal is None:
        click.echo(say(look.lang, "fix.no.undo"))
        return 0
    click.echo(say(look.lang, "fix.undone", count=undo(journal)))
    return 0


def _reported(path: Path) -> Snapshot:
    from doctor.ingest.archive import load_report

    return load_report(path)


def _kept(words: tuple[str, ...], snapshot: Snapshot, lang: str) -> frozenset[str]:
    """The promises; what is odd about them is said beside the plan."""
    from doctor.plan import keep

    lines: list[str] = []
    for word in words:
        lines += _lines_of(Path(word[1:])) if word.startswith("@") else [word]
    kept = keep.read(lines, snapshot)
    for name in kept.unknown:
        click.echo(say(lang, "fix.keep.unknown", name=name), err=True)
    for name, have, spec in kept.other:
        click.echo(say(lang, "fix.keep.other", name=name, have=have, spec=spec), err=True)
    return kept.names


def _lines_of(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").lstrip("\ufeff").splitlines()
    except OSError as error:
        raise click.UsageError(f"--keep @{path}: {error.strerror}") from None


def _target(snapshot: Snapshot, python: str | None, format_: str) -> Target:
    """The shell of the asked format; the interpreter that was looked at, else the one of the command line."""
    target = Target.of(snapshot)
    shell = {"sh": "bash", "powershell": "powershell"}.get(format_, target.shell)
    there = snapshot.get("python.executable")
    if python and there is None and not Path(python).is_dir():
        there = python
    return target._replace(shell=shell, python=there or target.python)


def rendered(shown: Shown, format_: str, destructive: bool, lang: str) -> str:
    """The plan in the asked format."""
    if format_ == "json":
        from doctor.report import planjson

        return planjson.render(shown.plan, shown.snapshot, shown.target, shown.answer, lang)
    from doctor.engine import store
    from doctor.plan.refuse import refusal
    from doctor.report import plan as words

    style = words.Style(lang, shown.target, shown.snapshot, store.load(), min(columns(), 110))
    note = words.heard(shown.answer, lang) if shown.plan.installs else ""
    refused = refusal(shown.plan, shown.snapshot, shown.target)
    out = words.refused(refused, lang) if refused else []
    if format_ == "text":
        return words.render(shown.plan, style, [note, *out], here=refused is None)
    from doctor.plan.hand import as_root
    from doctor.plan.script import render

    first = as_root(shown.plan.advice, shown.snapshot)
    left = replace(shown.plan, advice=tuple(step for step in shown.plan.advice if step not in first.steps))
    return render(left, shown.target, destructive, out, note, first, words.tail(left, style))
