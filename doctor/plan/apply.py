"""Does a plan, one journaled step after the other. What a step may touch is put by before it runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from doctor.engine.evaluate import HOLE, fill
from doctor.errors import ApplyError
from doctor.model import FixStep, Snapshot
from doctor.model.patterns import compiled
from doctor.model.plan import Install, Plan
from doctor.model.undoable import arguments
from doctor.plan import startup
from doctor.plan.copied import copy_checked
from doctor.plan.journal import Journal, newest
from doctor.plan.order import arranged, changes_shell
from doctor.plan.refuse import refusal
from doctor.plan.running import endings_interrupt, run, uninterrupted, words
from doctor.plan.script import install
from doctor.plan.shell import FOLDERS, NAME, Target, command, is_condas
from doctor.plan.undo import forget, sweep, undo

DATA = ("share", "etc", "include", ".lock")  # of an environment: where wheels put what is not code; uv's own mark
CLIENT = ("token", "stored_tokens", ".check_for_update_done", ".check_for_skill_update_done")  # of hf, in HF_HOME
ASIDE = "vlmdoctor-aside"
SAID = 1 << 20  # bytes of a failed command that are looked at
_FRAMES = r"(?m)^Traceback \(most recent call last\):\r?\n(?:[ \t].*\n?|\r?\n)*"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Act:
    """One command, or something done by ourselves, and what it may touch.

    ``written``: trees among ``touches`` that are written into, not only replaced.
    """

    title: str
    text: str = ""
    touches: tuple[Path, ...] = ()
    written: tuple[Path, ...] = ()
    own: Callable[[Journal], None] | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the plan is applied: the environment's own folders and the shell's start-up file."""

    prefix: str
    trees: tuple[Path, ...]
    startup: Path | None
    shell: str
    cache: Path | None
    client: tuple[Path, ...] = ()  # small state of the hub's client: tokens, copies of model code

    @classmethod
    def of(cls, snapshot: Snapshot, environ: Mapping[str, str]) -> Place:
        """Read off the snapshot and the user's variables."""
        home = Path(environ.get("HOME") or Path.home())
        prefix = str(snapshot.get("python.venv_folder") or snapshot.get("python.prefix", ""))  # as undo will read it
        sites = [_real(path, home) for path in snapshot.get("python.site", [])]
        shell = startup.shell_of(environ.get("SHELL", ""))
        there = startup.file_of(shell, home)
        bins = _real(prefix, home) / ("Scripts" if os.name == "nt" else "bin")
        hub = snapshot.get("hf.hub_cache")
        data = [_real(prefix, home) / name for name in DATA] if prefix else []
        trees = (*(site for site in sites if site.is_dir()), *([bins] if bins.is_dir() else []), *data)
        modules, hf = snapshot.get("hf.modules_cache"), snapshot.get("hf.home")
        client = [_real(hf, home) / name for name in CLIENT] if hf else []
        client += [_real(modules, home)] if modules else []
        cache = _real(hub, home) if hub else None
        return cls(prefix, trees, Path(there) if there else None, shell, cache, tuple(client))

    def whole(self) -> Place:
        """The same with all of the environment put by, which conda changes. Raises ApplyError where it is not known."""
        if not self.prefix:
            raise ApplyError("conda", "the environment's folder is not known")
        return replace(self, trees=(_real(self.prefix, Path.home()),))


def _real(path: str, home: Path) -> Path:
    return home / path[2:] if path.startswith("~/") else home if path == "~" else Path(path)


def apply(plan: Plan, snapshot: Snapshot, target: Target, allow: bool, say: Say) -> Journal:
    """Everything that a program can do. Raises ApplyError after the machine was brought back to its old state."""
    refused = refusal(plan, snapshot, target)
    if refused:
        raise ApplyError("install", f"{refused.why} {refused.name}".strip())
    place = Place.of(snapshot, os.environ)
    older = _older(place.prefix)
    journal = Journal.begin(f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}", {"prefix": place.prefix})
    try:
        with endings_interrupt():
            for act in copies(plan):
                _do(act, journal, target, say)
            _variables(plan, place, journal, say)
            for act in acts(plan, target, place, allow):
                _do(act, journal, target, say)
            journal.note({"op": "done"})
    except BaseException as error:
        with uninterrupted():
            undo(journal)
        if not isinstance(error, (ApplyError, OSError)):
            raise
        step = error.step if isinstance(error, ApplyError) else "file"
        raise ApplyError(step, str(error), undone=True) from None
    if older is not None:
        forget(older)
    return journal


def _older(prefix: str) -> Journal | None:
    """The finished plan that can be undone until this one is done; an unfinished one must be undone first."""
    sweep()
    older = newest(prefix)
    if older is not None and not any(line.get("op") == "done" for line in older.lines()):
        raise ApplyError("journal", "an earlier fix was cut off; run `vlmdoctor fix --undo` first")
    return older


def _variables(plan: Plan, place: Place, journal: Journal, say: Say) -> None:
    """Into the managed block, and into our own process for the steps that follow."""
    wanted = variables(plan)
    if not wanted:
        return
    if place.startup is not None:
        say(f"{place.startup}: {', '.join(wanted)}")
        real = Path(os.path.realpath(place.startup))
        old = real.read_text(encoding="utf-8", errors="surrogateescape") if real.exists() else ""
        journal.put_by(real)
        journal.put_by(_beside(real))
        _replace(real, startup.merged(old, wanted, place.shell))
    for name, value in wanted.items():
        os.environ.pop(name, None)
        if value is not None and name in FOLDERS:
            journal.folders(_real(value, Path.home()))
            _real(value, Path.home()).mkdir(parents=True, exist_ok=True)
        if value is not None:
            os.environ[name] = str(_real(value, Path.home()))


