"""Many texts against one corpus: what a rule answers when none of its facts is known is worked out once.

A pasted text holds few facts, so most rules look at nothing but unknown ones and then search their signs. ``Judge``
runs each rule's clauses once over an empty snapshot and notes which facts were asked for. Where a text knows none of
them, that answer holds and only the signs are searched; every other rule is evaluated as usual.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from doctor.engine.clauses import every
from doctor.engine.evaluate import judge, wordless
from doctor.engine.scope import Case, Scope
from doctor.engine.signs import Log
from doctor.model import Finding, Rule, Snapshot


class _Blank:
    """A snapshot that knows nothing and remembers what it was asked; anything but a look-up makes it opaque."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.opaque = False

    def look(self, name: str) -> tuple[bool, Any]:
        self.asked.add(name)
        return False, None

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return default

    def search(self, *_: Any) -> None:
        """Stands in for the text: a clause that reads it cannot be answered beforehand."""
        self.opaque = True

    def __getattr__(self, name: str) -> Any:
        self.opaque = True
        return getattr(Snapshot({}), name)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a rule says to a text that knows none of ``asked`` and shows no sign."""

    asked: frozenset[str]
    families: frozenset[str]
    finding: Finding

    def holds(self, snapshot: Snapshot) -> bool:
        return self.asked.isdisjoint(snapshot.facts) and self.families.isdisjoint(snapshot.closed)


class Judge:
    """``evaluate`` for many snapshots of texts, with the same answers."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = [(rule, _beforehand(rule)) for rule in rules]

    def __call__(self, snapshot: Snapshot) -> list[Finding]:
        """The verdict of every rule, in the order of the rules."""
        case = Case(snapshot)
        return [self._one(rule, answer, case) for rule, answer in self._rules]

    def _one(self, rule: Rule, answer: _Answer | None, case: Case) -> Finding:
        if answer is None or case.log is None or not answer.holds(case.snapshot):
            return judge(rule, case)
        for sign in rule.signs:
            if case.log.search(sign.pattern, sign.literals):
                return judge(rule, case)
        return answer.finding


def _beforehand(rule: Rule) -> _Answer | None:
    """The answer that holds while nothing is known; None when the rule depends on more than look-ups."""
    blank = _Blank()
    case = Case(Snapshot({}))
    case.snapshot = cast("Snapshot", blank)
    case.log = cast("Log", blank)
    scope = Scope(case)
    try:
        gate = every(rule.applies, scope)
        facts = None if gate is False or not rule.when else every(rule.when, scope)
    except Exception:  # noqa: BLE001 - a rule that crashes here is judged, and reported, for each text
        return None
    if blank.opaque or (gate and facts):
        return None
    families = frozenset(name.partition(".")[0] for name in blank.asked)
    return _Answer(frozenset(blank.asked), families, wordless(rule, scope, gate, facts))
