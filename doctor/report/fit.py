"""Answers of ``vlmdoctor fit`` as text with bars, as Markdown and as JSON. Pure: no I/O."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from doctor.fit import Answer, Device, Option
from doctor.fit.devices import Share
from doctor.fit.shapes import Note, Piece
from doctor.report.fitwords import say
from doctor.report.layout import width_of, wrap
from doctor.report.untrusted import code, markdown, plain

SCHEMA = "vlmdoctor.fit/1"
KINDS = {"weights": "█", "cache": "▓", "activations": "▒", "overhead": "░"}
ASCII = {"weights": "#", "cache": "=", "activations": "+", "overhead": "-"}
FREE = {True: "·", False: "."}
NAME = 26  # columns of a part's name
Paint = Callable[[str, str], str]


def size(count: float) -> str:
    """Bytes in binary units, as nvidia-smi and torch count them."""
    for unit, step in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if abs(count) >= step:
            return f"{count / step:.2f} {unit}" if unit == "GiB" else f"{count / step:.0f} {unit}"
    return f"{count:.0f} B"


class View:
    """One answer in one language; every text that comes from outside passes ``escape``."""

    def __init__(self, answer: Answer, language: str, escape: Callable[[str], str]) -> None:
        self.answer, self.language, self.escape = answer, language, escape

    def say(self, key: str, **values: object) -> str:
        """A phrase with its values escaped; sizes are written with units."""
        return say(self.language, key, **{name: self.escape(str(value)) for name, value in values.items()})

    def note(self, note: Note) -> str:
        """A note or step; ``size`` is bytes."""
        values = {k: size(v) if k == "size" and isinstance(v, int) else v for k, v in note.values.items()}
        return self.say(note.key, **values)

    def headline(self) -> str:
        """The verdict in one sentence."""
        answer = self.answer
        room = sum(share.usable for share in answer.shares)
        need = sum(share.bytes for share in answer.shares) or answer.budget.total
        return self.say(
            answer.verdict,
            model=answer.budget.model,
            need=size(need),
            room=size(room),
            spare=size(room - need),
            missing=size(max(need - room, *(s.bytes - s.usable for s in answer.shares))) if answer.shares else "",
            unknown=", ".join(answer.budget.unknown),
        )

    def part(self, piece: Piece) -> str:
        """A part's name; with several models the model's number stays before it."""
        head, _, name = piece.name.rpartition(": ")
        return self.escape(head + ": " if head else "") + self.say(f"part.{name}")

    def setup(self) -> str:
        """What was asked."""
        budget, request = self.answer.budget, self.answer.request
        return self.say(
            "setup", engine=request.engine, dtype=budget.precision,
            attention=request.attention, prompt=budget.tokens, image=budget.image_tokens, new=request.new,
            batch=request.batch, kv=size(budget.kv_token),
        )  # fmt: skip

    def device(self, device: Device) -> str:
        """Name and memory of a device."""
        number = "" if device.index is None else f"GPU {device.index} "
        return self.say("device", name=number + device.name, total=size(device.total), free=size(device.free))

    def holders(self, device: Device) -> list[str]:
        """Who holds the rest."""
        unknown = say(self.language, "unknown.size")
        return [
            self.say("holds", name=h.name, pid=h.pid, size=unknown if h.bytes is None else size(h.bytes))
            for h in device.holders
        ]

    def spread(self) -> str:
        """How the engine is told to use several devices; empty for one."""
        answer = self.answer
        return self.say("spread", count=len(answer.shares), flags=answer.spread) if answer.spread else ""

    def cards(self) -> str:
        """Cards that would do."""
        if not self.answer.cards:
            return self.say("no.card")
        names = [name if f"{gb:g}" in name else f"{name} ({gb:g} GB)" for name, gb in self.answer.cards]
        return self.say("cards", cards=", ".join(names))


def render(answer: Answer, width: int, language: str, paint: Paint, ascii_only: bool = False) -> str:
    """Text for a terminal of ``width`` columns."""
    view = View(answer, language, plain)
    role = {"fits": "good", "tight": "warning", "no": "error"}.get(answer.verdict, "note")
    lines = [paint(line, role) for line in wrap(view.headline(), width)]
    if answer.verdict in ("no", "no-device"):
        lines += wrap(view.cards(), width)
    for share in answer.shares:
        lines += ["", *wrap(view.device(share.device), width)]
        lines.append("  " + _device_bar(answer, share.bytes, share.usable, share.device.total, width - 4, ascii_only))
        lines += [row for text in view.holders(share.device) for row in wrap(text, width, "  ")]
    lines += [row for text in (view.spread(),) if text for row in ("", *wrap(text, width))]
    where = view.say("where", peak=say(language, f"peak.{answer.budget.peak}"))
    lines += ["", *wrap(where, width), *_chart(view, width, ascii_only)]
    lines += ["", *wrap(view.setup(), width), *_options(view, width, paint), *_notes(view, width)]
    return "\n".join(lines) + "\n"


def _device_bar(answer: Answer, need: int, usable: int, total: int, width: int, ascii_only: bool) -> str:
    """The device's memory as one bar: the kinds of need, what is left, and ``!`` for what is too much."""
    room = max(10, width - 24)
    scale = max(total, need) or 1
    whole = answer.budget.total or 1
    bar = ""
    for kind, mark in (ASCII if ascii_only else KINDS).items():
        bar += mark * round(answer.budget.of(kind) / whole * need / scale * room)
    limit = round(usable / scale * room)
    if len(bar) > limit:
        bar = bar[:limit] + "!" * (len(bar) - limit)
    return (
        f"[{bar.ljust(limit, FREE[not ascii_only])}{' ' * (room - max(limit, len(bar)))}] {size(need)} / {size(usable)}"
    )


