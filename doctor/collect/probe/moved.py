"""Where the project of an editable install went: near by, when exactly one folder there declares the same name."""

import os
import time

import metadata
import paths
from patterns import compiled

LOOKS, SECONDS = 400, 0.5  # folders listed and time spent for one project
_MARKS = ("pyproject.toml", "setup.cfg", "setup.py")
_NAME = {
    "pyproject.toml": r"""(?ms)\[(?:project|tool\.poetry)\][^\[]*?^name\s*=\s*["']([\w.-]+)["']""",
    "setup.cfg": r"(?ms)\[metadata\][^\[]*?^name\s*=\s*([\w.-]+)",
    "setup.py": r"""\bname\s*=\s*["']([\w.-]+)["']""",
}
_SKIP = frozenset(("__pycache__", "node_modules", "site-packages", "build", "dist"))


def project(name, old, cwd, home):
    """The folder that declares distribution ``name`` now; ``None`` when there is none or more than one.

    Looked at are two levels below the working directory, the two folders above it, the home folder and what is left of
    the path to the ``old`` place; never below the root of the file system, where everything begins.
    """
    stop, seen, found = time.time() + SECONDS, set(), set()
    wanted = metadata.normalise(name)
    for root in _roots(old, cwd, home):
        for folder in _below(root, 2):
            if folder in seen:
                continue
            if len(seen) >= LOOKS or time.time() > stop:
                return None
            seen.add(folder)
            if wanted == _declared(folder):
                found.add(os.path.realpath(folder))
    return found.pop() if len(found) == 1 else None


def _roots(old, cwd, home):
    left = old
    while left and not paths.quiet_names(left) and left != os.path.dirname(left):
        left = os.path.dirname(left)
    above = os.path.dirname(cwd) if cwd else ""
    places = [cwd, above, os.path.dirname(above), home, left]
    return [place for place in places if place and os.path.isabs(place) and place != os.path.dirname(place)]


def _below(folder, levels):
    """The folder itself and the folders below it, nearest first; environments and hidden folders are left out."""
    rank = [folder]
    for level in range(levels + 1):
        following = []
        for each in rank:
            yield each
            inside = paths.quiet_names(each)
            if level == levels or "pyvenv.cfg" in inside:
                continue
            following += [os.path.join(each, name) for name in sorted(inside) if name[0] != "." and name not in _SKIP]
        rank = following


def _declared(folder):
    """The normalised name that a project folder declares, ``None`` when it is none."""
    inside = paths.quiet_names(folder)
    for mark in _MARKS:
        if mark in inside:
            text = paths.text(os.path.join(folder, mark)) or ""
            found = compiled(_NAME[mark]).search(text)
            if found:
                return metadata.normalise(found.group(1))
    return None
