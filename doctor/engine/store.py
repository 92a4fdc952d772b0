"""Where the rules are: the bundle inside an installed package, else rules/ beside the package in a checkout."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from doctor.errors import RuleError
from doctor.knowledge import store as tables
from doctor.model import FixSpec, Rule, Sign

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
DATA_PACKAGE = "vlmdoctor_data"


class Words:
    """The texts and examples of rules by id, held in memory or read from the bundle when they are asked for."""

    def __init__(self, records: Mapping[str, Any]) -> None:
        self._records = records

    def _record(self, rule_id: str) -> Mapping[str, Any]:
        if rule_id not in self._records:
            raise RuleError(rule_id, "there is no such rule")
        record: Mapping[str, Any] = self._records[rule_id]
        return record

    def text(self, rule_id: str, language: str) -> Mapping[str, str]:
        """title, why, next, proof in ``language`` (``en`` or ``zh``)."""
        text: Mapping[str, str] = self._record(rule_id)["text"][language]
        return text

    def examples(self, rule_id: str) -> Sequence[Mapping[str, Any]]:
        """The rule's inline examples."""
        examples: Sequence[Mapping[str, Any]] = self._record(rule_id)["examples"]
        return examples

    def also(self, held: Mapping[str, Any]) -> "Words":
        """A copy that holds more rules."""
        return Words({**self._records, **held})


class Details:
    """Links, signs and steps of the bundled rules: one line each, parsed when it is asked for."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: list[bytes] = []
        self._rows: dict[int, tuple[Sequence[Any], ...]] = {}

    def row(self, number: int) -> tuple[Sequence[Any], ...]:
        """Links, signs and steps of one rule."""
        if number not in self._rows:
            self._lines = self._lines or _bytes(self._file).split(b"\n")
            links, signs, fix = json.loads(self._lines[number])
            self._rows[number] = links, [Sign(*sign) for sign in signs], [FixSpec(*step) for step in fix]
        return self._rows[number]


class Later(Sequence[Any]):
    """A part of a rule that a live check mostly does without: its signs, its steps, its links."""

    __slots__ = ("_details", "_part", "_row")

    def __init__(self, details: Details, row: int, part: int) -> None:
        self._details, self._row, self._part = details, row, part

    def _items(self) -> Sequence[Any]:
        return self._details.row(self._row)[self._part]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items())

    def __getitem__(self, index: Any) -> Any:
        return self._items()[index]

    def __len__(self) -> int:
        return len(self._items())


class Corpus(NamedTuple):
    """Rules with their words. ``digest`` names the corpus in reports; ``origin`` says where it came from."""

    rules: tuple[Rule, ...]
    words: Words
    digest: str
    origin: str
    families: Mapping[str, Any]

    def by_id(self) -> dict[str, Rule]:
        """Rules by id."""
        return {rule.id: rule for rule in self.rules}


def load(extra: os.PathLike[str] | None = None) -> Corpus:
    """The corpus: what is shipped, then the data package when one is installed, then the folder ``extra``.

    A pack is a folder like rules/: rule files, perhaps ``families.toml``, and fact tables in ``kb`` that replace the
    shipped tables of the same name. ``DIR#sha256=HEX`` pins a pack to the digest that reports print. A data package
    is an installed module ``vlmdoctor_data``. Raises RuleError for a bad pack or another digest.
    """
    corpus = _shipped()
    for pack in (_data_package(), str(extra) if extra else None):
        if pack is not None:
            corpus = _with_pack(corpus, pack)
    return corpus


def _data_package() -> str | None:
    """The folder of the data package, which is data only: it is found, never imported."""
    spec = find_spec(DATA_PACKAGE)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    return locations[0] if locations else None


@cache
def _shipped() -> Corpus:
    inside = os.path.join(PACKAGE, "rules", "rules.json")
    beside = os.path.join(os.path.dirname(PACKAGE), "rules")
    return _from_bundle(inside) if os.path.isfile(inside) else _from_checkout(beside)


def _bytes(file: str) -> bytes:
    with open(file, "rb") as handle:
        return handle.read()


def _from_bundle(file: str) -> Corpus:
    folder, data = os.path.dirname(file), json.loads(_bytes(file))
    words = Words(tables.Rows(os.path.join(folder, "words.jsonl"), data["words"]))
    details = Details(os.path.join(folder, "details.jsonl"))
    rules = tuple(_rule(raw, row, details) for row, raw in enumerate(data["rules"]))
    return Corpus(rules, words, data["digest"], "bundle", data["families"])


def _rule(raw: list[Any], row: int, details: Details) -> Rule:
    rule_id, slug, family, severity, since, applies, when, explains, prior = raw
    links, signs, fix = Later(details, row, 0), Later(details, row, 1), Later(details, row, 2)
    return Rule(rule_id, slug, family, severity, since, links, applies, when, signs, fix, explains, prior)


def _from_checkout(folder: str) -> Corpus:
    from pathlib import Path

    from doctor.engine import bundle
    from doctor.engine.load import load_dir

    root = Path(folder)
    loaded = load_dir(root)
    held = {item.rule.id: {"text": item.text, "examples": item.examples} for item in loaded}
    rules = tuple(item.rule for item in loaded)
    return Corpus(rules, Words(held), bundle.digest(loaded), "checkout", bundle.families(root))


def _refuse_links(folder: "Path") -> None:
    """Nothing that a pack brings may lie outside of it."""
    for path in (*folder.glob("*"), *folder.glob("*/*")):
        if path.is_symlink():
            raise RuleError(str(path.relative_to(folder)), "is a link, not a regular file or folder")


def _with_pack(corpus: Corpus, pack: str) -> Corpus:
    from pathlib import Path

    name, _, pin = pack.partition("#sha256=")
    folder = Path(name)
    if not folder.is_dir():
        raise RuleError(name, "is not a folder")
    _refuse_links(folder)
    added = _from_checkout(name)
    if not added.rules and not (folder / "kb").is_dir():
        raise RuleError(name, "holds neither rules (FAMILY/ID-slug.toml) nor tables (kb/)")
    if pin and pin != added.digest:
        raise RuleError(name, f"has the digest {added.digest}, not {pin}")
    if (folder / "kb").is_dir():
        tables.use(folder)
    known = corpus.by_id()
    for rule in added.rules:
        if rule.id in known:
            raise RuleError(rule.id, f"is already the id of the shipped rule {known[rule.id].slug}")
    held = {r.id: {"text": _both(added, r.id), "examples": added.words.examples(r.id)} for r in added.rules}
    return corpus._replace(
        rules=corpus.rules + added.rules,
        words=corpus.words.also(held),
        digest=f"{corpus.digest}+{added.digest}",
        families={**corpus.families, **added.families},
    )


def _both(corpus: Corpus, rule_id: str) -> dict[str, Mapping[str, str]]:
    return {language: corpus.words.text(rule_id, language) for language in ("en", "zh")}
