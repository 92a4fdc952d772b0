"""The escaping points: one function a format. Every text of a report passes exactly one of them."""

from __future__ import annotations

import re

from doctor.model.patterns import compiled

# C0 (but tab), DEL, C1, zero-width and bidirectional controls, line separators: they steer terminals and hide text.
_CONTROL = "[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
_MARKDOWN = r"([\\`*_{}\[\]<>#|~&@!])"


def _visible(match: re.Match[str]) -> str:
    return f"\\x{ord(match.group()):02x}" if ord(match.group()) < 0x100 else f"\\u{ord(match.group()):04x}"


def plain(text: str) -> str:
    """One line for a terminal or a log: control characters are shown, never sent."""
    if text.isprintable():  # nearly every text
        return text
    return compiled(_CONTROL).sub(_visible, text.replace("\r\n", "\n").replace("\n", " "))


def lines(text: str) -> list[str]:
    """Paragraph text as clean lines."""
    return [plain(line) for line in text.splitlines()]


def markdown(text: str) -> str:
    """One line of prose inside Markdown: nothing in it is markup, a mention or a link."""
    return compiled(_MARKDOWN).sub(r"\\\1", plain(text))


def code(text: str) -> str:
    """A code span or fence body: control characters shown; the caller picks a fence longer than any run inside."""
    return plain(text)


def fence(text: str) -> str:
    """A run of backticks longer than any in ``text``."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)
