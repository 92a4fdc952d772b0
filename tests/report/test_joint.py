"""The commands of several findings are shown as one set, which is that of the plan."""

import json
from pathlib import Path

import jsonschema
import pytest

from doctor.commands.common import Options, judge
from doctor.model import FixStep, Snapshot
from doctor.model.plan import Install, Plan
from doctor.plan.order import arranged
from doctor.plan.shell import Target
from doctor.report import jsonout, markdown, text
from doctor.report.joint import joint

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schema" / "report-1.json").read_text(encoding="utf-8"))
LINUX = {"os.name": "linux", "os.arch": "x86_64", "python.version": "3.11.7"}
PAIR = {"torch": "2.5.1+cu121", "torchvision": "0.15.2+cu118"}
ABI = {"numpy": "2.2.6", "scikit-learn": "1.3.2", "scipy": "1.11.4"}


def judged(dists, language="en", **facts):
    found = {**LINUX, **{f"dist.{name}": version for name, version in dists.items()}, **facts}
    return judge(Snapshot(found), Options("text", None, "never", language, False, (), (), None))


def typed(body):
    return [line.strip()[2:] for line in body.splitlines() if line.strip().startswith("$ ")]


def test_two_repairs_of_packages_are_one_command():
    report = judged({**PAIR, **ABI})
    assert [line.split()[:3] for line in typed(text.render(report))] == [["python", "-m", "pip"]]
    assert {"NUM101", "TOR101"} <= report.together.rules
    assert "https://download.pytorch.org/whl/cu121" in report.together.commands[0]


def test_the_findings_own_command_is_enough_where_it_is_the_plans():
    report = judged({"numpy": "2.2.6", "scikit-learn": "1.3.2"})
    assert report.together is None or len(typed(text.render(report))) == 1
    alone = judged({"transformers": "4.31.0"}, **{"env.HF_HUB_OFFLINE": "1", "env.TRANSFORMERS_OFFLINE": None})
    assert [entry.finding.rule for entry in alone.entries] == ["NET102"]
    assert alone.together is None
    assert typed(text.render(alone)) == ["export TRANSFORMERS_OFFLINE=1"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_format_has_it(language):
    report = judged({**PAIR, **ABI}, language)
    document = json.loads(jsonout.render(report))
    jsonschema.validate(document, SCHEMA)
    assert document["together"]["commands"] == list(report.together.commands)
    assert report.together.commands[0] in markdown.render(report)
    assert report.together.commands[0] in text.render(report, 40)


def test_a_command_with_a_build_names_the_index_that_serves_it():
    report = judged({**PAIR, **ABI})
    pins = [each for entry in report.entries for each in entry.commands if "+cu" in each.to]
    assert all("--extra-index-url https://download.pytorch.org/whl/" in each.text for each in pins)


def test_the_order_of_doing_is_the_same_wherever_a_plan_is_shown():
    steps = (FixStep("set_env", "A", "1", "safe"), FixStep("uninstall", "opencv-python", "", "changes-env"), FixStep("link", "/a", "/b", "safe"))
    made = Plan((), (), (), (Install(("numpy==1.26.4",)),), steps, (), ())
    assert [getattr(each, "kind", "install") for each in arranged(made)] == ["set_env", "uninstall", "install", "link"]
    lines = joint(made, [], Target(), "en").commands
    assert [line.split()[0] for line in lines] == ["export", "python", "python", "mkdir"]
    assert "uninstall" in lines[1]
