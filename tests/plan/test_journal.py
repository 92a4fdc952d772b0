"""What was put by comes back, whatever happened in between and however often undo is cut off."""

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from doctor.errors import ApplyError
from doctor.plan.journal import Journal, newest
from doctor.plan.undo import forget, sweep, undo


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "site"
    (root / "pkg").mkdir(parents=True)
    (root / "pkg" / "a.py").write_text("old")
    (root / "pkg" / "b.py").write_text("kept")
    (root / "link").symlink_to("pkg/a.py")
    return root


def picture(root):
    found = {}
    for path in sorted(root.rglob("*")):
        key = str(path.relative_to(root))
        if not key.startswith((".vlmdoctor", "state")):
            found[key] = str(path.readlink()) if path.is_symlink() else path.read_text() if path.is_file() else "dir"
    return found


def spoil(root):
    """What an installer does: removes, replaces by rename, adds."""
    (root / "pkg" / "b.py").unlink()
    (root / "pkg" / "new.py").write_text("new")
    fresh = root / "pkg" / ".a"
    fresh.write_text("new a")
    fresh.replace(root / "pkg" / "a.py")
    (root / "link").unlink()
    (root / "other").mkdir()


def test_a_tree_comes_back(tmp_path, tree):
    before = picture(tmp_path)
    journal = Journal.begin("one", {})
    journal.put_by(tree)
    spoil(tree)
    assert undo(journal) > 0
    assert picture(tmp_path) == before
    assert newest() is None


def test_files_written_in_place_come_back(tmp_path, tree):
    before = picture(tmp_path)
    journal = Journal.begin("one", {})
    journal.put_by(tree, written=True)
    (tree / "pkg" / "a.py").write_text("in place")
    undo(journal)
    assert picture(tmp_path) == before


def test_a_download_that_was_taken_up_again_comes_back(tmp_path, tree, monkeypatch):
    """It is written at its end, through every link to it, and then renamed."""
    monkeypatch.setattr("doctor.plan.journal.COPIED", 4)
    part = tree / "pkg" / "blob.incomplete"
    part.write_text("the first half")
    before = picture(tmp_path)
    journal = Journal.begin("one", {})
    journal.put_by(tree, written=True)
    with part.open("a") as file:
        file.write(", the second half")
    part.rename(tree / "pkg" / "blob")
    undo(journal)
    assert picture(tmp_path) == before


def test_a_removed_folder_has_its_permissions_again(tree):
    (tree / "pkg").chmod(0o2750)
    journal = Journal.begin("one", {})
    journal.put_by(tree)
    shutil.rmtree(tree / "pkg")
    undo(journal)
    assert (tree / "pkg").stat().st_mode & 0o7777 == 0o2750


def test_a_tree_that_was_replaced_by_a_link_comes_back(tmp_path, tree):
    before = picture(tmp_path)
    journal = Journal.begin("one", {})
    journal.put_by(tree)
    shutil.rmtree(tree)
    tree.symlink_to("elsewhere")
    undo(journal)
    assert picture(tmp_path) == before


def test_what_cannot_be_seen_is_not_called_absent(tmp_path, monkeypatch):
    def refuse(_path):
        raise PermissionError(13, "no")

    journal = Journal.begin("one", {})
    monkeypatch.setattr(Path, "lstat", refuse)
    with pytest.raises(PermissionError):
        journal.put_by(tmp_path)


def test_a_tree_that_can_only_be_copied_and_is_large_is_refused(tree, monkeypatch):
    monkeypatch.setattr("doctor.plan.journal._linked", lambda *_: False)
    monkeypatch.setattr("doctor.plan.journal.ROOM", 2)
    with pytest.raises(ApplyError, match="hard links"):
        Journal.begin("one", {}).put_by(tree)


def test_single_places_come_back(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    before = picture(tmp_path)
    journal = Journal.begin("one", {})
    for name in ("file", "link", "deep/er/none"):
        journal.put_by(tmp_path / name)
    (tmp_path / "file").write_text("new")
    (tmp_path / "link").unlink()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "none").symlink_to("x")
    undo(journal)
    assert picture(tmp_path) == before


def test_a_rename_comes_back(tmp_path):
    (tmp_path / "torch.py").write_text("mine")
    before = picture(tmp_path)
    journal = Journal.begin("one", {})
    journal.moving(tmp_path / "torch.py", tmp_path / "aside" / "torch.py")
    (tmp_path / "aside").mkdir()
    (tmp_path / "torch.py").rename(tmp_path / "aside" / "torch.py")
    undo(journal)
    assert picture(tmp_path) == before


def test_a_torn_line_is_no_line(state):
    journal = Journal.begin("one", {"prefix": "/v"})
    with (journal.folder / "log").open("ab") as file:
        file.write(b'{"op": "absent", "pa')
    journal.note({"op": "done"})
    assert [line["op"] for line in journal.lines()] == ["begin", "done"]
    assert undo(journal) == 0


def test_a_second_undo_finds_nothing(tree):
    journal = Journal.begin("one", {})
    journal.put_by(tree)
    undo(journal)
    assert newest() is None
    assert undo(Journal(journal.folder)) == 0


def test_a_half_forgotten_journal_is_never_taken_for_the_old_state(tree):
    journal = Journal.begin("one", {})
    journal.put_by(tree)
    mirror = next(line["mirror"] for line in journal.lines() if line["op"] == "tree")
    journal.note({"op": "closed"})
    (Path(mirror) / "pkg" / "b.py").unlink()
    assert newest() is None
    assert undo(Journal(journal.folder)) == 0
    assert (tree / "pkg" / "b.py").exists()
    assert not Path(mirror).exists()


def test_what_was_cut_off_while_being_forgotten_is_swept(tree, state):
    journal = Journal.begin("one", {})
    journal.put_by(tree)
    journal.note({"op": "closed"})
    sweep()
    assert list(state.rglob("*")) == [state / "vlmdoctor"]
    assert not list(tree.parent.glob(".vlmdoctor*"))


def test_the_newest_of_an_environment(state):
    Journal.begin("1", {"prefix": "/a"})
    Journal.begin("2", {"prefix": "/b"})
    assert newest("/a").folder.name == "1"
    assert newest().folder.name == "2"
    forget(newest())
    assert newest().folder.name == "1"


KILLED = """
import os, sys
from pathlib import Path
from doctor.plan import journal as module
root, stop = Path(sys.argv[1]), int(sys.argv[2])
count = 0
real = os.fsync
def fsync(handle):
    global count
    count += 1
    if count == stop:
        os.kill(os.getpid(), 9)
    real(handle)
os.fsync = fsync
journal = module.Journal.begin("one", {})
journal.put_by(root / "site")
(root / "site" / "pkg" / "b.py").unlink()
journal.put_by(root / ".bashrc")
(root / ".bashrc").write_text("new")
journal.put_by(root / "deep" / "link")
(root / "deep").mkdir()
(root / "deep" / "link").symlink_to("x")
journal.note({"op": "done"})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("stop", range(1, 16))
def test_killed_at_any_line_of_the_journal(tmp_path, tree, stop):
    (tmp_path / ".bashrc").write_text("old")
    before = picture(tmp_path)
    subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path), str(stop)], check=False)
    journal = newest()
    if journal is not None:
        undo(journal)
    assert picture(tmp_path) == before
