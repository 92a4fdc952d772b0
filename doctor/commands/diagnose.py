"""``vlmdoctor diagnose``: pasted tracebacks and reports -> ranked causes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, BinaryIO

import click

from doctor.commands.common import Options, emit, judge, language, report_options, status
from doctor.model import Snapshot

MAX_INPUT = 4 << 20  # bytes taken of each end of one input; even, so that UTF-16 stays whole


@click.command("diagnose")
@click.argument("files", nargs=-1, metavar="FILE...|-", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--with-machine", is_flag=True, help="Also read this machine: the text is from here.")
@click.option("--python", help="With --with-machine: interpreter or environment the text is from.")
@click.option("--model", help="Model that was to run: repository id or folder.")
@click.option("--batch", type=click.Path(path_type=Path), metavar="DIR|JSONL", help="Many reports, one JSON line each.")
@report_options
def command(
    files: tuple[Path, ...],
    with_machine: bool,
    python: str | None,
    model: str | None,
    batch: Path | None,
    **rest: Any,
) -> int:
    """Say what is behind a pasted traceback, error line or environment report.

    FILE may hold one or several of them; - reads standard input. The machine is not looked at unless you ask for it.
    """
    from doctor.collect.redact import Redactor
    from doctor.ingest import ingest

    options = Options(**rest)
    if (batch is None) == (not files):
        raise click.UsageError("give FILE (- for standard input), or --batch DIR|JSONL")
    if batch is not None:
        from doctor.commands.batch import run

        return run(batch, options)
    snapshot = ingest([read(path) for path in files], redact=Redactor().text)
    if model:
        snapshot = snapshot.with_facts({"model.asked": model})
    if with_machine:
        snapshot = beside_machine(snapshot, python, model, language(options.lang))
    report = judge(snapshot, options)
    emit(report, options)
    return status(report, options)


def read(path: Path) -> bytes:
    """The input as bytes, the middle of a huge one left out."""
    if str(path) == "-":
        return both_ends(sys.stdin.buffer)
    try:
        with path.open("rb") as stream:
            return both_ends(stream)
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from None


def both_ends(stream: BinaryIO) -> bytes:
    """Beginning and end of a stream; what is dropped between them is never held."""
    head = stream.read(MAX_INPUT)
    tail = b""
    while chunk := stream.read(MAX_INPUT):
        tail = (tail + chunk)[-MAX_INPUT:]
    return head + tail


def beside_machine(text: Snapshot, python: str | None, model: str | None, lang: str) -> Snapshot:
    """The text's own facts beside what this machine says; the machine wins."""
    from doctor.commands.check import DEADLINE, live

    machine = live((), python, model, DEADLINE, False, lang)
    said = {name: value for name, value in text.facts.items() if name.startswith("log.") or name not in machine.facts}
    return machine.with_facts(said)
