"""Bring the table of releases up to date from an index's file lists and metadata. Only data goes in and out."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.parser import HeaderParser
from pathlib import Path
from typing import Any, Protocol

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from doctor.errors import KnowledgeError
from doctor.knowledge import ranges, versions
from doctor.model.names import normalise

Row = dict[str, Any]

_SOURCE = "file list of the package index; Requires-Dist of one wheel a release, PKG-INFO where only an sdist exists"
_ARCH = re.compile(r"^(?:many)?linux(?:\d+)?(?:_\d+_\d+)?_(\w+)$")
_MAC = re.compile(r"^macosx_\d+_\d+_(arm64|x86_64|universal2)$")


class FileLike(Protocol):
    """What is asked of a listed file."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def python(self) -> str | None: ...  # noqa: D102
    @property
    def yanked(self) -> str | None: ...  # noqa: D102


@dataclass
class Release:
    """The files of one release."""

    version: Version
    wheels: list[Any] = field(default_factory=list)
    sdists: list[Any] = field(default_factory=list)

    @property
    def files(self) -> list[Any]:
        """Wheels first."""
        return [*self.wheels, *self.sdists]


@dataclass(frozen=True, slots=True)
class Change:
    """What a refresh did to one package."""

    name: str
    added: tuple[str, ...]
    yanked: tuple[str, ...]
    lost: tuple[str, ...]


def releases(files: Iterable[FileLike]) -> dict[Version, Release]:
    """Files grouped by release; files of other kinds and odd names are left out."""
    found: dict[Version, Release] = {}
    for file in files:
        version, wheel = _version_of(file.name)
        if version is None or version.local:
            continue
        release = found.setdefault(version, Release(version))
        (release.wheels if wheel else release.sdists).append(file)
    return found


def _version_of(name: str) -> tuple[Version | None, bool]:
    try:
        if name.endswith(".whl"):
            return parse_wheel_filename(name)[1], True
        return parse_sdist_filename(name)[1], False
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None, False


def tags(wheels: Iterable[FileLike]) -> dict[str, str]:
    """Platform word -> Python tags, as the table writes them (``cp38+`` for a stable-ABI wheel)."""
    found: dict[str, set[str]] = {}
    for file in wheels:
        for tag in parse_wheel_filename(file.name)[3]:
            where, python = _platform(tag.platform), _python(tag.interpreter, tag.abi)
            if where and python:
                found.setdefault(where, set()).add(python)
    return {where: " ".join(sorted(each, key=_tag_order)) for where, each in sorted(found.items())}


def _platform(platform: str) -> str | None:
    if platform in ("any", "win_amd64", "win_arm64"):
        return platform
    mac, linux = _MAC.match(platform), _ARCH.match(platform)
    if mac:
        return f"macos_{mac[1]}"
    return f"linux_{linux[1]}" if linux and linux[1] in ("x86_64", "aarch64") else None


def _python(interpreter: str, abi: str) -> str | None:
    if interpreter.startswith("py3"):
        return interpreter
    if not interpreter.startswith("cp3"):
        return None
    if abi == "abi3":
        return interpreter + "+"
    return interpreter + "t" if abi.endswith("t") else interpreter


def _tag_order(tag: str) -> tuple[str, int, str]:
    return re.sub(r"[\d+t]+$", "", tag), int(re.sub(r"\D", "", tag[3:]) or 0), tag


def choose(wheels: list[Any]) -> Any:
    """The wheel whose metadata speaks for the release: a Linux x86_64 one of a middle Python where there is one."""
    return max(
        wheels, key=lambda file: ("linux" in file.name and "x86_64" in file.name, "cp311" in file.name, file.name)
    )


def lines(metadata: str) -> list[str]:
    """Requires-Dist of a METADATA text without what only extras ask for, in the table's spelling."""
    found = HeaderParser().parsestr(metadata).get_all("Requires-Dist") or []
    read = [ranges.read(str(line)) for line in found]
    kept = {_spelled(each) for each in read if each is not None and "extra" not in str(each.marker or "")}
    return sorted(kept)


def _spelled(requirement: Any) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f"; {requirement.marker}" if requirement.marker else ""
    return f"{normalise(requirement.name)}{extras}{requirement.specifier}{marker}"


