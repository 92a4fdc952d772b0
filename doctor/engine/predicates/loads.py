"""Predicates about what the program does with the model that was asked for."""

from __future__ import annotations

from collections.abc import Callable

from doctor.engine.scope import Scope
from doctor.knowledge import versions
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


# Setting of LoraConfig -> first peft with it; dataclass fields by ast in the wheels 0.6.2 to 0.18.0, 2026-11-30.
_PEFT_FIRST = {
    "loftq_config": "0.7.0",
    "use_rslora": "0.8.0",
    "use_dora": "0.9.0",
    "layer_replication": "0.10.0",
    "eva_config": "0.14.0",
    "exclude_modules": "0.14.0",
    "lora_bias": "0.14.0",
    "corda_config": "0.15.0",
    "trainable_token_indices": "0.15.0",
    "qalora_group_size": "0.16.0",
    "use_qalora": "0.16.0",
    "target_parameters": "0.17.0",
    "alora_invocation_tokens": "0.18.0",
    "arrow_config": "0.18.0",
    "ensure_weight_tying": "0.18.0",
}
_PEFT_LENIENT = "0.14.0"  # from here on unknown settings are dropped with a warning


def adapter_newer_than_peft(scope: Scope, _clause: Clause) -> bool | None:
    """The adapter's settings hold one that the installed peft refuses. Binds name, want, lib_version."""
    known, keys = scope.get("model.adapter_keys")
    there, peft = scope.get("dist.peft", bind="lib_version")
    if not (known and keys):
        return False  # no adapter was named
    if not (there and peft):
        return None
    if versions.compare(str(peft), _PEFT_LENIENT) != -1:
        return False
    late = [key for key in keys if key in _PEFT_FIRST and versions.compare(str(peft), _PEFT_FIRST[key]) == -1]
    if not late:
        return False
    newest = max(late, key=lambda key: [int(part) for part in _PEFT_FIRST[key].split(".")])
    scope.bind("name", newest)
    scope.bind("want", _PEFT_FIRST[newest])
    return True


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "adapter_newer_than_peft": adapter_newer_than_peft,
    "tower_opened": tower_opened,
}
