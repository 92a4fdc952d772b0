"""What ``--keep`` names: distributions, by a word, a requirement or a file of such lines (``pip freeze``). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from doctor.knowledge import versions
from doctor.model import Snapshot
from doctor.model.names import normalise
from doctor.model.patterns import compiled

_NAME = r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:\[[^\]]*\])?\s*(.*)"
_EGG = r"#.*\begg=([A-Za-z0-9._-]+)"


@dataclass(frozen=True, slots=True)
class Kept:
    """``names`` that must stay; ``unknown`` are not installed; ``other`` are installed at another version."""

    names: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    other: tuple[tuple[str, str, str], ...] = ()  # name, installed, as named


def read(lines: Iterable[str], snapshot: Snapshot) -> Kept:
    """Lines of requirements; options, addresses without a name and comments say nothing about a distribution."""
    installed = snapshot.dists()
    asked = dict(_asked(lines))
    known = any(name.startswith("dist.") for name in snapshot.facts)
    unknown = tuple(name for name in asked if known and name not in installed)
    other = tuple(
        (name, installed[name], spec)
        for name, spec in asked.items()
        if name in installed and spec and versions.accepts(spec, installed[name]) is False
    )
    return Kept(frozenset(asked), unknown, other)


def _asked(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in _joined(lines):
        egg = compiled(_EGG).search(line)
        if egg:
            yield normalise(egg[1]), ""
            continue
        text = compiled(r"(?:^|\s)#.*").sub("", line).partition(";")[0].strip()
        found = compiled(_NAME).fullmatch(text.partition(" --")[0].strip())
        if found and not found[2].startswith(":"):
            spec = found[2].strip()
            yield normalise(found[1]), "" if spec.startswith("@") else spec


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """A backslash at the end goes on in the next line."""
    held = ""
    for line in lines:
        held += line.strip()
        if held.endswith("\\"):
            held = held[:-1] + " "
            continue
        yield held
        held = ""
    if held:
        yield held
