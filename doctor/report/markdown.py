"""The report as Markdown, ready to be posted: everything from the machine is escaped or in code."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.model.report import Entry, Report
from doctor.report.layout import paragraph
from doctor.report.text import sureness, verdict
from doctor.report.untrusted import code, fence, markdown
from doctor.words import say


def render(report: Report) -> str:
    """The whole report."""
    rows = [f"**{markdown(verdict(report))}**", ""]
    for label, text in report.overview:
        rows.append(f"- {label}: {markdown(text)}")
    for entry in report.entries:
        rows += ["", *_entry(report, entry)]
    rows += ["", f"<sub>vlmdoctor {report.tool_version}, rules {report.rules_digest[:12]}</sub>"]
    return "\n".join(rows) + "\n"


def _entry(report: Report, entry: Entry) -> Iterator[str]:
    language, finding = report.language, entry.finding
    level = "####" if finding.under else "###"
    follows = f" ({say(language, 'follows')})" if finding.under else ""
    label = say(language, finding.severity)
    if entry.beside:
        follows = f" ({say(language, 'candidate', rule=entry.beside)})"
    sure = markdown(sureness(report, entry))
    yield f"{level} {label}: {markdown(entry.title)}{sure} `{finding.rule}`{follows}"
    yield ""
    yield prose(entry.why)
    yield ""
    for name, value, where in entry.seen:
        yield f"- {markdown(name)}: {_span(value)}" + (f" ({markdown(where)})" if where else "")
    if entry.confirm:
        yield f"- {say(language, 'confirm')}: {_span(entry.confirm)}"
    yield ""
    yield f"**{say(language, 'do')}**: {prose(entry.next)}"
    yield from _commands(report, entry)
    yield ""
    yield f"**{say(language, 'proof')}**: {prose(entry.proof)}"
    for link in entry.links:
        yield f"<{code(link)}>"


def prose(text: str) -> str:
    """A paragraph whose `code` stays code; everything else in it is escaped."""
    parts = paragraph(text.splitlines()).split("`")
    if len(parts) % 2 == 0:  # a backtick without a partner: none of them is markup
        return markdown("`".join(parts))
    return "".join(_span(part) if odd % 2 else markdown(part) for odd, part in enumerate(parts))


def _span(text: str) -> str:
    clean = code(text) or " "
    ticks = fence(clean)[2:] if "`" in clean else "`"
    return f"{ticks} {clean} {ticks}" if "`" in clean else f"`{clean}`"


def _commands(report: Report, entry: Entry) -> Iterator[str]:
    shell = "powershell" if report.snapshot.get("os.name") == "windows" else "sh"
    ways = sorted({item.way for item in entry.commands if item.text})
    for number, way in enumerate(ways):
        texts = [code(item.text) for item in entry.commands if item.text and item.way == way]
        ticks = fence("\n".join(texts))
        if number:
            yield ""
            yield say(report.language, "or")
        yield from ("", f"{ticks}{shell}", *texts, ticks)
