"""Writes the generated documents: docs/snapshot.md from the fact catalogue, docs/rules/ from the rules.

``python docs/generate.py`` rewrites them; tests/test_docs_in_step.py fails when they are out of step.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from doctor.engine import bundle, signs  # noqa: E402
from doctor.engine.evaluate import fill_text  # noqa: E402
from doctor.engine.load import RuleFile, load_dir  # noqa: E402
from doctor.model.facts import CLOSED_FAMILIES, catalogue  # noqa: E402
from doctor.model.snapshot import SCHEMA  # noqa: E402
from doctor.report.markdown import prose  # noqa: E402
from doctor.report.untrusted import markdown  # noqa: E402

HEADS = {
    "en": {"why": "Why", "next": "What to do", "proof": "How to see that it worked"},
    "zh": {"why": "原因", "next": "怎么办", "proof": "怎样确认已经解决"},
}


def documents() -> dict[str, str]:
    """Every generated document: path below docs/ -> text."""
    files = load_dir(ROOT / "rules")
    pages = {f"rules/{item.rule.id}.md": rule_page(item) for item in files}
    return {"snapshot.md": snapshot_page(), "rules/README.md": index_page(files), **pages}


def snapshot_page() -> str:
    """The fact catalogue as a table."""
    rows = [
        "# Facts of a snapshot",
        "",
        f"Generated from `doctor/model/facts`. Schema `{SCHEMA}`: `facts`, `unread` (name -> reason), `closed` (families",
        f"whose listing is complete: {', '.join(CLOSED_FAMILIES)}), `source`, `taken`. A value of null is a known absence; a name that",
        "is not there is not known. Bytes are integers; paths below the home folder start with `~`.",
        "",
        "| fact | type | meaning | before it is shown |",
        "|---|---|---|---|",
    ]
    for spec in catalogue().values():
        fields = f" Fields: {', '.join(f'{k} ({v})' for k, v in spec.fields.items())}." if spec.fields else ""
        rows.append(f"| `{spec.name}` | {spec.type} | {spec.doc}{fields} | {spec.sensitive or '-'} |".replace("\n", " "))
    return "\n".join(rows) + "\n"


def rule_page(item: RuleFile) -> str:
    """One rule in both languages."""
    return "\n".join(_page(item)) + "\n"


def _page(item: RuleFile) -> Iterator[str]:
    rule = item.rule
    yield f"# {rule.id} {rule.slug}"
    yield ""
    yield f"Severity: {rule.severity}. Family: {rule.family}. Since {rule.since}."
    for language in ("en", "zh"):
        text = {key: fill_text(value, {}) for key, value in item.text[language].items()}
        yield from ("", f"## {markdown(text['title'])}")
        for key, head in HEADS[language].items():
            yield from ("", f"**{head}.** {prose(text[key])}")
    if rule.signs:
        yield from ("", "## Text it prints", "")
        yield from (f"- `{sign.pattern}`" if "`" not in sign.pattern else f"- `` {sign.pattern} ``" for sign in rule.signs)
    if rule.explains:
        yield from ("", "Explains: " + ", ".join(rule.explains) + ".")
    yield ""
    yield from (f"- <{link}>" for link in rule.links)


def index_page(files: list[RuleFile]) -> str:
    """All rules by family, then by symptom."""
    families = bundle.families(ROOT / "rules")
    rows = ["# Rules / 规则", "", f"{len(files)} rules. Generated from `rules/`.", ""]
    for folder, family in sorted(families.items(), key=lambda pair: pair[1]["order"]):
        members = [item for item in files if item.rule.family == folder]
        if members:
            rows += ["", f"## {family['en']} / {family['zh']}", "", "| rule | severity | what | 问题 |", "|---|---|---|---|"]
            rows += [_row(item) for item in members]
    rows += ["", "## By symptom / 按报错文本", "", "| text | rules |", "|---|---|"]
    return "\n".join([*rows, *_symptoms(files)]) + "\n"


def _row(item: RuleFile) -> str:
    rule = item.rule
    titles = [markdown(fill_text(item.text[language]["title"], {})) for language in ("en", "zh")]
    return f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {titles[0]} | {titles[1]} |"


def _symptoms(files: list[RuleFile]) -> Iterator[str]:
    """Each literal that a sign looks for, with the rules that know it."""
    table: dict[str, set[str]] = {}
    for item in files:
        for sign in item.rule.signs:
            for literal in signs.literals_of(sign.pattern):
                if len(literal) > 7:
                    table.setdefault(literal.strip(), set()).add(item.rule.id)
    for literal, ids in sorted(table.items()):
        yield f"| {markdown(literal)} | {', '.join(f'[{i}]({i}.md)' for i in sorted(ids))} |"


def main() -> int:
    """Rewrite everything; pages of rules that are gone are removed."""
    wanted = documents()
    for path in (ROOT / "docs" / "rules").glob("*.md"):
        if f"rules/{path.name}" not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = ROOT / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
