"""The file list (RECORD) of distributions: which files matter, which are gone or empty.

Reading every RECORD costs some 100 ms, so the answers are kept in our own cache folder. An entry is good as long as
RECORD and the folders it lists have not changed.
"""
import json
import os
import time
import zlib

import paths
from patterns import compiled, whole

RECORD_CAP = 32 << 20  # bytes
WORTH = 0.05  # seconds of CPU; what took less is read again rather than written to the disk
BUDGET = 1.2  # seconds of CPU for file lists; the rest stays unread
FORMAT = 7  # of the cache file
FOREIGN = 4  # package files and libraries of other sizes: another release was unpacked over this one
WALK_CAP = 300  # folders of a package without a file list
SKIPPED = frozenset("""include tests test testing docs doc examples data build dist checkpoints weights
__pycache__""".split())
_LIBRARY = r"\.(so(\.\d+)*|pyd|dll)$"
_ENDINGS = (b".py", b".so", b".pyd", b".dll")
_SKIP = r"(?:^|/)(?:tests?|testing|include|docs?|examples?|benchmarks?)/|^\.\.|^/"

# What two distributions cannot both own: an import package, a top-level module, the libraries of an nvidia folder.
_CLAIM = r"(?:([^/]+)/__init__\.py|([^/.]+)(?:\.py|\.[\w-]+\.so)|(nvidia/\w+)/lib/[^/]+\.so[.\d]*)$"


def checksum(text):
    """A short stamp of a text."""
    return zlib.crc32(text.encode("utf-8", "replace"))


class Store(object):
    """One JSON file in the doctor's cache folder; no folder, no storing."""

    def __init__(self, folder, prefix):
        self.path = os.path.join(folder, "pyenv-%08x.json" % checksum(prefix)) if folder else None
        self.entries, self.used, self.changed = {}, {}, False
        self.cost, self.missed = 0.0, 0.0  # seconds of CPU for what was not stored
        try:
            data = json.loads((paths.read(self.path, 64 << 20) or b"{}").decode("utf-8")) if self.path else {}
            if isinstance(data, dict) and data.get("format") == FORMAT and isinstance(data.get("entries"), dict):
                self.entries = data["entries"]
        except ValueError:
            pass  # a damaged cache is an empty one

    def get(self, key, stamp):
        """What was stored under ``key`` with the same ``stamp``, else ``None``."""
        entry = self.entries.get(key)
        if isinstance(entry, list) and len(entry) == 2 and entry[0] == stamp:
            self.used[key] = entry
            return entry[1]
        self.missed = time.process_time()
        return None

    def put(self, key, stamp, value, dear=True):
        """Keep a value. One that is not ``dear`` is written with the others, but alone makes no file."""
        self.used[key] = [stamp, value]
        self.cost += time.process_time() - self.missed if dear else 0.0
        self.changed = True

    def answer(self, key, about, work):
        """``work()``, or what it gave an earlier run where ``about``, all that it depends on, was the same."""
        stamp = "%08x" % checksum(repr(about))
        found = self.get(key, stamp)
        if found is None:
            found = work()
            self.put(key, stamp, found)
        return found

    def save(self):
        """Writes what this run used, if that was dear. A folder that cannot be written only costs the next run time."""
        if not self.path or not self.changed or self.cost < WORTH:
            return
        draft = "%s.%d" % (self.path, os.getpid())
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            with open(draft, "w") as file:
                json.dump({"format": FORMAT, "entries": self.used}, file, separators=(",", ":"))
            os.replace(draft, self.path)
        except OSError:
            _drop(draft)


def _drop(path):
    """Removes the half of a file that a full disk leaves."""
    try:
        os.unlink(path)
    except OSError:
        return


