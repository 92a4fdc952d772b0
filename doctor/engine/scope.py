"""One evaluation: the snapshot, what a rule looked at, and the names it bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from doctor.engine.signs import Log
from doctor.model import Evidence, Snapshot

SHOWN = 300  # characters of a value that evidence and texts carry


class Case:
    """What all rules of one run share: the snapshot and the indexed text."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        lines = snapshot.get("log.lines")
        self.log = Log(lines) if lines else None
        self.failed = bool(snapshot.get("log.exceptions"))


class Scope:
    """One rule against one case: collects evidence, missing facts and bound names."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.snapshot = case.snapshot
        self.evidence: list[Evidence] = []
        self.missing: list[str] = []
        self.bound: dict[str, str] = {}
        self.record: Mapping[str, Any] | None = None
        self.looked: dict[str, Any] = {}
        self.records: dict[str, list[tuple[Mapping[str, str], Mapping[str, Any]]]] = {}  # kinds of fields, record
        self._later: list[Callable[[], None]] = []

    def get(self, name: str, kind: str = "text", bind: str | None = None) -> tuple[bool, Any]:
        """``(known, value)`` of a fact, noted as evidence or as missing, and bound for the texts."""
        known, value = self.snapshot.look(name)
        if not known:
            self.miss(name)
            return False, None
        self.see(name, value)
        if value is not None:
            self.bind(bind or name, value, kind)
        return True, value

    def later(self, bind: Callable[[], None]) -> None:
        """Names that only the texts of a hit need: ``bind`` is called when the rule has hit, else never."""
        self._later.append(bind)

    def settle(self) -> None:
        """The rule has hit: bind what was put off."""
        while self._later:
            self._later.pop(0)()

    def miss(self, name: str) -> None:
        """Note a fact that would have decided."""
        if name not in self.missing:
            self.missing.append(name)

    def see(self, name: str, value: Any, line: int | None = None) -> None:
        """Note a piece of evidence once."""
        item = Evidence(name, value, line)
        if item not in self.evidence:
            self.evidence.append(item)

    def bind(self, name: str, value: Any, kind: str = "text") -> None:
        """Give the rule's texts a name to use."""
        self.bound[name] = show(value, kind)

    def known(self, name: str) -> Any:
        """The value of a fact for predicates, None when absent or not known (then noted as missing)."""
        return self.get(name)[1]


def show(value: Any, kind: str = "text") -> str:
    """A fact's value as words: bytes in binary units, lists comma-separated."""
    if kind == "bytes" and isinstance(value, int | float):
        return human_bytes(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(show(item) for item in value)[:SHOWN]
    if isinstance(value, dict):
        return ", ".join(f"{k}={show(v)}" for k, v in value.items())[:SHOWN]
    return str(value)[:SHOWN]


def human_bytes(value: float) -> str:
    """Bytes in binary units with one decimal."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
