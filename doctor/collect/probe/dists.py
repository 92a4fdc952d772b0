"""Which distributions the programs of the target see, in import order."""
import json
import os

import interp
import metadata
import moved
import paths
import records
import requirements
import wire
from patterns import compiled

_KINDS = ((".dist-info", "dist-info"), (".egg-info", "egg-info"), (".egg-link", "egg-link"), (".egg", "egg"))
_USER = r"://[^/@\s]*@"
_MAPPING = r"""(?:'|")([\w.]+)(?:'|")\s*:\s*(?:'|")((?:/|[A-Za-z]:)[^'"\n]{1,4000})(?:'|")"""


class Listing(object):
    """``all`` metadata entries in import order; ``seen`` the one per name that wins; ``left`` leftovers."""

    def __init__(self, target, store):
        self.target, self.store = target, store
        self.order = interp.search_path(target)
        self.all, self.links, self.left = [], [], []
        self.seen = {}
        self._hooks = {}
        self.complete = bool(target.version)
        self.silent = {}  # folders that could not be listed, with why
        for folder, where in self.order:
            if where != "stdlib":
                self._read_folder(folder, where)

    def _read_folder(self, folder, where):
        try:
            names = paths.names(folder, self.target.own(folder))
        except (OSError, ValueError) as error:
            self.complete = False
            self.silent[folder] = wire.reason(error)
            return
        for entry in names:
            if entry[:1] in "~-" and where != "pth":
                self.left.append((entry, os.path.join(folder, entry)))
            elif entry.endswith((".dist-info", ".egg-info", ".egg-link", ".egg")):
                self._add(entry, folder, where)

    def _add(self, entry, folder, where):
        kind = next(name for ending, name in _KINDS if entry.endswith(ending))
        raw, version = metadata.split_folder(entry)
        if kind == "egg-info" and paths.is_file(os.path.join(folder, entry)):
            kind = "egg-file"
        dist = metadata.Dist(raw, version, entry, folder=folder, where=where, kind=kind, store=self.store)
        if kind == "egg-link":
            self.links.append(dist)
            return
        if dist.version is None or "_" in entry.partition("-")[2]:
            dist.version = dist.first("version") or dist.version
        self.all.append(dist)
        self.seen.setdefault(dist.name, dist)

    def hooks(self, folder):
        """Names of what installers leave in a folder to bring other folders in."""
        if folder not in self._hooks:
            self._hooks[folder] = [name for name in paths.quiet_names(folder, True) if name[:1] == "_"]
        return self._hooks[folder]

    def environment(self):
        """The variables of requirement markers here. Raises OSError where the Python version is not known."""
        if not self.target.version_text:
            raise OSError("the Python version of the environment is not known")
        return requirements.environment(self.target.version_text, self.target.implementation)

    def versions(self):
        return {name: dist.version for name, dist in self.seen.items() if dist.version}


def listing(ctx):
    """The one listing of this run."""
    if "_listing" not in ctx:
        ctx["_listing"] = Listing(target(ctx), store(ctx))
    return ctx["_listing"]


def store(ctx):
    """What earlier runs have kept about this environment."""
    if "_store" not in ctx:
        here = target(ctx)
        ctx["_store"] = records.Store(ctx.get("cache"), "%s %s" % (here.prefix, here.version_text))
    return ctx["_store"]


def target(ctx):
    """The one target of this run."""
    if "_target" not in ctx:
        ctx["_target"] = interp.Target(ctx)
    return ctx["_target"]


def read_versions(ctx):
    """dist.*, and which folders of the path did not answer."""
    have = listing(ctx)
    facts = {"dist." + name: version for name, version in have.versions().items()}
    if have.silent:
        facts["_silent"] = {"python.path.%s" % folder: why for folder, why in have.silent.items()}
    return facts


def check_complete(ctx):
    """Raises unless every folder of the path could be listed; only then is the family ``dist`` closed."""
    if not listing(ctx).complete:
        raise OSError("a folder of the import path could not be listed")
    return {}


def read_duplicates(ctx):
    groups = {}
    for dist in listing(ctx).all:
        groups.setdefault((dist.folder, dist.name), []).append(dist)
    found = []
    for (_, name), members in groups.items():
        versions = [member.version or "" for member in members]
        if len(members) > 1 and (len(set(versions)) > 1 or all(m.kind == "dist-info" for m in members)):
            found.append({"name": name, "versions": versions, "locations": [member.path() for member in members]})
    return {"python.duplicates": found}


def read_leftovers(ctx):
    have = listing(ctx)
    known = set(have.seen)
    records = []
    for entry, path in have.left:
        stem = entry
        if entry.endswith((".dist-info", ".egg-info")):
            stem = metadata.split_folder(entry)[0]
        records.append({"name": _renamed(stem, have, known), "path": path})
    return {"python.leftovers": records}


def _renamed(stem, have, known):
    """pip renames the first letters to ``~``: the module or distribution with that tail, else the name as it is."""
    tail = metadata.normalise(stem.lstrip("~-"))
    length = len(metadata.normalise(stem[1:])) + 1
    names = set(known)
    for folder in have.target.sites:
        entries = paths.quiet_names(folder, have.target.own(folder))
        names.update(metadata.normalise(name) for name in entries if name[:1] not in "~-")
    fitting = sorted(name for name in names if name.endswith(tail) and len(name) == length and tail)
    return fitting[0] if len(fitting) == 1 else stem


