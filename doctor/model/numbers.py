"""Numbers in texts that anybody may have written."""

from __future__ import annotations

DIGITS = 18  # of a number that anything here can mean; int() of thousands of digits raises


def whole(text: object) -> int | None:
    """The whole number that ``text`` is; None for anything else: a "²" is a digit, but int() knows no such number."""
    said = str(text)
    return int(said) if said.isdecimal() and len(said) <= DIGITS else None
