"""``vlmdoctor rules``: list, show, test, add and refresh rules."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from doctor.commands.common import language
from doctor.commands.explain import find_rule
from doctor.commands.refresh import command as refresh
from doctor.engine import store
from doctor.engine.evaluate import fill_text
from doctor.errors import RuleError
from doctor.words import say

_RULES = click.option("--rules", "rules_dir", type=click.Path(path_type=Path), help="Folder with further rules.")
_LANG = click.option("--lang", type=click.Choice(("en", "zh")), help="Language; otherwise the locale's.")


@click.group("rules")
def command() -> None:
    """List, show, test, add and refresh rules."""


command.add_command(refresh)


@command.command("list")
@click.argument("words", nargs=-1)
@_RULES
@_LANG
def list_(words: tuple[str, ...], rules_dir: Path | None, lang: str | None) -> int:
    """One line a rule; WORDS narrow the list (id prefix, slug or part of the title)."""
    corpus = store.load(rules_dir)
    lang = language(lang)
    for rule in corpus.rules:
        title = fill_text(corpus.words.text(rule.id, lang)["title"], {})
        line = f"{rule.id}  {rule.severity:7}  {rule.slug}  {title}"
        if all(word.lower() in line.lower() for word in words):
            click.echo(line)
    return 0


@command.command("show")
@click.argument("rule_id", metavar="ID")
@_RULES
def show(rule_id: str, rules_dir: Path | None) -> int:
    """A rule's conditions as data."""
    import json

    rule = find_rule(store.load(rules_dir), rule_id)
    click.echo(json.dumps(rule.as_data(), indent=1, ensure_ascii=False))
    return 0


@command.command("test")
@click.argument("ids", nargs=-1, metavar="ID...")
@_RULES
@_LANG
def test(ids: tuple[str, ...], rules_dir: Path | None, lang: str | None) -> int:
    """Run the inline examples of all or of the named rules."""
    from doctor.plan.selftest import failures

    corpus = store.load(rules_dir)
    rules = [find_rule(corpus, word) for word in ids] or list(corpus.rules)
    bad = 0
    for rule in rules:
        for text in failures(rule, corpus.words.examples(rule.id)):
            click.echo(f"{rule.id}  {text}")
            bad += 1
    total = sum(len(corpus.words.examples(rule.id)) for rule in rules)
    lang = language(lang)
    click.echo(say(lang, "rules.bad", count=bad) if bad else say(lang, "rules.ok", count=total, rules=len(rules)))
    return int(bool(bad))


@command.command("new")
@click.argument("family")
@click.argument("title")
@click.option("--rules", "rules_dir", type=click.Path(path_type=Path), default=Path("rules"), show_default=True)
def new(family: str, title: str, rules_dir: Path) -> int:
    """Write the draft of a rule with the next free id of FAMILY (folder name or prefix)."""
    corpus = store.load()
    folder = next((k for k, v in corpus.families.items() if family.lower() in (k, v["prefix"].lower())), None)
    if folder is None:
        raise click.UsageError(f"no family {family!r}; known: {', '.join(corpus.families)}")
    prefix = corpus.families[folder]["prefix"]
    taken = {rule.id for rule in corpus.rules} | _retired(rules_dir)
    rule_id = next(f"{prefix}{n}" for n in range(101, 1000) if f"{prefix}{n}" not in taken)
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "unnamed"
    path = rules_dir / folder / f"{rule_id}-{slug}.toml"
    if path.exists():
        raise RuleError(path.name, "exists already")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_DRAFT.format(id=rule_id, title=title.replace('"', "'")), encoding="utf-8", newline="\n")
    click.echo(os.fspath(path))
    return 0


def _retired(rules_dir: Path) -> set[str]:
    path = rules_dir / "retired.toml"
    return set(re.findall(r"\b[A-Z]{3}\d{3}\b", path.read_text(encoding="utf-8"))) if path.is_file() else set()


_DRAFT = """\
id = "{id}"
since = "0.1.0"
severity = "error"
links = []

[[when]]
dist = "torch"

[text.en]
title = "{title}"
why = "?"
next = "?"
proof = "?"

[text.zh]
title = "{title}"
why = "?"
next = "?"
proof = "?"

[[fix]]
advise = "torch"
safety = "manual"

[[example]]
name = "the case seen"
facts = {{ "dist.torch" = "2.5.1" }}
expect = "hit"

[[example]]
name = "a near miss"
facts = {{ "dist.torch" = "<absent>" }}
expect = "clear"
"""
