"""Takes secrets and identities out of snapshots and pasted texts, once, before anything is shown or stored.

Facts by their ``sensitive`` mark first, patterns second. Placeholders are typed and numbered, equal for equal
names within one run; the map stays in memory. Versions, hashes, PCI addresses and model names stay.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from typing import Any

from doctor.collect import identities, secrets_text
from doctor.collect.literals import holds
from doctor.collect.secretforms import NAMES, TOKENIZER
from doctor.collect.secretwords import strength
from doctor.model.facts import FactSpec, find
from doctor.model.patterns import compiled
from doctor.model.snapshot import Snapshot

REPEATED = 200  # characters of a text that is worth remembering
_ANSI = r"\x1b\[[0-9;]{0,20}m"
_SEGMENT_END = r"(?=[/\\]|$|[\s:;,'\")\]])"
# A plain fact (a version, a package's requirement) may still hold an address with a login in it.
_SUSPECT = ("://", "@", "token", "passw", "secret", "api_key", "hf_", "sk-", "ghp_")


def _called(record: Mapping[Any, Any], key: str) -> str:
    """What a field's value is called: a variable, an option, a keyword; empty when credentials are called otherwise."""
    by = {"value": "name", "default": "flag"}.get(key)
    name = record.get(by, key) if by else key
    return name if isinstance(name, str) and (by or _credential(name)) else ""


@functools.lru_cache(1000)  # records of a list have the same few keys
def _credential(name: str) -> bool:
    """Whether credentials are called so; the words of a name are told apart only where one of theirs is in it."""
    return holds(name.lower().replace(TOKENIZER, ""), NAMES) and strength(name) > 0


class Redactor:
    """Knows this machine's home folder, user and host, if given; patterns catch those of others."""

    def __init__(self, home: str | None = None, user: str | None = None, host: str | None = None) -> None:
        self._numbers: dict[tuple[str, str], str] = {}
        self._count: dict[str, int] = {}
        self._home = self._home_pattern(home)
        self._user = self._name_pattern(user, identities.COMMON_USERS)
        self._host = self._name_pattern(host, identities.COMMON_HOSTS)
        self._names = (user, host)
        self._done: dict[str, str] = {}  # a snapshot says the same short texts many times

    @classmethod
    def of_this_machine(cls, snapshot: Snapshot, home: str | None = None) -> Redactor:
        """The redactor that knows the names in the snapshot's own facts."""
        home = os.environ.get("HOME") or os.environ.get("USERPROFILE") or home
        return cls(home, snapshot.get("host.user"), snapshot.get("host.name"))

    @staticmethod
    def _home_pattern(home: str | None) -> re.Pattern[str] | None:
        """The home folder at the start of a path; None for folders too short to be anybody's."""
        clean = (home or "").rstrip("/\\")
        if len(clean) < 4:
            return None
        spelled = r"[\\/]{1,2}".join(re.escape(part) for part in re.split(r"[\\/]+", clean))
        return re.compile(r"(?<![\w./\\~-])" + spelled + _SEGMENT_END)

    @staticmethod
    def _name_pattern(name: str | None, common: frozenset[str]) -> re.Pattern[str] | None:
        if not name or len(name) < 3 or name.lower() in common or name.isdigit():
            return None
        return re.compile(r"(?<![\w.-])" + re.escape(name) + r"(?![\w-])", re.IGNORECASE)

    def number(self, kind: str, name: str) -> str:
        """The placeholder of a name: ``<user-1>``; the same name gets the same one."""
        key = (kind, name.lower())
        if key not in self._numbers:
            self._count[kind] = self._count.get(kind, 0) + 1
            self._numbers[key] = f"<{kind}-{self._count[kind]}>"
        return self._numbers[key]

    def text(self, text: str) -> str:
        """Free text without secrets and identities. Linear in its length; a result is redacted already."""
        if len(text) > REPEATED:
            return self._redacted(text)
        if text not in self._done:
            self._done[text] = self._redacted(text)
        return self._done[text]

    def _redacted(self, text: str) -> str:
        text = self._clean(text)
        if "\x1b" in text:
            text = compiled(_ANSI).sub("", text)
        return self._identities(secrets_text.redact(text))

    def _identities(self, text: str) -> str:
        if self._home is not None:
            text = self._home.sub("~", text)
        for pattern, kind, name in ((self._user, "user", self._names[0]), (self._host, "host", self._names[1])):
            if pattern is not None and name:
                text = pattern.sub(self.number(kind, name), text)
        text = identities.redact(text, self.number)
        return identities.again(text, self._found("user"), self._found("host"))

    def _found(self, kind: str) -> dict[str, str]:
        """Names of this kind that no ordinary word is, with their placeholders. A host needs a digit, hyphen or dot."""
        return {
            name: shown
            for (of, name), shown in self._numbers.items()
            if of == kind
            and len(name) > 3
            and (name not in identities.COMMON_FOLDERS if kind == "user" else not name.isalpha())
        }

    @staticmethod
    def _clean(text: str) -> str:
        """Lone surrogates (bytes that were not UTF-8) cannot be written anywhere; shown as hex escapes."""
        if text.isascii():
            return text
        return (
            re.sub("[\udc80-\udcff]", lambda m: f"\\x{ord(m.group()) - 0xDC00:02x}", text)
            .encode("utf-8", "backslashreplace")
            .decode("utf-8")
        )

    def value(self, spec: FactSpec | None, value: Any) -> Any:
        """A fact's value with every text in it treated as the fact's mark asks."""
        mark = spec.sensitive if spec is not None else "free"
        return self._walk(value, mark)

    def _walk(self, value: Any, mark: str, name: str = "") -> Any:
        """``name``: what the value is called, if it is called something that credentials are called."""
        if isinstance(value, str):
            return self._beside(name, value) if name else self._marked(value, mark)
        if isinstance(value, list):
            pair = name.endswith("auth") and len(value) == 2 and all(isinstance(item, str) for item in value)
            return [value[0], secrets_text.GONE] if pair else [self._walk(item, mark, name) for item in value]
        if isinstance(value, dict):
            return {
                self._clean(str(key)): self._walk(item, mark, _called(value, str(key))) for key, item in value.items()
            }
        return value

    def _beside(self, name: str, value: str) -> str:
        """The value as it would look behind its name: alone it does not show what it is."""
        head = f"{name}="
        whole = self.text(head + value)
        return whole.removeprefix(head) if whole.startswith(head) else secrets_text.GONE

    def _marked(self, text: str, mark: str) -> str:
        if mark == "host":
            common = identities.COMMON_USERS | identities.COMMON_HOSTS
            return text if text.lower() in common else self.number("user" if text == self._names[0] else "host", text)
        if mark or holds(text, _SUSPECT):
            return self.text(text)
        return self._clean(text)

    def snapshot(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot as it may be pasted; reasons of unread facts are free text."""
        facts: dict[str, Any] = {name: self.value(find(name), value) for name, value in snapshot.facts.items()}
        lines = snapshot.facts.get("log.lines")
        if isinstance(lines, list):  # together: a key or a login may go over several lines
            facts["log.lines"] = self.text("\n".join(map(str, lines))).split("\n")
        return snapshot._replace(facts=facts, unread={name: self.text(why) for name, why in snapshot.unread.items()})
