"""Who serves an import in the target: the standard library, a neighbour of the script, or a distribution.

Nothing is imported; folders are listed. ``.pth`` files are read for their paths, lines of code in them are not run;
of the finders of editable installs the literal ``MAPPING`` is read.
"""
import ast
import os
import re
import sys

import paths
from patterns import compiled, whole
from src_known import GAINED, LOST, SAME_MODULE, WANT

SUFFIX = r"^([A-Za-z_]\w*)(?:\.py|(?:\.[\w-]+)?\.(?:so|pyd|dylib))$"
INFO = r"^([A-Za-z0-9][\w.]*?)-([^-]+?)(?:-py[\d.]+)?(?:-[\w.-]+)?\.(dist-info|egg-info)$"
MAPPING = r"(?m)^(MAPPING|NAMESPACES)\b[^=]*=\s*(\{.*\})\s*$"
PTH_BYTES = 256 * 1024
TOP_BYTES = 64 * 1024


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def _small(path, cap=PTH_BYTES):
    """Beginning of a regular file as text, empty when it cannot be read."""
    return paths.text(path, cap) or ""


def is_stdlib(top, minor):
    """Does Python 3.``minor`` bring this module itself?"""
    if top in LOST:
        return minor < LOST[top]
    if top in GAINED:
        return minor >= GAINED[top]
    return top in sys.stdlib_module_names


class Folder(object):
    """One entry of sys.path, listed once: ``modules`` {name: path}, ``dists`` {name: (version, info path)}."""

    def __init__(self, path):
        self.path = path
        self.modules, self.dists, self.pth, self.bare = {}, {}, [], set()
        try:
            entries = list(os.scandir(path))
        except OSError:
            entries = []
        for entry in entries:
            self._entry(entry.name, entry)

    def _entry(self, name, entry):
        info = compiled(INFO).match(name)
        if info:
            self.dists.setdefault(normal(info.group(1)), (info.group(2), entry.path))
        elif name.endswith(".pth"):
            self.pth.append(entry.path)
        elif name.endswith(".egg-info"):
            found = re.search(r"^Version:\s*(\S+)", _small(os.path.join(entry.path, "PKG-INFO")), re.MULTILINE)
            self.dists.setdefault(normal(name[:-9]), (found.group(1) if found else "", entry.path))
        elif compiled(SUFFIX).match(name):
            self.modules.setdefault(compiled(SUFFIX).match(name).group(1), entry.path)
        elif "." not in name and not name.startswith("~"):
            self.bare.add(name)

    def module(self, name):
        """``(path, namespace only)`` of a top-level module, ``(None, False)`` when it is not here."""
        if name in self.bare:
            folder = os.path.join(self.path, name)
            if os.path.isdir(folder):
                if any(part.startswith("__init__.") for part in _names(folder)):
                    return folder, False
                if name not in self.modules:
                    return folder, True
        return self.modules.get(name), False


def _names(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


class Target(object):
    """The import system of the target as far as it shows on disk. ``version`` like ``3.11.4``, or empty."""

    def __init__(self, site, path, version):
        parts = [part for part in (version or "").split(".") if whole(part) is not None]
        self.minor = int(parts[1]) if len(parts) > 1 and parts[0] == "3" else sys.version_info[1]
        self.path = [Folder(one) for one in path]
        self.site = [Folder(one) for one in site]
        self.editable = {}  # module -> path that a finder names
        for folder in list(self.site):
            for pth in folder.pth:
                self._pth(folder.path, pth)
        self._tops = None

    def _pth(self, base, path):
        for line in _small(path).splitlines():
            line = line.strip()
            finder = re.match(r"import\s+(__editable__\w+)", line)
            if finder:
                self._finder(os.path.join(base, finder.group(1) + ".py"))
            elif line and not line.startswith(("#", "import ", "import\t")):
                self.site.append(Folder(os.path.join(base, line)))

    def _finder(self, path):
        for _, table in compiled(MAPPING).findall(_small(path)):
            try:
                found = ast.literal_eval(table)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            for name, where in found.items():
                self.editable[str(name)] = where[0] if isinstance(where, list) and where else str(where)

    def dists(self):
        """``{normalised name: version}``; what comes first on the path wins."""
        found = {}
        for folder in self.path + self.site:
            for name, (version, _) in folder.dists.items():
                found.setdefault(name, version)
        return found

    def served(self, module):
        """``(where, dist, path)`` of a dotted module; ``where`` is stdlib, path, site, editable or empty."""
        top = module.partition(".")[0]
        for where, folders in (("path", self.path), ("stdlib", None), ("site", self.site)):
            if folders is None:
                if is_stdlib(top, self.minor):
                    return "stdlib", None, None
                continue
            path = self._find(folders, top, module)
            if path:
                return where, self.dist_of(module), path
        path = self.editable.get(top)
        if path and (os.path.exists(path) or os.path.exists(path + ".py")):
            return "editable", self.dist_of(module), path
        if top == "distutils" and "setuptools" in self.dists():
            return "site", "setuptools", None
        return "", None, None

    def _find(self, folders, top, module):
        """A regular package first; of namespace portions one that holds the next part of the name."""
        loose = []
        for folder in folders:
            path, namespace = folder.module(top)
            if path and not namespace:
                return path
            if path:
                loose.append(path)
        rest = module.split(".")[1:2]
        for path in loose:
            if not rest or any(name.split(".")[0] == rest[0] for name in _names(path)):
                return path
        return None

    def dist_of(self, module):
        """Installed distribution that serves a module: by its name, by the table, by top_level.txt or RECORD."""
        top, dists = module.partition(".")[0], self.dists()
        two = ".".join(module.split(".")[:2])
        for name in (WANT.get(two), *SAME_MODULE.get(top, ()), WANT.get(top), normal(two), normal(top)):
            if name and name in dists:
                return name
        return self._by_files(top)

    def _by_files(self, top):
        if self._tops is None:
            self._tops = {}
            for folder in self.path + self.site:
                for name, (_, info) in folder.dists.items():
                    for line in self._top_names(info):
                        self._tops.setdefault(line, name)
        return self._tops.get(top)

    def _top_names(self, info):
        text = _small(os.path.join(info, "top_level.txt"))
        if text:
            return text.split()
        record = _small(os.path.join(info, "RECORD"), TOP_BYTES)
        lines = [line for line in record.splitlines() if not line.startswith((".", "/"))]
        return {re.split(r"[/,.]", line, maxsplit=1)[0] for line in lines}

    def has_submodule(self, path, module):
        """Is there a file for ``a.b.c`` below ``path`` of ``a``? None when it cannot be told."""
        parts = module.split(".")[1:]
        if not parts or path is None or not os.path.isdir(path):
            return None
        for part in parts:
            names = _names(path)
            if part in names and os.path.isdir(os.path.join(path, part)):
                path = os.path.join(path, part)
            else:
                return part == parts[-1] and any(name.startswith(part + ".") for name in names)
        return True


def wanted(module):
    """Distribution that usually serves an import name."""
    top = module.partition(".")[0]
    return WANT.get(".".join(module.split(".")[:2])) or WANT.get(top) or normal(top)
