"""What a pasted text tells beyond its causes: who held the memory, which error came first, what it does not show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from doctor.engine.scope import human_bytes
from doctor.model import Snapshot
from doctor.words import say

# word of the interface -> facts of which one makes the area visible
_AREAS = (
    ("area.error", ("log.exceptions", "log.oom", "log.exit_signal")),
    ("area.driver", ("driver.version",)),
    ("area.gpu", ("gpus", "gpu.present")),
    ("area.python", ("python.version",)),
    ("area.torch", ("torch.version", "dist.torch")),
)
# The same of a machine that was read: the fact, and the part of the collection that reads it.
_ESSENTIAL = (
    ("area.machine", "os.name", "machine"),
    ("area.driver", "driver.version", "nvml"),
    ("area.gpu", "gpus", "nvml"),
    ("area.python", "python.version", "pyenv"),
)
SHOWN = 160  # characters of an error line in a verdict
_SMALL = 1 << 20  # bytes below which a share is left out


def is_text(snapshot: Snapshot) -> bool:
    """True when a text was judged, with or without a machine beside it."""
    return bool(snapshot.get("log.lines"))


def invisible(snapshot: Snapshot, language: str) -> tuple[str, ...]:
    """The areas of which the text says nothing; empty for a machine that was read."""
    if snapshot.source != "pasted":
        return ()
    missing = [word for word, facts in _AREAS if not any(snapshot.look(fact)[0] for fact in facts)]
    if "dist" not in snapshot.closed:
        missing.append("area.dist")
    return tuple(say(language, word) for word in missing)


def unread(snapshot: Snapshot, language: str) -> tuple[tuple[str, str], ...]:
    """``(area, reason)`` of what a check cannot do without and could not read; empty for what was pasted."""
    if snapshot.source == "pasted":
        return ()
    missing = [(word, fact, part) for word, fact, part in _ESSENTIAL if not snapshot.look(fact)[0]]
    gpus = snapshot.get("gpus", [])
    if gpus and not any(gpu.get("name") for gpu in gpus):  # NVML answers, and knows nothing of any of them
        missing.append(("area.gpu", "gpus.0.name", "nvml"))
    if "dist" not in snapshot.closed:
        missing.append(("area.dist", "python.version", "pyenv"))
    found = snapshot.unread
    parts = (found.get("part.machine"), "no reason given")  # the part that starts the others
    return tuple(
        (say(language, word), next(why for why in (found.get(fact), found.get(f"part.{part}"), *parts) if why))
        for word, fact, part in missing
    )


def left_out(snapshot: Snapshot) -> dict[str, str]:
    """``src.files`` with the first reason when files of the program were not read."""
    troubles = snapshot.get("src.errors", [])
    said = [row for row in troubles if str(row.get("problem")).startswith(("left out", "unreadable"))]
    more = f" (+{len(said) - 1})" if len(said) > 1 else ""
    return {"src.files": f"{said[0].get('file')} {said[0]['problem']}{more}"} if said else {}


def rows(snapshot: Snapshot, language: str) -> Iterator[tuple[str, str]]:
    """Lines for the head of a report on a text."""
    oom = snapshot.get("log.oom")
    if oom:
        yield say(language, "memory"), memory(oom, language)
    first = chain(snapshot)
    if first:
        yield say(language, "root"), first


def memory(oom: Mapping[str, Any], language: str) -> str:
    """An out-of-memory line split into who held the memory, in the order of size."""
    held = {key: oom[key] for key in ("tried", "free", "total") if oom.get(key) is not None}
    parts = [say(language, f"memory.{key}", size=human_bytes(size)) for key, size in held.items()]
    shares = sorted(_shares(oom), key=lambda share: -share[1])
    parts += [say(language, key, size=human_bytes(size)) for key, size in shares if size >= _SMALL]
    return "; ".join(parts)


def _shares(oom: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    allocated, reserved = oom.get("allocated"), oom.get("reserved")
    if allocated is not None:
        yield "memory.tensors", allocated
    if allocated is not None and reserved is not None:
        yield "memory.idle", reserved - allocated
    total, free, own = oom.get("total"), oom.get("free"), oom.get("in_use")
    if total is not None and free is not None:
        known = own if own is not None else reserved
        if known is not None:
            yield "memory.others", total - free - known
        if own is not None and reserved is not None:
            yield "memory.context", own - reserved


def unexplained(facts: Mapping[str, Any]) -> str:
    """The last exception of a text as one line; empty when it shows none."""
    raised = facts.get("log.exceptions")
    if not raised:
        return ""
    name, message = raised[-1].get("type") or "", raised[-1].get("message") or ""
    return f"{name}: {message}"[:SHOWN] if name and message else str(name or message)[:SHOWN]


def chain(snapshot: Snapshot) -> str:
    """``ImportError (raised first, line 3, in torchvision) -> RuntimeError (line 20)`` of a chain, else empty."""
    raised = snapshot.get("log.exceptions") or []
    if len(raised) < 2 or not raised[-1].get("chained"):
        return ""
    start = max(i for i, record in enumerate(raised) if not record.get("chained"))
    names = [f"{record.get('type') or '?'}{_at(record)}" for record in (raised[start], raised[-1])]
    library = snapshot.get("log.raised_by")
    return f"{names[0]}{f' [{library}]' if library else ''} -> {names[1]}"


def _at(record: Mapping[str, Any]) -> str:
    return f" (:{record['line']})" if record.get("line") else ""
