"""Careful reading of config.json: values are numbers of a sane size or an error that names the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doctor.errors import FitError
from doctor.knowledge import store

LARGEST = 1 << 40  # no dimension of a model is larger; keeps hostile files from making absurd arithmetic

DEFAULTS = "config_defaults"  # what files leave out: defaults of the configuration classes of transformers


class Config:
    """One JSON object of a configuration. ``where`` is its path inside the file, for messages."""

    def __init__(self, values: Mapping[str, Any] | None, where: str = "") -> None:
        self.values = values or {}
        self.where = where
        kind = self.values.get("model_type")
        self.kind = kind if isinstance(kind, str) else ""

    def raw(self, key: str) -> Any:
        """The value, else the configuration class's default, else None. A written null is no default."""
        return self.values[key] if key in self.values else store.rows(DEFAULTS).get(self.kind, {}).get(key)

    def maybe(self, *keys: str) -> int | None:
        """The first of these keys that holds a number. Raises FitError for a value that is none, or absurd."""
        for key in keys:
            value = self.raw(key)
            if isinstance(value, list) and value:  # [height, width]
                value = value[0]
            if value is None or isinstance(value, Mapping):
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LARGEST:
                raise FitError(f"{self.where}{key}: {str(value)[:60]!r} is no number a model can have")
            return int(value)
        return None

    def number(self, *keys: str) -> int:
        """Like ``maybe``, but the value must be there and positive."""
        value = self.maybe(*keys)
        if not value:
            raise FitError(f"{self.where}{keys[0]} is missing")
        return value

    def ratio(self, key: str, default: float) -> float:
        """A fraction or factor."""
        value = self.raw(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1000:
            return default
        return float(value)

    def flag(self, key: str, default: bool = False) -> bool:
        """A truth value."""
        value = self.raw(key)
        return default if value is None else bool(value)

    def text(self, key: str) -> str:
        """A word, empty when absent."""
        value = self.raw(key)
        return value if isinstance(value, str) else ""

    def items(self, key: str) -> list[Any]:
        """A list, empty when absent."""
        value = self.raw(key)
        return value if isinstance(value, list) else []

    def sub(self, *keys: str) -> Config | None:
        """The first of these keys that holds an object."""
        for key in keys:
            value = self.values.get(key)
            if isinstance(value, Mapping):
                return Config(value, f"{self.where}{key}.")
        return None

    def without_kind(self, kind: str) -> Config:
        """The same values under another ``model_type`` where none is given."""
        return self if self.kind else Config({**self.values, "model_type": kind}, self.where)