def package(
    name: str,
    row: Row,
    files: Iterable[FileLike],
    metadata: Callable[[Any], str],
    keep: frozenset[str],
    again: bool = False,
) -> tuple[Row, Change]:
    """The package's new row and what changed.

    Requirements of a published release never change, so only new releases are asked for ``metadata``, unless
    ``again``. For a package that is not complete, requirements of ``keep`` and of names listed before are taken.
    """
    old = {Version(text): run for run in row["runs"] for text in run["v"].split()}
    spelled = {Version(text): text for run in row["runs"] for text in run["v"].split()}
    listed = releases(files)
    new = sorted(v for v in listed if v not in old and v > min(old) and not v.is_prerelease)
    wanted = None if row["complete"] else keep | _named(row)
    runs: dict[Version, Row] = {v: _fresh(listed[v], old[v]) for v in old if v in listed}
    for v in [*new, *(runs if again else ())]:
        runs[v] = {**_fresh(listed[v], old.get(v, {})), **_asked(listed[v], metadata, wanted)}
    lost = tuple(spelled[v] for v in sorted(set(old) - set(listed)))
    yanked = tuple(spelled[v] for v in sorted(runs) if v in old and runs[v].get("yanked") and not old[v].get("yanked"))
    names = {v: spelled.get(v, str(v)) for v in runs}
    source = _SOURCE if again else row["source"]
    return {**row, "source": source, "runs": _joined(runs, names)}, Change(name, tuple(map(str, new)), yanked, lost)


def _named(row: Row) -> frozenset[str]:
    found = [ranges.read(line) for run in row["runs"] for line in run.get("req") or ()]
    return frozenset(normalise(each.name) for each in found if each is not None)


def _fresh(release: Release, old: Row) -> Row:
    """The parts that the file list tells; the requirements stay as they were."""
    reasons = [file.yanked for file in release.files]
    found: Row = {key: old[key] for key in ("req", "note") if key in old}
    python = next((file.python for file in release.files if file.python), None)
    facts = {"py": python, "tags": tags(release.wheels), "sdist": not release.wheels}
    found.update({key: value for key, value in facts.items() if value})
    if all(reason is not None for reason in reasons):
        found["yanked"] = True
        why = next((reason for reason in reasons if reason), None)
        found |= {"why": why} if why else {}
    return found


def _asked(release: Release, metadata: Callable[[Any], str], wanted: frozenset[str] | None) -> Row:
    """Requirements of a new release; none are known where only a source archive is offered."""
    if not release.wheels:
        return {}
    found = lines(metadata(choose(release.wheels)))
    if wanted is None:
        return {"req": found}
    read = [(line, ranges.read(line)) for line in found]
    return {"req": [line for line, each in read if each is not None and normalise(each.name) in wanted]}


def _joined(runs: Mapping[Version, Row], names: Mapping[Version, str]) -> list[Row]:
    """Consecutive releases with equal rows become one run."""
    found: list[tuple[list[str], Row]] = []
    for version in sorted(runs):
        if found and found[-1][1] == runs[version]:
            found[-1][0].append(names[version])
        else:
            found.append(([names[version]], runs[version]))
    return [{"v": " ".join(listed), **row} for listed, row in found]


def refuse_losses(changes: Iterable[Change]) -> None:
    """Raises KnowledgeError when a release of the old table is gone: a broken mirror must not thin out the facts."""
    lost = [f"{change.name} {', '.join(change.lost)}" for change in changes if change.lost]
    if lost:
        raise KnowledgeError("releases", f"the index no longer lists {'; '.join(lost)}; nothing was written")


def render(table: Mapping[str, Any], depth: int) -> str:
    """The table as text: keys sorted, ``depth`` levels below ``rows`` opened one item a line."""
    head = {key: value for key, value in table.items() if key != "rows"}
    opened = "".join(f"{_json(key)}:{_json(head[key])},\n" for key in sorted(head))
    return "{\n" + opened + '"rows":' + _lines(table["rows"], depth) + "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _lines(value: Any, depth: int) -> str:
    if depth == 0 or not value or not isinstance(value, dict | list):
        return _json(value)
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f"{_json(key)}:{_lines(value[key], depth - 1)}" for key in sorted(value)) + "\n}"
    return "[\n" + ",\n".join(_lines(each, depth - 1) for each in value) + "\n]"


def save(path: Path, text: str) -> None:
    """Replace a file in one step. Raises KnowledgeError when the folder cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise KnowledgeError(path.stem, f"cannot be written: {error.strerror}") from error


def names(asked: Iterable[str]) -> list[str]:
    """The catalogued packages to refresh. Raises KnowledgeError for a name that is not catalogued."""
    wanted = [normalise(name) for name in asked]
    unknown = [name for name in wanted if name not in versions.packages()]
    if unknown:
        raise KnowledgeError("releases", f"not catalogued: {', '.join(unknown)}")
    return wanted or sorted(versions.packages())
