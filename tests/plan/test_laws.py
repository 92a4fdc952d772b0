"""Laws of plans, over machines drawn at random from the catalogue."""

import shlex

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from doctor.knowledge import versions
from doctor.knowledge.derive import derive
from doctor.model import FixStep
from doctor.plan import choose
from doctor.plan.constraints import Lessons
from doctor.plan.make import plan
from doctor.plan.order import place
from doctor.plan.shell import Target, command
from doctor.plan.simulate import simulate
from tests.plan.test_make import RULES, machine, moves

NAMES = ["torch", "torchvision", "torchaudio", "transformers", "tokenizers", "huggingface-hub", "numpy", "scipy", "scikit-learn", "pandas", "peft", "accelerate", "bitsandbytes", "flash-attn", "xformers", "vllm", "gradio", "pydantic", "protobuf", "opencv-python", "pillow", "timm", "datasets", "safetensors"]
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # a plan takes 0.1 s: shrinking would take minutes
CARDS = [None, "8.6", "12.0", "6.1"]
DRIVERS = [None, "470.82.01", "535.104.05", "576.02"]


@st.composite
def machines(draw):
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=9, unique=True))
    dists = {}
    for name in names:
        known = versions.candidates(name)
        dists[name] = draw(st.sampled_from(known[:60] or ("10.4.0",)))
    facts = {"env.http_proxy": None}
    card, driver = draw(st.sampled_from(CARDS)), draw(st.sampled_from(DRIVERS))
    if card and driver:
        facts |= {"gpus": [{"index": 0, "name": "GPU", "cc": card, "total": 24 << 30, "free": 23 << 30}], "gpu.present": True, "driver.version": driver}
    return machine(dists).with_facts(facts)


def after(snapshot, made):
    steps = [FixStep("pin", move.name, f"=={move.new}", "changes-env") for move in made.moves if move.new]
    rest = [step for step in made.steps if step.kind in choose.SIMULATED and step.kind != "pin"]
    return simulate(derive(snapshot), [*(s for s in rest if s.kind == "uninstall"), *steps, *(s for s in rest if s.kind != "uninstall")])


def errors(snapshot):
    return {rule for rule, found in choose.hits(RULES, snapshot).items() if found.severity == "error"}


@settings(max_examples=25, deadline=None, phases=PHASES)
@given(machines(), st.data())
def test_laws(snapshot, data):
    installed = snapshot.dists()
    keep = frozenset(data.draw(st.lists(st.sampled_from(sorted(installed)), max_size=2)))
    made = plan(snapshot, RULES, keep)
    changed = moves(made)
    assert len(changed) == len(made.moves)
    assert not keep & changed.keys()
    assert not keep & {step.target for step in made.steps if step.kind == "uninstall"}
    assert all(move.old == installed.get(move.name) != move.new for move in made.moves)
    assert {goal.rule for goal in made.goals}.isdisjoint(found.rule for found in made.conflicts)
    assert [place(step) for step in made.steps] == sorted(place(step) for step in made.steps)
    then = after(snapshot, made)
    assert errors(then) - errors(derive(snapshot)) <= {goal.rule for goal in made.goals} | set(made.unconfirmed)
    gone = {goal.rule for goal in made.goals if goal.proof in ("simulated", "foreseen")}
    assert not gone & choose.hits(RULES, then).keys()
    for line in [command(step, Target()) for step in made.steps]:
        shlex.split(line)
    assert made == plan(snapshot, RULES, keep, Lessons())


def again(snapshot):
    """The plan for the prediction of a plan that is proven; None where it is not."""
    made = plan(snapshot, RULES)
    proven = not (made.conflicts or made.unconfirmed or any(goal.proof == "afterwards" for goal in made.goals))
    return plan(after(snapshot, made), RULES) if proven else None


@settings(max_examples=12, deadline=None, phases=PHASES)
@given(machines())
def test_a_plan_is_done_once(snapshot):
    """Planned again on its own prediction, no error asks for anything."""
    second = again(snapshot)
    if second is not None:
        warned = {goal.rule for goal in second.goals if goal.severity == "warning"}
        assert not [each for each in second.constraints if each.because not in warned]
