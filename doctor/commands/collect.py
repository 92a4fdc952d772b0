"""``vlmdoctor collect``: write the redacted snapshot that check would judge."""

from __future__ import annotations

from pathlib import Path

import click

from doctor.commands.check import live, target_options
from doctor.commands.common import language, write_file


@click.command("collect")
@click.argument("what", nargs=-1, type=click.Path())
@target_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write; otherwise standard output.")
def command(
    what: tuple[str, ...], python: str | None, model: str | None, timeout: float, online: bool, output: Path | None
) -> int:
    """Write a redacted snapshot of this machine, to be judged elsewhere with check --snapshot."""
    from doctor.ingest.archive import dump

    body = dump(live(what, python, model, timeout, online, language(None), around=True))
    if output is None:
        click.echo(body, nl=False)
    else:
        write_file(output, body)
    return 0
