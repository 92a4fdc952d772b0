"""Messages that a terminal or a program wrapped are put together again for the search of signatures.

Line numbers stay those of the paste: the row where a message begins holds all of it, the rows after it stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_MOST = 1500
_GOES_ON = re.compile(r"[ \t│]{0,60}(?:[a-z(`'0-9]|NumPy \d|PyTorch \(|CUDA |GPU |GPUs )")
_BREAKS = re.compile(
    r"[ \t]{0,40}(?:File \"|Traceback|[\w.-]{1,60} {2,}\d|[\w.-]{1,60}==\S{1,40}$|at /"
    r"|[A-Za-z][\w ()-]{0,40}: |[a-z_]{1,30}(?: ?[:(]| = |=(?!=)))"
)


def rejoin(lines: Sequence[str], exceptions: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines, with wrapped messages whole in their first row."""
    out = list(lines)
    for record in exceptions:
        row = record["line"] - 1
        message = record["message"]
        if 0 <= row < len(out) and len(message) > len(out[row]) - len(record["type"]):
            name = record["type"]
            out[row] = f"{name}: {message}"[:4096] if name in out[row] else out[row]
    row = 0
    while row < len(lines) - 1:
        used = _join_prose(lines, out, row)
        row += used or 1
    return out


def _unfinished(line: str) -> bool:
    """Ends in a small letter, a comma or an opening sign: a sentence that goes on below, or a heading."""
    last = line[-1:]
    return last.islower() or last in ("(", ",", "'") or line.endswith((" NOT", " CUDA"))


def _join_prose(lines: Sequence[str], out: list[str], row: int) -> int:
    """Join a paragraph that begins at ``row``; returns how many rows it took, 0 when there is none."""
    line = lines[row]
    if len(line) < 34 or not _unfinished(line) or 'File "' in line:
        return 0
    parts = [line.rstrip()]
    below = row + 1
    while below < len(lines) and below < row + 6 and _unfinished(parts[-1]):
        following = lines[below]
        if not following.strip() or not _GOES_ON.match(following) or _BREAKS.match(following):
            break
        parts.append(following.strip(" \t│"))
        below += 1
    if len(parts) > 1 and out[row] == line:
        out[row] = " ".join(parts)[:_MOST]
    return below - row if len(parts) > 1 else 0
