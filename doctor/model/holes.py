"""Where a command template may have holes: a value comes as one quoted word, and must not be quoted again."""

from __future__ import annotations

HOLE = "\0"  # what stands for each hole in the template that is looked at


def stand_free(template: str) -> bool:
    """True when no hole lies inside quotes or right behind ``$`` or a backslash, where a value's own quotes would fail.

    ``"$(dirname -- {path})"`` is fine: a substitution begins a line of its own.
    """
    outer: list[str] = []  # the quote around each substitution that is open
    quote, at = "", 0
    while at < len(template):
        two = template[at : at + 2]
        if template[at] == HOLE and quote:
            return False
        if quote != "'" and (two in ("\\" + HOLE, "$" + HOLE) or template[at] == "`"):
            return False
        if quote != "'" and two[:1] == "\\":
            at += 1
        elif quote != "'" and two == "$(":
            outer.append(quote)
            quote, at = "", at + 1
        elif template[at] == ")" and not quote and outer:
            quote = outer.pop()
        elif template[at] in "'\"" and quote in ("", template[at]):
            quote = "" if quote else template[at]
        at += 1
    return not quote and not outer
