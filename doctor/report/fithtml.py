"""Answers of ``vlmdoctor fit`` as one HTML page: no script, nothing loaded from elsewhere."""

from __future__ import annotations

from html import escape

from doctor.fit import Answer
from doctor.report.fit import View, size
from doctor.report.fitwords import say
from doctor.report.untrusted import plain

COLOURS = {"weights": "#3b6ea5", "cache": "#c98a2b", "activations": "#5b9a5b", "overhead": "#8a8a8a"}
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td{padding:.15rem .5rem}td.n{text-align:right;white-space:nowrap}"
    ".bar{height:1rem;border-radius:2px}.room{display:flex;background:#ddd;height:1.5rem;margin:.3rem 0}"
    ".over{outline:3px solid #c0392b}pre{background:#f3f3f3;padding:.6rem;overflow-x:auto;white-space:pre-wrap}"
)


def _safe(text: str) -> str:
    """One line of text as HTML: no control character, no markup."""
    return escape(plain(text))


def render_html(answer: Answer, language: str) -> str:
    """The whole page."""
    view = View(answer, language, _safe)
    title = _safe(f"vlmdoctor fit: {answer.budget.model}")
    body = [f"<h1>{title}</h1>", f"<p><strong>{view.headline()}</strong></p>"]
    if answer.verdict in ("no", "no-device"):
        body.append(f"<p>{view.cards()}</p>")
    body += [*_devices(view), *_parts(view), f"<p>{view.setup()}</p>", *_options(view)]
    if answer.notes:
        body.append(f"<h2>{view.say('notes')}</h2><ul>")
        body += [*(f"<li>{view.note(note)}</li>" for note in answer.notes), "</ul>"]
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    page = [f'<!doctype html>\n<html lang="{language}">', f"<head>{head}</head>", "<body>", *body, "</body></html>"]
    return "\n".join(page) + "\n"


def _devices(view: View) -> list[str]:
    """A bar a device: what each kind of memory takes of it."""
    answer, found = view.answer, list[str]()
    whole = answer.budget.total or 1
    for share in answer.shares:
        scale = max(share.device.total, share.bytes) or 1
        parts = {kind: 100 * answer.budget.of(kind) / whole * share.bytes / scale for kind in COLOURS}
        bars = [f'<span style="width:{part:.2f}%;background:{COLOURS[kind]}"></span>' for kind, part in parts.items()]
        over = " over" if share.bytes > share.usable else ""
        found.append(f"<p>{view.device(share.device)}: {size(share.bytes)} / {size(share.usable)}</p>")
        found.append(f'<div class="room{over}">{"".join(bars)}</div>')
        found += [f"<p>{text}</p>" for text in view.holders(share.device)]
    return [*found, *(f"<p>{text}</p>" for text in (view.spread(),) if text)]


def _parts(view: View) -> list[str]:
    """A row a part: name, bytes, bar."""
    budget = view.answer.budget
    where = view.say("where", peak=say(view.language, f"peak.{budget.peak}"))
    widest = max((piece.bytes for piece in budget.pieces), default=1)
    rows = [
        f'<tr><td>{view.part(piece)}</td><td class="n">{size(piece.bytes)}</td><td style="width:55%"><div class="bar" '
        f'style="width:{max(0.5, 100 * piece.bytes / widest):.1f}%;background:{COLOURS[piece.kind]}"></div></td></tr>'
        for piece in budget.pieces
    ]
    total = f'<tr><th>{view.say("total")}</th><td class="n"><strong>{size(budget.total)}</strong></td></tr>'
    return [f"<h2>{where}</h2>", "<table>", *rows, total, "</table>"]


def _options(view: View) -> list[str]:
    found = [f"<h2>{view.say('options')}</h2><ol>"] if view.answer.options else []
    for option in view.answer.options:
        steps = " + ".join(view.note(step.what) for step in option.steps)
        leaves = view.say("leaves", total=size(option.total), spare=size(option.spare))
        flags = "\n".join(_safe(step.flags) for step in option.steps)
        found.append(f"<li>{steps}: {leaves}<pre>{flags}</pre></li>")
    return [*found, "</ol>"] if found else []
