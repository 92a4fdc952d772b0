"""What a model name means on this machine: a folder, a cached repository, or nothing.

Follows ``from_pretrained``: a folder of that name in the working directory comes before a repository of that name;
otherwise ``refs/main`` of the cached repository names the commit whose snapshot is read.
"""
import os
import re

import hubscan
from patterns import compiled

REPO_ID = r"^[\w.-]{1,96}(/[\w.-]{1,96})?$"
NEAR = 20  # names listed
SUFFIXES = ("hf", "instruct", "chat", "it", "base", "pt", "awq", "gptq", "int4", "int8", "fp8", "merged", "preview")


class Place(object):
    """Where a model was found. ``kind`` repo, folder, file or invalid; ``path`` the folder to read or None.

    ``found`` is true when a load by this name reaches ``path``; a snapshot that no ref leads to has a path only.
    """

    __slots__ = ("commit", "found", "kind", "links", "name", "path", "repo")

    def __init__(self, name, kind, path=None, found=False):
        self.name, self.kind, self.path, self.found = name, kind, path, found
        self.commit = None
        self.repo = None  # the repository's folder in the cache
        self.links = []  # {path, target, problem}


def resolve(name, cwd, root):
    """Finds a model by the name that a program passes to ``from_pretrained``. ``root``: hub cache in effect."""
    name = name.rstrip("/") if len(name) > 1 else name
    local = os.path.join(cwd, name)
    if not name or any(ord(c) < 32 for c in name):
        return Place(name, "invalid")
    if os.path.isdir(local):
        return _folder(name, local)
    if os.path.isfile(local):
        place = Place(name, "file", local, True)
        place.links = links_on(local)
        return place
    if compiled(REPO_ID).match(name) and not name.startswith("."):
        place = _cached(name, root)
    else:
        place = Place(name, "folder" if _path_like(name) else "invalid")
    place.links = [link for link in links_on(local) if link["problem"]]
    return place


def _path_like(name):
    if "://" in name:
        return False
    return name.startswith(("/", ".", "~")) or name.count("/") > 1 or bool(re.match(r"^[A-Za-z]:[\\/]", name))


def _folder(name, local):
    place = Place(name, "folder", local, True)
    place.links = links_on(local)
    wrong = wrong_level(local)
    if wrong is not None:
        place.found = False
        mark = next((link for link in reversed(place.links) if link["target"] is not None), None)
        if mark is None:
            mark = {"path": local, "target": None, "problem": None}
            place.links.append(mark)
        mark["problem"] = wrong
    return place


WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt", ".pth")


def bare_snapshot(folder):
    """Is this the snapshot of a cached repository without any weights, while another one of it has them?"""
    real = os.path.realpath(folder)
    parent, names = os.path.dirname(real), _listed(real)
    if os.path.basename(parent) != "snapshots" or any(name.endswith(WEIGHTS) for name in names):
        return False
    others = [os.path.join(parent, other) for other in _listed(parent) if other != os.path.basename(real)]
    return any(name.endswith(WEIGHTS) for other in others for name in _listed(other))


def _listed(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def wrong_level(folder):
    """wrong-parent for a cache folder above the snapshots, nested for a model one folder deeper, bare for a link to a
    snapshot without weights beside one that has them; None when sound.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return None
    if "snapshots" in names and ("blobs" in names or "refs" in names):
        return "wrong-parent"
    if os.path.islink(folder) and bare_snapshot(folder):
        return "bare"
    if any(n.endswith((".json", *WEIGHTS)) for n in names):
        return None
    folders = [n for n in names[:100] if os.path.isdir(os.path.join(folder, n)) and n != ".git"]
    if folders and os.path.basename(os.path.realpath(folder)) == "snapshots":
        return "wrong-parent"
    inner = [n for n in folders if os.path.isfile(os.path.join(folder, n, "config.json"))]
    return "nested" if len(inner) == 1 else None


def links_on(path):
    """Every symlink among the parts of a path, outermost first, with what is wrong with it."""
    out = []
    parts = os.path.normpath(path).split(os.sep)
    at = parts[0] or os.sep
    for part in parts[1:]:
        at = os.path.join(at, part)
        if os.path.islink(at):
            out.append({"path": at, "target": os.readlink(at), "problem": _link_problem(at)})
    return out


def _link_problem(path):
    try:
        os.stat(path)
    except OSError as error:
        if error.errno == 40 or "symbolic" in os.strerror(error.errno or 0).lower():
            return "loop"
        return "permission" if isinstance(error, PermissionError) else "dangling"
    return None


def _cached(name, root):
    place = Place(name, "repo")
    repo = os.path.join(root, hubscan.folder_name(name))
    if not os.path.isdir(repo):
        return place
    place.repo = repo
    commit = hubscan.read_ref(os.path.join(repo, "refs", "main"))
    snapshot = os.path.join(repo, "snapshots", commit)
    if hubscan.plain(commit) and os.path.isdir(snapshot):
        place.commit, place.path, place.found = commit, snapshot, True
        return place
    try:
        left = sorted(os.listdir(os.path.join(repo, "snapshots")))
    except OSError:
        left = []
    if len(left) == 1:
        place.commit, place.path = left[0], os.path.join(repo, "snapshots", left[0])
    return place


def near_path(path):
    """Folders beside a path that is not there and that could be meant."""
    base, name = os.path.split(path.rstrip("/"))
    try:
        names = os.listdir(base)
    except OSError:
        return []
    return [os.path.join(base, other) for other in near(name, [n for n in names if not n.startswith(".")])]


def _key(name):
    """A repository's name without owner, capitals, version numbers and the usual endings."""
    words = [w for w in re.split(r"[-_]", name.rpartition("/")[2].lower()) if w]
    plain = [w for w in words if not re.match(r"^v?\d+(\.\d+)*$", w) and w not in SUFFIXES]
    return tuple(plain or words)


def near(name, ids):
    """Cached ids that could be meant: the same but for capitals first, then owner, version or ending."""
    alike = []
    for other in sorted(set(ids) - {name}):
        if other.lower() == name.lower():
            alike.append((0, other))
        elif other.rpartition("/")[2].lower() == name.rpartition("/")[2].lower():
            alike.append((1, other))
        elif _key(other) == _key(name):
            alike.append((2, other))
    return [other for _, other in sorted(alike)[:NEAR]]
