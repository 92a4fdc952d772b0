"""Turns one rule file into a Rule, or says which line of the contract it breaks."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from doctor.engine import clauses, signs
from doctor.engine.evaluate import HOLE
from doctor.engine.predicates import PREDICATES
from doctor.errors import RuleError
from doctor.model import FixSpec, Rule, Sign, holes
from doctor.model.facts import find
from doctor.model.names import DIST, PACKAGES, SPECIFIER
from doctor.model.rule import FIX_KINDS, LANGUAGES, SAFETIES, SEVERITIES, TEXT_KEYS, UNDONE
from doctor.model.undoable import undoable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_FILE = 64 * 1024  # bytes of one rule file
MAX_FILES = 5000  # of one folder of rules
_NAME = re.compile(r"^([A-Z]{3}\d{3})-([a-z0-9]+(?:-[a-z0-9]+)*)\.toml$")
_TOP = {"id", "since", "severity", "links", "explains", "prior", "applies", "when", "sign", "text", "fix", "example"}
_FIX = {"to", "safety", "way", "only", "each"}
_EXAMPLE = {"name", "facts", "closed", "log", "expect", "after_fix", "after"}


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule with what judging does not need: its words in both languages and its examples."""

    rule: Rule
    text: Mapping[str, Mapping[str, str]]
    examples: tuple[Mapping[str, Any], ...]


def load_dir(root: Path) -> list[RuleFile]:
    """Every rule below ``root`` (one folder a family, ``kb`` left out), sorted by file name.

    Raises RuleError for the first file that breaks the contract, and for two rules of one id or slug.
    """
    files = sorted(p for p in root.glob("*/*.toml") if p.parent.name != "kb")
    if len(files) > MAX_FILES:
        raise RuleError(root.name, f"holds more than {MAX_FILES} rules")
    loaded = [parse(path.name, _read(path), path.parent.name) for path in files]
    for key in ("id", "slug"):
        seen: dict[str, str] = {}
        for path, item in zip(files, loaded, strict=True):
            value = getattr(item.rule, key)
            if value in seen:
                raise RuleError(path.name, f"{key} {value} is already used by {seen[value]}")
            seen[value] = path.name
    return loaded


def _read(path: Path) -> str:
    if not path.is_file() or path.is_symlink():
        raise RuleError(path.name, "is not a regular file")
    if path.stat().st_size > MAX_FILE:
        raise RuleError(path.name, f"is larger than {MAX_FILE} bytes")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RuleError(path.name, f"is not UTF-8: {error.reason}") from None


def parse(name: str, raw: str, family: str) -> RuleFile:
    """One rule file's text. Raises RuleError with file and reason."""
    try:
        return _parse(name, raw, family)
    except (TypeError, ValueError, AttributeError, LookupError, RecursionError) as error:
        # the checks below say what a value must be; where a pack holds quite another type, Python says it
        raise RuleError(name, f"a value of the wrong type: {error}") from None


def _parse(name: str, raw: str, family: str) -> RuleFile:
    match = _NAME.match(name)
    if not match:
        raise RuleError(name, "a rule file is named ABC123-the-slug.toml")
    data = read_toml(name, raw)
    _keys(name, data, _TOP, "the rule")
    for key in ("id", "since", "severity", "text"):
        if key not in data:
            raise RuleError(name, f"{key} is missing")
    if data["id"] != match.group(1):
        raise RuleError(name, f"id {data['id']!r} does not match the file name")
    if data["severity"] not in SEVERITIES:
        raise RuleError(name, f"severity is one of {', '.join(SEVERITIES)}")
    rule = Rule(
        id=data["id"],
        slug=match.group(2),
        family=family,
        severity=data["severity"],
        since=str(data["since"]),
        links=_strings(name, data, "links"),
        applies=tuple(_clause(c, f"{name} [[applies]]") for c in data.get("applies", ())),
        when=tuple(_clause(c, f"{name} [[when]]") for c in data.get("when", ())),
        signs=tuple(_sign(s, name) for s in data.get("sign", ())),
        fix=tuple(_fix(f, name, frozenset(_records(data))) for f in data.get("fix", ())),
        explains=_strings(name, data, "explains"),
        prior=float(data.get("prior", 0.5)),
    )
    if not rule.when and not rule.signs:
        raise RuleError(name, "needs [[when]] or [[sign]]")
    return RuleFile(rule, _text(data["text"], name), _examples(data.get("example", ()), name))


def read_toml(name: str, raw: str) -> dict[str, Any]:
    """Parsed TOML. Raises RuleError with the file's name."""
    try:
        data: dict[str, Any] = tomllib.loads(raw)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RuleError(name, str(error) or "nested too deeply") from None
    return data


def _keys(name: str, data: Any, known: set[str] | frozenset[str], where: str) -> None:
    if not isinstance(data, dict):
        raise RuleError(name, f"{where} is not a table")
    extra = sorted(set(data) - set(known))
    if extra:
        raise RuleError(name, f"{where} does not take {', '.join(extra)} (known: {', '.join(sorted(known))})")


