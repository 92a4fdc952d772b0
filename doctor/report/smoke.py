"""What the smoke tiers gave, as text or Markdown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from doctor.report.layout import wrap
from doctor.report.untrusted import code, fence, markdown, plain
from doctor.words import say

Paint = Callable[[str, str], str]
Records = Sequence[Mapping[str, Any]]
NOT_TRIED = "-"  # step of a tier that was left out; its detail is the step that failed before
LAST = 12  # lines of an error that no rule knows


def verdict(language: str, results: Records, seconds: float) -> str:
    """Does it run, and if not, what failed first."""
    bad = next((row for row in results if row["ok"] is False), None)
    if bad is not None:
        holes = {key: plain(str(bad[key])) for key in ("tier", "step", "detail")}
        return say(language, "smoke.broke", **holes)
    idle = untried(results)
    if idle is not None:
        return say(language, "smoke.nothing", tier=idle["tier"], detail=plain(str(idle["detail"])))
    good = sum(row["ok"] is True for row in results)
    return say(language, "smoke.done", count=good, seconds=f"{seconds:.1f}")


def untried(results: Records) -> Mapping[str, Any] | None:
    """The first step of a tier that was asked for and of which nothing could be tried to its end."""
    for _, group in groupby(results, key=lambda row: row["tier"]):
        rows = list(group)
        last = rows[-1]
        if last["ok"] is None and not any(row["ok"] is True for row in rows[1:]):
            return last
    return None


def text(language: str, results: Records, arch: str, python: str, seconds: float, width: int, paint: Paint) -> str:
    """The table of steps; the verdict and the interpreter first."""
    failed = any(row["ok"] is False for row in results)
    rows = wrap(verdict(language, results, seconds), width)
    rows[0] = paint(rows[0], "error" if failed else "good")
    rows += wrap(say(language, "smoke.python", python=plain(python)), width)
    for tier, group in groupby(results, key=lambda row: row["tier"]):
        rows += ["", f"  {tier} {say(language, f'smoke.tier.{tier}', arch=plain(arch))}"]
        for row in group:
            rows += _row(language, row, width, paint)
    return "\n".join(rows) + "\n"


def _row(language: str, row: Mapping[str, Any], width: int, paint: Paint) -> Iterator[str]:
    state = _state(language, row["ok"])
    head = f"    {state:<7} {row['seconds']:7.2f} s  "
    lines = wrap(plain(_said(language, row)), width, head, " " * len(head))
    role = {True: "good", False: "error"}.get(row["ok"], "dim")
    yield lines[0].replace(state, paint(state, role), 1)
    yield from lines[1:]


def _state(language: str, ok: bool | None) -> str:
    return say(language, "smoke.skipped" if ok is None else "smoke.ok" if ok else "smoke.failed")


def _said(language: str, row: Mapping[str, Any]) -> str:
    if row["step"] == NOT_TRIED:
        return say(language, "smoke.after", step=row["detail"])
    return f"{row['step']}: {row['detail']}" if row["detail"] else str(row["step"])


def markdown_table(language: str, results: Records, python: str, seconds: float) -> str:
    """The same as a Markdown table."""
    where = markdown(say(language, "smoke.python", python=python))
    rows = [f"**{markdown(verdict(language, results, seconds))}**", "", where, ""]
    rows += ["| tier | step | | s |", "|---|---|---|---|"]
    for row in results:
        cell = markdown(_said(language, row)).replace("|", "\\|").replace("\n", " ")
        rows.append(f"| {row['tier']} | {cell} | {_state(language, row['ok'])} | {row['seconds']:.2f} |")
    return "\n".join(rows) + "\n"


def last_lines(language: str, output: Sequence[str], in_markdown: bool) -> str:
    """The end of what was printed, for an error that no rule knows."""
    ending = [line for line in output if line.strip()][-LAST:]
    head = say(language, "smoke.unknown")
    if in_markdown:
        body = "\n".join(code(line) for line in ending)
        ticks = fence(body)
        return f"\n{head}\n\n{ticks}\n{body}\n{ticks}\n"
    return "\n" + head + "\n" + "".join(f"  {plain(line)}\n" for line in ending)
