"""Versions in what people type and write: an answer below ``torch.__version__``, "torch2.1.2，cuda11.8"."""

from __future__ import annotations

import re

from doctor.ingest.aliases import PACKAGES
from doctor.ingest.sheet import MENTIONED, SAID, VERSION, Sheet
from doctor.ingest.text import Text

_ASKED = re.compile(r"\b(\w{2,40})\.__version__|\btorch\.version\.(cuda)\b|\btorch\.cuda\.(is_available)\(\)")
_ITEM = re.compile(
    r"([A-Za-z][A-Za-z_-]{1,30})(?: ?(?:version|版本)(?: ?(?:is|是|为))?)?[ \t]{0,3}[:：=]{0,2}[ \t]{0,3}v?"
    rf"({VERSION})(?![\w.])"
)
_START = re.compile(r"[\u4e00-\u9fff]{0,8}[:：]? ?[-*]? ?" + _ITEM.pattern)
_SHORT = 160  # a line of versions is short; prose about versions is not


def read(text: Text, sheet: Sheet) -> bool:
    """Answers of an interpreter and lines that are little more than names with versions."""
    _answers(text, sheet)
    for row in text.rows("torch", "transformers", "vllm", "python", most=60):
        line = text.lines[row].strip()
        if 5 < len(line) < _SHORT and "." in line and "==" not in line and "/" not in line and _START.match(line):
            _list(line, sheet)
    return False


def _answers(text: Text, sheet: Sheet) -> None:
    for row in text.rows(".__version__", "torch.version.cuda", "cuda.is_available()", most=20):
        asked = _ASKED.findall(text.lines[row])
        if row + 1 >= len(text.lines) or not asked:
            continue
        words = text.lines[row + 1].strip().strip("()").replace(",", " ").split()
        if len(words) == len(asked) <= 6:
            for (name, cuda, available), word in zip(asked, words, strict=True):
                _answer(name or cuda or available, word.strip("'\""), sheet)


def _answer(name: str, word: str, sheet: Sheet) -> None:
    if name == "is_available" and word in ("True", "False"):
        sheet.put("log.cuda_available", word == "True")
    elif name == "cuda" and re.fullmatch(r"\d{1,2}\.\d{1,2}", word):
        sheet.put("torch.cuda", word)
    elif name == "cuda" and word == "None":
        sheet.put("torch.cuda", None)
    elif re.fullmatch(VERSION, word[:100]):
        key = name.lower().replace("_", "-")
        sheet.dist(PACKAGES.get(key, key), word)


def _list(line: str, sheet: Sheet) -> None:
    """A line of which names with versions make up most: ``torch2.1.2，cuda11.8，python 3.10``."""
    items = list(_ITEM.finditer(line))
    if sum(match.end() - match.start() for match in items) * 10 < len(line) * 7:
        return
    for match in items:
        key, found = match.group(1).lower().replace("_", "-"), match.group(2)
        if key == "python":
            sheet.put("python.version", found, MENTIONED)
        elif key == "cuda":
            sheet.put("log.cuda", found, MENTIONED)
        elif key in PACKAGES and "." in found:
            sheet.dist(PACKAGES[key], found, SAID if key == "torch" and "+" in found else MENTIONED)
