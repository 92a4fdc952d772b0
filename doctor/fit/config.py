"""Careful reading of config.json: values are numbers of a sane size or an error that names the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doctor.errors import FitError

LARGEST = 1 << 40  # no dimension of a model is larger; keeps hostile files from making absurd arithmetic

# What Hub files leave out: defaults of the configuration classes of transformers 4.45 to 5.23,
# confirmed where parameter counts of tests/fit/ meet the meta device, else not re-read.
DEFAULTS: dict[str, dict[str, Any]] = {
    "llama": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
              "vocab_size": 32000},
    "mistral": {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
                "num_key_value_heads": 8, "vocab_size": 32000},
    "qwen2": {"hidden_size": 4096, "intermediate_size": 22016, "num_hidden_layers": 32, "num_attention_heads": 32,
              "num_key_value_heads": 32, "vocab_size": 151936},
    "qwen2_vl": {"hidden_size": 8192, "intermediate_size": 29568, "num_hidden_layers": 80, "num_attention_heads": 64,
                 "num_key_value_heads": 8, "vocab_size": 152064},
    "gemma": {"hidden_size": 3072, "intermediate_size": 24576, "num_hidden_layers": 28, "num_attention_heads": 16,
              "num_key_value_heads": 16, "head_dim": 256, "vocab_size": 256000, "tie_word_embeddings": True},
    "gemma2": {"hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "num_attention_heads": 8,
               "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 256000, "tie_word_embeddings": True,
               "sliding_window": 4096, "sliding_window_pattern": 2},
    "gemma3_text": {"hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "num_attention_heads": 8,
                    "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 262208, "tie_word_embeddings": True,
                    "sliding_window": 4096, "sliding_window_pattern": 6},
    "opt": {"hidden_size": 768, "ffn_dim": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
            "vocab_size": 50272, "max_position_embeddings": 2048, "tie_word_embeddings": True},
    "mllama_text_model": {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 40,
                          "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256,
                          "cross_attention_layers": [3, 8, 13, 18, 23, 28, 33, 38]},
    "clip_vision_model": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
                          "num_attention_heads": 12, "image_size": 224, "patch_size": 32},
    "siglip_vision_model": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
                            "num_attention_heads": 12, "image_size": 224, "patch_size": 16, "vision_use_head": True},
    "idefics3_vision": {"hidden_size": 1152, "intermediate_size": 3072, "num_hidden_layers": 12,
                        "num_attention_heads": 16, "image_size": 224, "patch_size": 32},
    "phi3": {"hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 32, "num_attention_heads": 32,
             "vocab_size": 32064},
    "blip_2_vision_model": {"hidden_size": 1408, "intermediate_size": 6144, "num_hidden_layers": 39,
                            "num_attention_heads": 16, "image_size": 224, "patch_size": 14},
    "blip_2_qformer": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
                       "encoder_hidden_size": 1408, "cross_attention_frequency": 2},
    "mllama_vision_model": {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32,
                            "num_global_layers": 8, "attention_heads": 16, "vision_output_dim": 7680,
                            "image_size": 448, "patch_size": 14, "max_num_tiles": 4},
}  # fmt: skip


class Config:
    """One JSON object of a configuration. ``where`` is its path inside the file, for messages."""

    def __init__(self, values: Mapping[str, Any] | None, where: str = "") -> None:
        self.values = values or {}
        self.where = where
        kind = self.values.get("model_type")
        self.kind = kind if isinstance(kind, str) else ""

    def raw(self, key: str) -> Any:
        """The value, else the configuration class's default, else None."""
        value = self.values.get(key)
        return DEFAULTS.get(self.kind, {}).get(key) if value is None else value

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

    def plus(self, **values: Any) -> Config:
        """A copy with values added where they are absent."""
        return Config({**values, **self.values}, self.where)
