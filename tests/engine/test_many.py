"""Many texts against one corpus: the same answers as one by one."""

from __future__ import annotations

from itertools import chain

import pytest

from doctor.engine import store
from doctor.engine.evaluate import evaluate
from doctor.engine.many import Judge
from doctor.ingest import ingest
from doctor.knowledge.derive import derive
from doctor.model import Snapshot


@pytest.fixture(scope="module")
def corpus() -> store.Corpus:
    """The shipped rules."""
    return store.load()


@pytest.fixture(scope="module")
def texts(corpus: store.Corpus) -> list[str]:
    """The logs of the rules' own examples: every sixth, so that all families are there."""
    logs = chain.from_iterable(corpus.words.examples(rule.id) for rule in corpus.rules)
    return ["\n".join(e["log"]) if isinstance(e["log"], list) else e["log"] for e in logs if e.get("log")][::6]


def test_answers_are_those_of_evaluate(corpus: store.Corpus, texts: list[str]) -> None:
    judge = Judge(corpus.rules)
    for text in texts:
        snapshot = derive(ingest([text]))
        assert judge(snapshot) == evaluate(corpus.rules, snapshot)


def test_a_snapshot_without_text_is_judged_as_usual(corpus: store.Corpus) -> None:
    snapshot = Snapshot({"dist.torch": "2.5.1", "dist.torchvision": "0.15.2"})
    assert Judge(corpus.rules)(snapshot) == evaluate(corpus.rules, snapshot)


def test_closed_families_are_known(corpus: store.Corpus) -> None:
    snapshot = Snapshot({"log.lines": ["ImportError: x"], "dist.torch": "2.5.1"}, closed=frozenset({"dist", "env"}))
    assert Judge(corpus.rules)(snapshot) == evaluate(corpus.rules, snapshot)
