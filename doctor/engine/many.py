"""Many texts against one corpus: what a rule answers when none of its facts is known is worked out once.

A pasted text holds few facts, so most rules look at nothing but unknown ones and then search their signs. ``Judge``
runs each rule's clauses once over an empty snapshot and notes which facts and words were asked for. Where a text has
none of them, that answer holds and only the signs are searched; every other rule is evaluated as usual.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
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
        self.words: set[str] = set()
        self.opaque = False

    def look(self, name: str) -> tuple[bool, Any]:
        self.asked.add(name)
        return False, None

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return default

    def search(self, _: str, literals: Sequence[str]) -> None:
        """Stands in for the text: without one of these words a clause that searches it finds nothing."""
        self.words.update(literals)

    def __getattr__(self, name: str) -> Any:
        self.opaque = True
        return getattr(Snapshot({}), name)


class Judge:
    """``evaluate`` for many snapshots of texts, with the same answers."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._blank: list[Finding | None] = []
        self._by_fact: dict[str, list[int]] = defaultdict(list)
        self._by_family: dict[str, list[int]] = defaultdict(list)
        self._by_clause: dict[str, list[int]] = defaultdict(list)
        self._by_literal: dict[str, list[int]] = defaultdict(list)
        for position, rule in enumerate(self._rules):
            self._learn(position, rule)

    def _learn(self, position: int, rule: Rule) -> None:
        """What the rule says when nothing is known, and what makes it speak: a fact, a family of facts, a word."""
        finding, blank = _beforehand(rule)
        self._blank.append(finding)
        for name in blank.asked:
            self._by_fact[name].append(position)
        for family in {name.partition(".")[0] for name in blank.asked}:
            self._by_family[family].append(position)
        for word in blank.words:
            self._by_clause[word].append(position)
        for literal in {literal for sign in rule.signs for literal in sign.literals}:
            self._by_literal[literal].append(position)

    def __call__(self, snapshot: Snapshot) -> list[Finding]:
        """The verdict of every rule, in the order of the rules."""
        case = Case(snapshot)
        if case.log is None:
            return [judge(rule, case) for rule in self._rules]
        informed = self._informed(snapshot) | _positions(self._by_clause, case.log)
        worded = _positions(self._by_literal, case.log)
        return [
            judge(self._rules[position], case)
            if finding is None or position in informed or (position in worded and self._matches(position, case.log))
            else finding
            for position, finding in enumerate(self._blank)
        ]

    def _informed(self, snapshot: Snapshot) -> set[int]:
        """Rules of which the text knows a fact."""
        found: set[int] = set()
        for fact in self._by_fact.keys() & snapshot.facts.keys():
            found.update(self._by_fact[fact])
        for family in self._by_family.keys() & snapshot.closed:
            found.update(self._by_family[family])
        return found

    def _matches(self, position: int, log: Log) -> bool:
        return any(log.search(sign.pattern, sign.literals) for sign in self._rules[position].signs)


def _positions(by_word: dict[str, list[int]], log: Log) -> set[int]:
    """Rules of which the text holds a word."""
    return {position for word in log.held(by_word) for position in by_word[word]}


def _beforehand(rule: Rule) -> tuple[Finding | None, _Blank]:
    """The answer while nothing that the rule asks for is known, with what it asked for; None when it asks otherwise."""
    blank = _Blank()
    case = Case(Snapshot({}))
    case.snapshot = cast("Snapshot", blank)
    case.log = cast("Log", blank)
    scope = Scope(case)
    try:
        gate = every(rule.applies, scope)
        facts = None if gate is False or not rule.when else every(rule.when, scope)
    except Exception:  # noqa: BLE001 - a rule that crashes here is judged, and reported, for each text
        return None, blank
    if blank.opaque or (gate and facts):
        return None, blank
    return wordless(rule, scope, gate, facts), blank
