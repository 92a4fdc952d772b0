"""The script: read by real shells, run twice, empty when there is nothing to do, and a failing step is a failure."""

import shlex
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings

from doctor.model import FixStep
from doctor.model.plan import Goal, Install, Move, Plan
from doctor.plan.script import render
from doctor.plan.shell import Target
from tests.plan.test_startup import texts

pytestmark = pytest.mark.skipif(shutil.which("bash") is None or sys.platform == "win32", reason="no bash here")
EMPTY = Plan((), (), (), (), (), (), ())


def planned(*steps, installs=(), moves=()):
    return Plan((Goal("R1", "slug", "error", 1),), (), moves, installs, steps, (), ())


def bash(text, **env):
    return subprocess.run(["bash", "-c", text], check=False, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **env})


def step(kind, target, to="", safety="safe", **bound):
    return FixStep(kind, target, to, safety, 1, ("R1",), bound)


def test_nothing_to_do_does_nothing():
    text = render(EMPTY, Target())
    assert not [line for line in text.splitlines() if line and not line.startswith("#")]
    assert bash(text).returncode == 0


def test_it_may_be_run_twice(tmp_path):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n')
    python.chmod(0o755)
    (tmp_path / "stale").write_text("x")
    (tmp_path / "gone").mkdir()
    made = planned(
        step("set_env", "HF_HOME", f"{tmp_path}/hf"),
        step("delete", f"{tmp_path}/gone", safety="destructive"),
        step("move", f"{tmp_path}/stale", f"{tmp_path}/aside"),
        step("link", f"{tmp_path}/a/link", f"{tmp_path}/aside"),
        installs=(Install(("numpy<2",), limits=("torch==2.5.1",)),),
        moves=(Move("numpy", "2.2.6", "1.26.4", "numpy<2"),),
    )
    text = render(made, Target("bash", str(python)), allow=True)
    for _ in range(2):
        done = bash(text)
        assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "gone").exists()
    assert (tmp_path / "a" / "link").readlink() == tmp_path / "aside"
    assert len((tmp_path / "calls").read_text().splitlines()) == 2


def test_a_failing_step_fails_the_script_and_closes_no_shell(tmp_path):
    made = planned(step("run", "false"), step("set_env", "X", "1"))
    assert bash(render(made, Target())).returncode == 1
    sourced = bash(f"eval {shlex.quote(render(made, Target()))}; echo still-here $X")
    assert sourced.stdout == "still-here 1\n"


def test_what_destroys_is_a_comment(tmp_path):
    (tmp_path / "x").write_text("")
    text = render(planned(step("delete", f"{tmp_path}/x", safety="destructive")), Target())
    assert bash(text).returncode == 0
    assert (tmp_path / "x").exists()


@settings(max_examples=40, deadline=None)
@given(texts.filter(lambda value: not value.startswith(("~", "-")) and value.strip()), texts)
def test_any_value_is_only_a_value(value, reason):
    made = planned(
        step("run", "printf '%s' {p}", reason, p=value),
        installs=(Install((value,), limits=(value,)),),
        moves=(Move(value, value, value, value),),
    )
    text = render(made, Target("bash", "true"), note=value, tail=[value], refused=())
    done = bash(text)
    assert (done.returncode, done.stdout) == (0, value)


def test_a_value_that_would_be_an_option_is_not_written():
    text = render(planned(step("run", "printf '%s' {p}", p="--all")), Target())
    assert "printf" not in text


@given(texts.filter(bool), texts)
def test_powershell_lines_hold_together(value, reason):
    """No value leaves a quote open, so none reaches beyond its own word."""
    made = planned(step("run", "tool {p}", reason, p=value), step("set_env", "V", value), installs=(Install((value,)),))
    for line in render(made, Target("powershell", "python")).splitlines():
        if not line.startswith("#"):
            assert powershell_bare(line) is not None


def powershell_bare(line):
    """The line without its single-quoted strings; None when one is left open."""
    quotes, out, inside = "'\u2018\u2019\u201a\u201b", [], False
    at = 0
    while at < len(line):
        if line[at] in quotes:
            if inside and at + 1 < len(line) and line[at + 1] in quotes:
                at += 2
                continue
            inside = not inside
        elif not inside:
            out.append(line[at])
        at += 1
    return None if inside else "".join(out)


def test_a_program_that_fails_stops_windows_powershell_too():
    made = planned(step("uninstall", "x", safety="changes-env"), installs=(Install(("numpy<2",)),))
    lines = [line for line in render(made, Target("powershell", "python")).splitlines() if " -m pip " in line]
    assert len(lines) == 2
    assert all(line.endswith("; if ($LASTEXITCODE) { throw 'failed' }") for line in lines)


def test_a_list_of_powershell_is_not_made_by_a_comma():
    made = planned(installs=(Install(("torch==2.5.1", "numpy!=1.0,!=2.0", "a,b")),))
    assert "'a,b'" in render(made, Target("powershell", "python"))


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="no shellcheck here")
def test_shellcheck_finds_nothing(tmp_path):
    made = planned(
        step("set_env", "TMPDIR", "~/tmp x"), step("unset_env", "http_proxy"), step("move", "/a b", "/c"), step("link", "~/x", "/y"),
        step("download", "org/model"), step("download", "org/model", files="a\nb", folder="/m"),
        installs=(Install(("numpy<2",), limits=("torch==2.5.1",), index="https://download.pytorch.org/whl/cu118"),),
    )  # fmt: skip
    path = tmp_path / "fix.sh"
    path.write_text(render(made, Target("bash", "/a b/python"), allow=True))
    done = subprocess.run(["shellcheck", str(path)], check=False, capture_output=True, text=True)
    assert done.stdout == ""


def test_limits_are_texts_of_powershell_not_commands():
    made = planned(installs=(Install(("numpy<2",), limits=("torch==2.5.1", "pillow==10.0.0")),))
    assert "'torch==2.5.1', 'pillow==10.0.0' | Set-Content -Path $limits" in render(made, Target("powershell", "python"))
