"""The installer's own word: what it would do, what it refuses and why, and an index that never answers."""

import json
import sys
from pathlib import Path

import pytest

from doctor.commands import fix
from doctor.knowledge import versions
from doctor.model import Snapshot
from doctor.model.plan import Install
from doctor.plan.constraints import Lessons
from doctor.plan.make import plan
from doctor.plan.rehearse import rehearse
from doctor.plan.shell import Target
from tests.plan import fakeconda
from tests.plan.test_conda import NUMPY2, conda_machine
from tests.plan.test_make import RULES, machine, moves

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the installer is a shell script")
PAIR = {"torch": "2.5.1", "torchvision": "0.15.2", "numpy": "1.26.4", "scipy": "1.15.1"}
ASKED = Install(("torch==2.15.0",), limits=("numpy==1.26.4",))


@pytest.fixture
def installer(tmp_path):
    """A Python whose pip does what its script says; ``$REPORT`` is the file of --report."""

    def make(script):
        path = tmp_path / "python"
        find = 'for word in "$@"; do [ "$last" = --report ] && REPORT=$word; last=$word; done\n'
        path.write_text(f"#!/bin/sh\n{find}{script}\n")
        path.chmod(0o755)
        return Target("bash", str(path), "pip")

    return make


def report(**dists):
    rows = [{"metadata": {"name": name, "version": version}} for name, version in dists.items()]
    return f"cat > \"$REPORT\" <<'E'\n{json.dumps({'install': rows})}\nE"


def test_it_agrees(installer):
    snapshot = machine(PAIR)
    answer = rehearse(plan(snapshot, RULES), snapshot, installer(report(torchvision="0.20.1")))
    assert answer.verdict == "agreed"


def test_what_it_would_change_beside_the_plan_is_said(installer):
    snapshot = machine(PAIR)
    answer = rehearse(plan(snapshot, RULES), snapshot, installer(report(torchvision="0.20.1", numpy="2.2.6", newcomer="1.0")))
    assert (answer.verdict, answer.more) == ("other", ("numpy 1.26.4 -> 2.2.6",))


def test_an_index_that_never_answers_hangs_nothing(installer):
    snapshot = machine(PAIR)
    answer = rehearse(plan(snapshot, RULES), snapshot, installer("sleep 60"), seconds=0.5)
    assert answer.verdict == "silent"
    assert "no answer" in answer.why


@pytest.mark.parametrize(
    "words",
    [
        "WARNING: Retrying: Failed to establish a new connection: [Errno -2] Name or service not known",
        "error: Request failed after 3 retries\n  Caused by: error sending request for url\n  Caused by: dns error",
    ],
)
def test_no_network_is_no_refusal(installer, words):
    snapshot = machine(PAIR)
    assert rehearse(plan(snapshot, RULES), snapshot, installer(f"cat >&2 <<'E'\n{words}\nE\nexit 1")).verdict == "silent"


def test_the_interpreter_of_another_machine_cannot_be_asked():
    snapshot = machine(PAIR)
    assert rehearse(plan(snapshot, RULES), snapshot, Target("bash", "/no/such/python", "pip")).verdict == "silent"


def test_a_mirror_with_a_password_is_not_printed(installer):
    snapshot = machine(PAIR)
    said = "ERROR: HTTP error 403 while getting https://bob:hunter2secret@mirror.example/simple/torchvision/"
    answer = rehearse(plan(snapshot, RULES), snapshot, installer(f"cat >&2 <<'E'\n{said}\nE\nexit 1"))
    assert answer.verdict == "refused"
    assert "hunter2secret" not in answer.why


def test_an_old_pip_cannot_rehearse(installer):
    snapshot = machine(PAIR, pip__version="21.3")
    assert rehearse(plan(snapshot, RULES), snapshot, installer("exit 1")).why == "pip 21.3 < 22.2"


def test_a_release_that_cannot_be_had_is_a_lesson(installer):
    snapshot = machine({"numpy": "2.2.6", "scikit-learn": "1.3.2", "scipy": "1.11.4"})
    said = "ERROR: Could not find a version that satisfies the requirement numpy==1.26.4 (from versions: 1.26.3)\nERROR: No matching distribution found for numpy==1.26.4"
    answer = rehearse(plan(snapshot, RULES), snapshot, installer(f"cat >&2 <<'E'\n{said}\nE\nexit 1"))
    assert answer.verdict == "refused"
    assert answer.lessons.missing == {("numpy", "1.26.4")}
    assert moves(plan(snapshot, RULES, lessons=answer.lessons)) == {"numpy": "1.26.3"}


def test_a_requirement_that_the_tables_lack_is_a_lesson(installer):
    snapshot = machine({"numpy": "2.2.6", "scikit-learn": "1.3.2", "scipy": "1.11.4", "pandas": "2.2.2"})
    said = "ERROR: Cannot install numpy==1.26.4\nThe conflict is caused by:\n    numpy 1.26.4 depends on pandas<2\n    The user requested (constraint) pandas==2.2.2"
    answer = rehearse(plan(snapshot, RULES), snapshot, installer(f"cat >&2 <<'E'\n{said}\nE\nexit 1"))
    assert ("numpy", "1.26.4", "pandas<2") in answer.lessons.asks
    assert "The conflict is caused by" in answer.why
    again = plan(snapshot, RULES, lessons=answer.lessons)
    assert "numpy" in moves(again)
    assert "pandas" in moves(again) or moves(again)["numpy"] != "1.26.4"


