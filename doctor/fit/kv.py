"""Bytes of the key-value cache: grouped and latent attention, windows, cross-attention, states of fixed size."""

from __future__ import annotations

from doctor.fit import weights
from doctor.fit.shapes import Language, Model, Request

# bytes a number by the engine's own option; q8_0 and q4_0 are blocks of 32 with an fp16 scale (gguf-py constants.py)
STORED = {"fp8": 1.0, "int8": 1.0, "int4": 0.5, "q8_0": 34 / 32, "q4_0": 18 / 32, "q8": 1.0, "q6": 0.75, "q4": 0.5}

STATE = 4  # linear attention keeps its state in fp32


def number_bytes(model: Model, request: Request) -> float:
    """Bytes of one cached number."""
    if request.kv:
        return STORED[request.kv]
    return 2 if request.engine in ("llama.cpp", "exllamav2") else weights.dtype_bytes(model, request)


def layer_token(model: Model, request: Request) -> float:
    """Bytes of one token in one layer. Serving engines cache the latent vector; transformers unfolds it."""
    talk = model.language
    if talk is None:
        return 0.0
    numbers = 2 * talk.kv_heads * talk.head_dim
    if talk.latent and request.engine != "transformers":
        numbers = talk.latent
    return numbers * number_bytes(model, request)


def _layers(talk: Language) -> tuple[int, int]:
    """Layers with a cache of their own that keep everything, and those with a window."""
    own = max(0, talk.layers - talk.cross - talk.fixed - talk.shared)
    sliding = min(talk.sliding, own)
    return own - sliding, sliding


def _far(model: Model, request: Request) -> float:
    """Bytes of one token in a layer that keeps everything."""
    talk = model.language
    wide = talk.wide if talk else 0
    return wide * number_bytes(model, request) if wide else layer_token(model, request)


def token(model: Model, request: Request) -> int:
    """Bytes that one more token takes in all layers, as long as no window is full."""
    talk = model.language
    if talk is None:
        return 0
    full, sliding = _layers(talk)
    return int(full * _far(model, request) + sliding * layer_token(model, request))


def cache(model: Model, request: Request, tokens: int, images: int) -> int:
    """The cache for ``tokens`` tokens and ``images`` images, for the whole batch."""
    talk, tower = model.language, model.vision
    if talk is None:
        return 0
    each = layer_token(model, request)
    full, sliding = _layers(talk)
    kept = full * tokens * _far(model, request) + sliding * min(tokens, talk.window or tokens) * each
    if talk.cross and tower is not None:
        kept += talk.cross * images * tower.tiles * tower.tokens * each
    return int(request.batch * (kept + talk.fixed * talk.state * STATE))
