"""Bytes or text as pasted -> clean lines of bounded length.

Decodes UTF-8, UTF-16 and the Chinese code pages, keeps head and tail of a huge input, removes terminal escapes,
control and direction characters, and unwraps Markdown, logger prefixes and boxes. Every step is one pass of a
regular expression that cannot backtrack over more than a few characters.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator

MAX_BYTES = 5_000_000  # more than this is read as head and tail
MAX_LINE = 4096  # characters of a line that are kept
MAX_LINES = 60_000
CUT = "[... cut here ...]"

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_ESCAPES = re.compile(
    r"\x1b\[[0-9;?<=>!]{0,64}[ -/]?[@-~]|\x1b\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)?"
    r"|\x1b[()*+-/][0-9A-Za-z]|\x1b[PX^_][^\x1b\n]{0,2000}(?:\x1b\\)?|\x1b.?"
)
# What a browser or an editor leaves of colour codes when the escape byte itself is lost in copying.
_NAKED_COLOUR = re.compile(r"\[(?:\d{1,3};){0,4}\d{1,3}m")
# C0 and C1 controls, zero-width and direction characters, byte order marks, lone surrogates, noncharacters.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
_NEWLINES = re.compile("\r\n?|[\x85\u2028\u2029]")
# A step of a progress bar that another one follows; the first and the last (0 % and 100 %) stay.
_PROGRESS = re.compile(r"^[^\n]{0,300}?\b[1-9]\d?%\|[^\n]*\n(?=[^\n]{0,300}?\d{1,3}%\|)", re.MULTILINE)
_QUOTES = tuple(zip("“”„‘’", '"""\'\'', strict=True))  # word processors and forums make them of plain ones


def clean(source: bytes | str) -> str:
    r"""The text with ``\n`` line ends, no escapes and no line longer than MAX_LINE. Never raises."""
    text = _decode(source) if isinstance(source, bytes) else _cut(source)
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    text = _NEWLINES.sub("\n", text)
    text = _CONTROLS.sub("", text).replace("\u00a0", " ").replace("\u0130", "I")  # U+0130 grows when lowered
    if not text.isascii():
        for curly, straight in _QUOTES:
            text = text.replace(curly, straight)
    if "[0m" in text or "[39m" in text:
        text = _NAKED_COLOUR.sub("", text)
    if "%|" in text:
        text = _PROGRESS.sub("", text)
    return _limit(text)


