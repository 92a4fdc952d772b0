"""The VRAM budget of a model on given devices.

::

    import doctor
    answer = doctor.fit("Qwen/Qwen2.5-VL-7B-Instruct", gpu="24GiB", quant="nf4")
    answer.fits, answer.budget.total, [option.steps for option in answer.options]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from types import ModuleType
from typing import Any

from doctor.errors import FitError
from doctor.fit import devices, options, sources
from doctor.fit.budget import combine
from doctor.fit.devices import Device, Share
from doctor.fit.engines import ENGINES, estimate
from doctor.fit.options import Option
from doctor.fit.shapes import GIB, Budget, Model, Note, Request

__all__ = ["ENGINES", "Answer", "Budget", "Device", "Model", "Option", "Request", "estimate", "fit"]
TIGHT_SHARE, TIGHT = 0.05, GIB // 2  # less spare than this is too little for what is not modelled
VERDICTS = ("fits", "tight", "no", "unknown", "no-device")


@dataclass(frozen=True, slots=True)
class Answer:
    """Does it fit, where every byte goes, and what to change. ``verdict`` is one of VERDICTS."""

    verdict: str
    budget: Budget
    request: Request
    devices: tuple[Device, ...] = ()
    shares: tuple[Share, ...] = ()
    options: tuple[Option, ...] = ()
    cards: tuple[tuple[str, float], ...] = ()
    notes: tuple[Note, ...] = ()
    source: str = ""

    @property
    def fits(self) -> bool:
        """Shown to fit, be it tightly."""
        return self.verdict in ("fits", "tight")

    @property
    def spread(self) -> str:
        """What to write so that the engine uses all the devices; empty where one is enough."""
        return devices.spread(self.request.engine, self.shares)


def fit(
    model: str | Sequence[str], gpu: str | Sequence[Device] | None = None, python: str | None = None, **request: Any
) -> Answer:
    """Judges ``model`` (or several in one program) on ``gpu`` with the fields of :class:`Request`.

    Without ``gpu`` the GPUs of this machine are read, and the transformers release of ``python`` (the active
    environment otherwise). Raises FitError for what is not known or cannot be.
    """
    known = {one.name for one in fields(Request)}
    if wrong := sorted(set(request) - known):
        raise FitError(f"no such option: {', '.join(wrong)}; there are: {', '.join(sorted(known))}")
    names = [model] if isinstance(model, str) else list(model)
    loaded = [sources.load(name) for name in names]
    asked = Request(**request)
    if isinstance(gpu, str):
        return judge(loaded, asked, devices.parse(gpu))
    if gpu is not None:
        return judge(loaded, asked, gpu)
    found, release = _live(python)
    return judge(loaded, replace(asked, transformers=asked.transformers or release), found)


def _live(python: str | None) -> tuple[tuple[Device, ...], str | None]:
    """The GPUs of this machine, and the transformers release of the environment."""
    from doctor.collect.live import Request as Look
    from doctor.collect.live import collect

    snapshot = collect(Look(python=python))
    return devices.live(snapshot), snapshot.dists().get("transformers")


def judge(loaded: Sequence[sources.Loaded], request: Request, found: Sequence[Device]) -> Answer:
    """The pure part: models, request and devices in, answer out."""
    asked = [_meant(one, request) for one in loaded]
    first, budget = loaded[0].model, combine([estimate(one.model, r) for one, r in zip(loaded, asked, strict=True)])
    notes = tuple(note for one in loaded for note in one.notes) + budget.notes
    if not found:
        cards = tuple(devices.cards(budget.total))
        return Answer("no-device", budget, asked[0], cards=cards, notes=notes, source=first.source)
    shares, fits = devices.place(first, asked[0], budget, found)
    notes += _cautions(first, asked[0], shares)
    verdict = _verdict(budget, shares, fits)
    more = () if len(loaded) > 1 or (verdict == "fits") else tuple(options.nearest(first, asked[0], found))
    cards = () if fits else tuple(devices.cards(budget.total))
    return Answer(verdict, budget, asked[0], tuple(found), tuple(shares), more, cards, notes, first.source)


def _cautions(model: Model, request: Request, shares: Sequence[Share]) -> tuple[Note, ...]:
    """What an engine, or a model's own program, cannot be counted on for."""
    if model.family == "lisa" and len(shares) > 1:
        return (Note("note.lisa", {}),)
    if request.engine == "vllm" and model.family not in options.IN_VLLM:
        return (Note("note.noclass", {"engine": "vLLM", "kind": model.family}),)
    return ()


def _meant(one: sources.Loaded, request: Request) -> Request:
    """The request for one model: the quantisation that its name promises, the engine that its files need."""
    if request.quant is None and one.quant is not None:
        request = replace(request, quant=one.quant)
    own = one.model.quantised
    if own is not None and request.quant not in (None, own):
        raise FitError(f"{one.model.name} is quantised already ({own}); {request.quant} cannot be applied to it")
    quant = request.quant or own or ""
    if request.engine == "transformers" and quant.startswith("gguf"):
        request = replace(request, engine="llama.cpp")
    if request.engine == "transformers" and quant.startswith("exl2"):
        request = replace(request, engine="exllamav2")
    if one.model.family == "lisa" and request.engine != "transformers":
        raise FitError(f"{request.engine} has no class for LISA: its own code loads it, on transformers")
    return request


def _verdict(budget: Budget, shares: Sequence[Share], fits: bool) -> str:
    if not fits:
        return "no"
    if budget.unknown:
        return "unknown"
    spare = min(share.usable - share.bytes for share in shares)
    return "tight" if spare < max(TIGHT, int(TIGHT_SHARE * max(s.bytes for s in shares))) else "fits"


class _Package(ModuleType):
    """The package, which can be called: ``doctor.fit(...)`` is ``doctor.fit.fit(...)``."""

    def __call__(self, *arguments: Any, **request: Any) -> Answer:
        """See :func:`fit`."""
        return fit(*arguments, **request)


sys.modules[__name__].__class__ = _Package
