"""Whatever strikes a fix down, and wherever, undo brings the old state back."""

import errno
import shutil
import sys

import pytest
from killed import application, back, fork, make, picture, plans

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork, SIGKILL")
NAMES = ("variables", "move", "links", "download", "leftovers", "pin", "conda", "all")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "home"


def fresh(root):
    shutil.rmtree(root, ignore_errors=True)
    make(root)
    return picture(root)


def rounds(root, name, blow):
    """Every act of the fix meets the blow once; what is there after it, and after undo, is held against the truth."""
    original = fresh(root)
    plan = plans(root)[name]
    status, acts = fork(root, application(root, plan))
    fixed = picture(root)
    assert status == 0
    assert fork(root, back)[0] == 0
    assert picture(root) == original, "plain undo"
    for at in range(1, acts + 1):
        fresh(root)
        status, _ = fork(root, application(root, plan), blow, at)
        if status == 0:
            assert {k: v for k, v in picture(root).items() if ".vlmdoctor-" not in k} == {
                k: v for k, v in fixed.items() if ".vlmdoctor-" not in k
            }, f"{name} {at}: half done and called a success"
        for _ in range(2):
            assert fork(root, back)[0] == 0
            assert picture(root) == original, f"{name}: blow {blow} at act {at} of {acts}"
    return acts


@pytest.mark.parametrize("name", ["variables", "links", "pin", "conda"])
def test_killed_at_every_act(root, name):
    assert rounds(root, name, 0) > 5


@pytest.mark.slow
@pytest.mark.parametrize("blow", [errno.ENOSPC, errno.EIO, errno.EROFS, 0])
@pytest.mark.parametrize("name", NAMES)
def test_a_disk_that_fails_from_any_act_on(root, name, blow):
    rounds(root, name, blow)


@pytest.mark.slow
def test_an_undo_that_is_killed_is_simply_run_again(root):
    original = fresh(root)
    plan = plans(root)["all"]
    fork(root, application(root, plan))
    _, acts = fork(root, back)
    for at in range(1, acts + 1):
        fresh(root)
        fork(root, application(root, plan))
        assert fork(root, back, 0, at)[0] == -9
        assert fork(root, back)[0] == 0
        assert picture(root) == original, f"act {at} of {acts}"