def _decode(data: bytes) -> str:
    """Text of ``data``: by its mark, by its pattern of zero bytes, else the first code page that fits."""
    if len(data) > MAX_BYTES:
        half = MAX_BYTES // 2
        data = (
            data[: half & ~1] + f"\n{CUT}\n".encode(_wide(data) or "ascii") + data[len(data) - half + (len(data) & 1) :]
        )
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    wide = _wide(data)
    if wide:
        return data.decode(wide, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_other(data)


def _wide(data: bytes) -> str:
    """``utf-16-le`` or ``utf-16-be`` when every other byte of the beginning is mostly zero, else ''."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16-le" if data[0] == 0xFF else "utf-16-be"
    head = data[:2000]
    if len(head) < 4:
        return ""
    for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if head[offset::2].count(0) > len(head) * 0.35 and head[1 - offset :: 2].count(0) < len(head) * 0.05:
            return name
    return ""


def _decode_other(data: bytes) -> str:
    """Not UTF-8 as a whole: damaged UTF-8 keeps its good parts, else GB18030 (superset of GBK), else Latin-1."""
    lenient = data.decode("utf-8", "replace")
    high = sum(1 for byte in data[:20_000] if byte > 127)
    if lenient[:20_000].count("\ufffd") * 8 <= high:
        return lenient
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError as error:
        if len(data) > 2000 and (error.start > len(data) - 8 or len(data) >= MAX_BYTES):
            return data.decode("gb18030", "replace")
        return data.decode("latin-1")


def _cut(text: str) -> str:
    if len(text) <= MAX_BYTES:
        return text
    half = MAX_BYTES // 2
    return f"{text[:half]}\n{CUT}\n{text[-half:]}"


def _limit(text: str) -> str:
    """Over-long lines keep head and tail (the error is as often at the end), and so does the text as a whole.

    Blanks at the end of lines go: consoles pad them to the width of the window.
    """
    lines = [line.rstrip() for line in text.split("\n")]
    if len(lines) > MAX_LINES:
        lines = [*lines[: MAX_LINES // 2], CUT, *lines[-MAX_LINES // 2 + 1 :]]
    half = MAX_LINE // 2 - 8
    return "\n".join(line if len(line) <= MAX_LINE else f"{line[:half]} ... {line[-half:]}" for line in lines)


# Prefixes of loggers, containers and ranks: (literal that gates the pass, pattern at the beginning of a line).
# The gate is a cheap word; a pass over a text without it is never made.
_CLOCK = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_PREFIXES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (gate, re.compile("^" + pattern, re.MULTILINE))
    for gate, pattern in (
        ("│", r"[ \t]{0,12}[│┃] ?"),
        (">", r"(?:> ){0,7}>(?!>) ?"),
        (" | ", r"[\w.-]{1,60}(?:-\d{1,4})? {1,40}\| "),  # docker compose
        ("Z ", _CLOCK + r"Z (?:std(?:out|err) [FP] )?"),  # docker --timestamps, kubelet
        ("]: ", r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [\w.-]{1,64} [\w.@/-]{1,64}(?:\[\d{1,9}\])?: "),  # journal
        ("pid=", r"\((?:[\w.:-]{1,80} ){1,3}pid=\d{1,9}(?:, ip=[\w.:]{1,45})?\) ?"),  # Ray, vLLM
        ("rank", r"\[?(?:default\d{1,4}\]:\[)?rank ?\d{1,5}\]:? ?"),
        ("[default", r"\[default\d{1,4}\]:"),
        ("0|", r"\d{1,3}\|[\w-]{1,40} {1,4}\| "),  # pm2
        ("] ", r"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d \[?[\w./-]{1,80}:\d{1,6}\] ?"),  # vLLM
        ("E  ", r"E {3,8}(?=\S)"),  # pytest
        (
            " - ",
            r"(?:" + _CLOCK + r"|\d\d/\d\d \d\d:\d\d:\d\d) - [\w.]{1,80} - (?:DEBUG|INFO|WARNING|ERROR|CRITICAL) - ",
        ),
        (
            " | ",
            _CLOCK + r" \| (?:DEBUG|INFO|WARNING|ERROR|CRITICAL) {0,4}\| (?:std(?:err|out) \| ?)?",
        ),  # FastChat, LLaVA
        (":root:", r"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):root:"),
    )
)
_TAGS = re.compile(
    (
        "</?(?:details|summary|code|pre|p|br|b|i|em|strong|div|span|sub|sup|table"
        r"|tbody|thead|tr|td|th|h\d|ul|ol|li|blockquote)(?:\s[^<>\n]{0,200})?/?>"
    ),
    re.IGNORECASE,
)
_FENCE = re.compile(r"^[ \t]{0,12}(?:```|~~~)[^\n]*$", re.MULTILINE)
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#39|#x27|#34|#96);")
# Links that notebooks make of paths: [/x/y.py](https://localhost:8080/#).
_LINK = re.compile(
    r"\[([^\[\]\n]{1,500})\]\((?:https?://localhost|file:|vscode-|command:)[^()\n]{0,600}(?:\([^()\n]{0,200}\))?[^()\n]{0,300}\)"
)
_BOX_END = re.compile(r" {1,200}[│┃]$", re.MULTILINE)


def unwrap(text: str) -> str:
    """Markdown, HTML entities, boxes and line prefixes removed; the number of lines stays the same."""
    if "```" in text or "~~~" in text:
        text = _FENCE.sub("", text)
    if "</" in text or "<br" in text:
        text = _TAGS.sub("", text)
    if "](" in text:
        text = _LINK.sub(r"\1", text)
    if "&" in text:
        text = _ENTITY.sub(lambda m: html.unescape(m.group()), text)
    if "│" in text or "┃" in text:
        text = _BOX_END.sub("", text)
    for gate, pattern in _PREFIXES:
        if gate in text:
            text = pattern.sub("", text)
    return text


class Text:
    """One cleaned text with its lower-case twin and the offsets of its lines."""

    __slots__ = ("_starts", "body", "lines", "low")

    def __init__(self, body: str) -> None:
        self.body = body
        self.low = body.lower()
        self.lines = body.split("\n")
        self._starts: list[int] = []

    def row(self, offset: int) -> int:
        """0-based line of a character offset."""
        if not self._starts:
            at = 0
            for line in self.lines:
                self._starts.append(at)
                at += len(line) + 1
        return bisect_right(self._starts, offset) - 1

    def has(self, *words: str) -> bool:
        """One of the lower-case ``words`` occurs."""
        low = self.low
        for word in words:  # noqa: SIM110 - called some 20 times a text: any() with a generator takes twice as long
            if word in low:
                return True
        return False

    def rows(self, *words: str, most: int = 400) -> Iterator[int]:
        """Rows that hold one of the lower-case ``words``, ascending, at most ``most`` for each word.

        When a word occurs more often, its first and last occurrences are kept.
        """
        found: list[int] = []
        low = self.low
        for word in words:
            if word in low:
                found += self._spots(word, most)
        return iter(sorted(set(found)) if found else ())

    def _spots(self, word: str, most: int) -> list[int]:
        rows: list[int] = []
        at = self.low.find(word)
        while at >= 0 and len(rows) < most:
            row = self.row(at)
            rows.append(row)
            at = self.low.find(word, self._starts[row] + len(self.lines[row]))
        if at >= 0:  # too many: look from the end as well
            end = len(self.low)
            for _ in range(most):
                end = self.low.rfind(word, at, end)
                if end < 0:
                    break
                row = self.row(end)
                rows.append(row)
                end = self._starts[row]
        return rows