def _strings(name: str, data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RuleError(name, f"{key} is a list of strings")
    return tuple(value)


def _clause(raw: Any, where: str, record: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A checked clause, with what judging wants to know already looked up (``t``: type, ``literals``)."""
    if not isinstance(raw, dict) or not raw:
        raise RuleError(where, "a clause is a table")
    for joiner in ("any", "all"):
        if joiner in raw:
            _keys(where, raw, {joiner}, joiner)
            return {joiner: [_clause(part, where, record) for part in raw[joiner]]}
    if "not" in raw:
        _keys(where, raw, {"not"}, "not")
        return {"not": _clause(raw["not"], where, record)}
    head = next(iter(raw))
    if head not in clauses.HEADS:
        raise RuleError(where, f"no clause named {head!r} (known: {', '.join(sorted(clauses.HEADS))})")
    if head != "call":
        _keys(where, raw, clauses.HEADS[head][1] - {"t"}, f"clause {head!r}")
    checker = _CHECKS.get(head)
    clause = dict(raw)
    if checker:
        clause = checker(clause, where, record)
    return clause


def _check_dist(clause: dict[str, Any], where: str, record: Mapping[str, str] | None) -> dict[str, Any]:
    _specifier(clause, where)
    return clause


def _check_fact(clause: dict[str, Any], where: str, record: Mapping[str, str] | None) -> dict[str, Any]:
    spec = find(clause["fact"])
    if spec is None:
        raise RuleError(where, f"no fact named {clause['fact']!r} in the catalogue")
    return _check_compare(clause, where, "int" if "key" in clause else spec.type)


def _check_field(clause: dict[str, Any], where: str, record: Mapping[str, str] | None) -> dict[str, Any]:
    if record is None:
        raise RuleError(where, "field stands only in the `where` of a some-clause")
    if clause["field"] not in record:
        raise RuleError(where, f"no field {clause['field']!r} (known: {', '.join(record)})")
    return _check_compare(clause, where, record[clause["field"]])


def _check_compare(clause: dict[str, Any], where: str, kind: str) -> dict[str, Any]:
    ways = [key for key in ("is", "version", "value", "than") if key in clause]
    if len(ways) != 1:
        raise RuleError(where, "a comparison has exactly one of is, version, value, than")
    if "is" in clause and not any(clause["is"] is state or clause["is"] == state for state in clauses.STATES):
        raise RuleError(where, f"is takes one of {clauses.STATES}")
    if clause.get("op", "==") not in clauses.OPERATORS:
        raise RuleError(where, f"no operator {clause['op']!r} (known: {', '.join(sorted(clauses.OPERATORS))})")
    if "than" in clause and "." in clause["than"] and find(clause["than"]) is None:
        raise RuleError(where, f"no fact named {clause['than']!r} in the catalogue")
    if clause.get("op") == "matches":
        _pattern(clause["value"], where)
    _specifier(clause, where)
    return {**clause, "t": kind}


def _check_env(clause: dict[str, Any], where: str, record: Mapping[str, str] | None) -> dict[str, Any]:
    if clause.get("is") not in clauses.ENV_TESTS:
        raise RuleError(where, f"is takes one of {', '.join(sorted(clauses.ENV_TESTS))}")
    if (clause["is"] in ("equals", "matches")) != ("value" in clause):
        raise RuleError(where, "equals and matches take a value, the other tests none")
    return clause


def _check_pair(clause: dict[str, Any], where: str, record: Mapping[str, str] | None) -> dict[str, Any]:
    if clause["pair"].count("/") != 1 or clause.get("is") not in ("broken", "fine"):
        raise RuleError(where, 'a pair clause reads pair = "torch/torchvision", is = "broken" or "fine"')
    return clause


def _check_some(clause: dict[str, Any], where: str, record: Mapping[str, str] | None) -> dict[str, Any]:
    spec = find(clause["some"])
    if spec is None or spec.type != "records":
        raise RuleError(where, f"{clause['some']!r} is not a list of records in the catalogue")
    inner = [_clause(part, where, spec.fields) for part in clause.get("where", ())]
    return {**clause, "where": inner}


def _check_log(clause: dict[str, Any], where: str, record: Mapping[str, str] | None) -> dict[str, Any]:
    return {**clause, "literals": list(_pattern(clause["log"], where, literals=True))}


def _check_call(clause: dict[str, Any], where: str, record: Mapping[str, str] | None) -> dict[str, Any]:
    if clause["call"] not in PREDICATES:
        raise RuleError(where, f"no predicate {clause['call']!r} (known: {', '.join(sorted(PREDICATES))})")
    return clause


_CHECKS = {
    "dist": _check_dist,
    "fact": _check_fact,
    "field": _check_field,
    "env": _check_env,
    "pair": _check_pair,
    "some": _check_some,
    "log": _check_log,
    "call": _check_call,
}


def _specifier(clause: Mapping[str, Any], where: str) -> None:
    if "version" in clause:
        try:
            SpecifierSet(clause["version"])
        except InvalidSpecifier as error:
            raise RuleError(where, str(error)) from None


def _pattern(pattern: Any, where: str, literals: bool = False) -> tuple[str, ...]:
    try:
        re.compile(pattern)
        return signs.literals_of(pattern) if literals else ()
    except (re.error, ValueError, TypeError, RecursionError) as error:
        raise RuleError(where, f"pattern {pattern!r}: {error}") from None


def _sign(raw: Any, name: str) -> Sign:
    _keys(name, raw, {"log", "weight"}, "[[sign]]")
    weight = raw.get("weight", 0.8)
    if not 0 < weight <= 1:
        raise RuleError(name, "a sign's weight lies in 0..1")
    return Sign(raw["log"], float(weight), _pattern(raw["log"], f"{name} [[sign]]", literals=True))


def _records(raw: Any) -> Iterator[str]:
    """The names that ``some`` clauses give to the records they meet."""
    if isinstance(raw, Mapping) and "some" in raw:
        yield raw.get("as", raw["some"])
    inner = raw.values() if isinstance(raw, Mapping) else raw if isinstance(raw, list) else ()
    for part in inner:
        yield from _records(part)


def _fix(raw: Any, name: str, records: frozenset[str]) -> FixSpec:
    head = next(iter(raw), "")
    if head not in FIX_KINDS:
        raise RuleError(name, f"no fix kind {head!r} (known: {', '.join(FIX_KINDS)})")
    _keys(name, raw, _FIX | {head}, f"[[fix]] {head}")
    if raw.get("safety") not in SAFETIES:
        raise RuleError(name, f"a fix has a safety: {', '.join(SAFETIES)}")
    _check_package(head, raw, name)
    if head == "run" and raw["safety"] in UNDONE and not undoable(str(raw[head])):
        raise RuleError(name, f"undo cannot take back {raw[head]!r}: its safety is manual or destructive")
    if head == "run" and not holes.stand_free(HOLE.sub(holes.HOLE, str(raw[head]))):
        raise RuleError(name, f"a hole of {raw[head]!r} lies in quotes or behind $: it is put in as a quoted word")
    only = tuple(_clause(part, f"{name} [[fix]]") for part in raw.get("only", ()))
    each = raw.get("each", "")
    if each and each not in records:
        raise RuleError(name, f"no clause calls its records {each!r} (each)")
    return FixSpec(head, raw[head], str(raw.get("to", "")), raw["safety"], int(raw.get("way", 1)), only, each)


def _check_package(head: str, raw: Mapping[str, Any], name: str) -> None:
    """A step about a distribution names one, and a version of it: no option, no URL."""
    if head not in PACKAGES:
        return
    if not re.fullmatch(DIST, HOLE.sub("x", str(raw[head]))):
        raise RuleError(name, f"{head} names no distribution: {raw[head]!r}")
    spec = str(raw.get("to", ""))
    if head == "pin" and not re.fullmatch(SPECIFIER, "" if HOLE.fullmatch(spec) else HOLE.sub("1", spec)):
        raise RuleError(name, f"pin of {raw[head]} takes a version specifier, not {spec!r}")


def _text(raw: Any, name: str) -> Mapping[str, Mapping[str, str]]:
    _keys(name, raw, set(LANGUAGES), "[text]")
    for language in LANGUAGES:
        if language not in raw:
            raise RuleError(name, f"text needs {' and '.join(LANGUAGES)}")
        _keys(name, raw[language], set(TEXT_KEYS), f"text.{language}")
    for key in TEXT_KEYS:
        holes = []
        for language in LANGUAGES:
            if not str(raw[language].get(key, "")).strip():
                raise RuleError(name, f"text.{language}.{key} is missing")
            holes.append({match.group(1) for match in HOLE.finditer(raw[language][key])})
        if holes[0] != holes[1]:
            raise RuleError(name, f"text.en.{key} and text.zh.{key} use different {{names}}: {holes[0] ^ holes[1]}")
    return {lang: {key: raw[lang][key].strip() for key in TEXT_KEYS} for lang in LANGUAGES}


def _examples(raw: Iterable[Any], name: str) -> tuple[Mapping[str, Any], ...]:
    examples = []
    for example in raw:
        _keys(name, example, _EXAMPLE, "[[example]]")
        for fact in (*example.get("facts", {}), *example.get("after", {})):
            if find(fact) is None:
                raise RuleError(name, f"example {example.get('name')!r}: no fact named {fact!r} in the catalogue")
        if example.get("expect") not in ("hit", "clear", "silent", "unknown"):
            raise RuleError(name, f"example {example.get('name')!r}: expect is hit, clear, silent or unknown")
        examples.append(example)
    if not {"hit", "clear"} <= {example["expect"] for example in examples}:
        raise RuleError(name, "needs one example that hits and one that is clear")
    return tuple(examples)
