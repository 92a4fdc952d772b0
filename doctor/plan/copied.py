"""A cache copied to another place and held against the old one, file by file."""

from __future__ import annotations

import shutil
from pathlib import Path

from doctor.errors import ApplyError
from doctor.plan.journal import entries


def copy_checked(old: Path, new: Path) -> None:
    """Copy what is missing or differs; links stay links. What a cut-off copy has left is taken up again.

    Raises ApplyError when a file is not the same afterwards (its size; of a link, where it leads), and OSError.
    """
    new.mkdir(parents=True, exist_ok=True)
    pairs = [(Path(entry.path), new / Path(entry.path).relative_to(old)) for entry in entries(old)]
    for source, target in pairs:
        if not _same(source, target):
            _put(source, target)
    for source, target in pairs:
        if not _same(source, target):
            raise ApplyError(f"copy {source}", f"{target} is not the same")


def _same(source: Path, target: Path) -> bool:
    if source.is_symlink() or target.is_symlink():
        return source.is_symlink() and target.is_symlink() and source.readlink() == target.readlink()
    if source.is_dir():
        return target.is_dir()
    return not source.is_file() or (target.is_file() and source.stat().st_size == target.stat().st_size)


def _put(source: Path, target: Path) -> None:
    if target.is_symlink() or target.is_file():
        target.unlink()
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_dir():
        target.mkdir()
    else:
        shutil.copy2(source, target)
