"""What is shown: the only input of every renderer."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from doctor.model.finding import Finding

_NONE: Mapping[str, Any] = {}
REPORT_SCHEMA = "vlmdoctor.report/1"


class Command(NamedTuple):
    """A fix as the user would type it, or an advice when ``text`` is empty."""

    text: str
    kind: str
    target: str
    to: str
    safety: str
    way: int


class Entry(NamedTuple):
    """One finding with its words in the report's language and its commands for the user's shell."""

    finding: Finding
    title: str
    why: str
    next: str
    proof: str
    links: tuple[str, ...]
    commands: tuple[Command, ...]
    seen: tuple[tuple[str, str, str], ...]  # (fact, value, where it was read)
    beside: str | None = None  # id of the better finding that the same line of the text stands for
    confirm: str = ""  # command that would settle it, or tell it from its rivals


class Together(NamedTuple):
    """One set of commands for several findings, because commands for one finding each may fight one another."""

    moves: tuple[str, ...]  # "scipy 1.8.1 -> 1.13.1"
    commands: tuple[str, ...]
    rules: frozenset[str]  # findings whose own commands these replace
    conflicts: tuple[tuple[str, str], ...]  # (slug, what disagrees) of findings that cannot be cured with the others


class Report(NamedTuple):
    """Everything a renderer needs; texts are untrusted and escaped by each renderer at its one point."""

    language: str
    entries: tuple[Entry, ...]
    counts: Mapping[str, int]
    unknown: tuple[tuple[str, tuple[str, ...]], ...]  # (rule slug, missing facts)
    crashed: tuple[tuple[str, str], ...]  # (rule slug, what happened)
    unread: Mapping[str, str]
    overview: tuple[tuple[str, str], ...]  # label -> one line about the machine
    tool_version: str
    rules_count: int
    rules_digest: str
    source: str
    taken: str | None
    snapshot: Mapping[str, Any] = _NONE
    closed: tuple[str, ...] = ()  # families of facts whose listing is complete
    invisible: tuple[str, ...] = ()  # areas of which a pasted text says nothing, in words
    unseen: tuple[tuple[str, str], ...] = ()  # (area, reason) of a machine's parts without which no verdict stands
    together: Together | None = None
    schema: str = REPORT_SCHEMA
