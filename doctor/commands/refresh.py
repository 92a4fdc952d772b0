"""``vlmdoctor rules refresh``: bring the table of releases up to date from the user's package index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from doctor.commands.progress import bar

if TYPE_CHECKING:
    from doctor.knowledge import refresh


@click.command("refresh")
@click.option("--package", "packages", multiple=True, metavar="NAME", help="Only this package (may be repeated).")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 when something would change.")
@click.option("--again", is_flag=True, help="Read the requirements of old releases again, too.")
@click.option("--allow-loss", is_flag=True, help="Drop releases that the index no longer lists.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write; otherwise the table in use.")
def command(packages: tuple[str, ...], only_check: bool, again: bool, allow_loss: bool, output: Path | None) -> int:
    """Read new releases and their requirements from the package index that pip or uv would ask.

    A table that would lose releases is refused unless you allow it. Only metadata is read, nothing is installed or run.
    """
    from doctor.knowledge import refresh, store

    table = dict(store.table("releases"))
    rows, changes = dict(table["rows"]), []
    for row, change in _refreshed(refresh.names(packages), again):
        rows[change.name] = row
        changes.append(change)
    if not allow_loss:
        refresh.refuse_losses(changes)
    different = [change.name for change in changes if rows[change.name] != table["rows"][change.name]]
    for change in changes:
        _tell(change)
    click.echo(f"{len(changes)} package(s) read, {len(different)} changed")
    if different and not only_check:
        table |= {"rows": rows, "checked": datetime.now(timezone.utc).date().isoformat()}
        refresh.save(output or Path(store.locate("releases")), refresh.render(table, 3))
    return int(only_check and bool(different))


def _refreshed(names: list[str], again: bool) -> Iterator[tuple[dict[str, object], refresh.Change]]:
    """Each package's new row, read side by side, in order."""
    from concurrent.futures import ThreadPoolExecutor

    from doctor.knowledge import index, refresh, store, versions

    url = index.configured()
    rows, keep = store.rows("releases"), versions.packages()

    def one(name: str) -> tuple[dict[str, object], refresh.Change]:
        source = index.Index(url)  # a session is not shared between threads
        return refresh.package(name, rows[name], source.files(name), source.metadata, keep, again)

    with ThreadPoolExecutor(8) as pool:
        yield from bar(pool.map(one, names), "refresh", len(names))


def _tell(change: refresh.Change) -> None:
    """One line for what is new or withdrawn."""
    if change.added:
        click.echo(f"{change.name}: new {', '.join(change.added)}")
    if change.yanked:
        click.echo(f"{change.name}: withdrawn {', '.join(change.yanked)}")
