"""A plan for people: what it cures, what it changes, what is left to do by hand, what cannot be had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from doctor.engine.evaluate import fill_text
from doctor.engine.store import Corpus
from doctor.model import FixStep, Snapshot
from doctor.model.plan import Conflict, Install, Instead, Move, Plan, Side
from doctor.plan.hand import by_hand
from doctor.plan.order import arranged, changes_shell
from doctor.plan.place import fresh
from doctor.plan.refuse import Refusal
from doctor.plan.rehearse import Answer
from doctor.plan.script import install, installing
from doctor.plan.shell import Target, command, quote
from doctor.report.layout import wrap
from doctor.report.untrusted import plain
from doctor.words import say

SHOWN = 6  # moves of a price that are named


class Style(NamedTuple):
    """How the reader wants it, and for which machine the plan is."""

    language: str
    target: Target
    snapshot: Snapshot
    corpus: Corpus
    width: int = 80


class Row(NamedTuple):
    """Prose is wrapped; a command never is, because it will be copied."""

    text: str
    is_command: bool = False
    depth: int = 1


def render(plan: Plan, style: Style, notes: Sequence[str] = (), here: bool = True) -> str:
    """The plan as lines, then ``notes``; control characters of strangers are shown as such.

    ``here`` is False where nothing may be installed: then no install is shown that could be typed.
    """
    rows = list(_rows(plan, style, here)) or [Row(say(style.language, "fix.none"), depth=0)]
    said = [Row(note, note.startswith("  "), 0) for note in notes if note]
    rows += [Row(""), *said] if said else []
    return "\n".join(line for row in rows for line in _wrapped(row, style.width)).lstrip("\n") + "\n"


def _wrapped(row: Row, width: int) -> list[str]:
    text = plain(row.text)
    if row.is_command or not text:
        return ["  " * row.depth + text if text else ""]
    return wrap(text, width, "  " * row.depth, "  " * (row.depth + 1))


def _rows(plan: Plan, style: Style, here: bool) -> Iterator[Row]:
    for goal in (goal for goal in plan.goals if goal.proof != "foreseen"):
        proof = say(style.language, "fix." + goal.proof)
        yield Row(f"{goal.rule} {_title(goal.rule, goal.bound, style)} ({proof})", depth=0)
    yield from _moves(plan, style)
    avoided = [f"{goal.rule} {goal.slug}" for goal in plan.goals if goal.proof == "foreseen"]
    if avoided:
        yield Row(say(style.language, "fix.avoided", what=say(style.language, "comma").join(avoided)), depth=0)
    commands = list(_commands(plan, style.target, here))
    if commands:
        yield Row("")
        yield Row(say(style.language, "fix.commands") + ":", depth=0)
        yield from (Row(line, is_command=True) for line in commands)
    if plan.advice:
        yield Row("")
    yield from hand(plan, style)
    for found in plan.conflicts:
        yield Row("")
        yield from disagreement(found, style)
    yield from strange(plan, style)


def strange(plan: Plan, style: Style) -> Iterator[Row]:
    """Errors that the prediction shows anew: such a plan is not applied."""
    for rule in plan.unconfirmed:
        yield Row(say(style.language, "fix.strange", what=f"{rule} {_title(rule, {}, style)}"), depth=0)


def _title(rule: str, bound: Mapping[str, str], style: Style) -> str:
    return fill_text(style.corpus.words.text(rule, style.language)["title"], dict(bound))


def _moves(plan: Plan, style: Style) -> Iterator[Row]:
    if not plan.moves:
        return
    yield Row("")
    yield Row(say(style.language, "fix.moves") + ":", depth=0)
    yield from (Row(moved(move, style.language)) for move in plan.moves)


def moved(move: Move, language: str) -> str:
    """``numpy: 2.2.6 -> 1.26.4`` in words where there is no version on a side."""
    new = move.goes_to or say(language, "fix.removed")
    if new == "*":  # a release that nothing narrows down, or one that the installer brings because another asks for it
        new = say(language, "fix.newest" if move.pin else "fix.brought")
    return f"{move.name}: {move.old or say(language, 'fix.missing')} -> {new}"


def _commands(plan: Plan, target: Target, here: bool) -> Iterator[str]:
    """``here`` is False where nothing may be installed: then only what the shell itself does."""
    for each in arranged(plan):
        if isinstance(each, FixStep) and (here or changes_shell(each)):
            yield from filter(None, [command(each, target)])
        elif isinstance(each, Install) and here:
            yield from install(each, target)


def hand(plan: Plan, style: Style) -> Iterator[Row]:
    """What only a person can do: the rule's own words, then the lines to type."""
    if not plan.advice:
        return
    yield Row(say(style.language, "fix.hand") + ":", depth=0)
    bounds = {goal.rule: goal.bound for goal in plan.goals}
    said = set[Row]()
    for because in dict.fromkeys(step.because for step in plan.advice):
        steps = [step for step in plan.advice if step.because == because]
        for row in _by_hand(because, steps, bounds, style):
            if row not in said:  # several steps may ask for the same lines
                yield row
            said.add(row)