def _chart(view: View, width: int, ascii_only: bool) -> list[str]:
    """A row a part: name, bytes, bar."""
    budget = view.answer.budget
    widest = max((piece.bytes for piece in budget.pieces), default=1)
    names = [view.part(piece) for piece in budget.pieces]
    column = min(max([NAME, *map(width_of, names)]), width - 20)
    room = max(4, width - column - 16)
    rows = []
    for piece, name in zip(budget.pieces, names, strict=True):
        mark = (ASCII if ascii_only else KINDS)[piece.kind]
        bar = mark * max(1, round(piece.bytes / widest * room))
        rows.append(f"  {_padded(name, column)}{size(piece.bytes):>11} {bar}")
    rows.append(f"  {_padded(view.say('total'), column)}{size(budget.total):>11}")
    return rows


def _padded(text: str, columns: int) -> str:
    while width_of(text) > columns:
        text = text[:-1]
    return text + " " * (columns - width_of(text))


def _options(view: View, width: int, paint: Paint) -> list[str]:
    answer = view.answer
    if answer.verdict not in ("no", "tight", "unknown"):
        return []
    if not answer.options:
        return ["", *wrap(view.say("nothing"), width)] if answer.verdict == "no" else []
    lines = ["", *wrap(view.say("options"), width)]
    for number, option in enumerate(answer.options, 1):
        lines += wrap(f"{_steps(view, option)}: {_leaves(view, option)}", width, f"  {number}. ")
        lines += ["     " + paint(plain(step.flags), "command") for step in option.steps]
    return lines


def _steps(view: View, option: Option) -> str:
    return " + ".join(view.note(step.what) for step in option.steps)


def _leaves(view: View, option: Option) -> str:
    return view.say("leaves", total=size(option.total), spare=size(option.spare))


def _notes(view: View, width: int) -> list[str]:
    if not view.answer.notes:
        return []
    return [
        "",
        view.say("notes"),
        *(row for n in view.answer.notes for row in wrap(view.note(n), width, "  - ", "    ")),
    ]


def render_markdown(answer: Answer, language: str) -> str:
    """Headings, a table of parts with bars, the options as code."""
    view = View(answer, language, markdown)
    lines = [f"# vlmdoctor fit: {markdown(answer.budget.model)}", "", view.headline(), ""]
    if answer.verdict in ("no", "no-device"):
        lines += [view.cards(), ""]
    for share in answer.shares:
        lines += [f"- {view.device(share.device)}", *(f"  - {text}" for text in view.holders(share.device))]
    lines += [f"- {text}" for text in (view.spread(),) if text]
    where = view.say("where", peak=say(language, f"peak.{answer.budget.peak}"))
    lines += ["", f"## {where}", "", "| | | |", "|---|---:|---|"]
    widest = max((piece.bytes for piece in answer.budget.pieces), default=1)
    for piece in answer.budget.pieces:
        lines.append(f"| {view.part(piece)} | {size(piece.bytes)} | {'█' * max(1, round(piece.bytes / widest * 30))} |")
    lines += [f"| **{view.say('total')}** | **{size(answer.budget.total)}** | |", "", view.setup(), ""]
    if answer.options:
        lines += [f"## {view.say('options')}", ""]
    for number, option in enumerate(answer.options, 1):
        lines += [f"{number}. {_steps(view, option)}: {_leaves(view, option)}", "", "   ```"]
        lines += [*("   " + code(step.flags) for step in option.steps), "   ```", ""]
    lines += [f"- {view.note(note)}" for note in answer.notes]
    return "\n".join(lines).rstrip() + "\n"


def render_json(answer: Answer, language: str) -> str:
    """One object; bytes are integers. The schema is public (docs/schema/fit-1.json): keys are added, never changed."""
    view = View(answer, language, str)
    return json.dumps(_object(answer, view), ensure_ascii=False, indent=1) + "\n"


def _object(answer: Answer, view: View) -> dict[str, Any]:
    budget, request = answer.budget, answer.request
    return {
        "schema": SCHEMA,
        "model": budget.model,
        "source": answer.source,
        "fits": answer.fits,
        "verdict": answer.verdict,
        "summary": view.headline(),
        "total": budget.total,
        "parameters": budget.params,
        "peak": budget.peak,
        "phases": dict(budget.phases),
        "parts": [{"name": p.name, "kind": p.kind, "bytes": p.bytes} for p in budget.pieces],
        "tokens": {"prompt": budget.tokens, "image": budget.image_tokens, "new": request.new},
        "kv_bytes_per_token": budget.kv_token,
        "engine": request.engine,
        "precision": budget.precision,
        "devices": [_device(share) for share in answer.shares],
        "spread": answer.spread,
        "options": [_option(option, view) for option in answer.options],
        "cards": [{"name": name, "gb": gb} for name, gb in answer.cards],
        "unknown": list(budget.unknown),
        "notes": [view.note(note) for note in answer.notes],
    }


def _device(share: Share) -> dict[str, Any]:
    device = share.device
    return {
        "name": device.name,
        "index": device.index,
        "total": device.total,
        "free": device.free,
        "usable": share.usable,
        "needs": share.bytes,
        "holders": [{"name": h.name, "pid": h.pid, "bytes": h.bytes} for h in device.holders],
    }


def _option(option: Option, view: View) -> dict[str, Any]:
    changes = [{"what": view.note(step.what), "flags": step.flags} for step in option.steps]
    return {"total": option.total, "spare": option.spare, "changes": changes}