def copies(plan: Plan) -> Iterator[Act]:
    """What has to lie in a variable's new folder before the variable is set."""
    for step in plan.steps:
        old = step.bound.get("copied") if step.kind == "set_env" else None
        if old:
            act = partial(_copy, _real(old, Path.home()), _real(step.to, Path.home()))
            yield Act(f"{old} -> {step.to}", own=act)


def _copy(old: Path, new: Path, journal: Journal) -> None:
    journal.put_by(new)
    journal.note({"op": "step", "what": f"copy {old}"})
    copy_checked(old, new)


def variables(plan: Plan) -> dict[str, str | None]:
    """What the plan sets (a value) and takes away (None)."""
    kinds = ("set_env", "unset_env")
    steps = [step for step in plan.steps if step.kind in kinds and compiled(NAME).fullmatch(step.target)]
    return {step.target: step.to if step.kind == "set_env" else None for step in steps}


def _beside(path: Path) -> Path:
    """Where a new file or link is made, so that it takes the old one's place at once."""
    return path.with_name(f".{path.name}.vlmdoctor")


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = _beside(path)
    with fresh.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        fresh.chmod(path.stat().st_mode & 0o7777)
    fresh.replace(path)


def acts(plan: Plan, target: Target, place: Place, allow: bool) -> Iterator[Act]:
    """The plan's steps as commands, in the order of the script."""
    for each in arranged(plan):
        if isinstance(each, Install):
            touched = (place.whole() if each.by == "conda" else place).trees
            yield Act(", ".join(each.requirements), "\n".join(install(each, target)), touched)
        elif not changes_shell(each) and (allow or each.safety != "destructive") and (text := command(each, target)):
            yield _act(each, text, place.whole() if is_condas(each, target) else place)


def _act(step: FixStep, text: str, place: Place) -> Act:
    title = f"{step.kind} {step.target}" if step.kind != "run" else text
    home = Path.home()
    if step.kind == "move":
        return Act(title, own=partial(_move, _real(step.target, home), _real(step.to, home)))
    if step.kind == "link":
        return Act(title, own=partial(_link, _real(step.target, home), _real(step.to, home)))
    if step.kind == "download":
        folders = _fetched(step, place, home)
        return Act(title, text, folders, written=folders)
    if step.kind == "run":
        named = _named(step, place, home)
        return Act(title, text, (*named, *_usual(text, place)), written=named)
    if step.kind == "delete":
        return Act(title, text, (_real(step.target, home),))
    return Act(title, text, place.trees)


def _named(step: FixStep, place: Place, home: Path) -> tuple[Path, ...]:
    """What the command of a rule names; a whole cache and the program itself are only read."""
    words = arguments(step.target)
    told = [value for word in words for name, _ in HOLE.findall(word) if (value := step.bound.get(name))]
    told += [word for each in words if (word := fill(each, dict(step.bound)))]
    bound = set(step.bound.values())  # of these a relative one may name something in the working folder
    here = [text for text in told if text.startswith(("/", "~/")) or (text in bound and os.path.lexists(text))]
    found = dict.fromkeys(Path.cwd() / _real(value, home) for value in here)
    return tuple(path for path in found if path != place.cache)


def _usual(text: str, place: Place) -> tuple[Path, ...]:
    """What a rule's command may change without naming it."""
    if not ("python" in text and place.prefix):
        return place.client
    return (*place.client, *place.trees, Path(place.prefix) / ASIDE)


def _fetched(step: FixStep, place: Place, home: Path) -> tuple[Path, ...]:
    folder = step.bound.get("folder")
    if folder:
        return (_real(folder, home),)
    if place.cache is None:
        return ()
    name = "models--" + step.target.replace("/", "--")
    return (place.cache / name, place.cache / ".locks" / name, place.cache / "CACHEDIR.TAG")


def _do(act: Act, journal: Journal, target: Target, say: Say) -> None:
    say(act.title)
    if act.own is not None:
        act.own(journal)
        return
    for path in act.touches:
        journal.put_by(path, path in act.written)
    journal.note({"op": "step", "what": act.title[:300]})
    line = words(target.shell, act.text)
    status, output = run(line, lambda group, mark: journal.note({"op": "child", "group": group, "birth": mark}))
    if status:
        raise ApplyError(act.title, _said(output))


def _said(output: bytes) -> str:
    """The end of what a failed command printed, without the frames of its own tracebacks."""
    text = output[-SAID:].decode("utf-8", "replace")
    return compiled(_FRAMES).sub("", text)[-2000:].strip()


def _link(link: Path, to: Path, journal: Journal) -> None:
    if link.is_dir() and not link.is_symlink():
        raise ApplyError(f"link {link}", "a folder is there")
    for path in (link, _beside(link)):
        journal.put_by(path)
    link.parent.mkdir(parents=True, exist_ok=True)
    _beside(link).symlink_to(to)
    _beside(link).replace(link)


def _move(source: Path, target: Path, journal: Journal) -> None:
    if not os.path.lexists(source):
        return
    if os.path.lexists(target):
        raise ApplyError(f"move {source}", f"{target} is there already")
    journal.moving(source, target)
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
