"""Cache folders: which there are, what is in them, and what is wrong with the variables that name them."""
import itertools
import os
import re
import stat
import threading
import time

import hubcheck
import hubpaths
import hubscan
import modelfacts
from modeldir import look
from wire import Turns, reason

LISTED = 300  # entries of a folder that are looked at when searching
CONFIGS = 200  # configurations read for hf.repos
BASES = (
    "/root", "/root/autodl-tmp", "/root/autodl-fs", "/data", "/mnt", "/mnt/data", "/workspace", "/hy-tmp", "/models",
    "/gemini/data-1", "/openbayes/home", "/kaggle/working", "/content",
)
# What a value of a variable may have around a path by mistake: controls, quotes, a semicolon.
STRAY = dict.fromkeys([*range(32), 127, *map(ord, "\"'\u201c\u201d\u2018\u2019\ufeff\u00a0;")])
TAILS = ("", "hub", "huggingface/hub", ".cache/huggingface/hub", "cache/huggingface/hub", "hf/hub")


def guarded(function, seconds, default):
    """The function's value, or ``default`` when it has not come back in time or has failed."""
    box = []

    def call():
        try:
            box.append(function())
        except Exception:  # the caller's default says that it is not known
            return

    thread = threading.Thread(target=call)
    thread.daemon = True
    thread.start()
    thread.join(max(0.0, seconds))
    return box[0] if box else default


class Root(object):
    """One cache folder, read in a thread of its own until ``limit`` (``time.time()``)."""

    def __init__(self, by, raw, path, used=False, limit=0.0):
        self.by, self.raw, self.path, self.used, self.limit = by, raw, path, used, limit
        self.exists = self.writable = self.problem = self.ignored = None
        self.folders, self.repos, self.types = [], [], {}
        self.neighbours = ()
        self.answered = self.done = False
        self.error = None
        self.thread = threading.Thread(target=self._run)
        self.thread.daemon = True

    def start(self):
        self.thread.start()

    def join(self, limit):
        self.thread.join(max(0.0, limit - time.time()))

    def whole(self):
        return self.done

    def shortage(self):
        """Why the root is not whole."""
        return self.error or "%d of %d repositories read" % (len(self.repos), len(self.folders))

    def _run(self):
        try:
            self._read()
        except Exception as error:  # the other roots' facts must still be sent
            self.error = reason(error)

    def _read(self):
        self.exists, self.writable, problem = folder_state(self.path)
        if self.writable and os.path.isdir(os.path.join(self.path, ".locks")):  # each download makes a file in it
            self.writable = can_write(os.path.join(self.path, ".locks"))
        self.problem = self.problem or problem
        if self.exists and problem is None:
            self._list()
        elif problem == "unreadable":
            self.error = "the folder may not be read"
        self.answered = True
        if self.error:
            return
        for folder in self.folders:
            if time.time() > self.limit:
                return
            repo = hubscan.scan_repo(self.path, folder, links=self.used)
            if len(self.types) < CONFIGS:
                self.types[repo.id] = model_type(repo)
            self.repos.append(repo)
        self.done = True

    def _list(self):
        try:
            self.folders = hubscan.repo_folders(self.path)
        except OSError as error:
            self.problem = self.problem or "unreadable"
            self.error = reason(error)


def folder_state(path):
    """``(exists, writable, problem)``; of a folder that is not there, whether it could be made."""
    try:
        state = os.stat(path)
    except OSError as error:
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            return False, can_make(path), "not-a-folder" if isinstance(error, NotADirectoryError) else None
        return False, False, "unreadable"
    if not stat.S_ISDIR(state.st_mode):
        return True, False, "not-a-folder"
    return True, can_write(path), None if os.access(path, os.R_OK | os.X_OK) else "unreadable"


def can_write(folder):
    """May files be made in the folder, by its modes and by its mount?"""
    if hasattr(os, "statvfs") and os.statvfs(folder).f_flag & getattr(os, "ST_RDONLY", 1):
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def can_make(path):
    """May the folder be made, from the nearest folder above it that exists?"""
    while path and path != os.path.dirname(path):
        path = os.path.dirname(path)
        if os.path.lexists(path):
            return os.path.isdir(path) and can_write(path)
    return False


def model_type(repo):
    """model_type in the config.json of the snapshot that a load gets."""
    commit = repo.main() or next(iter(sorted(repo.snapshots)), None)
    if commit is None or "config.json" not in repo.names.get(commit, ()):
        return None
    item = look(os.path.join(repo.path, "snapshots", commit, "config.json"))
    if item.problem is not None or item.size > 1000000:
        return None
    return modelfacts.text(modelfacts.read({"config.json": item}, "config.json").get("model_type"))


def start(where, limit, bases=None):
    """All roots, reading already: those of variables, the one in effect, and usual places that hold something."""
    roots = _named(where, limit)
    for root in roots:
        root.start()
    seen = {root.path for root in roots}
    for path in _search(where, roots, bases, limit):
        if path not in seen:
            seen.add(path)
            found = Root("usual place", path, path, False, limit)
            roots.append(found)
            found.start()
    return roots


