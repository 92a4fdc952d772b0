"""What the doctor knows: a rule, as built by the loader."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Clause = Mapping[str, Any]

SEVERITIES = ("error", "warning", "note")
LANGUAGES = ("en", "zh")
TEXT_KEYS = ("title", "why", "next", "proof")
FIX_KINDS = (
    "pin", "uninstall", "reinstall", "set_env", "unset_env", "link", "move", "delete", "download", "edit", "run",
    "advise",
)  # fmt: skip
SAFETIES = ("safe", "changes-env", "destructive", "manual")
UNDONE = ("safe", "changes-env")  # of these an undo brings back the state before


class Sign(NamedTuple):
    """A text that the failing program prints.

    ``pattern`` is searched line by line; ``literals`` are lower-case words of which every matching line has at
    least one (the prefilter); ``weight`` in 0..1 says how sure this line alone makes us of the cause.
    """

    pattern: str
    weight: float
    literals: tuple[str, ...]


class FixSpec(NamedTuple):
    """One typed step of a remedy, with ``{holes}`` still open. Steps of the same ``way`` belong together."""

    kind: str
    target: str
    to: str
    safety: str
    way: int = 1
    only: tuple[Clause, ...] = ()
    each: str = ""  # the ``as`` of a ``some`` clause: a step for every record that it has met


class Rule(NamedTuple):
    """One pitfall. Its words live in the text store, so that judging never parses them."""

    id: str
    slug: str
    family: str
    severity: str
    since: str
    links: Sequence[str]
    applies: Sequence[Clause]
    when: Sequence[Clause]
    signs: Sequence[Sign]
    fix: Sequence[FixSpec]
    explains: Sequence[str]
    prior: float = 0.5

    def as_data(self) -> dict[str, Any]:
        """The rule with its field names, for JSON."""
        parts = {"signs": [sign._asdict() for sign in self.signs], "fix": [step._asdict() for step in self.fix]}
        return {**self._asdict(), "links": list(self.links), **parts}
