"""Kleene logic: what is not known never becomes an answer, and learning more never flips an answer."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.engine.clauses import truth
from doctor.engine.load import _clause
from doctor.engine.scope import Case, Scope
from doctor.model import Snapshot

FACTS = {"os.name": ["linux", "windows", None], "cpu.count": [1, 8, None], "driver.version": ["470.1", "580.2", None]}
LEAVES = [
    {"fact": "os.name", "value": "linux"},
    {"fact": "cpu.count", "op": ">=", "value": 4},
    {"fact": "driver.version", "version": "<525"},
    {"fact": "os.name", "is": "absent"},
    {"fact": "driver.version", "is": "present"},
]
leaf = st.sampled_from(LEAVES)
clause = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)
facts = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in FACTS.items()})


def judge(raw, table):
    return truth(_clause(raw, "test"), Scope(Case(Snapshot(table))))


@given(clause, facts)
def test_an_unknown_answer_has_a_missing_fact(raw, table):
    scope = Scope(Case(Snapshot(table)))
    if truth(_clause(raw, "test"), scope) is None:
        assert scope.missing


@given(clause, facts)
def test_learning_more_never_flips_an_answer(raw, table):
    before = judge(raw, table)
    if before is None:
        return
    unknown = [name for name in FACTS if name not in table]
    for values in itertools.product(*(FACTS[name] for name in unknown)):
        assert judge(raw, {**table, **dict(zip(unknown, values, strict=True))}) == before


@given(clause, facts)
def test_double_negation(raw, table):
    assert judge({"not": {"not": raw}}, table) == judge(raw, table)


@pytest.mark.parametrize(
    ("raw", "table", "expected"),
    [
        ({"fact": "os.name", "value": "linux"}, {"os.name": None}, False),
        ({"dist": "torch", "version": "<2.1"}, {"dist.torch": "2.0.1+cu117"}, True),
        ({"dist": "torch", "version": "<2.1"}, {}, None),
        ({"env": "HF_HUB_OFFLINE", "is": "truthy"}, {"env.HF_HUB_OFFLINE": "yes"}, True),
        ({"env": "HF_HUB_OFFLINE", "is": "truthy"}, {"env.HF_HUB_OFFLINE": "enabled"}, False),
        ({"some": "gpus", "where": [{"field": "cc", "op": "<", "value": "8.0"}]}, {"gpus": [{"cc": "10.0"}]}, False),
        ({"some": "gpus", "where": [{"field": "cc", "op": "<", "value": "8.0"}]}, {"gpus": [{}]}, None),
        ({"some": "gpus", "where": [{"field": "cc", "op": "<", "value": "8.0"}]}, {"gpus": None}, False),
        ({"fact": "cuda.nvcc", "op": "!=", "than": "torch.cuda"}, {"cuda.nvcc": "12.1", "torch.cuda": "12.1"}, False),
        ({"pair": "torch/torchvision", "is": "broken"}, {"dist.torch": "2.5.1", "dist.torchvision": "0.15.2"}, True),
    ],
)
def test_clauses(raw, table, expected):
    assert judge(raw, table) is expected
