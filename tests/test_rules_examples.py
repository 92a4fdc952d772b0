"""Every example of every rule is one test; every rule keeps the logic laws."""

from pathlib import Path

import pytest

from doctor.engine.evaluate import HOLE, evaluate, judge
from doctor.engine.load import load_dir
from doctor.engine.scope import Case
from doctor.knowledge.derive import derive
from doctor.model import Snapshot, Verdict
from doctor.plan.simulate import simulate

FILES = load_dir(Path(__file__).parents[1] / "rules")
CASES = [pytest.param(f, e, id=f"{f.rule.id}: {e['name']}") for f in FILES for e in f.examples]


def snapshot(example, facts=None):
    facts = dict(example.get("facts", {}) if facts is None else facts)
    facts = {name: (None if value == "<absent>" else value) for name, value in facts.items()}
    if "log" in example:
        facts["log.lines"] = example["log"]
        facts.setdefault("log.exceptions", [{"type": "Error", "message": "", "line": 1}])
    return derive(Snapshot(facts, source="pasted", closed=frozenset(example.get("closed", ()))))


@pytest.mark.parametrize(("file", "example"), CASES)
def test_example(file, example):
    snap = snapshot(example)
    found = evaluate([file.rule], snap)[0]
    assert found.verdict.value == example["expect"], found
    if found.verdict is not Verdict.HIT:
        return
    for language in ("en", "zh"):
        for key, text in file.text[language].items():
            for hole, fallback in HOLE.findall(text):
                open_hole = hole not in found.bound and "{" + hole + "|" not in text
                assert not open_hole, f"{language} {key}: {{{hole}}} is not bound and has no fallback {fallback}"
    if "after_fix" in example:
        way = min((s.way for s in found.fix), default=1)
        after = simulate(snap, [s for s in found.fix if s.way == way])
        if "after" in example:
            changes = {k: (None if v == "<absent>" else v) for k, v in example["after"].items()}
            after = derive(after.with_facts(changes))
        assert evaluate([file.rule], after)[0].verdict.value == example["after_fix"]


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.rule.id)
def test_a_missing_fact_is_never_an_answer(file):
    """Drop each fact of each hitting example: the rule may say hit, unknown or silent, never clear by ignorance."""
    for example in file.examples:
        if example["expect"] != "hit" or "log" in example or example.get("closed"):
            continue
        for name in example.get("facts", {}):
            facts = {k: v for k, v in example["facts"].items() if k != name}
            found = judge(file.rule, Case(snapshot(example, facts)))
            assert found.verdict is not Verdict.CLEAR, (name, found)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.rule.id)
def test_a_hit_has_an_after_fix(file):
    hits = [e for e in file.examples if e["expect"] == "hit"]
    curable = any(spec.kind not in ("advise", "edit", "run") for spec in file.rule.fix)
    if file.rule.when and curable:
        assert any("after_fix" in e for e in hits), "a hit says what the rule reads after the fix"
