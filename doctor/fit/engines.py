"""How each engine spends memory: transformers as it goes, servers in advance, llama.cpp by its buffers.

``estimate`` is the door: a model and a request give a Budget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from doctor.errors import FitError
from doctor.fit import activations, kv, tokens, weights
from doctor.fit.activations import Input
from doctor.fit.budget import assemble
from doctor.fit.shapes import MIB, Budget, Language, Model, Note, Piece, Request

# vLLM: tokens of one step and sequences of one batch when nothing else is asked for (vllm/engine/arg_utils.py)
VLLM_STEP, VLLM_SEQUENCES = 2048, 256
VLLM_SHARE = 0.9  # --gpu-memory-utilization
LMDEPLOY_SHARE = 0.8  # --cache-max-entry-count: share of what is free after loading
LMDEPLOY_STEP = 8192  # max_prefill_token_num
LLAMA_STEP = 512  # -ub
LLAMA_CONTEXT = 4096  # context taken when none is asked for and the model allows it
EXLLAMA_STEP = 2048  # max_input_len


def estimate(model: Model, request: Request) -> Budget:
    """Where every byte goes. Raises FitError for an engine or a format that does not exist."""
    engine = ENGINES.get(request.engine)
    if engine is None:
        raise FitError(f"no engine is called {request.engine[:40]!r}; there are: {', '.join(ENGINES)}")
    _check(request)
    return engine(model, request)


# how an engine can store the cache, and which engine knows which option at all
CACHES = {
    "vllm": ("fp8",),
    "lmdeploy": ("int8", "int4"),
    "llama.cpp": ("q8_0", "q4_0"),
    "exllamav2": ("q8", "q6", "q4"),
}


def _check(request: Request) -> None:
    """Raises FitError for what the engine does not know."""
    form, name = weights.find(request.quant), request.engine
    if form is not None and name not in form.engines:
        raise FitError(f"{name} does not load {form.name}; these do: {', '.join(form.engines)}")
    known = CACHES.get(name, ())
    if request.kv is not None and request.kv not in known:
        raise FitError(f"{name} keeps no cache in {request.kv}; it knows: {', '.join(known) or 'only the dtype'}")
    if request.gpu_layers is not None and name != "llama.cpp":
        raise FitError(f"{name} has no option for layers on the GPU; llama.cpp has")
    if request.utilization is not None and name not in ("vllm", "lmdeploy"):
        raise FitError(f"{name} takes memory as it goes; only vllm and lmdeploy take a share of the device")


def _transformers(model: Model, request: Request) -> Budget:
    given = activations.read(model, request)
    phases = {
        "load": activations.load(model, request),
        "vision": activations.vision(model, request, given),
        "prefill": activations.prefill(model, request, given),
        "decode": activations.decode(model, request, given),
    }
    return assemble(model, request, given, phases, notes=_dtype_note(model, request))


def _dtype_note(model: Model, request: Request) -> list[Note]:
    """Transformers 4 loads in fp32 unless told otherwise."""
    old = request.transformers is not None and activations.release(request.transformers) < (5, 0)
    if old and request.quant is None and model.dtype != "fp32" and request.dtype in (None, model.dtype):
        return [Note("note.dtype4", {"dtype": request.dtype or model.dtype})]
    return []


def max_context(model: Model) -> int | None:
    """The longest sequence that the model was made for."""
    text = model.config.sub("text_config", "llm_config", "language_config") or model.config
    return text.maybe("max_position_embeddings") or model.config.maybe("max_position_embeddings")


def _reserved(model: Model, request: Request, given: Input) -> int:
    """Tokens of one sequence that a server must be able to hold before it starts."""
    return request.context or max_context(model) or given.prompt + request.new


def largest_image(model: Model) -> tuple[int, int]:
    """The picture with which a server measures its peak: as many pixels as the processor lets through."""
    tower = model.vision
    if tower is not None and tower.merge > 1:
        side = int(tokens.pixel_limits(model, tower)[1] ** 0.5)
        return side, side
    return 4096, 4096


def _server_peak(model: Model, request: Request, step: int, sequences: int) -> tuple[list[Piece], list[Piece]]:
    """What the warm-up run needs: the tower with its largest picture, or one full step of text."""
    pictures = (largest_image(model),) if model.vision else ()
    trial = replace(request, batch=1, attention="sdpa", images=pictures, videos=())
    given = activations.read(model, trial)
    if given.image_tokens:  # as many pictures as one step takes
        trial = replace(trial, images=trial.images * max(1, step // given.image_tokens))
        given = activations.read(model, trial)
    talk = model.language
    text = replace(trial, images=(), prompt=step)
    block = [p for p in activations.prefill(model, text, activations.read(model, text)) if p.kind == "activations"]
    if talk is not None:
        block.append(Piece("logits", sequences * talk.vocab * 8, "activations"))
    return activations.vision(model, trial, given), block


def _server_cache(model: Model, request: Request, given: Input) -> Piece:
    """One sequence of the full length, or all that are asked for, whichever is more."""
    one = replace(request, batch=1)
    longest = kv.cache(model, one, _reserved(model, request, given), given.images)
    asked = kv.cache(model, request, given.prompt + request.new, given.images)
    return Piece("KV cache", max(longest, asked), "cache")


def _server_note(model: Model, request: Request) -> list[Note]:
    longest = max_context(model)
    if request.context is None and longest is not None and longest > 16384:
        return [Note("note.context", {"tokens": longest, "engine": request.engine})]
    return []


def _vllm(model: Model, request: Request) -> Budget:
    """The cache must hold one sequence of full length beside the peak that the start-up run finds."""
    given = activations.read(model, request)
    cache = _server_cache(model, request, given)
    picture, text = _server_peak(model, request, VLLM_STEP, VLLM_SEQUENCES)
    phases = {"vision": [cache, *picture], "prefill": [cache, *text]}
    tables = Piece("rotary tables", _rotary(model, request), "weights")
    notes = [*_server_note(model, request), Note("note.vllm", {})]
    return assemble(model, request, given, phases, [tables], notes)


# families whose positions have three parts; vLLM makes their tables four times as long (rotary_embedding/mrope.py)
THREE = (
    "qwen2_vl", "qwen2_5_vl", "qwen2_5_omni_thinker", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "glm4v",
    "glm46v", "glm4v_moe", "glm_ocr",
)  # fmt: skip


def _rotary(model: Model, request: Request) -> int:
    """Sines and cosines of all positions, which vLLM computes while loading and counts as weights."""
    talk, longest = model.language, max_context(model) or 0
    if talk is None:
        return 0
    return longest * (4 if model.family in THREE else 1) * talk.head_dim * weights.dtype_bytes(model, request)


def _lmdeploy(model: Model, request: Request) -> Budget:
    """The cache takes its share of what is free after loading; the vision tower must live in the rest."""
    given = activations.read(model, request)
    cache = _server_cache(model, request, given)
    share = request.utilization or LMDEPLOY_SHARE
    picture, text = _server_peak(model, request, LMDEPLOY_STEP, 128)
    picture = activations.vision(model, replace(request, attention="sdpa"), given)
    work = max(sum(p.bytes for p in picture), sum(p.bytes for p in text))
    free = int(max(cache.bytes / share, work / (1 - share)))
    unused = Piece("left by the fixed split", free - cache.bytes - work, "overhead")
    phases = {"vision": [cache, *picture], "prefill": [cache, *text]}
    return assemble(model, request, given, phases, [unused], notes=_server_note(model, request))


def _llama_cpp(model: Model, request: Request) -> Budget:
    """Cache for the whole context, one compute buffer, and the tower's own buffer in fp32."""
    given = activations.read(model, request)
    talk, tower = model.language, model.vision
    length = request.context or max(given.prompt + request.new, min(LLAMA_CONTEXT, max_context(model) or LLAMA_CONTEXT))
    cached = Piece("KV cache", kv.cache(model, request, length, given.images), "cache")
    text = [cached, Piece("compute buffer", _llama_buffer(talk, request, length), "activations")]
    picture = [*text]
    if tower is not None and given.seen:
        most = max(one.patches // max(1, one.calls) for one in given.seen)
        work = most * 4 * (tower.inner + 3 * tower.width)  # logs of towers of two sizes: -1 % and +4 %
        if request.attention == "eager":
            work += tower.heads * most * most * 4
        picture.append(Piece("vision activations", work, "activations"))
    return _partly(model, request, assemble(model, request, given, {"prefill": text, "vision": picture}))


def _llama_buffer(talk: Language | None, request: Request, length: int) -> int:
    """The widest moment of one step: logits and embeddings in fp32, a feed-forward block, or scores without fusing."""
    if talk is None:
        return 0
    out, block = talk.vocab + talk.width, 2 * talk.inner + 3 * talk.width
    scores = talk.heads * length if request.attention == "eager" else 0
    return LLAMA_STEP * max(4 * max(out, block + scores), 2 * length)


def _partly(model: Model, request: Request, budget: Budget) -> Budget:
    """The input table stays on the CPU unless it is the output layer too; ``-ngl`` leaves layers there as well."""
    talk, wanted = model.language, request.gpu_layers
    if any(piece.name == "lm_head" for piece in budget.pieces):
        budget = replace(budget, pieces=tuple(piece for piece in budget.pieces if piece.name != "embeddings"))
    if talk is None or wanted is None or wanted >= talk.layers:
        return budget
    share = wanted / talk.layers
    pieces = [
        replace(piece, bytes=int(piece.bytes * share))
        if piece.name in ("language model", "KV cache", weights.CONSTANTS)
        else replace(piece, bytes=0)
        if piece.name in ("embeddings", "lm_head")
        else piece
        for piece in budget.pieces
    ]
    return replace(budget, pieces=tuple(piece for piece in pieces if piece.bytes))


def _exllama(model: Model, request: Request) -> Budget:
    """Cache for the whole context; prompts run in chunks."""
    given = activations.read(model, request)
    length = request.context or given.prompt + request.new
    cached = Piece("KV cache", kv.cache(model, request, length, given.images), "cache")
    chunk = replace(request, images=(), prompt=min(given.prompt, EXLLAMA_STEP))
    text = [p for p in activations.prefill(model, chunk, activations.read(model, chunk)) if p.kind == "activations"]
    picture = activations.vision(model, replace(request, attention="sdpa"), given)
    phases = {"prefill": [cached, *text], "vision": [cached, *picture]}
    return assemble(model, request, given, phases, [Piece("scratch buffer", 64 * MIB, "overhead")])


ENGINES: dict[str, Callable[[Model, Request], Budget]] = {
    "transformers": _transformers, "vllm": _vllm, "lmdeploy": _lmdeploy, "llama.cpp": _llama_cpp,
    "exllamav2": _exllama,
}  # fmt: skip
