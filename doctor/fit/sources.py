"""Where a model's numbers come from: its files on this machine when there are any, else a shipped profile.

The files lie where the user says, so a child reads them; the heads of weight files only, never the weights.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from doctor.collect import child
from doctor.collect.probe import hubpaths
from doctor.errors import FitError, ProbeError
from doctor.fit import ggufmodel, profiles, stored, weights
from doctor.fit.count import describe
from doctor.fit.shapes import Model, Note

SECONDS = 20.0  # for the heads of all weight files
CAP = 256 << 20  # bytes of answer: tensor names of the largest models are some 30 MB


@dataclass(slots=True)
class Found:
    """What the child said about one name."""

    place: str = ""
    path: str | None = None
    there: bool = False
    config: Mapping[str, Any] | None = None
    pre: Mapping[str, Any] | None = None
    tensors: list[Any] = field(default_factory=list)
    gguf: list[ggufmodel.File] = field(default_factory=list)
    near: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model and what has to be said about how it was found."""

    model: Model
    quant: str | None = None  # what its name says about quantisation
    notes: tuple[Note, ...] = ()


def load(name: str) -> Loaded:
    """The model of this name, path or profile. Raises FitError, which lists what was looked for and near names."""
    found = look(name)
    if found.gguf and found.config is None:
        return _from_gguf(name, found)
    profile = profiles.find(name)
    if found.config is not None:
        return _from_files(name, found)
    if profile is None:
        raise FitError(_not_found(name, found))
    model = describe(profile.id, profile.config, None, f"profile {profile.id}: {profile.source}")
    notes = [Note("note.profile", {"name": profile.id, "hub": profile.hub})]
    notes += [Note("note.damage", {"what": what}) for what in found.problems[:3]]
    return Loaded(model, profile.quant, tuple(notes))


def _from_files(name: str, found: Found) -> Loaded:
    model = describe(name, found.config or {}, found.pre, f"config.json in {found.path}")
    notes = [Note("note.files", {"path": found.path or name})]
    if found.tensors and not found.problems:
        model = stored.apply(model, stored.contents(found.tensors))
        model = replace(model, source=f"config.json and weight headers in {found.path}")
    else:
        notes.append(Note("note.config", {}))
        if model.quantised is not None and model.quantised not in weights.formats():
            model = replace(model, unknown=(*model.unknown, f"weights in {model.quantised[:40]}"))
    notes += [Note("note.damage", {"what": what}) for what in found.problems[:3]]
    return Loaded(model, None, tuple(notes))


def _from_gguf(name: str, found: Found) -> Loaded:
    model = ggufmodel.model(found.gguf, f"GGUF metadata in {found.path}")
    notes = [Note("note.files", {"path": found.path or name})]
    notes += [Note("note.damage", {"what": what}) for what in found.problems[:3]]
    return Loaded(model, None, tuple(notes))


def _not_found(name: str, found: Found) -> str:
    where = {"folder": "no such folder", "invalid": "neither a repository id nor a path"}.get(found.place, "")
    words = [f"{name[:120]!r}: {where or 'not in the cache of this machine'}, and no shipped profile has this name"]
    if found.there:
        words = [f"{name[:120]!r}: {found.path} holds no config.json and no GGUF file that can be read"]
    words += found.problems[:3]
    near = list(dict.fromkeys([*profiles.near(name), *found.near]))
    if near:
        words.append("near names: " + ", ".join(near[:8]))
    return "; ".join(words) + "; `vlmdoctor fit --list` shows all profiles"


def look(name: str) -> Found:
    """Asks the child. Raises ProbeError when it could not answer, which a dead mount makes happen."""
    layout = hubpaths.Layout(os.environ, os.path.expanduser("~"), os.getcwd())  # noqa: PTH109, PTH111 - no path is touched
    script = str(Path(child.__file__).with_name("probe") / "fitmodel.py")
    runner = child.Runner(SECONDS)
    given = os.path.expanduser(name) if name.startswith("~") else name  # noqa: PTH111
    argv = (sys.executable, "-I", "-S", "-B", script, str(layout.absolute(layout.hub_cache)), ".", given)
    runner.add(child.Job("fit", argv, SECONDS, cap=CAP))
    answer = runner.run()["fit"]
    found = gather(answer.output.splitlines())
    if found is None:
        if profiles.find(name) is None:
            raise ProbeError("timeout" if "no answer" in answer.status else "garbled", f"{name[:120]}: {answer.status}")
        return Found(problems=[f"the cache could not be read: {answer.status}"])
    return found


def gather(lines: Iterable[bytes]) -> Found | None:
    """The child's lines as one object; None when the end mark is missing."""
    found, ended, file = Found(), False, ""
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(row, dict):
            continue
        ended = ended or "end" in row
        file = row.get("file", file)
        _take(found, row, file)
    return found if ended else None


def _take(found: Found, row: Mapping[str, Any], file: str) -> None:
    if "place" in row:
        found.place, found.path, found.there = row["place"], _shown(row["path"]), bool(row["found"])
    found.config = row.get("config", found.config)
    found.pre = row.get("pre", found.pre)
    found.tensors += row.get("tensors", ())
    found.near += row.get("near", ())
    if "problem" in row:
        found.problems.append(str(row["problem"]))
    if "gguf" in row:
        found.gguf.append(ggufmodel.File(file or found.path or "", row["gguf"], row["rows"]))


def _shown(path: str | None) -> str | None:
    """A path as reports show it: the home folder as ``~``."""
    home = os.path.expanduser("~")  # noqa: PTH111 - no path is touched
    return "~" + path[len(home) :] if path and len(home) > 1 and path.startswith(home + os.sep) else path
