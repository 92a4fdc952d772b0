"""Where nothing may be installed: the way out, through the project's own tool."""

import json
from pathlib import Path

import jsonschema
import pytest

from doctor.plan.make import plan
from doctor.plan.refuse import refusal
from doctor.plan.rehearse import Answer
from doctor.plan.shell import Target
from doctor.report import planjson
from tests.plan.test_lanes import OLD_DRIVER, TRIO
from tests.plan.test_make import RULES, machine

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schema" / "plan-1.json").read_text(encoding="utf-8"))
NUMPY = {"numpy": "2.2.6", "scikit-learn": "1.3.2", "scipy": "1.11.4"}


def refused(dists, facts, target=None):
    snapshot = machine(dists).with_facts(facts)
    return refusal(plan(snapshot, RULES), snapshot, target or Target())


@pytest.mark.parametrize(
    ("lock", "line"),
    [
        ("uv.lock", "uv add numpy==1.26.4"),
        ("poetry.lock", "poetry add numpy==1.26.4"),
        ("pdm.lock", "pdm add numpy==1.26.4"),
        ("Pipfile.lock", "pipenv install numpy==1.26.4"),
        ("pixi.lock", "pixi add --pypi numpy==1.26.4"),
    ],
)
def test_a_locked_project_is_changed_by_its_own_tool(lock, line):
    found = refused(NUMPY, {"python.lock": lock})
    assert (found.why, found.name) == ("locked", lock)
    assert line in found.lines


def test_the_lane_goes_with_it():
    lines = refused(TRIO, {**OLD_DRIVER, "python.lock": "poetry.lock"}).lines
    assert lines[0] == "poetry source add --priority=explicit pytorch-cu118 https://download.pytorch.org/whl/cu118"
    assert "torch==2.5.1+cu118" in lines[1]
    assert "--index https://download.pytorch.org/whl/cu118" in refused(TRIO, {**OLD_DRIVER, "python.lock": "uv.lock"}).lines[0]


def test_a_system_python_is_left_alone():
    found = refused(NUMPY, {"python.externally_managed": True, "python.missing_modules": ["venv"]})
    assert found.lines == ("sudo apt-get install -y python3-venv", "python3 -m venv ~/venvs/vlm", "vlmdoctor fix --python ~/venvs/vlm/bin/python")


def test_variables_may_be_set_anywhere():
    snapshot = machine({}, net__proxies={"http": "http://127.0.0.1:9"}, net__proxy_alive=False, env__http_proxy="http://127.0.0.1:9")
    snapshot = snapshot.with_facts({"python.externally_managed": True})
    assert refusal(plan(snapshot, RULES), snapshot, Target()) is None


def test_the_new_environment_is_for_the_same_program():
    target = Target(what=("my demo.py", "--model", "a/b"))
    assert refused(NUMPY, {"python.externally_managed": True}, target).lines[-1].endswith(" 'my demo.py' --model a/b")


@pytest.mark.parametrize(
    ("dists", "facts", "keep", "answer"),
    [
        ({}, {}, [], None),
        (NUMPY, {"python.lock": "uv.lock"}, [], Answer("agreed")),
        (TRIO, {**OLD_DRIVER, "os.distro": "ubuntu", "model.asked": "Qwen/Qwen2.5-VL-7B-Instruct"}, ["torch"], Answer("other", more=("a 1 -> 2",))),
        ({**TRIO, "flash-attn": "2.6.3"}, {**OLD_DRIVER, "cuda.nvcc": None}, [], None),
        ({}, {"shm.size": 1 << 20, "host.container": "docker", "host.root": False}, [], Answer("silent", "x")),
    ],
)
def test_json_keeps_its_schema(dists, facts, keep, answer):
    snapshot = machine(dists).with_facts(facts)
    made = plan(snapshot, RULES, frozenset(keep))
    body = json.loads(planjson.render(made, snapshot, Target(), answer, "en"))
    jsonschema.Draft202012Validator(SCHEMA).validate(body)
    top = set(SCHEMA["properties"])
    assert set(body) == top == set(SCHEMA["required"])


def test_the_schema_itself_is_sound():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
