"""Regular expressions that are compiled when they are first used (all took a fifth of a child's time), and numbers."""

import re

_DONE = {}


def compiled(pattern):
    """The pattern (text or bytes), compiled once."""
    if pattern not in _DONE:
        _DONE[pattern] = re.compile(pattern)
    return _DONE[pattern]


def whole(text):
    """The whole number that a text is, of at most 18 digits, else ``None``: a "²" is a digit, but int() raises."""
    return int(text) if text.isdecimal() and len(text) <= 18 else None
