"""``vlmdoctor cache ls`` and ``cache verify``: what the Hugging Face cache holds, and whether it is whole.

The folder is the user's and may lie on a dead mount, so a child reads it; this process only shows what came.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from doctor.collect import child
from doctor.errors import ProbeError
from doctor.report.untrusted import plain

SECONDS = {"ls": 600.0, "verify": 3600.0}  # a verification reads a header of every weight file
CAP = 512 << 20  # bytes of answer; a million files make some 4 MB
SCRIPTS = {"ls": "hubscan.py", "verify": "hubverify.py"}
BATCH = 1000  # lines written at once
UNITS = ("B", "KB", "MB", "GB", "TB", "PB")

cache_dir = click.option("--cache-dir", metavar="DIR", help="Hub cache; otherwise what the environment variables give.")
format_ = click.option(
    "--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True, help="Output format."
)


@click.group("cache")
def command() -> None:
    """List and verify the Hugging Face cache."""


@command.command("ls")
@cache_dir
@format_
def ls(cache_dir: str | None, format_: str) -> int:
    """List repositories with size, files and whether everything is there."""
    root = cache_dir or default_root()
    answer = read("ls", root)
    if format_ == "json":
        write_json(root, answer)
        return 0
    size = files = 0
    out: list[str] = []
    for row in answer.rows():
        size, files = size + row["size"], files + row["files"]
        out.append(list_line(row, answer.width))
        if len(out) == BATCH:
            click.echo("\n".join(out))
            out.clear()
    out.append(f"{plain(root)}: {answer.count} repositories, {files} files, {human(size)}")
    click.echo("\n".join(out))
    return 0


@command.command("verify")
@click.argument("repo_ids", metavar="[ID]...", nargs=-1)
@cache_dir
@format_
def verify(repo_ids: tuple[str, ...], cache_dir: str | None, format_: str) -> int:
    """Check every file against its header, index and links, without the network. Exit 1 when something is damaged."""
    root = cache_dir or default_root()
    answer = read("verify", root, repo_ids)
    lost = set(repo_ids) - {row["id"] for row in answer.rows()}
    if lost:
        raise click.UsageError("not in this cache: " + ", ".join(map(plain, sorted(lost))))
    damaged = sum(1 for row in answer.rows() if row["problems"])
    if format_ == "json":
        write_json(root, answer)
    else:
        for row in answer.rows():
            click.echo("".join(f"{line}\n" for line in verify_lines(row)), nl=False)
        click.echo(f"{plain(root)}: {answer.count} repositories, {damaged} with problems")
    return 1 if damaged else 0


def default_root() -> str:
    """The hub cache that current releases of the libraries would use here."""
    from doctor.collect.probe import hubpaths

    layout = hubpaths.Layout(os.environ, os.path.expanduser("~"), os.getcwd())  # noqa: PTH109, PTH111 - no path is touched
    return str(layout.absolute(layout.hub_cache))


@dataclass(frozen=True, slots=True)
class Listing:
    """A whole answer of the child. Rows are parsed when they are shown: a million files must not fill the memory."""

    output: bytes
    count: int
    width: int  # of the longest id

    def rows(self) -> Iterator[dict[str, Any]]:
        """The repositories, in the child's order."""
        return (row for row in parse(self.output) if "id" in row)


def read(what: str, root: str, words: tuple[str, ...] = ()) -> Listing:
    """The child's answer. Raises ProbeError when the folder cannot be read or the answer is not whole."""
    script = str(Path(child.__file__).with_name("probe") / SCRIPTS[what])
    runner = child.Runner(SECONDS[what])
    argv = (sys.executable, "-I", "-S", "-B", script, root, *words)
    runner.add(child.Job("cache", argv, SECONDS[what], cap=CAP))
    answer = runner.run()["cache"]
    last = next(parse(answer.output.rstrip(b"\n").rpartition(b"\n")[2]), {})
    if "error" in last:
        raise ProbeError("missing", f"{plain(root)}: {last['error']}")
    if "end" not in last:
        raise ProbeError("garbled", f"{plain(root)}: {answer.status}; {plain(answer.tail())}")
    return Listing(answer.output, last["end"], last.get("width", 0))


def parse(output: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects among the lines; a line that is none (a warning, a cut one) is left out."""
    for line in io.BytesIO(output):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            yield row


def write_json(root: str, answer: Listing) -> None:
    """One object for machines, a repository a line; JSON's own escaping keeps names harmless."""
    click.echo(f'{{"schema": 1, "cache_dir": {json.dumps(root)}, "repos": [', nl=False)
    for number, row in enumerate(answer.rows()):
        click.echo(("," if number else "") + "\n " + json.dumps(row), nl=False)
    click.echo("\n]}")


def list_line(row: dict[str, Any], width: int) -> str:
    """One repository for a terminal."""
    state = "complete" if row["complete"] else "incomplete"
    refs = plain(",".join(row["refs"])) or "-"
    name = plain(row["id"])
    return f"{row['type']:8}{name:{width}}  {human(row['size']):>9}  {row['files']:>6} files  {state:10}  {refs}"


def verify_lines(row: dict[str, Any]) -> Iterator[str]:
    """A damaged repository and its problems; nothing for a sound one."""
    if not row["problems"]:
        return
    yield plain(row["id"])
    for problem in row["problems"]:
        detail = f"  ({plain(problem['detail'])})" if problem["detail"] else ""
        yield f"  {problem['kind']:20} {plain(problem['path'])}{detail}"


def human(size: float) -> str:
    """Bytes in decimal units, as the hub shows them."""
    step = 0
    while size >= 1000 and step < len(UNITS) - 1:
        size, step = size / 1000, step + 1
    return f"{size:.1f} {UNITS[step]}" if step else f"{size:.0f} B"
