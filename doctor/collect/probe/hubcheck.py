"""Damage in one cached repository, and the full judgement of the model asked for."""
import os
import re

import hubscan
import modeldir
import modelfacts
import shards
from modeldir import problem

HARMLESS = (".md", ".png", ".jpg", ".jpeg", ".gif", ".gitattributes", ".gitignore", ".mp4", "LICENSE", "NOTICE")
SPOILS = ("dangling-symlink", "truncated", "lfs-pointer", "html", "empty-file", "corrupt", "corrupt-json",
          "mixed-revisions", "permission", "shard-missing", "not-a-file")
LOCKS = 200  # lock files looked at


def cheap(repo, asked=False):
    """Problems that names, links and refs tell (no model file is opened). ``repo``: a hubscan.Repo."""
    out = []
    at = repo.path
    for name, size in repo.incomplete:
        out.append(problem("incomplete-download", os.path.join(at, "blobs", name), "%d bytes so far" % size))
    for path, target in repo.dangling:
        out.append(problem("dangling-symlink", os.path.join(at, path), "link to %s" % target if target else ""))
    for path, why in repo.errors:
        out.append(problem("permission", os.path.join(at, path), why))
    if not repo.snapshots and not (asked or repo.blobs):
        return out  # an empty shell, as ``hf download --local-dir`` leaves it
    if not repo.snapshots:
        out.append(problem("no-snapshot", at, "%d blobs" % repo.blobs))
    else:
        out.extend(_ref_problems(repo, asked))
    if repo.gaps:
        text = "%d or more not there: %s" % (len(repo.gaps), ", ".join(repo.gaps[:5]))
        out.append(problem("shard-missing", os.path.join(at, "snapshots"), text))
    return out


def _ref_problems(repo, asked):
    out = []
    for name, commit in sorted(repo.refs.items()):
        if commit not in repo.snapshots and (name == "main" or not repo.refs.get("main")):
            text = "names %s, there is %s" % (commit.strip()[:60] or "nothing", ", ".join(sorted(repo.snapshots)[:3]))
            out.append(problem("ref-broken", os.path.join(repo.path, "refs", name), text))
    if asked and "main" not in repo.refs:
        text = "there is no refs/main, there is snapshot %s" % ", ".join(sorted(repo.snapshots)[:3])
        out.append(problem("ref-broken", os.path.join(repo.path, "refs", "main"), text))
    if asked and len(repo.snapshots) > 1:
        out.append(problem("several-snapshots", os.path.join(repo.path, "snapshots"), "%d" % len(repo.snapshots)))
    return out


def stale_locks(root, folder):
    """Lock files of a repository that name a process which is gone (written where the disk cannot lock files)."""
    out = []
    base = os.path.join(root, ".locks", folder)
    try:
        names = sorted(os.listdir(base))[:LOCKS]
    except OSError:
        return out  # no locks
    for name in names:
        path = os.path.join(base, name)
        match = re.match(r"^(\d{1,9})\s", hubscan.read_ref(path) + "\n")
        if match and not os.path.exists("/proc/" + match.group(1)) and os.path.isdir("/proc/self"):
            out.append(problem("stale-lock", path, "process %s is gone" % match.group(1)))
    return out


def foreign(root, folder):
    """Folders of a repository that this user may not write though the cache as a whole is writable (made by sudo)."""
    if not os.access(root, os.W_OK):
        return []
    out = []
    repo = os.path.join(root, folder)
    for path in (repo, os.path.join(repo, "blobs"), os.path.join(repo, "snapshots"), os.path.join(repo, "refs"),
                 os.path.join(root, ".locks", folder)):
        if os.path.isdir(path) and not os.access(path, os.W_OK | os.X_OK):
            out.append(problem("permission", path, "not writable, owned by user %d" % os.stat(path).st_uid))
    return out


class Judged(object):
    """A model folder after a full look: facts, problems, config and whether a load has all that it needs.

    ``parts``: what of it is loaded, as modelfacts.parts() says.
    """

    def __init__(self, path, enough=None, models=True, parts=None):
        self.items = modeldir.walk(path)
        self.heads = {}
        self.problems = modeldir.file_problems(self.items, self.heads, enough=enough)
        self.problems.extend(modeldir.unfinished(path, self.items))
        self.config = modelfacts.read(self.items, "config.json")
        self.missing = modelfacts.needed(self.items, self.config, parts) if models else []
        self._shards(path)

    def _shards(self, path):
        loaded = shards.preferred(self.items)
        indexes = shards.read_indexes(self.items)
        self.shards_missing = shards.missing(self.items, indexes, loaded)
        for name in self.shards_missing:
            self.problems.append(problem("shard-missing", os.path.join(path, name), name))
        self.problems.extend(problem("file-missing", os.path.join(path, name), name) for name in self.missing)
        hidden = modelfacts.hidden_size(self.config)
        self.problems.extend(shards.mixed(self.items, indexes, self.heads, hidden))
        self.unused = {item.path for name, item in self.items.items() if not loaded(name)}

    def partial(self):
        """Was the time over before all files had been looked at?"""
        return any(p["kind"] == "not-checked" for p in self.problems)

    def whole(self):
        """Are all files that a load needs here and sound?"""
        if self.missing or self.shards_missing:
            return False
        return not any(p["kind"] in SPOILS and p["path"] not in self.unused and not p["path"].endswith(HARMLESS)
                       for p in self.problems)

    def facts(self):
        out = modelfacts.facts(self.items, self.config, self.heads)
        out["model.shards_missing"] = len(self.shards_missing)
        out["model.files_missing"] = self.missing
        return out
