"""What the commands share: options, the language, the judging pipeline, the output."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from doctor.errors import PlanLate
from doctor.model import Finding, Rule, Snapshot, Verdict
from doctor.model.report import Report
from doctor.words import say

if TYPE_CHECKING:
    from pathlib import Path

    from doctor.model.plan import Plan

FORMATS = ("text", "json", "markdown")
PATIENCE = 3  # seconds of the processor for the plan of a report; 0.1 to 0.8 are usual
LEVELS = ("error", "warning", "note")


def language(asked: str | None) -> str:
    """``--lang``, else the locale's: zh for a Chinese locale, en for every other."""
    if asked:
        return asked
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    if sys.platform == "win32":
        import locale

        return "zh" if (locale.getlocale()[0] or "").lower().startswith("chinese") else "en"
    return "en"


class FilePath(click.Path):
    """A path as ``pathlib`` has it, which is loaded for a path that was given: it would be a fortieth of a check."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Path":
        """The path."""
        from pathlib import Path

        return Path(os.fsdecode(super().convert(value, param, ctx)))


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of every command that judges and reports."""
    for option in (
        click.option("--rules", "rules_dir", type=FilePath(), help="Folder with further rules."),
        click.option("--skip", multiple=True, metavar="ID", help="Leave out these rules (id, slug or id prefix)."),
        click.option("--only", multiple=True, metavar="ID", help="Only these rules (id, slug or id prefix)."),
        click.option("--strict", is_flag=True, help="Rules that could not decide count as findings."),
        click.option("--lang", type=click.Choice(("en", "zh")), help="Language; otherwise the locale's."),
        click.option(
            "--fail-on",
            type=click.Choice((*LEVELS, "never")),
            default="error",
            show_default=True,
            help="Exit with 1 from this severity on.",
        ),
        click.option("-o", "--output", type=FilePath(), help="Write the report to this file."),
        click.option(
            "--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True, help="Report format."
        ),
    ):
        command = option(command)
    return command


class Options(NamedTuple):
    """The values of ``report_options``."""

    format_: str
    output: os.PathLike[str] | None
    fail_on: str
    lang: str | None
    strict: bool
    only: tuple[str, ...]
    skip: tuple[str, ...]
    rules_dir: os.PathLike[str] | None


def chosen(rules: Iterable[Rule], only: tuple[str, ...], skip: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules that ``--only`` and ``--skip`` leave."""
    rules = tuple(rules)
    for word in (*only, *skip):
        if not any(_names(word, rule) for rule in rules):
            raise click.UsageError(f"no rule is called {word!r}")
    return tuple(
        rule
        for rule in rules
        if (not only or any(_names(word, rule) for word in only)) and not any(_names(word, rule) for word in skip)
    )


def _names(word: str, rule: Rule) -> bool:
    return word in {rule.slug, rule.family} or (word.isupper() and rule.id.startswith(word))


def judge(snapshot: Snapshot, options: Options) -> Report:
    """Snapshot -> report: derived facts, every chosen rule, ranked, in the user's language.

    What judges is loaded only now: the less there is, the cheaper are the copies that read the machine.
    """
    from doctor.engine import store
    from doctor.engine.evaluate import evaluate
    from doctor.knowledge.derive import derive
    from doctor.plan.shell import Target
    from doctor.report.build import Style, build

    corpus = store.load(options.rules_dir)
    rules = chosen(corpus.rules, options.only, options.skip)
    snapshot = derive(snapshot)
    findings = evaluate(rules, snapshot)
    style = Style(language(options.lang), Target.of(snapshot))
    plan = None
    try:
        plan = planned(findings, rules, snapshot)
    except PlanLate:
        snapshot = snapshot._replace(unread={**snapshot.unread, "plan": say(style.language, "late", seconds=PATIENCE)})
    except Exception as error:  # noqa: BLE001 - as for a rule: what breaks here is told and costs only the plan
        trouble = f"{type(error).__name__}: {error}"
        findings = [*findings, Finding("", "plan", "", "note", Verdict.CRASH, trouble=trouble)]
    return build(findings, snapshot, corpus, style, plan)


def planned(findings: Iterable[Finding], rules: tuple[Rule, ...], snapshot: Snapshot) -> "Plan | None":
    """One plan for all findings that something can be typed for; None, and nothing loaded, when there are none.

    Raises PlanLate when the processor has worked for ``PATIENCE`` seconds at it: a report must not wait for a plan.
    """
    loud = (f for f in findings if f.verdict is Verdict.HIT and f.severity != "note")
    if not any(step.kind not in ("advise", "edit") for finding in loud for step in finding.fix):
        return None
    from doctor.plan.make import plan

    end = time.process_time() + PATIENCE
    return plan(snapshot, rules, late=lambda: time.process_time() > end)


def emit(report: Report, options: Options) -> None:
    """Render and write: to the file by rename, else to standard output."""
    body = rendered(report, options)
    if options.output is None:
        click.echo(body, nl=False, color=True if colourful() else None)
    else:
        write_file(options.output, body)


def rendered(report: Report, options: Options) -> str:
    """The report in the asked format."""
    if options.format_ == "json":
        from doctor.report import jsonout

        return jsonout.render(report)
    if options.format_ == "markdown":
        from doctor.report import markdown

        return markdown.render(report)
    from doctor.report import text

    to_terminal = options.output is None
    width = columns() if to_terminal else 80
    return text.render(report, min(width, 110), paint if to_terminal and colourful() else text.no_paint)


def columns() -> int:
    """Columns to fill: COLUMNS, else the terminal's, else 80 (``shutil`` knows too, but loads two compressors)."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and len(asked) < 6 and int(asked) > 0:
        return int(asked)
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:  # not a terminal
        return 80


def colourful() -> bool:
    """Colours only on a terminal, and never with NO_COLOR."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


_STYLES: dict[str, dict[str, Any]] = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "note": {"fg": "cyan"},
    "good": {"fg": "green", "bold": True},
    "command": {"bold": True},
    "dim": {"dim": True},
}


def paint(text: str, role: str) -> str:
    """ANSI colours for a role."""
    return click.style(text, **_STYLES[role])


def write_file(path: os.PathLike[str], body: str) -> None:
    """Write a whole report; see ``replacing``."""
    with replacing(path) as stream:
        stream.write(body)


@contextmanager
def replacing(target: os.PathLike[str]) -> Iterator[TextIO]:
    """A stream beside the target that takes its place at the end: a cut-off run leaves the old file or the new one.

    A target that is no regular file (a device, a pipe) is written to directly.
    """
    import tempfile
    from pathlib import Path

    path = Path(target)
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8") as direct:
            yield direct
        return
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise click.ClickException(f"{path}: {error.strerror}") from None
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def status(report: Report, options: Options) -> int:
    """Exit code: 1 for findings at or above ``--fail-on``; with ``--strict`` also for rules that could not decide.

    3 when nothing was found in a machine of which an essential part could not be read.
    """
    if options.strict and (report.unknown or report.crashed):
        return 1
    if options.fail_on == "never":
        return 0
    loud = LEVELS[: LEVELS.index(options.fail_on) + 1]
    found = any(entry.finding.severity in loud for entry in report.entries)
    return 1 if found else 3 if report.unseen else 0
