"""One distribution's metadata folder or file, read as bytes with a cap and without the email package."""
import os
import re

import paths
from patterns import compiled

HEADER_CAP = 262144  # bytes; torch's is 30 kB, the longest seen 90 kB
_EGG = r"-py\d(?:\.\d+)?(?:-.*)?$"
_SPLIT = r"^(.+?)-(v?\d[^-]*(?:-\d+)?)$"
_HEADERS = b"(?im)^(Name|Version|Requires-Dist|Requires-Python):(.*)$"


def normalise(name):
    """PEP 503 normalised name: runs of ``-``, ``_`` and ``.`` become one ``-``."""
    name = name.replace("_", "-").replace(".", "-").lower()
    while "--" in name:
        name = name.replace("--", "-")
    return name


def split_folder(entry):
    """``(name, version or None)`` from ``numpy-1.26.4.dist-info`` and its older relatives."""
    stem = entry.rpartition(".")[0]
    if entry.endswith((".egg-info", ".egg")):
        stem = compiled(_EGG).sub("", stem)
    name, _, version = stem.partition("-")
    if name and version[:1].isdecimal() and "-" not in version and "_" not in version:
        return name, version  # as nearly all are spelled
    found = compiled(_SPLIT).match(stem)
    if found:
        return found.group(1), found.group(2).replace("_", "-") if "_" in found.group(2) else found.group(2)
    return name, version or None


class Dist(object):
    """A distribution found on the path. ``version`` comes from the folder's name where it says so."""

    __slots__ = ("_head", "_place", "entry", "folder", "kind", "name", "problem", "raw", "store", "version", "where")

    def __init__(self, raw, version, entry, *, folder, where, kind, store):
        self.raw = raw
        self.name = normalise(raw)
        self.version = version
        self.entry = entry  # name of the metadata folder or file
        self.folder = folder  # the path entry it lies in
        self._place = os.path.join(folder, entry)
        self.where = where
        self.kind = kind  # dist-info, egg-info, egg-file, egg-link
        self.store = store  # keeps what a metadata file says as long as that does not change
        self._head = None
        self.problem = None

    def path(self, name=""):
        """A file of the metadata folder."""
        return self._place + os.sep + name if name else self._place

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
            self._head, self.problem = self._kept()
        return self._head

    def _kept(self):
        """``(headers, problem)``, from the doctor's cache where the file is the same as then."""
        path = self.metadata_path()
        stamp = paths.stamp(path)
        kept = self.store.get("head:" + path, stamp)
        if kept is None:
            data = paths.read(path, HEADER_CAP)
            if data is None:
                return {}, "metadata-missing"
            kept = parse(data)
            self.store.put("head:" + path, stamp, kept, dear=False)
        return kept, None if kept.get("version") and kept.get("name") else "metadata-empty"

    def first(self, name):
        """The first value of a header, or ``None``."""
        values = self.head().get(name)
        return values[0] if values else None


def only_extra(marker):
    """The common ``extra == 'x'`` joined by ``and``: false without parsing."""
    return "extra ==" in marker and " or " not in marker and "not in" not in marker


def parse(data):
    """Headers of interest up to the first empty line, without requirements of extras, which nobody has asked for here.

    Never raises: odd bytes become replacement characters.
    """
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    head = data.partition(b"\n\n")[0]
    if b"\n " in head or b"\n\t" in head:
        head = re.sub(b"\n[ \t]+", b" ", head)
    found = {}
    for key, value in compiled(_HEADERS).findall(head):
        line = value.strip().decode("utf-8", "replace")
        if b"extra" not in value or not only_extra(line.partition(";")[2]):
            found.setdefault(key.decode("ascii").lower(), []).append(line)
    return found
