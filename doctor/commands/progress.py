"""Progress on a terminal's standard error: the one module that imports rich."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from doctor.words import say

if TYPE_CHECKING:
    from rich.status import Status

Step = Callable[[str, str], None]  # (part, state): started, slow (for all parts), and how it ended
Item = TypeVar("Item")


def shown() -> bool:
    """Progress is for people: a terminal on standard error that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def line(language: str) -> Iterator[Step | None]:
    """A line that names what is being read; gone when the work is done. None when nobody watches.

    It comes when the collector says that it takes long: loading rich costs as much as a quick check.
    """
    if not shown():
        yield None
        return
    waiting: dict[str, str] = {}
    spinner: Status | None = None
    with ExitStack() as stack:

        def step(part: str, state: str) -> None:
            nonlocal spinner
            if state == "slow":
                from rich.console import Console

                spinner = stack.enter_context(Console(stderr=True).status("vlmdoctor"))
            elif state == "started":
                waiting[part] = part
            else:
                waiting.pop(part, None)
            if spinner is not None:
                spinner.update(say(language, "reading", what=", ".join(waiting)))

        yield step


@contextmanager
def doing() -> Iterator[Callable[[str], None] | None]:
    """A line with whatever is told, gone at the end; None when nobody watches."""
    if not shown():
        yield None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status("vlmdoctor") as spinner:
        yield lambda told: spinner.update(Text(told))


def bar(items: Iterable[Item], label: str, total: int) -> Iterator[Item]:
    """Iterate with a bar."""
    if not shown():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=label, total=total, console=Console(stderr=True), transient=True)
