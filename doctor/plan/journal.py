"""A write-ahead journal: what a step may touch is put by first, so that every state on the way can be undone.

Layout: ``<state>/vlmdoctor/<id>/log`` with one JSON object a line, and ``b0``, ``b1`` ... with old files beside it.
Trees are mirrored next to where they lie (a whole environment, when conda is to change it), by hard links, which cost
no space and survive what an installer does (it replaces files, it does not write into them). Each line is on the disk
before the thing it speaks of is done.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from doctor.errors import ApplyError

# what is written at its end, through every link to it: a download that is taken up again, conda's diary
GROWS = (".incomplete", f"{os.sep}conda-meta{os.sep}history")
ROOM = 4 << 30  # bytes that may be copied where there are no hard links
COPIED = 1 << 20  # bytes up to which a file of a "written" tree is copied, because its owner writes into it


def home() -> Path:
    """Folder of all journals."""
    base = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".local" / "state") / "vlmdoctor"


class Journal:
    """One application of a plan. ``put_by`` before an act, ``note`` for milestones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0
        self._covered: set[str] = set()

    @classmethod
    def begin(cls, name: str, head: dict[str, Any]) -> Journal:
        """A new journal. Raises ApplyError when it cannot be written."""
        journal = cls(home() / name)
        try:
            journal.folder.mkdir(parents=True, mode=0o700)
            journal.note({"op": "begin", **head})
        except OSError as error:
            raise ApplyError("journal", f"{journal.folder}: {error.strerror}") from None
        return journal

    def note(self, line: dict[str, Any]) -> None:
        """Append one line and wait until it is on the disk."""
        data = ("\n" + json.dumps(line) + "\n").encode()  # apart from a line that a full disk has torn
        with (self.folder / "log").open("ab", buffering=0) as file:
            if file.write(data) != len(data):
                raise OSError(28, "the journal could not be written")
            os.fsync(file.fileno())
        _sync(self.folder)

    def lines(self) -> list[dict[str, Any]]:
        """What was noted; a torn last line speaks of something that had not begun."""
        found = []
        try:
            raw = (self.folder / "log").read_bytes()
        except FileNotFoundError:
            return []
        for line in raw.split(b"\n"):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return [line for line in found if isinstance(line, dict)]

    def head(self) -> dict[str, Any]:
        """The first line: when, for which environment."""
        return next(iter(self.lines()), {})

    def closed(self) -> bool:
        """True when nothing of it may be brought back any more."""
        return any(line.get("op") == "closed" for line in self.lines())

    def put_by(self, path: Path, written: bool = False) -> None:
        """Make sure that ``path`` (nothing, link, file or tree) can be brought back as it is now.

        ``written``: its owner writes into small files in place, so those are copied.
        """
        if str(path) in self._covered:
            return
        self._parents(path)
        try:
            mode = path.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            self.note({"op": "absent", "path": str(path)})
        else:
            if stat.S_ISLNK(mode):
                self.note({"op": "link", "path": str(path), "to": str(path.readlink())})
            elif stat.S_ISDIR(mode):
                self._tree(path, written)
            else:
                self._file(path, mode)
        self._covered.add(str(path))

    def folders(self, path: Path) -> None:
        """Note that ``path`` and the folders above it may be made; undo removes those that are empty then."""
        self._parents(path / "file")

    def moving(self, source: Path, target: Path) -> None:
        """Note a rename that is about to happen."""
        self._parents(target)
        self.note({"op": "moved", "path": str(source), "to": str(target)})

    def _parents(self, path: Path) -> None:
        """Note the folders above ``path`` that are not there yet, the lowest first undone."""
        missing = [parent for parent in path.parents if not os.path.lexists(parent)]
        for parent in reversed(missing):
            if str(parent) not in self._covered:
                self._covered.add(str(parent))
                self.note({"op": "made", "path": str(parent)})

    def _file(self, path: Path, mode: int) -> None:
        copy = self.folder / f"b{self._count}"
        self._count += 1
        shutil.copyfile(path, copy)
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        self.note({"op": "file", "path": str(path), "copy": copy.name, "mode": stat.S_IMODE(mode)})

    def _tree(self, path: Path, written: bool) -> None:
        # the folders above are taken by others for a cache of models, or for one environment of conda each
        beside = path.name.startswith("models--") or path.parent.name == "envs"
        above = path.parent.parent if beside else path.parent
        mirror = above / f".vlmdoctor-{self.folder.name}-{self._count}"
        self._count += 1
        self.note({"op": "mirroring", "path": str(mirror)})
        _mirror(path, mirror, COPIED if written else -1)
        grown = {os.path.relpath(e.path, mirror): e.stat().st_size for e in entries(mirror) if e.path.endswith(GROWS)}
        self.note({"op": "tree", "path": str(path), "mirror": str(mirror), "sizes": grown})


def every() -> list[Journal]:
    """All journals, the newest first."""
    return [Journal(path) for path in sorted(home().glob("*"), reverse=True) if (path / "log").is_file()]


def newest(python_prefix: str | None = None) -> Journal | None:
    """The last journal that is not undone, of this environment when one is named."""
    for journal in every():
        if not journal.closed() and python_prefix in (None, journal.head().get("prefix")):
            return journal
    return None


def _sync(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Everything below a folder, folders before what is in them; links are not followed."""
    with os.scandir(folder) as found:
        for entry in found:
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from entries(Path(entry.path))


def _mirror(source: Path, mirror: Path, copied: int) -> None:
    """The same tree of hard links; files up to ``copied`` bytes, and those that cannot be linked, are copied.

    Raises ApplyError when more than ``ROOM`` would have to be copied.
    """
    mirror.mkdir()
    mirror.chmod(folder_mode(source.stat()))
    room = ROOM
    for entry in entries(source):
        there = mirror / os.path.relpath(entry.path, source)
        if entry.is_symlink():
            there.symlink_to(Path(entry.path).readlink())
        elif entry.is_dir(follow_symlinks=False):
            there.mkdir()
            there.chmod(folder_mode(entry.stat()))
        elif entry.is_file(follow_symlinks=False):
            size = entry.stat(follow_symlinks=False).st_size
            if size <= copied or not _linked(entry.path, there):
                room -= size
                if room < 0:
                    raise ApplyError(f"put by {source}", "no hard links there, and too large to copy")
                shutil.copy2(entry.path, there)


def folder_mode(found: os.stat_result) -> int:
    """Permissions of a folder, as far as its owner can still work in it."""
    return stat.S_IMODE(found.st_mode) | stat.S_IRWXU


def _linked(source: str, there: Path) -> bool:
    try:
        os.link(source, there)
    except OSError:  # a file system without hard links
        return False
    return True
