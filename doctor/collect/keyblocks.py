"""Private keys over several lines, and long random tokens that nothing names: what shows by its shape alone."""

from __future__ import annotations

import re

from doctor.collect.secretvalues import scrambled
from doctor.model.patterns import compiled

BEGIN = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
END = r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
LONGEST = 20_000  # characters of one key block; RSA with 16384 bits has some 13,000
# One line of a block whose end was cut off: whatever quotes or numbers the lines, a header, or key material.
_LINE = (
    r"(?:\\[nr]|[\s>|#*+:\d.,'\"-]){0,60}(?:(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): [^\n]{0,200}"
    r"|=?(?=[A-Za-z+/]{0,80}[\d+/])[A-Za-z0-9+/]{8,200}={0,3}(?=\\[nr]|[\s'\",]|$)|=[A-Za-z0-9+/]{4}\b|(?=\n))"
)
_PUTTY = r"(Private-Lines: \d{1,4})((?:\s{1,4}[A-Za-z0-9+/=]{16,100}){1,200}(?:\s{1,4}Private-MAC: \w{8,128})?)"
# Characters that join a token to something that it is part of: a path, a file name, a version, a checksum.
_BARE = r"(?<![\w./+~%-])[A-Za-z0-9]{32,200}(?![\w./+-])={0,2}"
_CHECKSUM = (
    r"(?i)(?:sha\d{0,3}|md5|hash|digest|etag|integrity|checksum|crc\d*|base64|"
    r"uid|id|revision|commit|blob|oid|nonce)['\"]?[\s:=,;-]{0,4}['\"]?$"
)


def private_keys(text: str) -> str:
    """PEM blocks, scanned by hand: a pattern that looks for the end from every beginning is quadratic."""
    if "Private-Lines" in text:
        text = compiled(_PUTTY).sub(r"\1 <private-key>", text)
    if "PRIVATE KEY" not in text:
        return text
    ends = [found.end() for found in compiled(END).finditer(text)]
    begins = [*compiled(BEGIN).finditer(text)]
    out, at, place = [], 0, 0
    for number, begin in enumerate(begins):
        if begin.start() < at:
            continue
        while place < len(ends) and ends[place] <= begin.end():
            place += 1
        limit = begins[number + 1].start() if number + 1 < len(begins) else len(text)
        whole = place < len(ends) and ends[place] <= min(limit, begin.end() + LONGEST)
        out += [text[at : begin.start()], "<private-key>"]
        at = ends[place] if whole else _material(text, begin.end())
    return "".join(out) + text[at:]


def _material(text: str, at: int) -> int:
    """Where the lines of a cut-off block end."""
    stop = at + LONGEST
    while at < stop and (line := compiled(_LINE).match(text, at)) and line.end() > at:
        at = line.end()
    return at


def bare(text: str, gone: str) -> str:
    """Tokens of 32 letters and digits or more that no word or name is made of. Hex digits alone may be a hash."""

    def replace(match: re.Match[str]) -> str:
        before = text[max(0, match.start() - 24) : match.start()]
        return gone if scrambled(match.group()) and not compiled(_CHECKSUM).search(before) else match.group()

    return compiled(_BARE).sub(replace, text) if len(text) >= 32 else text
