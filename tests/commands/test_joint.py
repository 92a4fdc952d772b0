"""The plan inside a report: it must not keep the report waiting."""

import json

import pytest

from doctor.commands import common
from doctor.errors import PlanLate
from doctor.model import Snapshot
from doctor.plan.make import plan
from tests.plan.test_make import RULES, machine

PAIRS = {"torch": "2.5.1", "torchvision": "0.15.2", "numpy": "1.26.4", "scipy": "1.8.1", "transformers": "4.49.0", "tokenizers": "0.19.1"}


def report(format_, lang):
    options = common.Options(format_, None, "error", lang, False, (), (), None)
    return common.rendered(common.judge(machine(PAIRS), options), options)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(common, "PATIENCE", -1)


def test_a_plan_that_is_late_is_said_and_costs_nothing_else(impatient):
    body = json.loads(report("json", "en"))
    assert body["together"] is None
    assert body["unread"]["plan"] == "no joint plan within -1 s; `vlmdoctor fix` makes one"
    assert not body["crashed"]
    assert {"torch-torchvision-pair", "tokenizers-pin"} <= {found["slug"] for found in body["findings"]}
    assert "统一的修复计划" in report("text", "zh")


def test_in_time_there_is_one():
    assert json.loads(report("json", "en"))["together"] is not None


def test_it_is_asked_again_and_again():
    asked = []

    def late():
        asked.append(1)
        return len(asked) > 1

    with pytest.raises(PlanLate):
        plan(machine({**PAIRS, "peft": "0.5.0", "accelerate": "0.20.0"}), RULES, late=late)


def test_what_cannot_be_had_asks_as_well():
    """Prices and other ways take most of the time of a plan with conflicts."""
    calls = []
    snapshot = Snapshot({**machine(PAIRS).facts, "python.version": "3.13.0"})
    plan(snapshot, RULES, frozenset({"torch", "torchvision", "tokenizers"}), late=lambda: bool(calls.append(1)))
    assert len(calls) > 2
