"""Takes credentials out of free text: what each form of ``secretforms`` becomes. Linear in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from doctor.collect import keyblocks, secretsagain
from doctor.collect import secretforms as forms
from doctor.collect.literals import holds, searched
from doctor.collect.secretvalues import (
    computed,
    elsewhere,
    mixed,
    password_name,
    placeholder,
    random_looking,
    scrambled,
    told,
    unquoted,
)
from doctor.collect.secretwords import parameter, strength
from doctor.model.patterns import compiled

GONE = "<credential>"
KINDS = ("api ", "access ", "secret ", "private ", "account ", "license ", "security ", "subscription ")
OTHER_KEYS = (
    *("restored from ", "saved with "),
    *("cache ", "primary ", "foreign ", "sort ", "partition ", "lookup ", "state ", "public "),
)  # no credentials
METAVARS = ("TEXT", "STRING", "VALUE", "FILE", "PATH", "NAME", "TOKEN", "PASSWORD", "SECRET", "KEY")
LOGIN = r"(['\"]?[\w.@-]{1,60}:)(?![\d:/]+['\"]?$)([^\s/'\"]{4,200})(['\"]?)"
SAMPLE_USERS = ("user", "username", "password", "pass", "login", "name", "git", "token")


def _keep_head(match: re.Match[str]) -> str:
    return match.group(1) + GONE


def _given(match: re.Match[str]) -> str:
    """A word of a command, unless it is a variable of the shell."""
    return match.group() if placeholder(match.group(2)) else match.group(1) + GONE


def _query(match: re.Match[str]) -> str:
    if not parameter(match.group(2)) or placeholder(match.group(4)) or match.group(4).isdigit():
        return match.group()
    return match.group(1) + match.group(2) + match.group(3) + GONE


def _provider(match: re.Match[str]) -> str:
    """A provider's prefix with a real body: ``hf_xxxxxxxx`` stands for one."""
    return match.group() if len(set(match.group()[-16:].lower())) < 4 else GONE


def _user_info(match: re.Match[str]) -> str:
    """``https://user:password@host`` is how manuals write it."""
    user, _, password = match.group(2).partition(":")
    shown = placeholder(password) if password else user.lower() in SAMPLE_USERS
    return match.group() if shown or password in SAMPLE_USERS else match.group(1) + "<credentials>@"


def _header(match: re.Match[str]) -> str:
    value = match.group(2)
    word = value.rstrip(".,;:)")
    sentence = word.isalpha() and word.islower() and len(word) < 20  # "Bearer authentication required"
    return match.group() if sentence or placeholder(value) else match.group(1) + GONE


def _fetch_line(match: re.Match[str]) -> str:
    """The logins of all options of one command."""
    return match.group(1) + compiled(forms.LOGIN_PAIR).sub(_keep_head, match.group(2))


def _login_line(match: re.Match[str]) -> str:
    rest = compiled(forms.SHORT_OPTION).sub(_random_only, match.group(2))
    return match.group(1) + compiled(forms.LONE_WORD).sub(_scrambled_only, rest)


def _scrambled_only(match: re.Match[str]) -> str:
    return GONE if scrambled(match.group()) else match.group()


def _users(match: re.Match[str]) -> str:
    """Passwords of several users, one a line."""
    return match.group(1) + compiled(forms.CHPASSWD_LINE).sub(_given, match.group(2))


def _cookies(match: re.Match[str]) -> str:
    """A dictionary of cookies, whose names say nothing."""
    return match.group(1) + compiled(forms.QUOTED_VALUE).sub(rf"\1'{GONE}'", match.group(2))


def _auth_lambda(match: re.Match[str]) -> str:
    """A function that compares what was typed with the password."""
    return match.group(1) + compiled(forms.QUOTED).sub(f"'{GONE}'", match.group(2))


def _listed(match: re.Match[str]) -> str:
    """A text in a list of credentials."""
    core = match.group()[1:-1]
    return match.group()[0] + (GONE if random_looking(core) and not placeholder(core) else core) + match.group()[-1]


def _tuple(match: re.Match[str]) -> str:
    words = "connect(" in match.group(1) and not re.search(r"\d", match.group(2))
    return match.group() if words or placeholder(match.group(2)) else f"{match.group(1)}'{GONE}'"


def _random_only(match: re.Match[str]) -> str:
    value = match.group(2)
    sure = len(value) >= 10 and random_looking(value.rjust(16, value[-1])) and not re.match(r"[A-Za-z_]\w*=.", value)
    return match.group(1) + GONE if sure else match.group()


