"""click is imported beside small modules in the places of large ones; nobody may see the difference."""

import inspect
import subprocess
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from doctor import standins

ROOT = Path(__file__).parents[1]
LARGE = {"inspect", "uuid", "datetime", "gettext", "ast", "dis", "platform"}


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_click_comes_without_the_large_modules():
    bare = set(run("import sys; print(*sys.modules)"))
    loaded = set(run("import sys; from doctor.standins import load_click; load_click(); import doctor.cli; print(*sys.modules)"))
    assert "click" in loaded
    typed = set(run("import sys, typing; exec('class A(typing.TypedDict): a: int'); print(*sys.modules)"))  # with ast from 3.14 on
    assert not (loaded - bare - typed) & LARGE


def test_afterwards_everybody_gets_the_real_modules():
    code = "from doctor.standins import load_click; load_click(); import inspect, uuid, datetime, gettext"
    assert run(f"{code}; print(inspect.signature(print) is not None, uuid.uuid4().version, datetime.date.min.year)") == ["True", "4", "1"]


def test_a_name_that_a_stand_in_lacks_comes_from_the_real_module():
    code = "from doctor.standins import load_click; load_click(); import click.core as c; print(c.inspect.signature(len), c.inspect.isclass(int))"
    assert run(code)[-1] == "True"


def test_click_that_is_there_already_is_left_alone():
    code = "import click, sys; from doctor.standins import load_click; load_click(); print('inspect' in sys.modules)"
    assert run(code) == ["True"]


def test_no_command_has_a_parameter_of_a_type_that_is_only_named():
    for path in (ROOT / "doctor").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "click.UUID" not in text, path
        assert "click.DateTime" not in text, path


def test_helps_are_the_same_with_and_without():
    for words in ([], ["check"], ["rules", "show"]):
        light = [sys.executable, "-m", "doctor", *words, "--help"]
        plain = [sys.executable, "-c", "import click, doctor.cli; doctor.cli.main()", *words, "--help"]
        shown = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in (light, plain)]
        assert shown[0] == shown[1]
        assert "Usage: vlmdoctor" in shown[0]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=" \t\nab", max_size=40))
def test_docstrings_are_cleaned_as_inspect_does(text):
    assert standins.clean(text) == inspect.cleandoc(text)
