"""Predicates about Hugging Face caches, models and the network."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

from doctor.engine.scope import Scope
from doctor.model.rule import Clause

_LINK = re.compile(r"\bln\s+-\w*s\w*\s")


def near_only_in_case(scope: Scope, clause: Clause) -> bool | None:
    """A cached id equals the asked one but for upper and lower case; binds ``model.near`` to it."""
    known, asked = scope.get("model.asked")
    there, near = scope.get("model.near")
    if not (known and there):
        return None
    same = [name for name in near or () if str(name).casefold() == str(asked).casefold() and name != asked]
    if same:
        scope.bind("model.near", same[0])
    return bool(same)


def shell_links_without_parent(scope: Scope, clause: Clause) -> bool | None:
    """A shell script links into a folder that nothing made and that the model's path does not have; binds ``parent``.

    Only decided for scripts that were read; whether the folder is there is known from the links in the model's way.
    """
    known, lines = scope.snapshot.look("src.shell")
    if not known:
        scope.miss("src.shell")
        return None
    there, links = scope.snapshot.look("model.links")
    if not there:
        scope.miss("model.links")
        return None
    texts = [str(line.get("text", "")) for line in lines or ()]
    made = " ".join(text for text in texts if "mkdir" in text)
    for text in texts:
        parent = _link_parent(text) if _LINK.search(text) else None
        missing = parent and any(link.get("path") == parent and link.get("problem") == "missing" for link in links or ())
        if missing and parent not in made:
            scope.see("src.shell", text)
            scope.bind("parent", parent)
            return True
    return False


def _link_parent(text: str) -> str | None:
    """Folder part of the last word of an ``ln`` line."""
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    parent = words[-1].rpartition("/")[0]
    return parent or None


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "near_only_in_case": near_only_in_case,
    "shell_links_without_parent": shell_links_without_parent,
}
