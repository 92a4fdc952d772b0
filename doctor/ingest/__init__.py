"""Pasted text -> Snapshot.

``ingest`` takes whatever was pasted, recognises the parts (a traceback, pip list, nvidia-smi, ...) and reads their
facts. It never raises, executes nothing, and needs time and memory linear in the size of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from doctor.ingest import embedded
from doctor.ingest.outcome import judge_health
from doctor.ingest.parts import read_all
from doctor.ingest.sheet import Sheet
from doctor.ingest.text import MAX_BYTES, Text, clean, unwrap
from doctor.ingest.veil import veil
from doctor.ingest.wrapped import rejoin
from doctor.model import Snapshot

__all__ = ["ingest"]

MAX_TEXTS = 200


def ingest(texts: Sequence[bytes | str], *, redact: Callable[[str], str] | None = None) -> Snapshot:
    """One snapshot from all ``texts`` together.

    ``redact`` is applied to the whole text first, because a part that is cut out of it (the message behind a header's
    name, the middle of a key) no longer shows what it is; then to every fact that the catalogue calls private, because
    joined and decoded parts may show more than the text did.
    """
    sheet = Sheet()
    whole = unwrap(_together(texts))
    text = Text(embedded.take(redact(whole) if redact else whole, sheet))
    read_all(text, sheet)
    sheet.finish()
    judge_health(text, sheet)
    facts = {"log.lines": rejoin(text.lines, sheet.facts.get("log.exceptions") or ()), **sheet.facts}
    shown = veil(facts, redact) if redact else facts
    return Snapshot(facts=shown, source="pasted", closed=frozenset(sheet.closed), unread=sheet.unread)


def _together(texts: Sequence[bytes | str]) -> str:
    """All texts, cleaned, one after the other, with the sum of their sizes bounded."""
    left = 2 * MAX_BYTES
    parts: list[str] = []
    for source in texts[:MAX_TEXTS]:
        part = clean(source)
        parts.append(part[: max(0, left)])
        left -= len(part)
        if left <= 0:
            break
    return "\n".join(parts)
