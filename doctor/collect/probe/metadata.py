"""One distribution's metadata folder or file, read as bytes with a cap and without the email package."""
import os
import re

import paths
from patterns import compiled

HEADER_CAP = 262144  # bytes; torch's is 30 kB, the longest seen 90 kB
_RUNS = r"[-_.]+"
_EGG = r"-py\d(?:\.\d+)?(?:-.*)?$"
_SPLIT = r"^(.+?)-(v?\d[^-]*(?:-\d+)?)$"
_HEADERS = b"(?im)^(Name|Version|Requires-Dist|Requires-Python):(.*)$"


_NORMALISED = {}


def normalise(name):
    """PEP 503 normalised name, remembered: requirement lines say the same few names again and again."""
    if name not in _NORMALISED:
        _NORMALISED[name] = compiled(_RUNS).sub("-", name).lower()
    return _NORMALISED[name]


def split_folder(entry):
    """``(name, version or None)`` from ``numpy-1.26.4.dist-info`` and its older relatives."""
    stem = entry.rpartition(".")[0]
    if entry.endswith((".egg-info", ".egg")):
        stem = compiled(_EGG).sub("", stem)
    found = compiled(_SPLIT).match(stem)
    if found:
        return found.group(1), found.group(2).replace("_", "-") if "_" in found.group(2) else found.group(2)
    name, _, version = stem.partition("-")
    return name, version or None


class Dist(object):
    """A distribution found on the path. ``version`` comes from the folder's name where it says so."""

    __slots__ = ("_head", "entry", "folder", "kind", "name", "problem", "raw", "version", "where")

    def __init__(self, raw, version, entry, *, folder, where, kind):
        self.raw = raw
        self.name = normalise(raw)
        self.version = version
        self.entry = entry  # name of the metadata folder or file
        self.folder = folder  # the path entry it lies in
        self.where = where
        self.kind = kind  # dist-info, egg-info, egg-file, egg-link
        self._head = None
        self.problem = None

    def path(self, name=""):
        """A file of the metadata folder."""
        base = os.path.join(self.folder, self.entry)
        return os.path.join(base, name) if name else base

    def metadata_path(self):
        if self.kind == "dist-info":
            return self.path("METADATA")
        if self.kind == "egg-file":
            return self.path()
        if self.kind == "egg":
            return self.path(os.path.join("EGG-INFO", "PKG-INFO"))
        return self.path("PKG-INFO")

    def head(self):
        """Wanted headers as ``{lower-case name: [values]}``; sets ``problem`` when they cannot be had."""
        if self._head is None:
            self._head = {}
            data = paths.read(self.metadata_path(), HEADER_CAP)
            if data is None:
                self.problem = "metadata-missing"
            else:
                self._head = parse(data)
                if not self._head.get("version") or not self._head.get("name"):
                    self.problem = "metadata-empty"
        return self._head

    def first(self, name):
        """The first value of a header, or ``None``."""
        values = self.head().get(name)
        return values[0] if values else None


def parse(data):
    """Headers of interest up to the first empty line. Never raises: odd bytes become replacement characters."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    head = data.partition(b"\n\n")[0]
    if b"\n " in head or b"\n\t" in head:
        head = re.sub(b"\n[ \t]+", b" ", head)
    found = {}
    for key, value in compiled(_HEADERS).findall(head):
        word = key.decode("ascii").lower()
        found.setdefault(word, []).append(value.strip().decode("utf-8", "replace"))
    return found
