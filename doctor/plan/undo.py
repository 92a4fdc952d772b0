"""Brings back what a journal has put by. Every step may be repeated, so an undo that is cut off is simply run again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from doctor.errors import ApplyError
from doctor.plan.journal import Journal, entries, every, folder_mode
from doctor.plan.running import end_left_over


def undo(journal: Journal) -> int:
    """Undo in reverse order and forget the journal; the number of things brought back. Raises ApplyError."""
    lines = [] if journal.closed() else journal.lines()
    count = 0
    for line in reversed(lines):
        act = _ACTS.get(str(line.get("op")))
        if act is None:
            continue
        try:
            count += act(journal, line)
        except OSError as error:
            raise ApplyError(f"undo of {line.get('path')}", error.strerror or str(error)) from None
    forget(journal)
    return count


def forget(journal: Journal) -> None:
    """Drop the journal and what it has put by; after that there is no way back."""
    if not journal.folder.is_dir():
        return
    journal.note({"op": "closed"})  # what is deleted from here on must never be taken for the old state
    mirrors = [Path(line["path"]) for line in journal.lines() if line.get("op") == "mirroring"]
    for mirror in mirrors:
        shutil.rmtree(mirror, ignore_errors=True)
    if not any(os.path.lexists(mirror) for mirror in mirrors):  # else it is tried again by the next sweep
        shutil.rmtree(journal.folder, ignore_errors=True)


def sweep() -> None:
    """Finish what was cut off while it was being forgotten."""
    for journal in every():
        if journal.closed():
            forget(journal)


def _child(journal: Journal, line: dict[str, Any]) -> int:
    end_left_over(line)
    return 0


def _absent(journal: Journal, line: dict[str, Any]) -> int:
    path = Path(line["path"])
    if not os.path.lexists(path):
        return 0
    _remove(path)
    return 1


def _made(journal: Journal, line: dict[str, Any]) -> int:
    path = Path(line["path"])
    if not path.is_dir() or path.is_symlink() or any(path.iterdir()):
        return 0
    path.rmdir()
    return 1


def _link(journal: Journal, line: dict[str, Any]) -> int:
    path = Path(line["path"])
    if path.is_symlink() and str(path.readlink()) == line["to"]:
        return 0
    if os.path.lexists(path):
        _remove(path)
    path.symlink_to(line["to"])
    return 1


def _file(journal: Journal, line: dict[str, Any]) -> int:
    path, copy = Path(line["path"]), journal.folder / str(line["copy"])
    fresh = path.with_name(f".{path.name}.vlmdoctor")
    shutil.copyfile(copy, fresh)
    fresh.chmod(int(line["mode"]))
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    fresh.replace(path)
    return 1


def _moved(journal: Journal, line: dict[str, Any]) -> int:
    source, target = Path(line["path"]), Path(line["to"])
    if os.path.lexists(source) or not os.path.lexists(target):
        return 0
    target.rename(source)
    return 1


def _tree(journal: Journal, line: dict[str, Any]) -> int:
    """The live tree made equal to its mirror; what is equal already (the same file on the disk) is left alone."""
    live, mirror = Path(line["path"]), Path(line["mirror"])
    if not mirror.is_dir():
        return 0
    if live.is_symlink() or not live.is_dir():
        _clear(live)
        live.mkdir(parents=True)
        live.chmod(folder_mode(mirror.stat()))
    for name, size in line.get("sizes", {}).items():
        os.truncate(mirror / name, size)
    wanted = {os.path.relpath(entry.path, mirror): entry for entry in entries(mirror)}
    strange = [name for entry in entries(live) if (name := os.path.relpath(entry.path, live)) not in wanted]
    for name in sorted(strange, reverse=True):
        _clear(live / name)
    return len(strange) + sum(_same(entry, live / name) for name, entry in wanted.items())


def _same(entry: os.DirEntry[str], path: Path) -> int:
    """One entry of a mirror put in its place; 0 when it was there."""
    if entry.is_symlink():
        if path.is_symlink() and str(path.readlink()) == str(Path(entry.path).readlink()):
            return 0
        _clear(path)
        path.symlink_to(str(Path(entry.path).readlink()))
        return 1
    if entry.is_dir(follow_symlinks=False):
        if path.is_dir() and not path.is_symlink():
            return 0
        _clear(path)
        path.mkdir()
        path.chmod(folder_mode(entry.stat()))
        return 1
    if path.is_file() and not path.is_symlink() and path.samefile(entry.path):
        return 0
    _clear(path)
    try:
        os.link(entry.path, path)
    except OSError:
        shutil.copy2(entry.path, path)
    return 1


def _clear(path: Path) -> None:
    if os.path.lexists(path):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


_ACTS = {
    "child": _child,
    "absent": _absent,
    "made": _made,
    "link": _link,
    "file": _file,
    "moved": _moved,
    "tree": _tree,
}
