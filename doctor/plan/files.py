"""Steps about files, made exact from what the snapshot tells. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from doctor.knowledge import owners
from doctor.model import FixStep, Snapshot
from doctor.model.names import normalise

# damage that the client takes for a sound file: it has to be fetched over what is there
_FORCED = ("lfs-pointer", "html", "truncated", "corrupt", "corrupt-json", "empty-file", "mixed-revisions")
_NAMED = (*_FORCED, "shard-missing", "file-missing", "dangling-symlink")
_RECORD = re.compile(r"-(\d[\w.!+]*)\.dist-info$")
_SNAPSHOT = re.compile(r".*/snapshots/[^/]+/(.+)")


def exact(step: FixStep, snapshot: Snapshot) -> FixStep | None:
    """A download with its repository, its folder and the files to fetch; other steps as they are; None: not needed.

    ``bound`` of the result: ``folder`` (of a local copy), ``files`` (one a line), ``guess`` (the owner is a guess);
    of a variable ``copied``: the folder whose content its new value must have before it is set.
    """
    if step.kind == "reinstall":
        return _same_again(step, snapshot)
    if step.kind == "set_env" and step.target == "HF_HOME":
        return _with(step, copied=_moved_cache(step.to, snapshot))
    if step.kind != "download":
        return step
    beside, names = _beside(step.target, snapshot)
    if beside:
        return _with(step, folder=beside, files=names)
    files = "\n".join(dict.fromkeys(_files(step.target, snapshot)))
    if not local(step.target):
        return _with(step, files=files)
    repo = owners.repository(posixpath.basename(step.target.rstrip("/")))
    if repo is None:
        name = posixpath.basename(step.target.rstrip("/"))
        call = f"hf download OWNER/{name} --local-dir {step.target}"
        return FixStep("advise", call, "", "manual", step.way, step.because)
    bound = {"folder": step.target, "files": files, "guess": "yes"}
    return FixStep("download", repo, step.to, step.safety, step.way, step.because, bound)


def _beside(repo: str, snapshot: Snapshot) -> tuple[str, str]:
    """``(folder, damaged files)`` of a folder beside the program that bears the repository's name and goes first."""
    rows = [row for row in snapshot.get("hf.problems", []) if row.get("repo") == repo and row.get("asked")]
    paths = [str(row.get("path") or "") for row in rows if row.get("kind") in _NAMED]
    split = [path.partition(f"/{repo}/") for path in paths if not local(repo) and not _SNAPSHOT.fullmatch(path)]
    names = {head: [name for other, _, name in split if other == head and name] for head, mark, _ in split if mark}
    return next(((f"{head}/{repo}", "\n".join(found)) for head, found in names.items()), ("", ""))


def _moved_cache(home: str, snapshot: Snapshot) -> str:
    """The present HF_HOME when complete models are in it and the new one is no cache yet; "" when nothing is lost."""
    now, hub = snapshot.get("hf.home"), snapshot.get("hf.hub_cache")
    if not now or hub != f"{now}/hub" or not snapshot.get("hf.cached_models") or home == now:
        return ""
    roots = [row for row in snapshot.get("hf.roots", []) if str(row.get("path") or "").startswith(home)]
    return "" if any(row.get("repos") for row in roots) else str(now)


def _same_again(step: FixStep, snapshot: Snapshot) -> FixStep | None:
    """A reinstall at the version that is (or was) there; over the old files where pip does not know which they are."""
    name = normalise(step.target)
    if not name[:1].isalnum():  # the first letter of a half-removed one is lost, and no metadata tells it
        return None
    there, left = snapshot.get("dist." + name), _half_removed(name, snapshot)
    if there and left:  # the upgrade was made good later; only its remains are lying about
        return None
    there = there or left
    to = step.to or (f"=={there}" if there else "")
    over = {"over": "yes"} if _no_record(name, snapshot) else {}
    return FixStep("reinstall", step.target, to, step.safety, step.way, step.because, over)


def _half_removed(name: str, snapshot: Snapshot) -> str | None:
    """The version whose record an interrupted pip has put aside (``~umpy-1.26.4.dist-info``)."""
    rows = [row for row in snapshot.get("python.leftovers", []) if normalise(str(row.get("name") or "")) == name]
    found = (_RECORD.search(str(row.get("path") or "")) for row in rows)
    return next((match[1] for match in found if match), None)


def local(target: str) -> bool:
    """True for a folder, False for a repository id."""
    return target.startswith(("/", "~", "./", "../")) or target.count("/") > 1 or "\\" in target


def _with(step: FixStep, **bound: str) -> FixStep:
    more = {**step.bound, **{name: value for name, value in bound.items() if value}}
    return FixStep(step.kind, step.target, step.to, step.safety, step.way, step.because, more)


def _files(repo: str, snapshot: Snapshot) -> Iterator[str]:
    """Names inside the repository of the damaged files; nothing where the damage does not name them all."""
    rows = [row for row in snapshot.get("hf.problems", []) if row.get("repo") == repo and row.get("asked")]
    here = local(repo)
    for row in rows:
        if row.get("kind") not in (_NAMED if here else _FORCED):
            continue
        path = str(row.get("path") or "")
        found = _SNAPSHOT.fullmatch(path)
        if here and path.startswith(repo.rstrip("/") + "/"):
            yield path[len(repo.rstrip("/")) + 1 :]
        elif found:
            yield found[1]


def _no_record(name: str, snapshot: Snapshot) -> bool:
    """True when pip cannot remove what is there, because it does not know which files it owns."""
    rows = [row for row in snapshot.get("python.corrupt", []) if normalise(str(row.get("name") or "")) == name]
    return any(str(row.get("problem")).startswith(("record", "metadata")) for row in rows)
