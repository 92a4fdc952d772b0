"""No solution: who disagrees, what each side's giving way costs, what else serves, in both languages and as exact lines."""

import shlex

import pytest

from doctor.engine import store
from doctor.knowledge import substitutes
from doctor.plan.make import plan
from doctor.plan.shell import Target
from doctor.report.plan import Style, render
from tests.plan.test_lanes import CARD, OLD_DRIVER, TRIO
from tests.plan.test_make import RULES, machine, moves

PAIR = {"torch": "2.5.1", "torchvision": "0.15.2"}


def conflict(dists, facts, keep):
    made = plan(machine(dists).with_facts(facts), RULES, frozenset(keep))
    return made.conflicts[0]


def shown(snapshot, keep, language="en", target=None, width=80):
    made = plan(snapshot, RULES, frozenset(keep))
    return render(made, Style(language, target or Target(), snapshot, store.load(), width))


def test_every_side_has_its_price():
    found = conflict(PAIR, {}, ["torchvision"])
    assert [(price.gives, price.name) for price in found.prices] == [("keep", "torchvision")]
    assert moves(found.prices[0]) == {"torchvision": "0.20.1"}


def test_sides_that_only_help_together_are_named_together():
    found = conflict({**TRIO, "torchvision": "0.15.2"}, OLD_DRIVER, ["torch", "torchvision"])
    assert {name for price in found.prices for name in price.name.split(", ")} >= {"torch"}


def test_an_environment_of_its_own_has_the_pins_that_agree():
    found = conflict(PAIR, {}, ["torchvision"])
    other = next(each for each in found.instead if each.kind == "environment")
    assert other.name == "3.11"
    assert {"torch==2.5.1", "torchvision==0.20.1"} <= set(other.pins)


def test_a_driver_is_offered_where_the_driver_is_the_limit():
    found = conflict(TRIO, OLD_DRIVER, ["torch"])
    assert [each.name for each in found.instead if each.kind == "driver"] == ["525.60.13"]
    assert not [each for each in conflict(PAIR, {}, ["torchvision"]).instead if each.kind == "driver"]


def test_the_ready_gguf_of_the_asked_model():
    asked = {**OLD_DRIVER, "model.asked": "Qwen/Qwen2.5-VL-7B-Instruct-AWQ"}
    found = conflict(TRIO, asked, ["torch"])
    assert [each.name for each in found.instead if each.kind == "gguf"] == ["ggml-org/Qwen2.5-VL-7B-Instruct-GGUF"]
    assert not [each for each in conflict(TRIO, {**OLD_DRIVER, "model.asked": "someone/else"}, ["torch"]).instead if each.kind == "gguf"]


def test_a_smaller_model_fits_the_room():
    assert substitutes.smaller("Qwen/Qwen2.5-VL-7B-Instruct", 12 << 30) == "Qwen/Qwen2.5-VL-3B-Instruct"
    assert substitutes.smaller("Qwen/Qwen2.5-VL-7B-Instruct", 1 << 30) is None
    assert substitutes.smaller("nobody/knows", 12 << 30) is None


def test_engines_are_those_that_go_with_what_is_here():
    dists = {**TRIO, "bitsandbytes": "0.41.1", "scipy": "1.11.4", "transformers": "4.46.3"}
    facts = {**CARD, "driver.version": "550.54", "torch.cuda": "12.4", "bnb.cuda_binaries": ["11.7", "11.8"]}
    found = conflict(dists, facts, ["bitsandbytes"])
    engines = [each for each in found.instead if each.kind == "engine"]
    assert engines
    assert all(not pin.startswith(("torch==", "bitsandbytes")) for each in engines for pin in each.pins)


@pytest.mark.parametrize(("language", "words"), [("en", "is to stay"), ("zh", "要保持不变")])
def test_it_is_said_in_both_languages(language, words):
    text = shown(machine(PAIR), ["torchvision"], language, width=200)
    assert words in text
    assert "python3.11 -m venv ~/venvs/vlm" in text


def test_commands_of_another_way_are_commands():
    snapshot = machine(TRIO).with_facts({**OLD_DRIVER, "os.distro": "ubuntu"})
    text = shown(snapshot, ["torch"], target=Target("bash", "python", "uv"), width=40)
    line = next(line for line in text.splitlines() if "uv pip install" in line)
    assert "--extra-index-url" in shlex.split(line)
    assert "    sudo ubuntu-drivers install" in text.splitlines()


def test_a_price_is_what_comes_on_top():
    """What the plan moves anyway is no price of the promise."""
    dists = {**PAIR, "transformers": "4.46.3", "tokenizers": "0.22.1", "numpy": "1.26.4"}
    made = plan(machine(dists), RULES, frozenset({"torchvision"}))
    assert moves(made) == {"tokenizers": "0.20.3"}
    assert moves(made.conflicts[0].prices[0]) == {"torchvision": "0.20.1"}


def test_a_package_of_unknown_releases_gets_no_invented_version():
    rows = [{"dist": "transformers", "version": "4.46.3", "needs": "tqdm", "spec": ">=4.27", "found": None}]
    snapshot = machine({"transformers": "4.46.3", "tokenizers": "0.20.3", "numpy": "1.26.4"}, python__unmet=rows)
    made = plan(snapshot, RULES)
    assert [(move.name, move.guess, move.pin) for move in made.moves] == [("tqdm", True, "tqdm>=4.27")]
    assert "tqdm: (not installed) -> >=4.27" in render(made, Style("en", Target(), snapshot, store.load()))


def test_the_torch_of_the_card_comes_before_the_partner_of_the_old_one():
    """torchvision for the torch of today and torch for the card disagree: the card wins, and the partner follows."""
    facts = {"gpus": [{"index": 0, "name": "NVIDIA GeForce RTX 5090", "cc": "12.0"}], "gpu.present": True, "driver.version": "576.02"}
    snapshot = machine({"torch": "2.5.1+cu124", "torchvision": "0.15.2+cu118", "numpy": "1.26.4"}).with_facts(facts)
    made = plan(snapshot, RULES)
    assert {name: new.partition("+")[2] for name, new in moves(made).items()} == {"torch": "cu128", "torchvision": "cu128"}
    assert not made.conflicts
    assert {goal.slug for goal in made.goals} >= {"gpu-arch-too-new-for-build", "torch-torchvision-pair"}
    assert all(goal.proof == "simulated" for goal in made.goals)
