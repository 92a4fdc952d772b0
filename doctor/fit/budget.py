"""Adds the parts up at the moment of the peak: weights, what lives then, allocator slack, the device's context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from doctor.fit import activations, kv, weights
from doctor.fit.shapes import MIB, Budget, Model, Note, Piece, Request

# One CUDA context with its libraries, a GPU. The residual of 36 rows of the Qwen2-VL model cards is 0.48 to 0.54 GiB;
# single readings: 426 MiB (torch 2.10, CUDA 13.0, RTX 6000 Ada), 636 MiB (torch 1.13, eager module loading).
CONTEXT = 500 * MIB
SLACK_SHARE = 0.03  # of what is allocated and freed again: blocks that torch's allocator cannot reuse
SLACK = 20 * MIB

Phases = Mapping[str, Sequence[Piece]]


def size(pieces: Sequence[Piece]) -> int:
    """Bytes of these pieces."""
    return sum(piece.bytes for piece in pieces)


def assemble(
    model: Model,
    request: Request,
    given: activations.Input,
    phases: Phases,
    extra: Sequence[Piece] = (),
    notes: Sequence[Note] = (),
) -> Budget:
    """The budget at the phase that needs most. ``extra`` is overhead that is always there."""
    sums = {name: size(pieces) for name, pieces in phases.items()}
    peak = max(sums, key=lambda name: sums[name])
    reused = sum(piece.bytes for piece in phases[peak] if _comes_and_goes(piece, request))
    overhead = [
        Piece("allocator slack", int(SLACK_SHARE * reused) + SLACK, "overhead"),
        Piece("CUDA context", CONTEXT * request.devices, "overhead"),
        *extra,
    ]
    found = [*weights.pieces(model, request), *(_everywhere(p, request) for p in phases[peak]), *overhead]
    return Budget(
        model=model.name,
        pieces=tuple(piece for piece in found if piece.bytes),
        peak=peak,
        phases=sums,
        params=model.params,
        image_tokens=given.image_tokens,
        tokens=given.prompt,
        kv_token=kv.token(model, request),
        precision=request.quant or model.quantised or request.dtype or model.dtype,
        notes=(*weights.notes(model, request), *activations.notes(model, request, given), *notes),
        unknown=(*model.unknown, *given.unknown),
    )


def _everywhere(piece: Piece, request: Request) -> Piece:
    """Each device of a pipeline keeps the blocks of its own layers' work."""
    times = request.devices if piece.name == "language activations" else 1
    return replace(piece, bytes=piece.bytes * times)


def _comes_and_goes(piece: Piece, request: Request) -> bool:
    """Small blocks leave gaps. Logits are one large block, and a server takes its cache once and keeps it."""
    return piece.name != "logits" and (piece.kind != "cache" or request.engine == "transformers")


def combine(budgets: Sequence[Budget]) -> Budget:
    """Several models in one program: all weights and caches, the widest peak of one, one context."""
    if len(budgets) == 1:
        return budgets[0]
    widest = max(budgets, key=lambda b: b.total - b.of("weights"))
    pieces = [
        Piece(f"{number}. {budget.model}: {piece.name}", piece.bytes, piece.kind)
        for number, budget in enumerate(budgets, 1)
        for piece in budget.pieces
        if piece.kind == "weights" or budget is widest
    ]
    twice = {b.model for b in budgets if [o.model for o in budgets].count(b.model) > 1}
    notes = [note for budget in budgets for note in budget.notes]
    notes += [Note("note.twice", {"model": name}) for name in sorted(twice)]
    return Budget(
        model=" + ".join(budget.model for budget in budgets),
        pieces=tuple(pieces),
        peak=widest.peak,
        phases=widest.phases,
        params=sum(budget.params for budget in budgets),
        image_tokens=widest.image_tokens,
        tokens=widest.tokens,
        kv_token=widest.kv_token,
        precision=widest.precision,
        notes=tuple(note for at, note in enumerate(notes) if note not in notes[:at]),
        unknown=tuple(dict.fromkeys(name for budget in budgets for name in budget.unknown)),
    )
