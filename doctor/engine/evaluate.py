"""Rules over one snapshot. Pure: no I/O, no clock, no environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from doctor.engine.clauses import Truth, every, note_match
from doctor.engine.scope import Case, Scope, show
from doctor.model import Finding, FixSpec, FixStep, Rule, Snapshot, Verdict
from doctor.model.facts import find
from doctor.model.patterns import compiled

# rule texts set a blank beside a hole for Latin values; a Chinese fallback wants none
_BLANK_IN_CHINESE = "(?<=[\u4e00-\u9fff，。；：、（）]) (?=[\u4e00-\u9fff（])"
HOLE = re.compile(r"\{([A-Za-z0-9_.\-]+)(?:\|([^{}]*))?\}")

# Confidence of a finding by what speaks for it; a text's own weight comes from the sign that matched.
FACTS_ALONE = 0.9
FACTS_BESIDE_A_FAILURE = 0.4  # true of the machine, but the failing text does not show it
FACTS_OF_A_FAILURE = 0.7  # the failing text gave the fact itself
CERTAIN = 0.95  # a sign that only this cause prints: what was read of the machine and the program has missed something
AGAINST_FACTS = 0.7  # of such a sign's weight is left where the facts say no
MOST = 64  # records of which a step is written for each: of more nobody wants the list
_SOURCE = r"[\w.-]+ \(([\w-]+(?:\.[\w-]+)+/[\w.-]+/[\w.-]+)\)"  # its repository stands for it
SHARE_OF_FACTS = 0.7  # of the remaining doubt that agreeing facts take away from a sign


def evaluate(rules: Iterable[Rule], snapshot: Snapshot) -> list[Finding]:
    """The verdict of every rule, in the order of the rules."""
    case = Case(snapshot)
    return [judge(rule, case) for rule in rules]


def judge(rule: Rule, case: Case) -> Finding:
    """One rule against one case. A rule that crashes costs only its own answer."""
    scope = Scope(case)
    try:
        return _judge(rule, case, scope)
    except Exception as error:  # noqa: BLE001 - the one guard around rules; the crash is reported as a verdict
        return _finding(rule, scope, Verdict.CRASH, 0.0, trouble=f"{type(error).__name__}: {error}"[:300])


def _judge(rule: Rule, case: Case, scope: Scope) -> Finding:
    gate = every(rule.applies, scope)
    facts = every(rule.when, scope) if rule.when and gate is not False else None
    if gate is False:
        return wordless(rule, scope, gate, facts)
    weight = _sign(rule, case, scope)
    if facts is False:
        if weight < CERTAIN or not case.failed:
            return wordless(rule, scope, gate, facts)
        return _finding(rule, scope, Verdict.HIT, weight * AGAINST_FACTS)
    if facts and gate:
        return _finding(rule, scope, Verdict.HIT, _confidence(weight, scope))
    if weight:
        return _finding(rule, scope, Verdict.HIT, weight if gate else weight * 0.95)
    return wordless(rule, scope, gate, facts)


def wordless(rule: Rule, scope: Scope, gate: Truth, facts: Truth) -> Finding:
    """The verdict of a rule that does not hit: its gate, its facts, and no sign in the text."""
    if gate is False:
        verdict = Verdict.SILENT
    elif facts is False:
        verdict = Verdict.CLEAR
    elif rule.when:
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.CLEAR if gate and scope.case.log else Verdict.SILENT
    return _finding(rule, scope, verdict, 0.0)


def _sign(rule: Rule, case: Case, scope: Scope) -> float:
    """Weight of the strongest sign that the text shows; 0 when it shows none."""
    if case.log is None:
        return 0.0
    best = 0.0
    for sign in rule.signs:
        if sign.weight <= best:
            continue
        found = case.log.search(sign.pattern, sign.literals)
        if found:
            note_match(scope, *found)
            best = sign.weight
    return best


def _confidence(weight: float, scope: Scope) -> float:
    if weight:
        return weight + (1 - weight) * SHARE_OF_FACTS
    if not scope.case.failed:
        return FACTS_ALONE
    told = ("log.oom", "log.exit_signal", "ext.problems[") if scope.snapshot.source == "pasted" else ("log.oom",)
    from_text = any(item.fact.startswith(told) and item.seen for item in scope.evidence)
    return FACTS_OF_A_FAILURE if from_text else FACTS_BESIDE_A_FAILURE


def _finding(rule: Rule, scope: Scope, verdict: Verdict, confidence: float, trouble: str = "") -> Finding:
    hit = verdict is Verdict.HIT
    if hit:
        scope.settle()
    return Finding(
        rule=rule.id,
        slug=rule.slug,
        family=rule.family,
        severity=rule.severity,
        verdict=verdict,
        confidence=round(confidence, 3),
        evidence=tuple(scope.evidence) if hit else (),
        missing=tuple(scope.missing),
        bound=dict(scope.bound) if hit else {},
        fix=_steps(rule, scope) if hit else (),
        trouble=trouble,
    )


def _steps(rule: Rule, scope: Scope) -> tuple[FixStep, ...]:
    steps: list[FixStep] = []
    for spec in rule.fix:
        if spec.only and every(spec.only, scope) is not True:
            continue
        _bind_facts(spec, scope)
        for bound in _bindings(spec, scope):
            steps += [step for step in _written(rule, spec, bound) if step not in steps]
    return tuple(steps)


def _bindings(spec: FixSpec, scope: Scope) -> Iterator[dict[str, str]]:
    """What the holes of a step stand for: once, or once for each record that its clause has met."""
    if not spec.each or spec.each not in scope.records:
        yield scope.bound
        return
    shared = {name: value for name, value in scope.bound.items() if not name.startswith(f"{spec.each}.")}
    for kinds, record in scope.records[spec.each][:MOST]:
        own = {f"{spec.each}.{k}": show(v, kinds.get(k, "text")) for k, v in record.items() if v is not None}
        yield {**shared, **own}


def _written(rule: Rule, spec: FixSpec, bound: dict[str, str]) -> Iterator[FixStep]:
    target, to = fill(spec.target, bound), fill(spec.to, bound)
    source = compiled(_SOURCE).fullmatch(target) if target and spec.kind == "pin" else None
    if spec.kind == "run":
        yield from _template(rule, spec, bound, to)
    elif source:  # no index has it
        line = f"python -m pip install git+https://{source.group(1)}.git"
        yield FixStep("run", line, to or "", spec.safety, spec.way, (rule.id,))
    elif target is not None and to is not None:
        yield FixStep(spec.kind, target, to, spec.safety, spec.way, (rule.id,))
    elif target is not None and spec.kind == "pin":  # the fitting version cannot be told from what is known
        yield FixStep("advise", target, "", "manual", spec.way, (rule.id,))


def _bind_facts(spec: FixSpec, scope: Scope) -> None:
    """A hole of a step that names a fact is filled with it, also where no clause has looked at the fact."""
    for name, _ in HOLE.findall(spec.target + spec.to):
        spec_of = find(name) if name not in scope.bound else None
        value = scope.snapshot.get(name) if spec_of else None
        if spec_of and value is not None:
            scope.bind(name, value, spec_of.type)


def _template(rule: Rule, spec: FixSpec, bound: dict[str, str], to: str | None) -> Iterator[FixStep]:
    """A ``run`` step keeps its holes: their values are quoted where the shell is known."""
    holes = {name: bound.get(name, fallback) for name, fallback in HOLE.findall(spec.target)}
    if all(holes.values()):
        yield FixStep("run", spec.target, to or "", spec.safety, spec.way, (rule.id,), holes)


def fill(text: str, bound: dict[str, str]) -> str | None:
    """``{name}`` and ``{name|words when unknown}`` filled in; None when a name without fallback is not bound."""
    complete = True

    def put(match: re.Match[str]) -> str:
        nonlocal complete
        value = bound.get(match.group(1), match.group(2))
        if value is None:
            complete = False
            return ""
        return value

    filled = HOLE.sub(put, text)
    return filled if complete else None


def fill_text(text: str, bound: dict[str, str]) -> str:
    """The same for words that are read by people: a name that is not bound shows in angle brackets."""

    def put(match: re.Match[str]) -> str:
        fallback = match.group(2)
        value = bound.get(match.group(1), f"<{match.group(1)}>" if fallback is None else fallback)
        return value.removeprefix("==")  # "install X 1.2", not "install X ==1.2"

    filled = HOLE.sub(put, text)
    return filled if filled.isascii() else compiled(_BLANK_IN_CHINESE).sub("", filled)