def unmet(ctx):
    """What ``pip check`` says, for every distribution that wins on the path; worked out once a run."""
    if "_unmet" not in ctx:
        have = listing(ctx)
        asked = [(dist.name, dist.version, dist.head().get("requires-dist", ())) for dist in have.seen.values()]
        marks = have.environment()
        ctx["_unmet"] = have.store.answer("unmet", (marks, asked), lambda: list(_unmet(asked, have.versions(), marks)))
    return {"python.unmet": ctx["_unmet"]}


def _unmet(asked, versions, marks):
    markers = requirements.Markers(marks)
    for name, version, lines in asked:
        for line in lines:
            problem = _problem(line, versions, markers)
            if problem:
                needs, spec, there = problem
                yield {"dist": name, "version": version, "needs": needs, "spec": spec, "found": there}


def _problem(line, versions, markers):
    """``(name, spec, version there or None)`` when the line is not met, ``None`` when it is or says nothing."""
    try:
        name, spec, marker = requirements.split(line)
        if not markers(marker):
            return None
        name = metadata.normalise(name)
        there = versions.get(name)
        if spec != "@":
            requirements.clauses(spec)  # a malformed line says nothing, whether the distribution is there or not
        if there is None:
            return name, "" if spec == "@" else spec, None
        if spec in ("", "@") or requirements.satisfies(there, spec):
            return None
        return name, spec, there
    except ValueError:
        return None  # a malformed line or version: pip check skips it with a warning


def read_requires(ctx):
    """Requires-Dist without the extras, and Requires-Python, of every distribution that has any."""
    lines, pythons = {}, {}
    for dist in listing(ctx).seen.values():
        wanted = dist.head().get("requires-dist")
        if wanted:
            lines[dist.name] = wanted
        python = dist.first("requires-python")
        if python:
            pythons[dist.name] = python
    return {"python.requires": lines, "python.needs_python": pythons}


def read_records(ctx):
    """Distributions with something to say: editable, from a link, of conda, from another folder."""
    have = listing(ctx)
    records = []
    for dist in have.seen.values():
        record = _record(dist, have)
        if record:
            records.append(_with_new_place(record, ctx))
    for link in have.links:
        project = (paths.text(link.path()) or "").split("\n")[0].strip()
        records.append(dict(_plain(link), editable=True, target_exists=bool(project) and paths.is_dir(project)))
    return {"dists": records}


def _with_new_place(record, ctx):
    """An editable install whose folder is gone, with the folder where its project lies now."""
    if not record.get("editable") or record.get("target_exists", True):
        return record
    old = _from_url(record["source"]) if record.get("source", "").startswith("file://") else ""
    there = moved.project(record["name"], old, ctx.get("cwd") or "", ctx["env"].get("HOME", ""))
    return dict(record, moved_to=there) if there else record


def _plain(dist):
    return {"name": dist.name, "version": dist.version, "location": dist.folder}


def _record(dist, have):
    own = paths.quiet_names(dist.path(), True) if dist.kind == "dist-info" else ()
    extra = {}
    if "INSTALLER" in own:
        installer = (paths.text(dist.path("INSTALLER"), 200) or "").strip().split(" ")[0].lower()
        if installer not in ("pip", "uv", ""):
            extra["installer"] = installer
        if installer == "conda":
            extra["conda"] = True
    if "direct_url.json" in own:
        extra.update(_direct(paths.text(dist.path("direct_url.json"))))
    finder = targets(dist, have)
    if finder:
        extra["editable"] = True
        extra["target_exists"] = extra.get("target_exists", True) and all(os.path.exists(path) for path in finder)
    if dist.where == "pth" and dist.kind == "egg-info":
        extra["editable"] = extra["target_exists"] = True
    return dict(_plain(dist), **extra) if extra or dist.where in ("PYTHONPATH", "user-site") else None


def _direct(text):
    """The source of a direct_url.json, user info removed; an editable one with whether its folder is there."""
    try:
        data = json.loads(text or "")
        url = str(data.get("url") or "")
        editable = bool((data.get("dir_info") or {}).get("editable"))
        vcs = data.get("vcs_info") or {}
        prefix = "%s+" % vcs["vcs"] if vcs.get("vcs") else ""
        commit = "@%s" % vcs["commit_id"] if vcs.get("commit_id") else ""
    except (ValueError, AttributeError, TypeError):
        return {}
    found = {"source": (prefix + compiled(_USER).sub("://", url) + commit)[:500]}
    if editable:
        found["editable"] = True
        if url.startswith("file://"):
            found["target_exists"] = paths.is_dir(_from_url(url))
    return found


def _from_url(url):
    from urllib.request import url2pathname  # only for the rare local reference

    return url2pathname(url[len("file://"):])


def targets(dist, have):
    """Paths that an editable install's ``.pth`` or finder file names, whether they are there or not."""
    stem = metadata.normalise(dist.raw).replace("-", "_")
    found = []
    if dist.where != "site":
        return found
    for name in have.hooks(dist.folder):
        if stem not in name.replace("-", "_").replace(".", "_").lower():
            continue
        if name.startswith("__editable__") and name.endswith(".py"):
            found += [path for _, path in compiled(_MAPPING).findall(paths.text(os.path.join(dist.folder, name)) or "")]
        elif name.endswith(".pth"):
            found += [os.path.join(dist.folder, line) for file, line in interp.pth_lines(dist.folder, have.target)
                      if file == name]
    return found
