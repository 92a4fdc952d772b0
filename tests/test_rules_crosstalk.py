"""Rules beside each other: the whole corpus on every text that a rule gives as its own example."""

from pathlib import Path

import pytest

from doctor.engine.evaluate import evaluate
from doctor.engine.load import load_dir
from doctor.engine.rank import rank
from doctor.ingest import ingest
from doctor.knowledge.derive import derive
from doctor.plan.selftest import _facts

FILES = load_dir(Path(__file__).parents[1] / "rules")
RULES = [item.rule for item in FILES]
EXPLAINS = {item.rule.slug: item.rule.explains for item in FILES}
TEXTS = [(item.rule, each) for item in FILES for each in item.examples if "log" in each and each["expect"] == "hit"]
SURE = 0.6  # an error or warning above this beside the own rule must be related to it

# Two causes that honestly print the same line, with the reason why neither explains the other.
ACCEPTED = {
    # the same missing cuSPARSE symbol comes from a search path in front of conda's library as well
    frozenset(("conda-nvidia-lib-mismatch", "ld-library-path-hijack")),
    # torch prints one hint for a lost device file and for a variable set too late
    frozenset(("env-set-after-import", "cuda-unknown-error-uvm")),
    # pieces of memory that do not fit together, or simply too little: the figures of one line say both
    frozenset(("vram-fragmentation", "model-does-not-fit")),
    # a missing NCCL symbol: a wheel of another release, or of another CUDA major
    frozenset(("nvidia-wheels-mixed-majors", "nvidia-wheel-version")),
}


def judged(example):
    """The hits of the whole corpus on the text and the facts of one example."""
    read = ingest(["\n".join(example["log"])])
    closed = read.closed | frozenset(example.get("closed", ()))
    snapshot = read.with_facts(_facts(example.get("facts", {})))._replace(closed=closed)
    return rank(evaluate(RULES, derive(snapshot)), RULES, from_text=True)


def related(one, other):
    """One is shown under the other, or says that it explains it, or the pair is accepted."""
    if one.under == other.rule or other.under == one.rule or frozenset((one.slug, other.slug)) in ACCEPTED:
        return True
    return other.slug in EXPLAINS[one.slug] or one.slug in EXPLAINS[other.slug]


@pytest.mark.parametrize(("rule", "example"), TEXTS, ids=[f"{rule.id}: {each['name']}" for rule, each in TEXTS])
def test_own_text(rule, example):
    hits = judged(example)
    order = [hit.slug for hit in hits]
    assert rule.slug in order[:3], order[:5]
    own = next(hit for hit in hits if hit.slug == rule.slug)
    loud = [hit for hit in hits if hit.severity != "note" and hit.confidence > SURE and hit.slug != rule.slug]
    assert not [(hit.slug, hit.confidence) for hit in loud if not related(own, hit)]