def _named(where, limit):
    """A root for each folder that variables give. Of several that give the same one, the deciding variable counts."""
    named = [(where.hub_cache_by, where.hub_cache)] + where.named()
    used = where.absolute(where.hub_cache)
    roots, seen = [], set()
    for by, raw in named:
        path = where.absolute(raw)
        if path in seen:
            continue
        seen.add(path)
        root = Root(by, raw, path, path == used, limit)
        root.problem = hubpaths.path_problem(where.env.get(by, raw), raw)
        root.ignored = where.ignored(by)
        root.neighbours = neighbours(path, raw, where)
        roots.append(root)
    return roots


def neighbours(path, raw, where):
    """Folders that may have been meant: a level up or down, or the value without what should not be in it."""
    up = os.path.dirname(path)
    out = [up, os.path.dirname(up), os.path.join(path, "hub"), os.path.join(path, "huggingface", "hub")]
    clean = raw.translate(STRAY).strip()
    clean = re.sub(r"\s+(?=/)", "", clean)
    if clean != raw:
        out.append(where.absolute(hubpaths.expand_user(clean, where.home_dir)))
    if raw.startswith("~"):
        out.append(hubpaths.expand_user(raw, where.home_dir))
    return tuple(p for p in out if p != path)


def _search(where, roots, bases, limit):
    """Folders with repositories among neighbours and usual places, as far as they answer in time."""
    jobs = []
    for root in roots:
        jobs.append(lambda root=root: list(root.neighbours) + _elsewhere(root.raw, where))
    for base in (where.cwd, where.home_dir) + tuple(BASES if bases is None else bases):
        jobs.append(lambda base=base: around(base))
    found = []
    turns = Turns([lambda job=job: _keep(job, found) for job in jobs])
    turns.start()
    turns.wait((limit - time.time()) * 0.4)
    return sorted({os.path.normpath(path) for path in list(found)})


def _keep(job, found):
    """Adds the folders with repositories among those that ``job()`` names."""
    try:
        found.extend(path for path in job() if holds(path))
    except Exception:  # a place that cannot be searched holds nothing for us
        return


def _elsewhere(raw, where):
    """A relative path as seen from other folders near the working folder: where an earlier start may have put it."""
    if os.path.isabs(raw) or raw.startswith(("~", "$")):
        return []
    out = [os.path.join(where.home_dir, raw)]
    at = where.cwd
    for _ in range(2):
        at = os.path.dirname(at)
        out.append(os.path.join(at, raw))
        out.extend(os.path.join(folder, raw) for folder in _folders(at))
    return out


def _folders(base):
    """Folders in a folder, hidden ones left out."""
    try:
        with os.scandir(base) as entries:
            return [e.path for e in itertools.islice(entries, LISTED) if not e.name.startswith(".") and e.is_dir()]
    except OSError:
        return []


def around(base):
    """Places below a usual base folder where people put a cache."""
    out = [os.path.join(base, tail) for tail in TAILS]
    for folder in _folders(base):
        out.extend(os.path.join(folder, tail) for tail in ("", "hub", "huggingface/hub"))
    return out


def holds(folder):
    """Does the folder hold cached repositories? Looks at its first entries only."""
    try:
        with os.scandir(folder) as entries:
            return any(hubscan.repo_name(e.name) for e in itertools.islice(entries, 2 * LISTED))
    except OSError:
        return False


def ids(roots):
    """Ids of the models in all roots."""
    names = [hubscan.repo_name(folder) for root in roots for folder in list(root.folders)]
    return [name for kind, name in names if kind == "model"]


def records(roots, asked):
    """The fact hf.roots. A named root is on the wrong level when a neighbour holds what it does not."""
    held = {root.path: {hubscan.repo_name(f)[1] for f in list(root.folders)} for root in roots}
    out = []
    for root in roots:
        mine = held[root.path]
        if root.problem is None and _level(root, mine, held, asked):
            root.problem = "wrong-level"
        if root.by == "usual place" and not mine:
            continue
        out.append({
            "by": root.by, "path": root.path, "used": root.used, "exists": root.exists, "writable": root.writable,
            "absolute": os.path.isabs(root.raw), "repos": len(root.folders) if root.answered else None,
            "problem": root.problem if root.answered else "unreadable", "ignored": root.ignored,
        })
    return out


def _level(root, mine, held, asked):
    if "models--" in root.path:
        return True
    for path in root.neighbours:
        theirs = held.get(os.path.normpath(path), set())
        if (theirs and not mine) or (asked & theirs) - mine:
            return True
    return False


def repo_record(root, repo, asked, done):
    """A record of hf.repos; ``done``: what a full look has found out about completeness, by id."""
    row = hubscan.as_row(repo)
    del row["incomplete_bytes"]
    row.update(root=root.path, used=root.used, model_type=root.types.get(repo.id), asked=repo.id in asked)
    row["complete"] = done.get(repo.id, row["complete"])
    return row


def repo_problems(repo, asked):
    """hf.problems of a repository that was not asked for."""
    found = hubcheck.cheap(repo, repo.id in asked)
    return [dict(entry, repo=repo.id, asked=repo.id in asked) for entry in found]


