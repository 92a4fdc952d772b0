"""``vlmdoctor check``: read the machine and a target Python, judge, explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from doctor.commands.common import FilePath, Options, emit, judge, language, report_options, status
from doctor.model import Snapshot

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE = 4.0  # seconds, for each probe child
NOT_THERE = "unreadable: no such file or folder"  # what the reader of programs says of such a name


def target_options(command: Any) -> Any:
    """Options that say what is looked at."""
    for option in (
        click.option("--online", is_flag=True, help="Also ask the hub and the package index (else no network)."),
        click.option("--timeout", type=float, default=DEADLINE, show_default=True, help="Seconds that each probe has."),
        click.option("--model", help="Model that is to run: repository id or folder."),
        click.option("--python", help="Interpreter or environment folder to diagnose; otherwise the active one."),
    ):
        command = option(command)
    return command


@click.command("check")
@click.argument("what", nargs=-1, type=click.Path())
@target_options
@click.option("--smoke", "smoke_too", is_flag=True, help="Also prove that it runs: smoke tiers 0 to 2.")
@click.option("--snapshot", "snapshot_file", type=FilePath(), help="Judge this snapshot file instead.")
@report_options
def command(
    what: tuple[str, ...],
    python: str | None,
    model: str | None,
    timeout: float,
    online: bool,
    smoke_too: bool,
    snapshot_file: Path | None,
    **rest: Any,
) -> int:
    """Say what is wrong with this machine and what to type.

    WHAT is what you want to run: scripts, folders, requirements files. It is read, never executed. Without it the
    only program of the working folder is looked at, where the target serves its imports.
    Nothing is changed, the network is not used and, without --smoke, your packages are not imported.
    """
    options = Options(**rest)
    if smoke_too and snapshot_file is not None:
        raise click.UsageError("--smoke needs the machine itself, not --snapshot")
    if snapshot_file is None:
        snapshot = live(what, python, model, timeout, online, language(options.lang), around=True)
    else:
        from doctor.collect.redact import Redactor
        from doctor.ingest.archive import load

        snapshot = Redactor().snapshot(load(snapshot_file))  # the file may come from anybody
    if smoke_too:
        from doctor.commands.smoke import beside

        return beside(snapshot, python, model, options)
    report = judge(snapshot, options)
    emit(report, options)
    return status(report, options)


def live(
    what: tuple[str, ...],
    python: str | None,
    model: str | None,
    timeout: float,
    online: bool,
    lang: str,
    around: bool = False,
) -> Snapshot:
    """Read this machine, with a progress line on a terminal. Raises BadParameter for a name with nothing behind it.

    ``around``: the command's own arguments say what is to run; where ``what`` is empty, the only program of the
    working folder is what is meant.
    """
    from doctor.collect.live import Request, collect
    from doctor.commands.progress import line

    with line(lang) as progress:
        found = collect(Request(python, model, what, timeout, online, around), progress)
    if python and found.get("python.broken") == "missing" and not found.get("python.prefix"):
        raise click.BadParameter(f"there is no interpreter or environment at {python!r}", param_hint="--python")
    gone = [row["file"] for row in found.get("src.errors", []) if row.get("problem") == NOT_THERE]
    if around and gone:
        raise click.BadParameter(f"there is no file or folder {gone[0]!r}", param_hint="WHAT")
    return found
