"""Signatures: regular expressions over the lines of a pasted text, searched in linear time.

A pattern is only tried on lines that hold one of its literal words, on a window of bounded length, a bounded number
of times; patterns that could backtrack badly are refused when the rule is loaded.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from doctor.model.patterns import compiled

if sys.version_info >= (3, 11):
    from re import _constants as sre_constants  # type: ignore[attr-defined]
    from re import _parser as sre_parse  # type: ignore[attr-defined]
else:
    import sre_constants
    import sre_parse

WINDOW = 2000  # characters of a line that a pattern sees
TRIES = 24  # lines a pattern is tried on
MAX_UNBOUNDED = 3  # open-ended repeats a pattern may have
MAX_OPENING = 32  # characters of a repeat at the very beginning of a pattern
_ENOUGH = 4  # a literal of this length filters well


class Log:
    """The lines of a text with a fast look-up by literal word; a line that comes again is searched once."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        first: dict[str, int] = {}
        for row, line in enumerate(lines):
            first.setdefault(line, row)
        self._rows = list(first.values())
        self._text = "\n".join(first).lower()
        self._starts: list[int] = []
        at = 0
        for line in self._text.split("\n"):
            self._starts.append(at)
            at += len(line) + 1

    def held(self, literals: Iterable[str]) -> list[str]:
        """Which of these lower-case words stand anywhere in the text."""
        text = self._text
        return [literal for literal in literals if literal in text]

    def _spots(self, literal: str) -> Iterator[tuple[int, int]]:
        """``(line index, column)`` of the first occurrence of ``literal`` in each line."""
        at = self._text.find(literal)
        while at >= 0:
            row = bisect_right(self._starts, at) - 1
            yield self._rows[row], at - self._starts[row]
            after = self._starts[row + 1] if row + 1 < len(self._starts) else len(self._text)
            at = self._text.find(literal, after)

    def search(self, pattern: str, literals: Sequence[str]) -> tuple[int, re.Match[str]] | None:
        """First line (0-based) that matches, with the match; None when there is none."""
        best: tuple[int, re.Match[str]] | None = None
        for literal in literals:
            if literal not in self._text:
                continue
            for tries, (row, column) in enumerate(self._spots(literal)):
                if tries >= TRIES or (best and row >= best[0]):
                    break
                begin = max(0, column - WINDOW // 2) if len(self.lines[row]) > WINDOW else 0
                match = compiled(pattern).search(self.lines[row][begin : begin + WINDOW])
                if match:
                    best = (row, match)
                    break
        return best


def literals_of(pattern: str) -> tuple[str, ...]:
    """Lower-case words of which every match holds at least one.

    Raises ValueError when the pattern has none of three characters or more, or could backtrack badly.
    """
    tree = sre_parse.parse(pattern)
    if _opens_with_repeat(tree):
        raise ValueError("begins with a long repeat, tried again from each of its characters: put (?<!...) before it")
    unbounded = _check_repeats(tree, inside=False)
    if unbounded > MAX_UNBOUNDED:
        raise ValueError(f"{unbounded} open-ended repeats, at most {MAX_UNBOUNDED}: use bounded ones such as .{{0,80}}")
    found = _best(tree)
    if not found or min(map(len, found)) < 3:
        raise ValueError("needs a literal word of three characters or more in every branch")
    return tuple(sorted(found))


def _opens_with_repeat(tree: Any) -> bool:
    """Whether the first thing is a repeat of many characters with no boundary before it."""
    for op, arg in tree:
        if op is sre_constants.SUBPATTERN:
            return _opens_with_repeat(arg[3])
        if op in (sre_constants.MAX_REPEAT, sre_constants.MIN_REPEAT):
            return bool(arg[1] > MAX_OPENING)
        return False
    return False


def _check_repeats(tree: Any, inside: bool) -> int:
    """Number of open-ended repeats; raises ValueError for one inside another repeat."""
    count = 0
    for op, arg in tree:
        if op in (sre_constants.MAX_REPEAT, sre_constants.MIN_REPEAT):
            open_ended = arg[1] is sre_constants.MAXREPEAT
            if open_ended and inside:
                raise ValueError("an open-ended repeat inside a repeat can take for ever")
            count += open_ended + _check_repeats(arg[2], inside or open_ended or arg[1] > 8)
        elif op is sre_constants.BRANCH:
            count += sum(_check_repeats(part, inside) for part in arg[1])
        elif op is sre_constants.SUBPATTERN:
            count += _check_repeats(arg[3], inside)
        elif op in (sre_constants.ASSERT, sre_constants.ASSERT_NOT):
            count += _check_repeats(arg[1], inside)
        elif op is sre_constants.GROUPREF:
            raise ValueError("back references are not allowed")
    return count


def _best(tree: Any) -> set[str]:
    """The most selective set of literals that a match of the sequence must contain one of."""
    options: list[set[str]] = []
    run = ""
    for op, arg in tree:
        if op is sre_constants.LITERAL:
            run += chr(arg).lower()
            continue
        if run:
            options.append({run})
            run = ""
        inner: set[str] = set()
        if op is sre_constants.SUBPATTERN:
            inner = _best(arg[3])
        elif op in (sre_constants.MAX_REPEAT, sre_constants.MIN_REPEAT) and arg[0] >= 1:
            inner = _best(arg[2])
        elif op is sre_constants.BRANCH:
            parts = [_best(part) for part in arg[1]]
            inner = set().union(*parts) if all(parts) else set()
        if inner:
            options.append(inner)
    if run:
        options.append({run})
    return max(options, key=_selectivity, default=set())


def _selectivity(option: set[str]) -> tuple[bool, int, int]:
    shortest = min(map(len, option))
    return shortest >= _ENOUGH, -len(option) if shortest >= _ENOUGH else 0, shortest
