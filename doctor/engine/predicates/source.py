"""Predicates about the program the user wants to run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from doctor.engine.scope import Scope
from doctor.knowledge import versions
from doctor.model.patterns import compiled
from doctor.model.rule import Clause

Record = Mapping[str, Any]

_LOADERS = frozenset(("from_pretrained", "from_quantized", "load_pretrained_model", "pipeline", "LLM", "Llama"))
_LIGHT = ("Tokenizer", "TokenizerFast", "Processor", "Config", "FeatureExtractor")
# Files of which a project has one each; requirements_cu118.txt and its like are alternatives and may differ.
_MAIN_FILES = frozenset(
    ("requirements.txt", "pyproject.toml", "setup.py", "setup.cfg", "environment.yml", "Dockerfile")
)
_PINNED = r"^\s*={2,3}\s*([^\s,*]+)\s*$"
_DOWNLOAD = r"(?:^|[\s;&|])(?:hf|huggingface-cli)\s+download\b|\bsnapshot_download\b"
_OFFLINE = r"(?i)^\s*export\s+(?:HF_HUB|TRANSFORMERS)_OFFLINE=[\"']?(?:1|on|yes|true)\b"
_SMELLS = (
    r"\bsudo\s+(?:-\w+\s+)*(?:pip[\d.]*|python[\d.]*\s+-m\s+pip)\s+install\b",
    r"\bls\b[^|]{0,200}\bsnapshots\b[^|]{0,80}\|\s*(?:head|tail)\b",
)
_RM_VARIABLE = r"\brm\s+-\w*r\w*\s+[\"']?\$\{?\w+\}?[\"']?/(?:\*|[\"']?\s*$)"
_SET_U = r"\bset\s+(?:-\w*u|-o\s+nounset)"


def _records(scope: Scope, name: str) -> list[Record] | None:
    """The records of a fact; None (and noted as missing) where no program is known."""
    known, records = scope.snapshot.look(name)
    if not known:
        scope.miss(name)
        return None
    return list(records or ())


def _bind(scope: Scope, record: Record, **more: str) -> bool:
    """Name the place for the rule's texts and as evidence; always true."""
    place = f"{record.get('file', '')}:{record.get('line', '')}"
    scope.see("source", place)
    for key, value in {"file": record.get("file", ""), "line": record.get("line", ""), **more}.items():
        scope.bind(f"at.{key}", value)
    return True


def model_loaded_by_import(scope: Scope, clause: Clause) -> bool | None:
    """A file that another file of the program imports loads weights at its top level. Binds at."""
    calls, imports = _records(scope, "src.calls"), _records(scope, "src.imports")
    if calls is None or imports is None:
        return None
    for call in calls:
        if call.get("scope") == "module" and call.get("model") and _loads_weights(call) and _imported(call, imports):
            return _bind(scope, call)
    return False


def _loads_weights(call: Record) -> bool:
    owner = str(call.get("name", "")).split(".")[-2:-1]
    return call.get("method") in _LOADERS and not any(part.endswith(_LIGHT) for part in owner)


def _imported(call: Record, imports: list[Record]) -> bool:
    stem = os.path.splitext(_name(call))[0]
    return any(
        one.get("where") == "local"
        and one.get("file") != call.get("file")
        and stem in {str(one.get("module", "")).rpartition(".")[2], one.get("name")}
        for one in imports
    )


def hard_coded_repo_absent(scope: Scope, clause: Clause) -> bool | None:
    """A repository id in the program (no option's default) is not in the cache in effect. Binds at, with id."""
    named, cached = _records(scope, "src.repos"), _records(scope, "hf.repos")
    if named is None or cached is None:
        return None
    here = {str(repo.get("id", "")).lower() for repo in cached if repo.get("used", True)}
    for one in named:
        fixed = (
            one.get("kind") == "repo" and one.get("entry", True) and not one.get("default") and not one.get("cached")
        )
        if fixed and str(one.get("id", "")).lower() not in here:
            return _bind(scope, one, id=str(one["id"]))
    return False


def requirements_disagree(scope: Scope, clause: Clause) -> bool | None:
    """Two main files of one folder pin different releases of a package. Binds at, with name, spec, other."""
    lines = _records(scope, "src.requirements")
    if lines is None:
        return None
    seen: dict[tuple[str, str], tuple[Record, str]] = {}
    for line, version in _pins(lines):
        key = (os.path.dirname(str(line["file"])), str(line.get("name")))
        first, pinned = seen.setdefault(key, (line, version))
        if first.get("file") != line.get("file") and versions.compare(pinned, version):
            spec, other = f"{version} ({_name(line)})", f"{pinned} ({_name(first)})"
            return _bind(scope, line, name=key[1], spec=spec, other=other)
    return False


def _name(record: Record) -> str:
    return os.path.basename(str(record.get("file", "")))


def _pins(lines: list[Record]) -> Iterator[tuple[Record, str]]:
    for line in lines:
        found = compiled(_PINNED).match(str(line.get("spec") or ""))
        if found and _name(line) in _MAIN_FILES:
            yield line, found.group(1)


def shell_smell(scope: Scope, clause: Clause) -> bool | None:
    """A script line that works by luck only. Binds at, with text.

    pip as root, a snapshot folder picked by ls and head, rm -r with a variable that may be empty, a download below the
    line that switches offline mode on.
    """
    lines = _records(scope, "src.shell")
    if lines is None:
        return None
    careful = {line.get("file") for line in lines if compiled(_SET_U).search(str(line.get("text")))}
    offline: set[Any] = set()
    for line in lines:
        text = str(line.get("text", ""))
        late = line.get("file") in offline and compiled(_DOWNLOAD).search(text) and "OFFLINE=0" not in text
        bare = line.get("file") not in careful and compiled(_RM_VARIABLE).search(text)
        if late or bare or any(compiled(smell).search(text) for smell in _SMELLS):
            return _bind(scope, line, text=text[:120])
        _follow_offline(line, text, offline)
    return False


def _follow_offline(line: Record, text: str, offline: set[Any]) -> None:
    """Keep the files in which offline mode is on from here; a setting in front of a command counts for it alone."""
    if compiled(_OFFLINE).search(text):
        offline.add(line.get("file"))
    elif "OFFLINE" in text and ("unset" in text or "=0" in text):
        offline.discard(line.get("file"))


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    function.__name__: function
    for function in (model_loaded_by_import, hard_coded_repo_absent, requirements_disagree, shell_smell)
}
