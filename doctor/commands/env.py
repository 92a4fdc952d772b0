"""``vlmdoctor env``: the variables that fixes have set, for ``eval "$(vlmdoctor env)"``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from doctor.plan import startup


@click.command("env")
@click.option("--shell", type=click.Choice(startup.SHELLS), help="Shell to write for; otherwise that of SHELL.")
def command(shell: str | None) -> int:
    """Print the managed variables of your shell's start-up file, for eval. Prints nothing when there are none."""
    name = shell or startup.shell_of(os.environ.get("SHELL", ""))
    path = startup.file_of(name, Path.home())
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace") if path else ""
    except OSError:
        return 0  # no start-up file, so nothing was ever set
    click.echo(startup.inside(text) or "", nl=False)
    return 0
