"""Predicates about what the program does with the model that was asked for."""

from __future__ import annotations

from collections.abc import Callable

from doctor.engine.scope import Scope
from doctor.knowledge import store, versions
from doctor.model.patterns import compiled
from doctor.model.rule import Clause

_OWN_FILES = r"^(?!Auto)\w+(Tokenizer(Fast)?|ImageProcessor(Fast)?|FeatureExtractor)$"


def loaders(scope: Scope) -> list[str]:
    """Dotted classes and functions with which the program works on the model asked for."""
    asked = scope.snapshot.get("model.asked")
    calls = [call for call in scope.snapshot.get("src.calls") or () if asked and asked == call.get("model")]
    return [str(call["name"]).removesuffix(".from_pretrained") for call in calls if call.get("name")]


def type_unread(scope: Scope) -> bool:
    """The program loads from the model by tokenizer and image processor classes of its own choice only."""
    names = loaders(scope)
    return bool(names) and all(compiled(_OWN_FILES).search(name.rpartition(".")[2]) for name in names)


def tower_opened(scope: Scope, _clause: Clause) -> bool:
    """The load opens the vision tower that config.json names: a project's code does, transformers' classes do not."""
    names = loaders(scope)
    foreign = [name for name in names if not name.startswith("transformers.")]
    return not names or bool(foreign) or scope.known("model.remote_code") is True


def adapter_newer_than_peft(scope: Scope, _clause: Clause) -> bool | None:
    """The adapter's settings hold one that the installed peft refuses. Binds name, want, lib_version."""
    known, keys = scope.get("model.adapter_keys")
    there, peft = scope.get("dist.peft", bind="lib_version")
    if not (known and keys):
        return False  # no adapter was named
    if not (there and peft):
        return None
    table = store.table("peft_settings")
    if versions.compare(str(peft), table["lenient"]) != -1:
        return False
    first = {key: table["rows"][key] for key in keys if key in table["rows"]}
    late = [key for key, release in first.items() if versions.compare(str(peft), release) == -1]
    if not late:
        return False
    newest = max(late, key=lambda key: [int(part) for part in first[key].split(".")])
    scope.bind("name", newest)
    scope.bind("want", first[newest])
    return True


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "adapter_newer_than_peft": adapter_newer_than_peft,
    "tower_opened": tower_opened,
}
