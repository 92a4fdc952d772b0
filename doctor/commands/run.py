"""``vlmdoctor run -- COMMAND``: the user's own command, unchanged, with a diagnosis when it fails."""

from __future__ import annotations

import re
import shlex
import sys
from itertools import pairwise
from typing import Any

import click

from doctor.commands.check import live, target_options
from doctor.commands.common import Options, judge, language, rendered, report_options, write_file
from doctor.errors import DoctorError
from doctor.model import Snapshot
from doctor.model.report import Report

_PYTHON = re.compile(r"[/\\]python[\d.]*(?:\.exe)?$")
_REQUIREMENTS = ("-r", "--requirement")
_PROGRAMS = (".py", ".sh", ".ipynb")


@click.command("run", context_settings={"ignore_unknown_options": False})
@target_options
@report_options
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND...", type=click.UNPROCESSED)
def command(
    words: tuple[str, ...], python: str | None, model: str | None, timeout: float, online: bool, **rest: Any
) -> int:
    """Run COMMAND unchanged; when it fails, say why and what to type.

    Output, terminal, signals and exit status pass through. The diagnosis uses the end of the output and this machine.
    """
    from doctor.collect.watch import watch
    from doctor.commands.quiet import Notice

    options = Options(**rest)
    notice = Notice(language(options.lang))
    watched = watch(words, on_quiet=notice)
    if watched.exit_code() != 0 or options.output is not None:
        try:
            machine = live(programs(words), python or interpreter(words), model, timeout, online, notice.lang)
            report = judge(together(machine, watched.output, {**notice.facts, **watched.facts()}), options)
            _deliver(report, options)
        except (DoctorError, click.ClickException) as error:  # the command's own exit status is worth more
            click.echo(f"vlmdoctor: {error}", err=True)
    sys.stdout.flush()
    return watched.exit_code()


def _deliver(report: Report, options: Options) -> None:
    """Into the file that was asked for, else below the command's own errors."""
    if options.output is not None:
        write_file(options.output, rendered(report, options))
    elif report.entries:
        click.echo("\n" + rendered(report, options), err=True, nl=False)


def interpreter(words: tuple[str, ...]) -> str | None:
    """The interpreter that the command names by its path; others are found as for ``check``."""
    return words[0] if _PYTHON.search(words[0]) else None


def programs(words: tuple[str, ...]) -> tuple[str, ...]:
    """The scripts and requirements files that a command line names, also inside ``bash -c "..."``."""
    parts: list[str] = []
    for word in words:
        try:
            parts += shlex.split(word) if " " in word else [word]
        except ValueError:
            continue
    found = [part for part in parts if part.endswith(_PROGRAMS) and not part.startswith("-")]
    found += [part for option, part in pairwise(parts) if option in _REQUIREMENTS and part.endswith(".txt")]
    return tuple(dict.fromkeys(found))


def together(machine: Snapshot, output: bytes, facts: dict[str, Any]) -> Snapshot:
    """The machine as it is, with the text of the run: what was read on the machine wins over what the text says."""
    from doctor.collect.redact import Redactor
    from doctor.ingest import ingest

    text = ingest([output], redact=Redactor.of_this_machine(machine).text)
    said = {name: value for name, value in text.facts.items() if name.startswith("log.")}
    return machine.with_facts({**said, **facts})
