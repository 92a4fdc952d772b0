"""``vlmdoctor redact``: a text as it may be pasted."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from doctor.commands.common import write_file


@click.command("redact")
@click.argument("file", metavar="FILE|-", default="-", type=click.Path(path_type=Path, allow_dash=True))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")
def command(file: Path, output: Path | None) -> int:
    """Print FILE (or standard input) without credentials, user names, host names and addresses.

    The same name gets the same placeholder within one run; nothing is stored.
    """
    from doctor.collect.identities import COMMON_USERS
    from doctor.collect.redact import Redactor
    from doctor.commands.diagnose import read
    from doctor.report.untrusted import plain

    user = os.environ.get("USER") or os.environ.get("USERNAME")
    host = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME")
    home = os.environ.get("HOME") or os.environ.get("USERPROFILE") or ""
    private = home.rpartition("/")[2].lower() not in COMMON_USERS  # /root tells nothing about anybody
    redactor = Redactor(home if private else None, user, host)
    body = redactor.text(read(file).decode("utf-8", "replace"))
    body = "\n".join(plain(line) for line in re.split(r"\r\n|\r|\n", body))  # it goes to terminals and into reports
    if output is None:
        click.echo(body, nl=False)
    else:
        write_file(output, body)
    return 0
