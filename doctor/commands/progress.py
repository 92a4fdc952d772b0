"""Progress on a terminal's standard error: the one module that imports rich."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from doctor.words import say

Step = Callable[[str, str], None]  # (part, state)
Item = TypeVar("Item")


def shown() -> bool:
    """Progress is for people: a terminal on standard error that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def line(language: str) -> Iterator[Step | None]:
    """A line that names what is being read; gone when the work is done. None when nobody watches."""
    if not shown():
        yield None
        return
    from rich.console import Console

    waiting: dict[str, str] = {}
    with Console(stderr=True).status("vlmdoctor") as spinner:

        def step(part: str, state: str) -> None:
            if state == "started":
                waiting[part] = part
            else:
                waiting.pop(part, None)
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
