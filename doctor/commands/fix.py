"""``vlmdoctor fix``: one consistent plan, shown, applied, undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from doctor.commands.check import live, target_options
from doctor.commands.common import language
from doctor.model import Snapshot
from doctor.model.plan import Plan
from doctor.plan.shell import Target

FORMATS = ("text", "sh", "powershell", "json")


@click.command("fix")
@click.argument("what", nargs=-1, type=click.Path())
@target_options
@click.option("--report", type=click.Path(path_type=Path), help="Plan for this JSON report of check, run or diagnose.")
@click.option("--keep", multiple=True, metavar="PKG", help="Leave this distribution as it is (repeatable, or @FILE).")
@click.option("--dry-run", is_flag=True, help="Show the plan only.")
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
    format_: str,
    destructive: bool,
    lang: str | None,
) -> int:
    """Make the findings of a check into one plan.

    WHAT is what you want to run, as for check.
    """
    from doctor.engine import store
    from doctor.plan.make import plan as make

    snapshot = _reported(report) if report else live(what, python, model, timeout, online, language(lang))
    made = make(snapshot, store.load().rules, _kept(keep))
    click.echo(rendered(made, snapshot, _target(snapshot, python, format_), format_, destructive), nl=False)
    return int(bool(made.conflicts))


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
    """The shell of the asked format; the interpreter of the command line, else the one that was looked at."""
    target = Target.of(snapshot)
    shell = {"sh": "bash", "powershell": "powershell"}.get(format_, target.shell)
    there = snapshot.get("python.executable")
    if python and there is None and not Path(python).is_dir():
        there = python
    return Target(shell, there or target.python, target.installer)


def rendered(plan: Plan, snapshot: Snapshot, target: Target, format_: str, destructive: bool) -> str:
    """The plan in the asked format."""
    if format_ == "json":
        import dataclasses
        import json

        body: dict[str, Any] = {"schema": "vlmdoctor.plan/1", **dataclasses.asdict(plan)}
        return json.dumps(body, indent=1, default=dict) + "\n"
    from doctor.plan.script import render

    return render(plan, target, destructive)
