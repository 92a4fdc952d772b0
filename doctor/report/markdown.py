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
    rows += _together(report)
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
    if report.together and finding.rule in report.together.rules:
        yield markdown(say(language, "together.below"))
    else:
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


def _together(report: Report) -> Iterator[str]:
    if report.together is None:
        return
    language = report.language
    yield from ("", f"### {say(language, 'together')}", "")
    yield from (f"- {markdown(move)}" for move in report.together.moves)
    conflicts = (say(language, "together.not", slug=slug, who=who) for slug, who in report.together.conflicts)
    yield from (f"- {markdown(line)}" for line in conflicts)
    yield from _block(report, [code(text) for text in report.together.commands])
    yield ""
    yield prose(say(language, "together.how"))


def _block(report: Report, texts: list[str]) -> Iterator[str]:
    """Commands in a fence of their own."""
    shell = "powershell" if report.snapshot.get("os.name") == "windows" else "sh"
    ticks = fence("\n".join(texts))
    yield from ("", f"{ticks}{shell}", *texts, ticks)


def _commands(report: Report, entry: Entry) -> Iterator[str]:
    ways = sorted({item.way for item in entry.commands if item.text})
    for number, way in enumerate(ways):
        texts = [code(item.text) for item in entry.commands if item.text and item.way == way]
        if number:
            yield ""
            yield say(report.language, "or")
        yield from _block(report, texts)