def files(dist):
    """``{folder below the site folder: [(file name, size or None)]}`` of the modules and libraries in RECORD, no tests.

    Quoted names (those with a comma) are left out: no module has one.
    """
    found = {}
    for line in (paths.read(dist.path("RECORD"), RECORD_CAP) or b"").split(b"\n"):
        name, _, rest = line.partition(b",")
        if name.endswith(_ENDINGS) or b".so." in name:
            parent, _, base = name.decode("utf-8", "replace").rpartition("/")
            size = rest.rpartition(b",")[2].strip()
            found.setdefault(parent, []).append((base, whole(size.decode("ascii", "replace"))))
    return {parent: rows for parent, rows in found.items() if not (parent and compiled(_SKIP).search(parent + "/"))}


def summary(dist, store):
    """What RECORD and the disk say together: ``libs`` (there), ``gone``, ``empty`` and ``changed`` (numbers, with the
    first of each; changed files have another size), ``claims`` (modules it owns), ``folders``. ``None`` without RECORD.
    """
    record = dist.path("RECORD")
    try:
        info = os.stat(record)
    except OSError:
        return None
    key = "record:" + record
    kept = store.entries.get(key)
    known = isinstance(kept, list) and len(kept) == 2 and isinstance(kept[1], dict)
    folders = kept[1].get("folders", []) if known else []
    stamp = _stamp(dist, info, folders)
    value = store.get(key, stamp)
    if value is None:
        value = _look(dist)
        store.put(key, _stamp(dist, info, value["folders"]), value)
    return value


def walked(dist, roots):
    """The same for a distribution without RECORD (conda's egg-info, editable checkouts): libraries below ``roots``."""
    found = {"libs": [], "gone": 0, "first_gone": None, "empty": 0, "first_empty": None, "changed": 0,
             "first_changed": None, "claims": []}
    left, folders = WALK_CAP, list(roots)
    while folders and left > 0:
        folder = folders.pop()
        left -= 1
        for name in paths.quiet_names(folder):
            place = os.path.join(folder, name)
            if compiled(_LIBRARY).search(name):
                found["libs"].append(os.path.relpath(place, dist.folder))
            elif "." not in name and name not in SKIPPED and os.path.isdir(place) and not os.path.islink(place):
                folders.append(place)
    found["libs"].sort()
    return found


def _stamp(dist, info, folders):
    times = [paths.mtime(dist.folder + os.sep + folder) for folder in folders]
    return "%d %d %08x" % (info.st_mtime_ns, info.st_size, checksum(repr(times)))


def _look(dist):
    found = {"libs": [], "gone": 0, "first_gone": None, "empty": 0, "first_empty": None, "changed": 0,
             "first_changed": None}
    folders, claims = set(), set()
    for parent, rows in files(dist).items():
        there = paths.name_set(os.path.join(dist.folder, parent) if parent else dist.folder, True)
        for base, size in rows:
            library = not base.endswith(".py")
            if size == 0 and base == "__init__.py":
                continue  # namespace folders are shared, and whoever goes first takes the empty file along
            name = parent + "/" + base if parent else base
            if library or parent.count("/") < 2:
                folders.add(parent)
                claim = compiled(_CLAIM).match(name)
                claims.update((claim.group(1) or claim.group(2) or claim.group(3),) if claim else ())
            _check(dist, name, size, base in there, found)
    if found["changed"] < FOREIGN or not (found["first_changed"] or "").endswith("/__init__.py"):
        found["changed"] = 0  # a package file that somebody patched, a library stripped or built anew
    found["libs"].sort()
    found["folders"] = sorted(folders)
    found["claims"] = sorted(claims)[:200]
    return found


def _check(dist, name, size, there, found):
    """Libraries and package files are also asked for their size; of the others it is enough that they are there."""
    library = not name.endswith(".py")
    if not there:
        found["gone"] += 1
        found["first_gone"] = found["first_gone"] if found["first_gone"] and not library else name
        return
    if library or name.endswith("__init__.py"):
        real = paths.size(os.path.join(dist.folder, name))
        if size and real == 0:
            found["empty"] += 1
            found["first_empty"] = found["first_empty"] or name
            return
        if size and real is not None and real != size:
            found["changed"] += 1
            root = not library and name.count("/") == 1
            found["first_changed"] = name if root else found["first_changed"] or name
    if library:
        found["libs"].append(name)
