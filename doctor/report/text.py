"""The report for a terminal: verdict first, then root causes with what follows from them, then what was not read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from doctor.model.report import Command, Entry, Report
from doctor.report.layout import MIN_WIDTH, paragraph, width_of, wrap
from doctor.report.reading import unexplained
from doctor.report.untrusted import lines, plain
from doctor.words import say

NARROW = 40  # columns below which labels stand on lines of their own

Paint = Callable[[str, str], str]  # (text, role) -> text with colours, or unchanged


def no_paint(text: str, role: str) -> str:
    """No colours."""
    return text


def render(report: Report, width: int = 80, paint: Paint = no_paint) -> str:
    """The whole report as text of ``width`` columns."""
    width = max(MIN_WIDTH, width)
    rows = list(wrap(verdict(report), width))
    rows[0] = paint(rows[0], _tone(report))
    for label, text in report.overview:
        rows += wrap(plain(text), width, f"  {label}: ", "    ")
    for entry in report.entries:
        rows.append("")
        rows += _entry(report, entry, width, paint)
    rows += _together(report, width, paint)
    rows += _tail(report, width, paint)
    return "\n".join(rows) + "\n"


def verdict(report: Report) -> str:
    """One line: is anything wrong, and what comes first."""
    count = {level: sum(e.finding.severity == level for e in report.entries) for level in ("error", "warning", "note")}
    if count["error"] or count["warning"]:
        first = next(e for e in report.entries if e.finding.severity != "note")
        title = plain(first.title)
        return say(report.language, "found", errors=count["error"], warnings=count["warning"], title=title)
    if report.source == "pasted":
        return _quiet(report)
    failed = _failure(report.snapshot)
    if failed:
        return say(report.language, "unexplained", what=plain(failed))
    if report.unseen:
        return incomplete(report.language, report.unseen)
    key = "clean.partial" if _troubles(report) else "clean.note" if count["note"] else "clean"
    return say(report.language, key, notes=count["note"])


def incomplete(language: str, unseen: Sequence[tuple[str, str]]) -> str:
    """What could not be read, and why; the rest being in order says little then."""
    names = say(language, "comma").join(area for area, _ in unseen)
    reasons = "; ".join(dict.fromkeys(why for _, why in unseen))
    again = say(language, "incomplete.again") if "no answer" in reasons else ""
    return say(language, "incomplete", names=names, why=plain(reasons)) + again


def _failure(facts: Mapping[str, Any]) -> str:
    """What a watched command ended with: its error, else its exit status; empty when it went well or none ran."""
    status = facts.get("log.exit_status")
    return (unexplained(facts) or f"exit status {status}") if status else ""


def _quiet(report: Report) -> str:
    """What to say of a text in which no rule sees a fault: nothing is wrong, or something is that no rule knows."""
    error = unexplained(report.snapshot)
    head = say(report.language, "unexplained", what=plain(error)) if error else say(report.language, "harmless")
    hidden = say(report.language, "comma").join(report.invisible)
    return head + (say(report.language, "invisible", names=hidden) if hidden else "")


def sureness(report: Report, entry: Entry) -> str:
    """``(70% sure)`` behind the title of what was read out of a text; nothing for a fact of the machine."""
    if report.source != "pasted" or entry.finding.severity == "note":
        return ""
    return f" ({say(report.language, 'sure', percent=round(100 * entry.finding.confidence))})"


def _tone(report: Report) -> str:
    levels = {entry.finding.severity for entry in report.entries}
    return "error" if "error" in levels else "warning" if "warning" in levels or report.unseen else "good"


def _entry(report: Report, entry: Entry, width: int, paint: Paint) -> Iterator[str]:
    language, finding = report.language, entry.finding
    label = say(language, finding.severity)
    indent = "    " if finding.under else ""
    if finding.under:
        yield f"  {say(language, 'follows')}:"
    elif entry.beside:
        yield from wrap(f"{say(language, 'candidate', rule=entry.beside)}:", width, "  ", "  ")
    title = plain(entry.title) + sureness(report, entry)
    head = _labelled(f"{indent}{label}  {finding.rule}  ", indent + "  ", title, width)
    yield head[0].replace(label, paint(label, finding.severity), 1)
    yield from head[1:]
    yield from _part(language, "why", entry.why, width, indent)
    if finding.under:
        return
    if not entry.beside:
        yield from _seen(language, entry, width, indent)
    if entry.confirm:
        yield from wrap(f"{say(language, 'confirm')}:", width, "  ", "  ")
        yield f"         $ {paint(plain(entry.confirm), 'command')}"
    yield from _part(language, "do", entry.next, width, indent)
    if report.together and finding.rule in report.together.rules:
        yield from wrap(say(language, "together.below"), width, f"{indent}         ", f"{indent}         ")
    else:
        yield from _commands(language, entry.commands, indent, paint)
    yield from _part(language, "proof", entry.proof, width, indent)


def _part(language: str, key: str, text: str, width: int, indent: str) -> Iterator[str]:
    label = say(language, key)
    first = f"{indent}  {label} "
    first += " " * max(0, len(indent) + 9 - width_of(first))
    hang = indent + "  " if width < NARROW else " " * width_of(first)
    yield from _labelled(first, hang, paragraph(lines(text)), width)


def _labelled(label: str, hang: str, text: str, width: int) -> list[str]:
    """Text behind its label, or below it where there is no room beside it."""
    if width >= NARROW:
        return wrap(text, width, label, hang)
    return [label.rstrip(), *wrap(text, width, hang, hang)]


def _seen(language: str, entry: Entry, width: int, indent: str) -> Iterator[str]:
    key = "seen"
    for name, value, where in entry.seen:
        text = f"{name} = {value}" + (f"  ({where})" if where else "")
        yield from _part(language, key, text, width, indent)
        key = "seen"


def _commands(language: str, commands: Sequence[Command], indent: str, paint: Paint) -> Iterator[str]:
    """Commands stand on lines of their own, never wrapped, so that they can be pasted."""
    for number, way in enumerate(sorted({item.way for item in commands})):
        typed = [item for item in commands if item.way == way and item.text]
        if number and typed:
            yield f"{indent}         {say(language, 'or')}"
        for item in typed:
            yield f"{indent}         $ " + paint(plain(item.text), "command")


def _together(report: Report, width: int, paint: Paint) -> Iterator[str]:
    """The commands for all findings together, at the end, where they are found again."""
    if report.together is None:
        return
    language = report.language
    yield ""
    yield paint(say(language, "together"), "note")
    yield from (f"  {plain(move)}" for move in report.together.moves)
    yield from ("  $ " + paint(plain(line), "command") for line in report.together.commands)
    for slug, who in report.together.conflicts:
        yield from wrap(plain(say(language, "together.not", slug=slug, who=who)), width, "  ", "    ")
    yield from wrap(say(language, "together.how"), width, "  ", "  ")


def _tail(report: Report, width: int, paint: Paint) -> Iterator[str]:
    yield ""
    looked = say(
        report.language,
        "looked",
        rules=report.rules_count,
        facts=len(report.snapshot),
        unknown=len(report.unknown),
        crash=len(report.crashed),
    )
    yield from (paint(row, "dim") for row in wrap(looked, width))
    for slug, trouble in report.crashed:
        yield from wrap(plain(f"{slug}: {trouble}"), width, "  ", "    ")
    yield from _unread(report, width, paint)


def _unread(report: Report, width: int, paint: Paint) -> Iterator[str]:
    """What could not be read, grouped by reason."""
    groups: dict[str, list[str]] = {}
    for name, reason in _troubles(report):
        groups.setdefault(reason, []).append(name)
    if groups:
        yield paint(say(report.language, "unread") + ":", "dim")
        for reason, names in groups.items():
            yield from wrap(plain(f"{reason}: {', '.join(names)}"), width, "  ", "    ")


def _troubles(report: Report) -> list[tuple[str, str]]:
    """Facts that somebody tried to read, with what came in between."""
    return [(name, reason) for name, reason in report.unread.items() if not reason.startswith("left open: ")]
