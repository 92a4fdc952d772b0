"""What stands beside a credential's name: the credential, something that stands for it, a sentence, or code."""

from __future__ import annotations

import re
from itertools import pairwise

from doctor.collect.secretwords import strength
from doctor.model.patterns import compiled

_PLAIN = (
    r"(?i)(?:none|null|nil|true|false|empty|not|unset|set|yes|no|on|off|auto|default|n/?a|optional|required|missing|invalid|"
    r"hidden|redacted|masked|changeme|dummy|fake|test|example|placeholder|your[-_ ].*|"
    r"(?:[a-z]{1,8}[-_])?(?:xxx+|\.{2,}|…+|\*+)|"
    r"(?:your|my)[-_ ]?(?:\w{1,20}[-_ ])?(?:key|token|secret|password|pwd)|<.*|"
    r"\$(?:env:)?[{(a-zA-Z_]{1,3}[\w. ]*[})]{0,2}|%\w+%|"
    r"https?://\S+|(?:(?:sk|api|key|token|secret|my|your|env|param|test|fake|dummy|mock|sample|example|empty|none|no|abc|foo|bar)"
    r"(?:[-_]|$))+(?:123\d{0,7}|x{2,})?|"
    r"sk-123\d{0,7}|"
    r".*[-_](?:here|placeholder)|(?:token|key|secret|password)-?(?:abc)?-?123\d{0,3}|!(?:ref|sub|getatt|vault|secret|env_var)|os\.\w.*|getenv.*|env\..*|args\..*|self\..*|"
    r"config\..*|(?:str|string|bool|int|bytes|optional)(?:\W.*)?|\(.*|[a-z_][\w.]{2,60}\(.*)$"
)


def placeholder(value: str) -> bool:
    """A value that stands for a credential and is none: None, EMPTY, $NAME, <your token>, YOUR_API_KEY, a variable."""
    core = value.strip().strip("\"'`")
    if core[:1] in ("{", "["):
        return not re.match(r"[{\[ ]{1,4}['\"]", core) and not any(map(random_looking, core.strip("{}[] ").split()))
    if not core or compiled(_PLAIN).match(core) is not None:
        return True
    if re.fullmatch(r"[A-Za-z_.]+|[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*[_-](?:key|token|secret)", core) and strength(core):
        return True  # api_key=api_key, the name of a secret
    return core.isupper() and "_" in core and not re.search(r"\d{3}", core)


def elsewhere(value: str) -> bool:
    """Whether this is where a credential is found: a path, an address."""
    return re.match(r"[~.]?/|\w{2,8}://", value) is not None


def scrambled(token: str) -> bool:
    """Letters of both cases and digits mixed as by chance (62 % of neighbours then differ in kind), as no word is."""
    kinds = ["d" if char.isdigit() else "u" if char.isupper() else "l" for char in token]
    changes = sum(one != two for one, two in pairwise(kinds))
    return set(kinds) == {"d", "u", "l"} and kinds.count("d") >= 3 and changes >= 0.42 * len(kinds)


def random_looking(value: str) -> bool:
    """Sixteen or more characters of a key's alphabet, letters and digits mixed."""
    core = value.strip("\"'")
    if not re.fullmatch(r"[A-Za-z0-9+/=_.~-]{16,4000}", core) or core.count("/") > 3:
        return False
    parts = re.split(r"[._/~-]", core)  # vision_tower.0.weight is made of words and small numbers
    return any(re.search(r"\d", part) and re.search(r"[A-Za-z]", part) and len(part) > 5 for part in parts)


def mixed(value: str) -> bool:
    """Digits and letters of both cases, as people are asked to make passwords."""
    return any(map(str.isdigit, value)) and any(map(str.isupper, value)) and any(map(str.islower, value))


def password_name(name: str) -> bool:
    """Whether people choose what is called so; they like short words and signs, which no machine makes."""
    return any(part in name.lower() for part in ("pass", "pwd", "密码", "口令", "bindpw", "rootpw"))


def unquoted(value: str, name: str) -> tuple[str, str]:
    """An unquoted value and what follows it: brackets and separators end it, those inside a password do not."""
    if value[0] in "\\\"'`" or (value[0] == "[" and value[-1] == "]"):
        return value, ""
    chinese = re.match(r"([\x21-\x7e]{4,})[\u4e00-\u9fff]", value)
    if chinese and (password_name(name) or re.search(r"\d", chinese.group(1))) and len(chinese.group(1)) >= 8:
        return chinese.group(1), value[chinese.end(1) :]
    if password_name(name):
        ends = r"[,;&)\]}]+(?:[\u4e00-\u9fff.].*)?$"
    else:
        ends = r"[;&].*|[)\]}]+$" if name.isupper() else r"[,;&)\]}].*"
    found = re.search(ends, value)
    return (value[: found.start()], value[found.start() :]) if found and found.start() >= 3 else (value, "")


def told(match: re.Match[str]) -> bool:
    """Whether a sentence follows the name, or the next name of a file that is written in lines."""
    head, value = match.group(1), match.group(3)
    below = re.search(r"[:：=]\s*\n\s*$", head) is not None and not re.search(r"\d", value)
    if "一" <= value[0] <= "\u9fff" or below or (value[-1] == ":" and "\n" in head):
        return True
    follows = match.string[match.end() : match.end() + 3]
    return re.search(r"[:：]\s{0,3}$", head) is not None and (
        re.fullmatch(r"[A-Za-z][a-z-]{1,20}[,.]?", value) is not None and re.match(r" [a-z]", follows) is not None
    )


def computed(match: re.Match[str]) -> bool:
    """Whether source code computes the value: a call, a subscript, an attribute, a name between blanks, a type."""
    head, name, value = match.groups()
    if value[0] in "\\\"'`[":
        return value[1:2] in " \t;,)"  # what was taken for a beginning is the end of a text
    if re.match(r"(?:await|new|lambda|yield|not|this\.\w+)$", value):
        return True
    word = password_name(name) or "secret" in name.lower()
    follows = match.string[match.end() : match.end() + 4]
    if re.match(r"[A-Za-z_][\w.]*[\[(]" + (r"(?:['\"a-z_]|$|\.\.\.|-?\d{0,3}:)" if word else ""), value):
        return True
    known = re.match(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){0,6}(?=[,)\]}:]{0,3}$)", value)
    if not known or random_looking(known.group()):
        return False
    if follows[:1] in ("(", "[") or re.match(r" (?:[*+/<>|-]=? |if |or |and )", follows):
        return True
    if re.search(r"[\w\]]\]\s=\s$", head):
        return True  # cache[token] = word
    spaced = head[-1:] == " " and not name.isupper() and "_" in known.group() and known.group().islower()
    return not word and (spaced or "." in known.group())
