"""One line of the fact catalogue."""

from collections.abc import Mapping
from typing import NamedTuple

_NONE: Mapping[str, str] = {}
# How a value is compared by rules. ``records`` is a list of flat objects whose fields have types of their own.
TYPES = ("version", "int", "bytes", "float", "bool", "text", "path", "list", "map", "records")
_KNOWN = frozenset(TYPES)
# What must happen before the value may be pasted: paths below home become ``~``, hosts and users pseudonyms,
# urls lose user info, free text passes the pattern redactor, secrets are never stored at all.
SENSITIVE = ("", "path", "host", "url", "free")


class FactSpec(NamedTuple):
    """Name, type, meaning (units included), privacy, and the types of record fields."""

    name: str
    type: str
    doc: str
    sensitive: str = ""
    fields: Mapping[str, str] = _NONE


def fact(name: str, type_: str, doc: str, sensitive: str = "", /, **fields: str) -> FactSpec:
    """Shorthand for the tables; keyword arguments are the fields of ``records``."""
    if type_ not in TYPES or sensitive not in SENSITIVE or not _KNOWN.issuperset(fields.values()):
        raise ValueError(f"fact {name}: unknown type or privacy mark")
    return FactSpec(name, type_, doc, sensitive, fields)
