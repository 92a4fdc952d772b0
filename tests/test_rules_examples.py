"""Every example of every rule is one test; every rule keeps the logic laws."""

from pathlib import Path

import pytest

from doctor.engine.evaluate import HOLE, evaluate, judge
from doctor.engine.load import load_dir
from doctor.engine.scope import Case
from doctor.model import Verdict
from doctor.plan.selftest import failures, snapshot_of

FILES = load_dir(Path(__file__).parents[1] / "rules")
CASES = [pytest.param(f, e, id=f"{f.rule.id}: {e['name']}") for f in FILES for e in f.examples]


@pytest.mark.parametrize(("file", "example"), CASES)
def test_example(file, example):
    assert not list(failures(file.rule, [example]))
    found = evaluate([file.rule], snapshot_of(example))[0]
    if found.verdict is not Verdict.HIT:
        return
    for language in ("en", "zh"):
        for key, text in file.text[language].items():
            for hole, _ in HOLE.findall(text):
                bound = hole in found.bound or "{" + hole + "|" in text
                assert bound, f"{language} {key}: {{{hole}}} is not bound and has no fallback"


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.rule.id)
def test_a_missing_fact_is_never_an_answer(file):
    """Drop each fact of each hitting example: the rule may say hit, unknown or silent, never clear by ignorance."""
    for example in file.examples:
        if example["expect"] != "hit" or "log" in example or example.get("closed"):
            continue
        for name in example.get("facts", {}):
            found = judge(file.rule, Case(snapshot_of(example, without=name)))
            assert found.verdict is not Verdict.CLEAR, (name, found)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.rule.id)
def test_a_hit_has_an_after_fix(file):
    hits = [e for e in file.examples if e["expect"] == "hit"]
    curable = any(spec.kind not in ("advise", "edit", "run") for spec in file.rule.fix)
    if file.rule.when and curable:
        assert any("after_fix" in e for e in hits), "a hit says what the rule reads after the fix"
