"""``vlmdoctor fix``: one consistent plan, shown, applied, verified, undone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from doctor.commands.check import live, target_options
from doctor.commands.common import columns, language
from doctor.errors import ApplyError
from doctor.model import Rule, Snapshot
from doctor.model.plan import Plan
from doctor.plan.shell import Target
from doctor.words import say

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
        return live(self.what, self.python, self.model, self.timeout, self.online, self.lang)


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
    from doctor.plan.make import plan as make

    snapshot = _reported(report) if report else look.now()
    rules = store.load().rules
    made = make(snapshot, rules, _kept(keep))
    target = _target(snapshot, python, format_)
    note = _asked(made, target, look) if online or yes else say(look.lang, "fix.unasked")
    click.echo(rendered(made, snapshot, target, format_, destructive, look.lang, note), nl=False)
    if not dry_run and format_ == "text" and (yes or _wanted(made, look.lang)):
        return _apply(made, snapshot, target, look, rules, destructive, fresh=report is None)
    return int(bool(made.conflicts))


def _wanted(plan: Plan, lang: str) -> bool:
    """The one question, on a terminal; elsewhere a hint."""
    import sys

    if not plan.steps and not plan.installs:
        return False
    if sys.stdin.isatty() and sys.stdout.isatty():
        return click.confirm(say(lang, "fix.ask"))
    click.echo(say(lang, "fix.hint"))
    return False


def _apply(
    plan: Plan,
    snapshot: Snapshot,
    target: Target,
    look: Look,
    rules: tuple[Rule, ...],
    destructive: bool,
    fresh: bool,
) -> int:
    """Apply and look again. Raises ApplyError."""
    from doctor.plan import verify
    from doctor.plan.apply import apply

    if not fresh:
        changed = verify.changed(snapshot, look.now())
        if changed:
            raise ApplyError("plan", say(look.lang, "fix.changed", what=", ".join(changed)))
    for line in verify.by_shell(plan, target):
        click.echo(say(look.lang, "fix.shell", line=line))
    apply(plan, snapshot, target, destructive, lambda text: click.echo(f"  {text}", err=True))
    cured, left = verify.outcome(plan, rules, look.now())
    if left:
        click.echo(say(look.lang, "fix.still", left=", ".join(left)))
        return 1
    click.echo(say(look.lang, "fix.verified", cured=", ".join(cured) or "-"))
    return int(bool(plan.conflicts))


def _asked(plan: Plan, target: Target, look: Look) -> str:
    """What the real resolver says. Raises ApplyError when it refuses."""
    from doctor.plan.apply import accepted

    why = accepted(plan, target)
    if why:
        raise ApplyError("resolver", say(look.lang, "fix.refused", why=why))
    return say(look.lang, "fix.agreed") if plan.installs else ""


def _undo(look: Look) -> int:
    from doctor.plan.journal import newest
    from doctor.plan.undo import undo

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


def _kept(names: tuple[str, ...]) -> frozenset[str]:
    from doctor.model.names import normalise

    found: list[str] = []
    for name in names:
        if name.startswith("@"):
            found += [line.partition("#")[0].strip() for line in Path(name[1:]).read_text(encoding="utf-8").split("\n")]
        else:
            found.append(name)
    return frozenset(normalise(name) for name in found if name)


def _target(snapshot: Snapshot, python: str | None, format_: str) -> Target:
    """The shell of the asked format; the interpreter that was looked at, else the one of the command line."""
    target = Target.of(snapshot)
    shell = {"sh": "bash", "powershell": "powershell"}.get(format_, target.shell)
    there = snapshot.get("python.executable")
    if python and there is None and not Path(python).is_dir():
        there = python
    return Target(shell, there or target.python, target.installer)


def rendered(
    plan: Plan, snapshot: Snapshot, target: Target, format_: str, destructive: bool, lang: str, note: str
) -> str:
    """The plan in the asked format."""
    if format_ == "json":
        import dataclasses
        import json

        body: dict[str, Any] = {"schema": "vlmdoctor.plan/1", "note": note, **dataclasses.asdict(plan)}
        return json.dumps(body, indent=1, default=dict) + "\n"
    from doctor.engine import store
    from doctor.plan.apply import refusal
    from doctor.report import plan as words

    why = refusal(plan, snapshot)
    style = words.Style(lang, target, snapshot, store.load(), min(columns(), 110))
    if format_ == "text":
        more = [note] if plan.installs else []
        more += [say(lang, "fix.not.here", why=why)] if why else []
        return words.render(plan, style) + "".join(f"{line}\n" for line in more if line)
    from doctor.plan.script import render

    rows = [*words.hand(plan, style), *(row for found in plan.conflicts for row in words.disagreement(found, style))]
    tail = ["  " * row.depth + row.text for row in rows]
    return render(plan, target, destructive, why, note if plan.installs else "", tail)