def _by_hand(
    because: tuple[str, ...], steps: Sequence[FixStep], bounds: Mapping[str, Mapping[str, str]], style: Style
) -> Iterator[Row]:
    built = [step for step in steps if step.bound.get("build")]
    for step in built:
        why = say(style.language, "fix.build", name=step.target, torch=step.bound["build"])
        yield Row(why)
        yield Row(command(step, style.target), is_command=True, depth=2)
    rest = [step for step in steps if step not in built]
    for rule in because if rest else ():
        words = style.corpus.words.text(rule, style.language)
        yield Row(f"{rule} {fill_text(words['next'], dict(bounds.get(rule, {})))}")
    for step in rest:
        yield from _typed(step, style)


def _typed(step: FixStep, style: Style) -> Iterator[Row]:
    text = command(step, style.target)
    if text:
        yield Row(text, is_command=True, depth=2)
        return
    found = by_hand(step, style.snapshot)
    if found is None:
        return
    if found.place != "here":
        yield Row(say(style.language, "fix.place." + found.place), depth=2)
    yield from (Row(line, is_command=True, depth=2) for line in found.lines)


def disagreement(found: Conflict, style: Style) -> Iterator[Row]:
    """Who disagrees, what each side's giving way costs, and what else serves."""
    language = style.language
    yield Row(say(language, "fix.conflict", title=f"{found.rule} {_title(found.rule, found.bound, style)}"), depth=0)
    if found.who:
        sides = say(language, "fix.and").join(side(each, language) for each in found.who)
        yield Row(say(language, "fix.who", who=sides))
    for price in found.prices:
        what = say(language, "fix.gives." + price.gives, name=price.name)
        yield Row(say(language, "fix.price", what=what, moves=_some(price.moves, language)))
    for other in found.instead:
        yield Row(say(language, "fix.instead." + other.kind, name=other.name))
        yield from (Row(line, is_command=True, depth=2) for line in instead(other, style))


def side(each: Side, language: str) -> str:
    """One side of a disagreement in words."""
    if each.by == "keep":
        return say(language, "fix.stays", name=each.name, version=each.spec)
    if not each.spec:
        return say(language, "fix.goes", by=each.by, name=each.name)
    return say(language, "fix.asks", by=each.by, asks=each.name + each.spec)


def _some(moves: Sequence[Move], language: str) -> str:
    if not moves:
        return say(language, "fix.price.none")
    text = say(language, "comma").join(moved(move, language) for move in moves[:SHOWN])
    more = len(moves) - SHOWN
    return text + (say(language, "fix.price.more", count=more) if more > 0 else "")


def tail(plan: Plan, style: Style) -> list[str]:
    """What a script says at its end, as plain lines."""
    rows = [*hand(plan, style), *(row for found in plan.conflicts for row in disagreement(found, style))]
    rows += strange(plan, style)
    return [row.text for row in rows if row.text]


def heard(answer: Answer | None, language: str) -> str:
    """What the installer's own resolver said."""
    if answer is None:
        return say(language, "fix.unasked")
    return say(language, "fix.heard." + answer.verdict, why=answer.why, more=say(language, "comma").join(answer.more))


def refused(found: Refusal, language: str) -> list[str]:
    """Why nothing is installed here, then the commands of the way out."""
    return [say(language, "fix.not." + found.why, name=found.name), *("  " + line for line in found.lines)]


def instead(other: Instead, style: Style) -> tuple[str, ...]:
    """The commands of another way to the goal."""
    target = style.target
    if other.kind == "environment":
        return _environment(other, style)
    if other.kind == "engine":
        return (" ".join([installing(target, other.index), *(quote(pin, target.shell) for pin in other.pins)]),)
    if other.kind == "gguf":
        return (f"llama-mtmd-cli -hf {quote(other.name, target.shell)}",)
    if other.kind == "model":
        return (f"vlmdoctor fit {quote(other.name, target.shell)}",)
    step = FixStep("advise", "nvidia-driver", "", "manual")
    found = by_hand(step, style.snapshot)
    return found.lines if found else ()


def _environment(other: Instead, style: Style) -> tuple[str, ...]:
    """A new environment beside the old one, made by the patient's own tool."""
    target = style.target
    place = fresh(style.snapshot, target, other.name)
    there = Target(target.shell, place.python, "pip" if target.conda else target.installer, plain=True)
    return place.make, " ".join([installing(there, other.index), *(quote(pin, target.shell) for pin in other.pins)])
