"""Words that a text must hold before a pattern is worth compiling."""

from __future__ import annotations

LARGE = 100_000  # characters; logs of that size say the same lines again and again


def searched(text: str) -> str:
    """What words are looked for in: lower case, and of a large text each line once."""
    low = text.lower()
    return low if len(low) < LARGE else "\n".join(dict.fromkeys(low.split("\n")))


def holds(text: str, literals: tuple[str, ...]) -> bool:
    """Whether one of the words stands in the text. A plain loop, because a generator costs twice as much."""
    for literal in literals:  # noqa: SIM110
        if literal in text:
            return True
    return False
