"""The model asked for and those that it or the user's program refers to: the facts model.* and their damage."""
import os
import threading
import time

import hubcheck
import hublinks
import hubresolve
import hubscan
import modelcode
import modeldir
import modelfacts
from modeldir import problem
from wire import reason

NAMES = (
    "model.asked", "model.kind", "model.path", "model.cached", "model.revision", "model.type", "model.architectures",
    "model.dtype", "model.quant", "model.rope_type", "model.remote_code", "model.saved_with", "model.formats",
    "model.weight_bytes", "model.params", "model.shards_missing", "model.files_missing", "model.chat_template",
    "model.tokenizer", "model.tokenizer_merges", "model.tokenizer_class", "model.adapter_keys", "model.refs",
    "model.near", "model.links", "model.imports",
)
NOBODY = "left open: no model was named"
MORE = 30  # other models that are followed


class View(object):
    """Reads the model in a thread until ``limit``; what it has found by then can be asked for."""

    def __init__(self, asked, program, where, limit, served):
        self.asked = asked or None
        self.program = program  # gives the names of models that the user's program loads, and their classes
        self.served = served  # module -> is it there in the target? (None: not known)
        self.others, self.classes = [], {}
        self.cwd, self.root = where.cwd, where.absolute(where.hub_cache)
        self.limit = limit
        self.found, self.problems, self.refs, self.links = {}, [], [], []
        self.judged_ids = set()
        self.complete = {}  # id -> everything a load needs is there
        self.known = {self.asked} - {None}
        self.place = None
        self.near, self.planned = [], []
        self.linked, self.shadowed = set(), set()  # names that a script links; names that are local folders or files
        self.unread = {}
        self.error = None
        self.done = False
        self.thread = threading.Thread(target=self._run)
        self.thread.daemon = True

    def start(self):
        self.thread.start()

    def join(self):
        self.thread.join(max(0.0, self.limit - time.time()))

    def ids(self):
        return set(self.known)

    def _late(self):
        return time.time() > self.limit

    def _run(self):
        try:
            self._read_program()
            self.planned = hublinks.planned(self.cwd)
            named = self._main() if self.asked else []
            self._others(named)
            self.done = True
        except Exception as error:  # the other facts of the group must still be sent
            self.error = reason(error)

    def _read_program(self):
        """Without a model asked for, the first one that the program loads counts as asked for.

        A path that leads nowhere gives way to the program's own path to a folder of that name.
        """
        names, self.classes = self.program()
        self.others = [name for name in names if isinstance(name, str) and name]
        if self.asked is None and self.others:
            self.asked = self.others[0]
        elif self.others and self._nowhere():
            last = os.path.basename(self.asked.rstrip("/"))
            same = [name for name in self.others if os.path.basename(name.rstrip("/")) == last]
            self.known.clear()
            self.asked = same[0] if same else self.asked
        self.known.update(name for name in [self.asked, *self.others] if name)

    def _nowhere(self):
        """The name asked for is neither on this machine nor the id of a repository."""
        place = hubresolve.resolve(self.asked, self.cwd, self.root)
        return place.kind in ("invalid", "folder") and not place.found and not place.links

    def _resolve(self, name):
        """Where a model lies. A start script may make the link by which a snapshot without a ref is found."""
        place = hubresolve.resolve(name, self.cwd, self.root)
        if place.kind != "repo":
            self.shadowed.add(name)
        at = os.path.normpath(os.path.join(self.cwd, name))
        links = [link for link in self.planned if link["path"] == at]
        if place.kind == "repo" and place.path is not None and links:
            place.found = True
            self.linked.add(name)
        self.links.extend(place.links + [link for link in links if link["problem"]])
        return place

    def _main(self):
        """Judges the model; returns ``[(key, name)]`` of what its configuration refers to."""
        place = self.place = self._resolve(self.asked)
        if place.kind == "folder" and not os.path.lexists(os.path.join(self.cwd, self.asked)):
            self.near = hubresolve.near_path(os.path.join(self.cwd, self.asked))
        if place.kind == "file":
            return self._file(place)
        judged = self._judge(place)
        self.found.update({"model.kind": place.kind, "model.path": place.path, "model.revision": place.commit})
        self.found["model.cached"] = bool(place.found and judged and judged.whole())
        if judged is None:
            return []
        self.found.update(judged.facts())
        parts = modelfacts.parts(self.classes.get(place.name))
        self.found["model.imports"] = modelcode.imports(judged.items, self.served, parts)
        if judged.partial():
            for name in ("model.cached", "model.params"):
                del self.found[name]
                self.unread["?" + name] = "not all files could be looked at in time"
        return modelfacts.referenced(judged.items, judged.config)

    def _file(self, place):
        """A single weight file (GGUF, SAM's .pth): its own head is all that there is to see."""
        items = {os.path.basename(place.path): modeldir.look(place.path)}
        heads = {}
        found = modeldir.file_problems(items, heads)
        self._note(place.name, found)
        self.found.update({"model.kind": "file", "model.path": place.path, "model.revision": None})
        self.found.update({"model.cached": not found, "model.formats": modelfacts.formats(items)})
        self.found["model.weight_bytes"] = sum(item.size for item in items.values())
        if place.path.endswith(".json"):
            self.found["model.tokenizer_merges"] = modelfacts.merges(items[os.path.basename(place.path)])
        return []

    def _judge(self, place):
        """A full look at a folder or snapshot, with the problems noted; None when there is none to look at."""
        self._repo(place)
        if place.path is None or not os.path.isdir(place.path) or (place.kind == "folder" and not place.found):
            return None
        try:
            parts = modelfacts.parts(self.classes.get(place.name))
            judged = hubcheck.Judged(place.path, self._late, parts=parts)
        except OSError as error:
            self._note(place.name, [problem("permission", place.path, os.strerror(error.errno or 0))])
            return None
        if place.repo is not None:  # the folder's own list of lost shards is the better one
            self.problems = [e for e in self.problems if (e["repo"], e["kind"]) != (place.name, "shard-missing")]
            self.complete[place.name] = place.found and judged.whole()
        known = {(entry["kind"], os.path.basename(entry["path"])) for entry in self.problems}
        fresh = [e for e in judged.problems if (e["kind"], os.path.basename(e["path"])) not in known]
        self._note(place.name, fresh, judged.unused)
        return judged

    def _repo(self, place):
        if place.repo is None or place.name in self.judged_ids:
            return
        folder = os.path.basename(place.repo)
        self.judged_ids.add(place.name)
        repo = hubscan.scan_repo(self.root, folder, links=True)
        found = hubcheck.cheap(repo, asked=True) + hubcheck.stale_locks(self.root, folder)
        if place.name in self.linked:
            found = [entry for entry in found if entry["kind"] != "ref-broken"]
        self._note(place.name, found + hubcheck.foreign(self.root, folder))

    def _note(self, name, problems, unused=()):
        self.problems.extend(dict(entry, repo=name, asked=entry["path"] not in unused) for entry in problems)

    def _others(self, named):
        """The models that the configuration or the program names; a program's own path is followed as well."""
        seen = {self.asked}
        for key, name in (named + [("script", name) for name in self.others])[:MORE]:
            if name in seen or self._late():
                continue
            seen.add(name)
            self.known.add(name)
            self.refs.append(self._ref(key, name))

    def _ref(self, key, name):
        place = self._resolve(name)
        judged = self._judge(place)
        wrong = next((link["problem"] for link in place.links if link["problem"]), None)
        if wrong is None and not place.found:
            wrong = "missing"
        elif wrong is None and judged is not None and not judged.config:
            wrong = "not-a-model"
        kind = "repo" if place.kind == "repo" else "path"
        return {"id": name, "key": key, "kind": kind, "cached": bool(place.found and judged and judged.whole()),
                "problem": wrong}

    def facts(self, cached):
        """The facts; ``cached``: ids of the models in all roots. Of a model that nobody named nothing is known."""
        out = {"model.asked": self.asked}
        if not self.asked:
            out.update(dict.fromkeys(["?" + name for name in NAMES[1:]], self.error or NOBODY))
            out["model.links"] = self.links
        elif not self.done:
            out.update({"?" + name: self.error or "no answer in time" for name in NAMES if name not in self.found})
        else:
            out.update(dict.fromkeys(NAMES[1:]))
            out.update({"model.refs": self.refs, "model.links": self.links})
            out["model.near"] = self._near(cached)
        out.update(self.found)
        for name in self.unread:
            out.pop(name[1:], None)
        out.update(self.unread)
        return out

    def _near(self, cached):
        """What may have been meant by a repository or path that is not here."""
        if self.place is None or self.place.found:
            return []
        if self.place.kind == "repo":
            return hubresolve.near(self.asked, cached)
        name = os.path.basename(self.asked.rstrip("/")).lower()
        return self.near + sorted({other for other in cached if other.rpartition("/")[2].lower() == name})
