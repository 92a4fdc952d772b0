"""``vlmdoctor explain ID``: one rule in full."""

from __future__ import annotations

import click

from doctor.commands.common import language
from doctor.engine import store
from doctor.engine.evaluate import fill_text
from doctor.model import Rule
from doctor.report.layout import paragraph, wrap
from doctor.words import say


def find_rule(corpus: store.Corpus, word: str) -> Rule:
    """The rule of this id or slug. Raises click.UsageError when there is none."""
    for rule in corpus.rules:
        if word in (rule.slug, rule.id) or word.upper() == rule.id:
            return rule
    raise click.UsageError(f"no rule is called {word!r}; see `vlmdoctor rules list`")


@click.command("explain")
@click.argument("rule_id", metavar="ID")
@click.option("--lang", type=click.Choice(("en", "zh")), help="Language; otherwise the locale's.")
def command(rule_id: str, lang: str | None) -> int:
    """Explain one rule: what happens, why, what to do, how to see that it worked."""
    corpus = store.load()
    rule = find_rule(corpus, rule_id)
    lang = language(lang)
    words = {key: fill_text(text, {}) for key, text in corpus.words.text(rule.id, lang).items()}
    click.echo(f"{rule.id}  {rule.slug}  ({say(lang, rule.severity)})")
    for key, label in (("title", ""), ("why", "why"), ("next", "do"), ("proof", "proof")):
        click.echo()
        first = f"{say(lang, label)}: " if label else ""
        for row in wrap(paragraph(words[key].splitlines()), 80, first, "  "):
            click.echo(row)
    for sign in rule.signs:
        click.echo(f"\n  text: {sign.pattern}")
    for link in rule.links:
        click.echo(f"\n  {say(lang, 'link')}: {link}")
    return 0
