"""What was read: facts about one machine, one environment or one pasted text."""

from collections.abc import Mapping
from typing import Any, NamedTuple

SCHEMA = "vlmdoctor.snapshot/1"
_NONE: Mapping[str, str] = {}


class Snapshot(NamedTuple):
    """A flat fact table with three states a name.

    * *known*: ``facts[name]`` holds a value;
    * *known absent*: ``facts[name]`` is ``None``, or its family (the part before the first dot) is in
      ``closed``, which means that the listing of the family is complete;
    * *not known*: anything else; ``unread`` may give the reason.

    Paths below the home folder are written with a leading ``~`` (see doctor/collect/redact.py), so a snapshot
    can be pasted as it is. Bytes are plain integers, versions are strings.
    """

    facts: Mapping[str, Any]
    unread: Mapping[str, str] = _NONE
    source: str = "live"  # live | pasted | archive
    closed: frozenset[str] = frozenset()
    taken: str | None = None  # ISO 8601, UTC
    schema: str = SCHEMA

    def look(self, name: str) -> tuple[bool, Any]:
        """``(known, value)``; a known absence is ``(True, None)``."""
        if name in self.facts:
            return True, self.facts[name]
        if name.partition(".")[0] in self.closed:
            return True, None
        return False, None

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or ``default`` when it is absent or not known."""
        value = self.facts.get(name)
        return default if value is None else value

    def with_facts(self, changes: Mapping[str, Any]) -> "Snapshot":
        """A copy in which ``changes`` replace or add facts."""
        return self._replace(facts={**self.facts, **changes})

    def dists(self) -> dict[str, str]:
        """Installed distributions as ``{normalised name: version}``."""
        return {k[5:]: v for k, v in self.facts.items() if k.startswith("dist.") and v}