def _value(head: str, name: str, value: str, whole: str) -> str:
    """``whole``, or the head with the value replaced when name and value say that it is a credential."""
    sure = strength(name)
    login = re.fullmatch(LOGIN, value) if name.lower().endswith(("auth", "login", "credentials")) else None
    if login and not placeholder(login.group(2)):
        return f"{head}{login.group(1)}{GONE}{login.group(3)}"  # --auth user:password
    if value.startswith("[") and sure == 2:
        return head + compiled(forms.QUOTED).sub(_listed, value)
    core = value.strip("\\\"'`")
    if not sure or len(core) < 4 or GONE in value or placeholder(core):
        return whole
    if sure == 1 and not random_looking(core):
        return whole
    words = not (core.isascii() and core[-1].strip()) and not password_name(name)
    if words and not compiled(forms.KEYLIKE).search(core):
        return whole  # ANSWER_TOKEN = "Answer: "
    if re.fullmatch(r"[\d.,+-]+(?:e[+-]?\d+)?[)\]}:,]*", core) and (len(core) < 4 or not password_name(name)):
        return whole  # token_acc: 0.6194
    if "=" not in head and core.isalpha() and core.islower() and len(core) < 16 and value[0] not in "\"'":
        return whole  # "password: wrong", "token: expired" are sentences
    if name.lower().endswith("pwd") and re.match(r"[/~]|[A-Za-z]:[\\/]", core):
        return whole  # the current folder
    quote = value[: len(value) - len(value.lstrip("\\\"'`"))]
    return head + quote + GONE + (quote if value.endswith(quote) else quote.lstrip("\\")) * (value[-1:] in "\"'`")


def _named(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 14) : match.start()].lower()
    if before.endswith(OTHER_KEYS):
        return match.group()
    if told(match) or computed(match):
        return match.group()
    kind = next((kind for kind in KINDS if before.endswith(kind)), "")  # "API key: ..." is two words
    value, rest = unquoted(match.group(3), match.group(2))
    whole = match.group(1) + value
    return _value(match.group(1), kind + match.group(2), value, whole) + rest


def _option(match: re.Match[str]) -> str:
    """``--password TEXT`` and ``[--token TOKEN]`` are how a usage is written."""
    value, rest = unquoted(match.group(3), match.group(2))
    shown = value in METAVARS
    return match.group() if shown else _value(match.group(1), match.group(2), value, match.group(1) + value) + rest


def _spaced(match: re.Match[str]) -> str:
    value = match.group(3)
    sure = strength(match.group(2)) == 2 and random_looking(value) and not placeholder(value)
    return match.group(1) + GONE if sure else match.group()


def _stated(match: re.Match[str]) -> str:
    value = match.group(3)
    human = mixed(value) and re.search(r"\d{3}|[@!#$%^&*]", value)
    chosen = (human or scrambled(value) or random_looking(value)) and not elsewhere(value)
    sure = strength(match.group(2)) == 2 and chosen and not placeholder(value)
    return match.group(1) + GONE if sure else match.group()


def _argued(match: re.Match[str]) -> str:
    """A quoted value beside a quoted name or in a call: only what looks made up, as most such pairs are just words."""
    value = match.group(3)
    known = 1 if match.group(2) is None else strength(match.group(2))
    short = known == 2 and not re.search(r"[./\s:,]", value[1:-1]) and (mixed(value) or re.search(r"[a-z]\d{3}", value))
    sure = known and (random_looking(value) or short) and not placeholder(value)
    return f"{match.group(1)}{value[0]}{GONE}{value[0]}" if sure else match.group()


def _table(match: re.Match[str]) -> str:
    """A row of two columns, or a setting. A short word beside the name is a heading or a sentence."""
    value = match.group(3)
    sure = strength(match.group(2)) == 2 and re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    if sure and re.search(r"\w $", match.group(1)) and not (mixed(value) and len(value) >= 8):
        return match.group()
    return match.group(1) + GONE if sure and not placeholder(value) else match.group()


def _beside(match: re.Match[str]) -> str:
    """As in: the password Ab3dE5gh. Only what mixes both cases and digits is no word of the sentence."""
    return match.group(1) + GONE if mixed(match.group(2)) else match.group()


def _defaulted(match: re.Match[str]) -> str:
    value = match.group(3)
    sure = strength(match.group(2)) and random_looking(value.rjust(16, value[-1])) and not placeholder(value)
    return match.group(1) + GONE if sure else match.group()


