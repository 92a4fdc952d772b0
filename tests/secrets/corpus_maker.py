"""How the corpora of this folder are written: invented bodies from a seeded generator, prefixes put together at run time.

No literal here has the form of a credential, so that a scanner of the repository finds nothing. A secret counts as gone
when none of its parts, nor any piece of eight characters of one, is left, and what stands beside it is; a look-alike must
come through unchanged.
"""

from __future__ import annotations

import base64
import random
import re
import string
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

UPPER, LOWER, DIGITS = string.ascii_uppercase, string.ascii_lowercase, string.digits
LETTERS = UPPER + LOWER
ALNUM = LETTERS + DIGITS
HEX = "0123456789abcdef"
BASE64 = ALNUM + "+/"
WORDY = ALNUM + "_-"
PIECE = 8
ALPHABETS = {
    "A": ALNUM,
    "H": HEX,
    "L": LETTERS,
    "U": UPPER + DIGITS,
    "l": LOWER + DIGITS,
    "B": BASE64,
    "W": WORDY,
    "D": DIGITS,
}
_BODY = re.compile(f"([{''.join(ALPHABETS)}])([0-9]+)")
_HOLE = re.compile("\u00ab([^\u00bb]+)\u00bb")


@dataclass(frozen=True)
class Case:
    """One text. ``gone``: empty for a look-alike, which stays as it is."""

    kind: str
    text: str
    gone: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()

    def verdict(self, out: str) -> str:
        """ok, leak, lost (what stood beside it) or changed (a look-alike)."""
        if not self.gone:
            return "ok" if out.strip() == self.text.strip() else "changed"
        for part in self.gone:
            pieces = {part[i : i + PIECE] for i in range(max(1, len(part) - PIECE + 1))}
            if any(piece in out for piece in pieces):
                return "leak"
        return "ok" if all(part in out for part in self.stays) else "lost"


def _tuple(parts: str | Iterable[str]) -> tuple[str, ...]:
    return (parts,) if isinstance(parts, str) else tuple(parts)


class Maker:
    """Bodies and the growing list of cases."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.cases: list[Case] = []

    def body(self, alphabet: str, length: int) -> str:
        """A random body that holds a digit and a letter, as every real key of some length does."""
        while True:
            found = "".join(self._chance.choices(alphabet, k=length))
            if (
                length < 12
                or alphabet in (DIGITS, LETTERS, UPPER, LOWER)
                or (any(c.isdigit() for c in found) and any(c.isalpha() for c in found))
            ):
                return found

    def key(self, *prefix: str, alphabet: str = ALNUM, length: int = 40) -> str:
        """A provider's key; its prefix comes in pieces."""
        return "".join(prefix) + self.body(alphabet, length)

    def uuid(self) -> str:
        """8-4-4-4-12 hex digits."""
        return "-".join(self.body(HEX, size) for size in (8, 4, 4, 4, 12))

    def jwt(self) -> str:
        """Three parts, the first two beginning as the base64 of JSON does."""
        return "ey" + "J" + self.body(WORDY, 30) + ".ey" + "J" + self.body(WORDY, 60) + "." + self.body(WORDY, 43)

    def pem(self, kind: str = "RSA PRIVATE", lines: int = 4, newline: str = "\n") -> tuple[str, tuple[str, ...]]:
        """A key block and its lines."""
        rows = tuple(self.body(BASE64, 64) for _ in range(lines))
        mark = "-" * 5
        return newline.join([f"{mark}BEGIN {kind} KEY{mark}", *rows, f"{mark}END {kind} KEY{mark}"]), rows

    def secret(self, kind: str, text: str, gone: str | Iterable[str], stays: str | Iterable[str] = ()) -> None:
        """A text with something that must not be shown."""
        case = Case(kind, text, _tuple(gone), _tuple(stays))
        assert all(part in text for part in (*case.gone, *case.stays)), case
        self.cases.append(case)

    def table(self, secrets: Iterable[tuple[str, ...]], alike: Mapping[str, Iterable[str]]) -> Maker:
        """Rows of kind, template and what stays beside the secret; look-alikes by kind."""
        for kind, template, *stays in secrets:
            self.filled(kind, template, stays)
        for kind, texts in alike.items():
            self.keep(kind, *texts)
        return self

    def filled(self, kind: str, template: str, stays: str | Iterable[str] = ()) -> None:
        """A secret with holes, which are what must go: ``«gh|p_|A36»``, ``«X»`` (a UUID), ``«J»`` (a JWT), ``«=as it is»``.

        The parts of a hole are prefixes in pieces and bodies (a letter of ``ALPHABETS`` and a length); ``b64|`` in front
        encodes the whole, ``?|`` is nothing secret, ``PEM|`` makes a key block with what follows in front of each line.
        """
        gone: list[str] = []

        def fill(found: re.Match[str]) -> str:
            text, parts = self._hole(found.group(1))
            gone.extend(parts)
            return text

        self.secret(kind, _HOLE.sub(fill, template), gone, stays)

    def _hole(self, hole: str) -> tuple[str, tuple[str, ...]]:
        """What stands in a hole, and what of it must go."""
        if hole.startswith("="):
            return hole[1:], (hole[1:],)
        kind, *parts = hole.split("|")
        if kind == "?":
            return "".join(map(self._part, parts)), ()
        if kind == "PEM":
            return self.pem(parts[0], newline="\n" + "".join(parts[1:]))
        whole = "".join(map(self._part, parts if kind == "b64" else (kind, *parts)))
        text = b64(whole) if kind == "b64" else whole
        return text, (text,)

    def _part(self, part: str) -> str:
        """A body, or the piece of a prefix as it is."""
        if part in "XJ":
            return self.uuid() if part == "X" else self.jwt()
        found = _BODY.fullmatch(part)
        return self.body(ALPHABETS[found.group(1)], int(found.group(2))) if found else part

    def keep(self, kind: str, *texts: str) -> None:
        """Texts that must stay as they are."""
        self.cases.extend(Case(kind, text) for text in texts)


def b64(text: str) -> str:
    """Base64 of a text."""
    return base64.b64encode(text.encode()).decode()


def url(text: str) -> str:
    """Percent-encoded."""
    return urllib.parse.quote(text, safe="")
