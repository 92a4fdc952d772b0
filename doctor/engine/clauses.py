"""The closed vocabulary of clauses. Each head answers True, False, or None when a fact is missing (Kleene logic).

======  =============================================  ===========================================================
head    options                                        true when
======  =============================================  ===========================================================
dist    version                                        the distribution is installed (and its version fits PEP 440)
fact    op value | than | version | is | key           the fact compares so; a known absence is false
field   the same                                       the same for a field of the record that ``some`` looks at
env     is value                                       truthy, falsy, set, unset, equals, matches
pair    is                                             a compiled pair (torch/torchvision) is ``broken`` or ``fine``
some    where as least list                            at least ``least`` records meet every clause of ``where``
log     -                                              a line of the text matches; false without a text
call    any                                            the named predicate of predicates.py says so
======  =============================================  ===========================================================

Joiners: ``any`` and ``all`` (lists of clauses), ``not`` (one clause).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from doctor.engine.scope import Scope
from doctor.knowledge import pairs, versions
from doctor.model.facts import find
from doctor.model.names import normalise
from doctor.model.patterns import compiled
from doctor.model.rule import Clause

Truth = bool | None
TRUTHY = frozenset(("1", "on", "yes", "true"))  # huggingface_hub's ENV_VARS_TRUE_VALUES, lower case

HEADS: dict[str, tuple[Callable[[Clause, Scope], Truth], frozenset[str]]] = {}
COMPARE = frozenset(("op", "value", "than", "version", "is", "key", "t"))


def _head(name: str, *options: str) -> Callable[[Callable[[Clause, Scope], Truth]], Callable[[Clause, Scope], Truth]]:
    def register(function: Callable[[Clause, Scope], Truth]) -> Callable[[Clause, Scope], Truth]:
        HEADS[name] = (function, frozenset((name, *options)))
        return function

    return register


@_head("dist", "version")
def _dist(clause: Clause, scope: Scope) -> Truth:
    known, seen = scope.get("dist." + clause["dist"], bind=clause["dist"])
    if not known:
        return None
    if seen is None or "version" not in clause:
        return seen is not None
    return _accepts(clause["version"], seen)


@_head("fact", *COMPARE)
def _fact(clause: Clause, scope: Scope) -> Truth:
    known, seen = scope.get(clause["fact"], clause.get("t", "text"))
    return _judge(clause, known, seen, scope)


@_head("field", *COMPARE)
def _field(clause: Clause, scope: Scope) -> Truth:
    name = clause["field"]
    record = scope.record or {}
    if name not in record:
        return None
    scope.looked[name] = record[name]
    return _judge(clause, True, record[name], scope)


@_head("env", "is", "value")
def _env(clause: Clause, scope: Scope) -> Truth:
    known, seen = scope.get("env." + clause["env"])
    if not known:
        return None
    test = clause["is"]
    if test in ("set", "unset"):
        return bool((seen is not None) == (test == "set"))
    if test in ("truthy", "falsy"):
        return bool((str(seen or "").strip().lower() in TRUTHY) == (test == "truthy"))
    if seen is None:
        return False
    if test == "equals":
        return bool(str(seen) == clause["value"])
    return bool(compiled(clause["value"]).search(str(seen)[:4096]))


@_head("pair", "is")
def _pair(clause: Clause, scope: Scope) -> Truth:
    first, second = clause["pair"].split("/")
    (known_a, a), (known_b, b) = (scope.get("dist." + name, bind=name) for name in (first, second))
    if not (known_a and known_b):
        return None
    if a is None or b is None:
        return False
    partner = pairs.partner(a, second)
    if partner:
        scope.bind("want", f"=={partner}")
    fine: Truth = pairs.fits(second, b, a)
    if fine is None:
        scope.miss(f"kb:{first}/{second}:{a}/{b}")
        return None
    return bool(fine == (clause["is"] == "fine"))


@_head("some", "where", "as", "least", "list")
def _some(clause: Clause, scope: Scope) -> Truth:
    name = clause["some"]
    known, records = scope.snapshot.look(name)
    if not known:
        scope.miss(name)
        return None
    least, unsure = clause.get("least", 1), 0
    met: list[Mapping[str, Any]] = []
    outer = scope.record, scope.looked
    for position, record in enumerate(records or ()):
        scope.record, scope.looked = record, {}
        held = every(clause.get("where", ()), scope)
        if held:
            met.append(record)
            if len(met) <= 3:
                scope.see(f"{name}[{position}]", {**_label(record), **scope.looked})
        elif held is None:
            unsure += 1
        scope.record, scope.looked = outer
    _bind_records(clause, scope, met)
    if not met and not unsure:
        scope.see(name, f"{len(records or ())} looked at")
    return True if len(met) >= least else None if len(met) + unsure >= least else False


@_head("log")
def _log(clause: Clause, scope: Scope) -> Truth:
    if scope.case.log is None:
        return False  # the clause speaks of the text that was given, and none was
    found = scope.case.log.search(clause["log"], clause["literals"])
    if found:
        note_match(scope, *found)
    return found is not None


@_head("call")
def _call(clause: Clause, scope: Scope) -> Truth:
    from doctor.engine.predicates import PREDICATES

    return PREDICATES[clause["call"]](scope, clause)


def note_match(scope: Scope, row: int, match: re.Match[str]) -> None:
    """Keep a matching line as evidence and its named groups as names for the texts.

    The group ``package`` is taken for a distribution, whose name is written with dashes.
    """
    scope.see("log", match.string.strip()[:300], row + 1)
    for name, text in match.groupdict().items():
        if text:
            text = text.strip()[:200]
            scope.bound.setdefault(name, normalise(text) if name == "package" else text)


def truth(clause: Clause, scope: Scope) -> Truth:
    """One clause; joiners follow Kleene."""
    if "any" in clause:
        return _either(clause["any"], scope)
    if "all" in clause:
        return every(clause["all"], scope)
    if "not" in clause:
        inner = truth(clause["not"], scope)
        return None if inner is None else not inner
    return HEADS[next(iter(clause))][0](clause, scope)


def every(clauses: Sequence[Clause], scope: Scope) -> Truth:
    """All hold; false as soon as one is false, unknown when one is unknown and none false."""
    answer: Truth = True
    for clause in clauses:
        held = truth(clause, scope)
        if held is False:
            return False
        if held is None:
            answer = None
    return answer


def _either(clauses: Sequence[Clause], scope: Scope) -> Truth:
    answer: Truth = False
    for clause in clauses:
        held = truth(clause, scope)
        if held:
            return True
        if held is None:
            answer = None
    return answer


def _accepts(specifier: str, seen: Any) -> Truth:
    fitting: Truth = versions.accepts(specifier, str(seen))
    return fitting


def _label(record: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("index", "name", "dist", "repo", "path", "file", "line")
    return {key: record[key] for key in keys if record.get(key) is not None}


def _bind_records(clause: Clause, scope: Scope, met: Sequence[Mapping[str, Any]]) -> None:
    """The fields of the first record by name, the number of records, the values of one field of all."""
    prefix, spec = clause.get("as", clause["some"]), find(clause["some"])
    kinds = spec.fields if spec else {}
    scope.bind(prefix + ".count", len(met))
    for key, value in met[0].items() if met else ():
        if value is not None:
            scope.bind(f"{prefix}.{key}", value, kinds.get(key, "text"))
    if met and "list" in clause:
        scope.bind(prefix + ".list", list(dict.fromkeys(str(record.get(clause["list"])) for record in met)))
    scope.records[prefix] = [(kinds, record) for record in met]


def _judge(clause: Clause, known: bool, seen: Any, scope: Scope) -> Truth:
    if not known:
        return None
    if "key" in clause and isinstance(seen, Mapping):
        seen = seen.get(clause["key"])
    if "is" in clause:
        return _state(clause["is"], seen)
    if seen is None:
        return False
    if "version" in clause:
        return _accepts(clause["version"], seen)
    if "than" in clause:
        there, value = _other(clause["than"], scope)
        if not there or value is None:
            return None if not there else False
    else:
        value = clause["value"]
    return _compare(clause.get("op", "=="), seen, value, clause.get("t", "text"))


def _other(name: str, scope: Scope) -> tuple[bool, Any]:
    """The right-hand side: another field of the record, else another fact."""
    if scope.record is not None and name in scope.record:
        return True, scope.record[name]
    return scope.get(name)


def _state(wanted: Any, seen: Any) -> bool:
    if wanted == "absent":
        return seen is None
    if wanted == "present":
        return seen is not None
    if wanted == "empty":
        return not seen
    if wanted == "nonempty":
        return bool(seen)
    return seen is wanted


def _compare(op: str, seen: Any, value: Any, kind: str) -> Truth:
    if op in ("has", "matches", "in", "contains", "size>=", "size<"):
        return _member(op, seen, value)
    if kind == "version":
        left, right = versions.parse(str(seen)), versions.parse(str(value))
        if left is None or right is None:
            return None
        return _order(op, left, right)
    if isinstance(value, int | float) and not isinstance(seen, int | float):
        return None
    return _order(op, seen, value)


def _member(op: str, seen: Any, value: Any) -> Truth:
    if op == "has":
        return value in seen
    if op == "in":
        return seen in value
    if op == "contains":
        return str(value) in str(seen)
    if op.startswith("size"):
        return _order(op[4:], len(seen), value)
    items = seen if isinstance(seen, list | tuple) else [seen]
    return any(compiled(value).search(str(item)[:4096]) for item in items)


def _order(op: str, left: Any, right: Any) -> bool:
    if op == "==":
        return bool(left == right)
    if op == "!=":
        return bool(left != right)
    if op == "<":
        return bool(left < right)
    if op == "<=":
        return bool(left <= right)
    if op == ">":
        return bool(left > right)
    return bool(left >= right)


OPERATORS = frozenset(("==", "!=", "<", "<=", ">", ">=", "has", "in", "contains", "matches", "size>=", "size<"))
ENV_TESTS = frozenset(("truthy", "falsy", "set", "unset", "equals", "matches"))
STATES = (True, False, "absent", "present", "empty", "nonempty")