def _asked(match: re.Match[str]) -> str:
    """What was typed at a prompt."""
    return match.group(1) + GONE if random_looking(match.group(2)) else match.group()


def _prose(match: re.Match[str]) -> str:
    value = re.split(r"[\u4e00-\u9fff]", match.group(2))[0]
    given = len(value) >= 6 and re.search(r"\d", value) and re.search(r"[^\d]", value) and not elsewhere(value)
    short = len(value) < 8 and value != match.group(2)  # "token: judge0 的 ..."
    short = short or (re.match(r"(?i)token\b", match.group(1)) is not None and len(re.findall(r"\d", value)) < 3)
    if compiled(forms.SPOKEN_OF).search(match.group(1)) or (short and match.group(1).isascii()):
        given = random_looking(value) or scrambled(value)
    before = re.search(r"[A-Za-z_-]{0,20}\Z", match.string[max(0, match.start() - 20) : match.start()])
    name = re.match(r"(?:[A-Za-z]+(?: key)?)?", match.group(1))
    if before and name and before.group() and name.group() and not strength(before.group() + name.group()):
        return match.group()  # eos_token
    return match.group(1) + GONE + match.group(2)[len(value) :] if given and not placeholder(value) else match.group()


def _tag(match: re.Match[str]) -> str:
    return _value(match.group(1), match.group(2), match.group(3), match.group())


Replace = Callable[[re.Match[str]], str]
# words of which a text has one, characters that it has at least, the pattern, what stands in its place
RULES: tuple[tuple[tuple[str, ...], int, str, Replace], ...] = (
    (("@",), 0, forms.USER_INFO, _user_info),
    (("authorization", "bearer"), 0, forms.HEADER, _header),
    (("-key", "-token", "cookie", "-secret", "-auth"), 0, forms.HEADER_LINE, _header),
    (("login",), 0, forms.NETRC, _keep_head),
    (
        (
            "sshpass",
            "docker login",
            "wandb login",
            "mysql",
            "identified ",
            "with password",
            "openssl passwd",
            " -pw",
            "xfreerdp",
            "ssh-keygen",
            "7z",
            "zip ",
            "rar ",
            "http-basic",
            " -u",
            "redis-cli",
            "htpasswd",
            "net use",
            "lftp",
            "securestring",
            "mongo",
            "ldap",
            "sqlcmd",
        ),
        0,
        forms.COMMANDS,
        _given,
    ),
    (("curl", "wget", "http ", "https ", "xh ", "aria2c"), 0, forms.FETCH_LINE, _fetch_line),
    (("mc ",), 0, forms.TWO_WORDS, _keep_head),
    (
        (" login", " config", " auth", " init", " signin", " account", " connect", " register"),
        0,
        forms.LOGIN_LINE,
        _login_line,
    ),
    ((" -u", " --user", " -h", " --host", *forms.CLIENTS), 0, forms.CLIENT_LINE, _login_line),
    (("auth", "credential", "login", ".connect("), 0, forms.LOGIN_TUPLE, _tuple),
    (("chpasswd:",), 0, forms.CHPASSWD, _users),
    (("lambda",), 0, forms.AUTH_LAMBDA, _auth_lambda),
    (("echo ",), 0, forms.PIPED, _given),
    (("hook", "/link/", "/subscribe/"), 0, forms.PATHS, _keep_head),
    (("api.telegram", ".ftqq.com", "api.day.app"), 0, forms.NOTIFIERS, _keep_head),
    (
        ("ss://", "ssr://", "vmess://", "vless://", "trojan://", "hysteria", "hy2://", "tuic://"),
        0,
        forms.PROXY_LINK,
        _keep_head,
    ),
    (("cookie",), 0, forms.COOKIES, _cookies),
    (("akia", "asia", "ltai", "akid", "aklt", "s3", "passwd"), 0, forms.KEY_PAIR, _keep_head),
    (("/t/",), 0, forms.CONDA, _keep_head),
    (("?", "&", "%3f", "%26"), 0, forms.QUERY, _query),
    (forms.STARTS, 16, forms.PREFIX, _provider),
    ((".",), 49, forms.ZHIPU, lambda _m: GONE),
    (forms.NAMES, 0, forms.OPTION, _option),
    (("value", "default"), 16, forms.PAIR, _named),
    ((":", "=", "："), 0, forms.NAMED, _named),
    ((*forms.NAMES, "login("), 0, forms.ARGUED, _argued),
    (forms.NAMES, 0, forms.TABLE, _table),
    (("</",), 0, forms.TAG, _tag),
    (forms.HASHES, 0, forms.HASH, lambda _m: GONE),
    (("env ", "setx ", " set ", " add ", " put ", "set -"), 0, forms.SET, _option),
    (forms.NAMES, 20, forms.SPACED, _spaced),
    (forms.NAMES, 0, forms.PROSE, _prose),
    (forms.CHINESE_TEXT, 0, forms.PROSE_CHINESE, _prose),
    (forms.STATING, 10, forms.STATED, _stated),
    (forms.NAMES, 20, forms.ASKED, _asked),
    (("pass",), 0, forms.BESIDE, _beside),
    (("<<<",), 0, forms.HERE, _given),
    (("root", "admin", "ubuntu"), 17, forms.HANDED, _beside),
    (("ssh ",), 0, forms.BELOW, _beside),
    (("assword",), 0, forms.SENT, lambda match: f'{match.group(1)}"{GONE}"'),
    (("default",), 19, forms.DEFAULTED, _defaulted),
)
IN_A_WORD = tuple(row for row in RULES if row[2] in forms.IN_A_WORD)
_JOINTS = dict.fromkeys(map(ord, "_-="))  # taken out of a token's body, its letters and digits are left


