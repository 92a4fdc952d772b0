"""The report as Markdown, ready to be posted: everything from the machine is escaped or in code."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.model.report import Entry, Report
from doctor.report.layout import paragraph
from doctor.report.text import verdict
from doctor.report.untrusted import code, fence, markdown
from doctor.words import say


def render(report: Report) -> str:
    """The whole report."""
    rows = [f"**{markdown(verdict(report))}**", ""]
    for label, text in report.overview:
        rows.append(f"- {label}: {markdown(text)}")
    for entry in report.entries:
        rows += ["", *_entry(report.language, entry)]
    rows += ["", f"<sub>vlmdoctor {report.tool_version}, rules {report.rules_digest[:12]}</sub>"]
    return "\n".join(rows) + "\n"


def _entry(language: str, entry: Entry) -> Iterator[str]:
    finding = entry.finding
    level = "####" if finding.under else "###"
    follows = f" ({say(language, 'follows')})" if finding.under else ""
    label = say(language, finding.severity)
    yield f"{level} {label}: {markdown(entry.title)} `{finding.rule}`{follows}"
    yield ""
    yield markdown(paragraph(entry.why.splitlines()))
    yield ""
    for name, value, where in entry.seen:
        yield f"- {markdown(name)}: {_span(value)}" + (f" ({markdown(where)})" if where else "")
    yield ""
    yield f"**{say(language, 'do')}**: {markdown(paragraph(entry.next.splitlines()))}"
    yield from _commands(language, entry)
    yield ""
    yield f"**{say(language, 'proof')}**: {markdown(paragraph(entry.proof.splitlines()))}"
    for link in entry.links:
        yield f"<{code(link)}>"


def _span(text: str) -> str:
    clean = code(text) or " "
    ticks = fence(clean)[2:] if "`" in clean else "`"
    return f"{ticks} {clean} {ticks}" if "`" in clean else f"`{clean}`"


def _commands(language: str, entry: Entry) -> Iterator[str]:
    ways = sorted({item.way for item in entry.commands if item.text})
    for number, way in enumerate(ways):
        texts = [code(item.text) for item in entry.commands if item.text and item.way == way]
        ticks = fence("\n".join(texts))
        if number:
            yield ""
            yield say(language, "or")
        yield from ("", f"{ticks}sh", *texts, ticks)
