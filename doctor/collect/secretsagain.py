"""A credential that was known by its name once goes wherever it stands again: in a log, in a command, in a list."""

from __future__ import annotations

import re
from collections.abc import Callable

from doctor.collect.secretvalues import mixed, random_looking
from doctor.model.patterns import compiled

LONGEST = 400  # characters of a credential that is looked for again
WITH_SIGNS = 200  # credentials with signs in them that are looked for again, each in a pass of its own
WORDS = r"(?<![\w-])[\w-]{8,400}(?![\w-])"

Replace = Callable[[re.Match[str]], str]


def noted(replace: Replace, known: set[str], gone: str) -> Replace:
    """The replacement, which also adds what it took away to ``known``."""

    def replaced(match: re.Match[str]) -> str:
        out = replace(match)
        head, found, tail = out.partition(gone)
        if found and gone not in tail:
            known.add(match.group()[len(head) : len(match.group()) - len(tail)].strip("\"'`\\ "))
        return out

    return replaced


def everywhere(text: str, known: set[str], gone: str) -> str:
    """The text without the known credentials that no ordinary word looks like. Linear in the text."""
    sure = {value for value in known if 8 <= len(value) <= LONGEST and (mixed(value) or random_looking(value))}
    words = {value for value in sure if re.fullmatch(r"[\w-]+", value)}
    if words:
        text = compiled(WORDS).sub(lambda match: gone if match.group() in words else match.group(), text)
    for value in sorted(sure - words, key=len)[-WITH_SIGNS:]:
        text = text.replace(value, gone)
    return text
