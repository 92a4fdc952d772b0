"""Steps and names for every record that a ``some`` clause has met, not for the first alone."""

import time
from pathlib import Path

import pytest

from doctor.engine import store
from doctor.engine.evaluate import evaluate
from doctor.engine.load import parse
from doctor.engine.rank import rank
from doctor.errors import RuleError
from doctor.knowledge.derive import derive
from doctor.model import Snapshot

RULES = store.load().rules
ABSENT = ("torch", "transformers", "einops")
IMPORTS = [{"module": name, "name": None, "resolves": False, "guarded": False, "want": name} for name in (*ABSENT, "torch")]
ASKS_FLASH = {
    "name": "transformers.AutoModel.from_pretrained",
    "method": "from_pretrained",
    "keywords": {"attn_implementation": "flash_attention_2"},
}


def found(rule, facts):
    snapshot = derive(Snapshot(facts, closed=frozenset({"dist", "env"})))
    [finding] = evaluate([each for each in RULES if each.id == rule], snapshot)
    return finding


def test_every_missing_import_is_named_and_installed_once():
    finding = found("PYE104", {"src.imports": IMPORTS})
    assert [(step.kind, step.target) for step in finding.fix] == [("pin", name) for name in ABSENT]
    assert finding.bound["need.list"] == "torch, transformers, einops"


def test_a_name_that_nobody_vouches_for_is_not_installed():
    rows = [{"module": name, "name": None, "resolves": False, "guarded": False, "want": name} for name in ("einops", "my-tools")]
    finding = found("PYE104", {"src.imports": rows})
    assert [(step.kind, step.target) for step in finding.fix] == [("pin", "einops"), ("advise", "my-tools")]
    stated = found("PYE104", {"src.imports": rows, "src.requirements": [{"name": "my_tools", "spec": ">=2"}]})
    assert ("pin", "my-tools", ">=2") in [(step.kind, step.target, step.to) for step in stated.fix]


def test_a_missing_torch_does_not_follow_from_a_missing_flash_attn():
    snapshot = Snapshot({"src.imports": IMPORTS, "src.calls": [ASKS_FLASH]}, closed=frozenset({"dist", "env"}))
    ranked = {finding.rule: finding for finding in rank(evaluate(RULES, snapshot), RULES, from_text=False)}
    assert ranked["PYE104"].under is None
    assert "ATT101" in ranked


def test_every_damaged_file_is_fetched_again():
    damage = [{"repo": "a/b", "kind": "lfs-pointer", "path": name, "asked": True} for name in ("one", "two")]
    finding = found("HFC105", {"hf.problems": damage})
    assert [step.to for step in finding.fix if step.kind == "download"] == ["one", "two"]


def test_what_is_not_installed_comes_with_the_first_thing_that_does_not_fit():
    def row(needs, have):
        return {"dist": "transformers", "version": "4.51.3", "needs": needs, "spec": "", "found": have}

    finding = found("PYE205", {"python.unmet": [row("numpy", "1.0"), row("filelock", None), row("regex", None)]})
    first = [step.target for step in finding.fix if step.way == 1]
    assert first == ["filelock", "regex", "numpy"]
    assert [step.target for step in finding.fix if step.way == 2] == ["filelock", "regex"]


def test_a_list_without_end_is_cut():
    rows = [{"name": f"p{n}", "problem": "record-missing", "path": "x", "version": "1.0"} for n in range(20000)]
    start = time.process_time()
    finding = found("PYE202", {"python.corrupt": rows})
    assert len(finding.fix) <= 65
    assert time.process_time() - start < 2


def test_each_names_a_clause_of_the_rule():
    text = (Path(store.PACKAGE).parent / "rules" / "python" / "PYE104-missing-python-package.toml").read_text("utf-8")
    with pytest.raises(RuleError, match="nobody"):
        parse("PYE104-missing-python-package.toml", text.replace('each = "sure"', 'each = "nobody"'), "python")


def test_a_distribution_that_no_index_has_comes_from_its_repository():
    foreign = [{"module": "clip", "dist": "clip", "expected": "clip (github.com/openai/CLIP)"}]
    steps = [(step.kind, step.target) for step in found("PYE105", {"python.foreign": foreign}).fix]
    assert steps[:2] == [("uninstall", "clip"), ("run", "python -m pip install git+https://github.com/openai/CLIP.git")]
