"""Wrapping for terminals: East Asian widths, hanging indents, commands never broken."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

MIN_WIDTH = 20


def width_of(text: str) -> int:
    """Columns that ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def paragraph(rows: Sequence[str]) -> str:
    """Lines of a text as one; Chinese is joined without a blank."""
    text = ""
    for row in filter(None, (row.strip() for row in rows)):
        wide = text and (_columns(text[-1]) == 2 or _columns(row[0]) == 2)
        text += row if not text or wide else " " + row
    return text


def wrap(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """Lines of at most ``width`` columns; the first starts with ``first``, the others with ``rest``."""
    indent = " " * width_of(first) if rest is None else rest
    room = max(8, width - max(width_of(first), width_of(indent)))
    rows: list[str] = []
    row = ""
    for word in _words(text):
        if row and width_of(row) + width_of(word.rstrip()) > room:
            rows.append(row.rstrip())
            row = ""
        while width_of(word.rstrip()) > room:
            head = _cut(word, room - width_of(row))
            rows.append(row + head)
            word, row = word[len(head) :], ""
        row += word if row or word.strip() else ""
    rows.append(row.rstrip())
    return [(first if not number else indent) + row for number, row in enumerate(rows) if row or not number]


def _words(text: str) -> list[str]:
    """Pieces between which a line may break: after blanks, and after each wide character."""
    pieces: list[str] = []
    piece = ""
    for character in text:
        piece += character
        if character in " \t" or (not character.isascii() and _columns(character) == 2):
            pieces.append(piece)
            piece = ""
    if piece:
        pieces.append(piece)
    return _keep_punctuation(pieces)


def _keep_punctuation(pieces: list[str]) -> list[str]:
    """Closing punctuation stays with what it closes."""
    kept: list[str] = []
    for piece in pieces:
        if kept and piece[0] in "，。；：！？、）》」』”’…" and not kept[-1].endswith(" "):
            kept[-1] += piece
        else:
            kept.append(piece)
    return kept


def _cut(word: str, room: int) -> str:
    taken, used = 0, 0
    for character in word:
        used += _columns(character)
        if used > room:
            break
        taken += 1
    return word[: max(1, taken)]