def _by_name(text: str, replace: Replace) -> str:
    """NAMED where one of its words stands: looking for the words first is many times faster than the pattern alone."""
    low = text.lower()
    if len(low) != len(text):  # a few capitals grow when they are lowered, and the places would not agree
        low = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
    spots = [spot for word in forms.NAMES for spot in _places(low, word) if not low.startswith(forms.TOKENIZER, spot)]
    spots += [
        spot
        for word in forms.SHORT_NAMES
        for spot in _places(low, word)
        if low[spot + 2 : spot + 3] in tuple(":=\"' ：]")
    ]
    out, at = [], 0
    for spot in sorted(spots):
        begin = spot
        while (
            begin > max(at, spot - 40)
            and (text[begin - 1].isalnum() or text[begin - 1] in "_.-")
            and low[spot] < "\x7f"
        ):
            begin -= 1
        found = compiled(forms.NAMED).match(text, begin) if spot >= at else None
        if found:
            out.append(text[at:begin])
            shown, at = replace(found), found.end()
            if shown == found.group() and found.group(3)[0] in "{[\"'":
                shown, at = found.group(1), found.end(1)  # no credential as a whole, but one may stand in it
            out.append(shown)
    return "".join(out) + text[at:]


def _places(low: str, word: str) -> Iterator[int]:
    at = low.find(word)
    while at >= 0:
        yield at
        at = low.find(word, at + 1)


def redact(text: str) -> str:
    """The text without credentials."""
    text = keyblocks.private_keys(text)
    low = searched(text).replace(forms.TOKENIZER, "")
    known: set[str] = set()
    there: dict[tuple[str, ...], bool] = {}  # several rules share their words
    for literals, least, pattern, replace in IN_A_WORD if forms.WORD.issuperset(text) else RULES:
        if len(text) < least:
            continue
        if literals not in there:
            there[literals] = holds(low, literals)
        if not there[literals]:
            continue
        if pattern is forms.PREFIX and not may_start(text.lower()):
            continue
        if pattern is forms.STATED and not holds(low, forms.NAMES):
            continue
        replaced = secretsagain.noted(replace, known, GONE)
        text = _by_name(text, replaced) if pattern is forms.NAMED else compiled(pattern).sub(replaced, text)
    if known:
        text = secretsagain.everywhere(text, known, GONE)
    return keyblocks.bare(text, GONE)


def may_start(low: str) -> bool:
    """Whether a provider's prefix begins a word and a body follows: not in disk_space, not in a/pypi-mirror.

    PREFIX decides; this is cheaper than to compile it, and asks no more than all of its alternatives do.
    """
    for start in forms.STARTS:
        for at in _places(low, start):
            body = low[at + len(start) : at + len(start) + 8].translate(_JOINTS)
            before = low[at - 1 : at] if at else ""
            begins = not (before.isascii() and before.isalnum()) or low[at - 3 : at - 2] == "%"
            if start in forms.LOOSE_STARTS or (begins and (not body or not body.isascii() or body.isalnum())):
                return True
    return False
