"""No rule emits a step that undo cannot take back as ``safe`` or ``changes-env``."""

import itertools
from pathlib import Path

import pytest

from doctor.engine.evaluate import evaluate
from doctor.engine.load import load_dir, parse
from doctor.errors import RuleError
from doctor.model import FixStep
from doctor.model.plan import Plan
from doctor.model.rule import UNDONE
from doctor.model.undoable import SHELL, undoable
from doctor.plan.apply import Place, acts
from doctor.plan.journal import Journal
from doctor.plan.make import plan
from doctor.plan.selftest import snapshot_of
from doctor.plan.shell import Target
from doctor.plan.undo import undo

FILES = load_dir(Path(__file__).parents[2] / "rules")
EXAMPLES = [
    pytest.param(f, e, id=f"{f.rule.id}: {e['name']}") for f in FILES for e in f.examples if e["expect"] == "hit"
]
SAFE = [s for f in FILES for s in f.rule.fix if s.safety in UNDONE]
BY_PERSON = ("advise", "edit")


def test_what_only_a_person_does_is_manual():
    assert not [(f.rule.id, s) for f in FILES for s in f.rule.fix if s.kind in BY_PERSON and s.safety != "manual"]


def test_what_deletes_is_no_safe_step():
    assert not [spec for spec in SAFE if spec.kind == "delete"]


@pytest.mark.parametrize("spec", [s for s in SAFE if s.kind == "run"], ids=lambda s: s.target[:60])
def test_a_command_stays_where_it_is_put_by(spec):
    assert undoable(spec.target)


@pytest.mark.parametrize(("file", "example"), EXAMPLES)
def test_no_plan_of_an_example_runs_more(file, example):
    """Whole plans too: what the planner makes of the steps (rebuilds, reinstalls, downloads) keeps to the law."""
    snapshot = snapshot_of(example)
    planned = plan(snapshot, [file.rule]).steps
    for step in itertools.chain(evaluate([file.rule], snapshot)[0].fix, planned):
        if step.safety in UNDONE:
            assert step.kind not in BY_PERSON
            assert step.kind != "run" or undoable(step.target)
    assert not any(step.safety == "manual" for step in planned)


@pytest.mark.parametrize(
    "line",
    [
        "apt-get install -y x", "sudo dnf install x", "mount -o remount,size=1g /dev/shm", "modprobe nvidia", "sysctl -w a=1",
        "chown -R me /x", "python -m pip cache purge", "uv cache prune", "git lfs pull", "conda install x", "hf auth login",
        "python -m venv x && apt-get install y", "mkdir x; mount y", "rm x | tee /etc/z", "echo 'open", "", "&& rm x", "python train.py",
    ],
)  # fmt: skip
def test_what_lies_elsewhere_is_for_a_person(line):
    assert not undoable(line)
    rule = (
        f"fix = [{{ run = {line!r}, safety = 'changes-env' }}]"
        if "'" not in line
        else 'fix = [{ run = "echo \'open", safety = "safe" }]'
    )
    with pytest.raises(RuleError, match="undo"):
        parse("ABC101-some-thing.toml", _rule(rule), "abc")


def _rule(fix):
    words = "".join(f'[text.{x}]\ntitle = "t"\nwhy = "w"\nnext = "n"\nproof = "p"\n' for x in ("en", "zh"))
    head = 'id = "ABC101"\nsince = "0.1.0"\nseverity = "error"\nlinks = ["https://x.example"]\nwhen = [{ env = "A", is = "set" }]\n'
    return head + fix + "\n" + words


@pytest.mark.parametrize("word", SHELL)
def test_what_changes_only_the_shell(word):
    assert undoable(word + "x")


def test_what_a_command_names_is_put_by(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "venv").mkdir()
    (tmp_path / "asked").mkdir()
    lines = [
        ('mkdir -p -- "$(dirname -- {link.path})"', {"link.path": str(tmp_path / "a" / "b" / "c")}),
        ("rmdir -- {model.asked}", {"model.asked": "asked"}),
        ("python3 -m venv --without-pip {python.venv_folder}", {"python.venv_folder": str(tmp_path / "venv")}),
        ("mkdir ~/venvs/{name}", {"name": "vlm"}),
    ]
    (tmp_path / "venvs").mkdir()
    before = _tree(tmp_path)
    steps = tuple(FixStep("run", line, "", "safe", 1, ("R1",), bound) for line, bound in lines)
    place = Place("", (), None, "bash", None)
    journal = Journal.begin("t", {})
    touched = list(acts(Plan((), (), (), (), steps, (), ()), Target(), place, allow=False))
    for act in touched:
        for path in act.touches:
            journal.put_by(path, path in act.written)
    assert len(touched) == len(lines)
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "asked").rmdir()
    (tmp_path / "venv" / "pyvenv.cfg").write_text("home = /x")
    (tmp_path / "venvs" / "vlm").mkdir()
    undo(journal)
    assert _tree(tmp_path) == before


def test_an_environment_without_its_settings_is_undone_by_its_own_name():
    # Before the repair its Python tells the base's prefix, after it the environment's.
    broken = snapshot_of({"python.prefix": "/usr", "python.venv_folder": "/home/x/llava"})
    assert Place.of(broken, {}).prefix == Place.of(snapshot_of({"python.prefix": "/home/x/llava"}), {}).prefix


def _tree(folder):
    return sorted(
        str(path) for path in folder.rglob("*") if ".vlmdoctor" not in str(path) and "state" not in path.parts
    )