def test_the_users_own_constraints_bind_the_next_plan(installer):
    from doctor.plan.rehearse import _lessons

    said = "The user requested (constraint) torch<=2.14.1\n    The user requested (constraint) numpy==1.26.4"
    found = _lessons(said, ASKED)
    assert found.bounds == {("torch", "<=2.14.1")}, "the limits of the call itself are no news"
    empty = machine({}, src__imports=[{"module": "torch", "name": None, "resolves": False, "guarded": False, "want": "torch"}])
    assert versions.accepts(">2.14.1", moves(plan(empty, RULES))["torch"])
    assert versions.accepts("<=2.14.1", moves(plan(empty, RULES, lessons=found))["torch"])


def test_a_killed_installer_leaves_nothing_behind(installer, tmp_path):
    place = tmp_path / "where"
    slow = installer(f'mkdir "$TMPDIR/pip-unpack-1"; echo "$TMPDIR" > {place}; sleep 30')
    snapshot = machine(PAIR)
    assert rehearse(plan(snapshot, RULES), snapshot, slow, seconds=2).verdict == "silent"
    assert not Path(place.read_text().strip()).exists()


def test_uv_speaks_in_its_own_words(installer):
    lines = "Because there is no version of numpy==1.26.4 and you require numpy==1.26.4, we can conclude"
    from doctor.plan.rehearse import _by_uv, _lessons

    assert _lessons(lines, ASKED).missing == {("numpy", "1.26.4")}
    assert _lessons("Because peft==0.15.1 depends on transformers>=4.50,<5 and", ASKED).asks == {("peft", "0.15.1", "transformers>=4.50,<5")}
    assert _by_uv("Would install 2 packages\n - numpy==2.2.6\n + numpy==1.26.4\n ~ torch==2.5.1\n") == {"numpy": "1.26.4", "torch": "2.5.1"}


def test_the_plan_is_made_again_until_the_resolver_agrees(installer):
    snapshot = Snapshot({**machine({"numpy": "2.2.6", "scikit-learn": "1.3.2", "scipy": "1.11.4"}).facts, "python.writable": True}, closed=frozenset({"env"}))
    script = 'case "$*" in *numpy==1.26.4*) echo "No matching distribution found for numpy==1.26.4" >&2; exit 1;; esac\n' + report(numpy="1.26.3")
    made, answer = fix._planned(snapshot, RULES, frozenset(), installer(script), ask=True)
    assert answer.verdict == "agreed"
    assert moves(made) == {"numpy": "1.26.3"}


def test_one_that_only_says_no_is_asked_once(installer, tmp_path):
    snapshot = machine(PAIR)
    _made, answer = fix._planned(snapshot, RULES, frozenset(), installer(f"echo x >> {tmp_path}/count; echo 'ERROR: no' >&2; exit 1"), ask=True)
    assert answer.verdict == "refused"
    assert (tmp_path / "count").read_text() == "x\n"


def test_lessons_add_up():
    one, two = Lessons(frozenset({("a", "1")})), Lessons(frozenset({("b", "2")}))
    assert (one | two).missing == {("a", "1"), ("b", "2")}


@pytest.fixture
def condas(tmp_path):
    """An environment whose numpy is conda's, and a conda that answers a dry run with the given JSON."""
    program = fakeconda.put(tmp_path / "condabin", sys.executable)
    snapshot = conda_machine({"torch": "2.1.2", "scipy": "1.11.4"}, [NUMPY2]).with_facts({"conda.exe": str(program)})

    def ask(said=None):
        if said:
            program.with_name("answer.json").write_text(json.dumps(said))
        made = plan(snapshot, RULES)
        answer = rehearse(made, snapshot, Target.of(snapshot))
        return answer, [json.loads(line) for line in program.with_name("calls").read_text().splitlines()]

    return ask


def test_conda_is_asked_with_the_very_command(condas):
    answer, calls = condas({"success": True, "actions": {"LINK": [{"name": "numpy", "version": "1.26.4"}], "UNLINK": [{"name": "numpy", "version": "2.1.3"}]}})
    assert answer.verdict == "agreed"
    assert calls == [["install", "-y", "-p", "/opt/conda/envs/llava", "--dry-run", "--json", "-c", "conda-forge", "numpy=1.26.4"]]


def test_what_conda_would_do_beside_the_plan_is_said(condas):
    answer, _ = condas({"actions": {"LINK": [{"name": "pytorch", "version": "2.2.0"}, {"name": "zlib", "version": "1.3"}], "UNLINK": [{"name": "scipy", "version": "1.11.4"}]}})
    assert (answer.verdict, answer.more) == ("other", ("scipy 1.11.4 -> -", "torch 2.1.2 -> 2.2.0"))


@pytest.mark.parametrize(
    ("said", "verdict", "missing"),
    [
        ({"exception_name": "PackagesNotFoundError", "message": "The following packages are not available: numpy=1.26.4", "packages": ["numpy=1.26.4"]}, "refused", {("numpy", "1.26.4")}),
        ({"exception_name": "LibMambaUnsatisfiableError", "message": "Encountered problems while solving:\n  - nothing provides requested numpy 1.26.4"}, "refused", {("numpy", "1.26.4")}),
        ({"exception_name": "UnsatisfiableError", "message": "specifications were found to be incompatible"}, "refused", set()),
        ({"exception_name": "CondaHTTPError", "message": "HTTP 000 CONNECTION FAILED for url <x>"}, "silent", set()),
    ],
)
def test_what_conda_refuses(condas, said, verdict, missing):
    answer, _ = condas(said)
    assert answer.verdict == verdict
    assert answer.lessons.missing == missing


def test_no_conda_no_answer(tmp_path):
    snapshot = conda_machine({"torch": "2.1.2"}, [NUMPY2]).with_facts({"conda.exe": str(tmp_path / "gone")})
    assert rehearse(plan(snapshot, RULES), snapshot, Target.of(snapshot)).verdict == "silent"
