"""Predicates about what the program does with the model that was asked for."""

from __future__ import annotations

from collections.abc import Callable

from doctor.engine.scope import Scope
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


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {"tower_opened": tower_opened}
