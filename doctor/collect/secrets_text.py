"""Patterns of credentials in free text. Every repeat is bounded, so the time stays linear in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from doctor.collect import keyblocks
from doctor.collect.secretwords import parameter, placeholder, random_looking, strength
from doctor.model.patterns import compiled

GONE = "<credential>"
KINDS = ("api ", "access ", "secret ", "private ", "account ", "license ", "security ", "subscription ")
OTHER_KEYS = ("cache ", "primary ", "foreign ", "sort ", "partition ", "lookup ", "state ", "public ")  # no credentials
SAMPLE_USERS = ("user", "username", "password", "pass", "login", "name", "git", "token")
PROVIDERS = (
    *"""
    nvapi glpat gldt glrt glsa xai pplx tvly tskey dckr_pat figd lsv2_pt pcsk sbp shpat dop_v1 doo_v1 lin_api
    ntn fw rpa jina npm pypi gsk r8 tgp_v1 wandb_v1 csk secret key napi fc
    """.split(),  # noqa: SIM905 - a list of words reads best as words
)
# Prefix, then the body's alphabet and least length. Provider tokens are known by these everywhere in a text.
PREFIXES = (
    r"(?:hf|api_org)_[A-Za-z0-9]{20,}",
    r"sk-(?:ant|proj|or|svcacct|admin|lf)-[\w-]{16,}",
    r"sk-[A-Za-z0-9]{20,}",
    r"sk-(?:[a-z0-9]{2,10}-){1,2}(?=[\w-]{0,40}\d)[A-Za-z0-9_]{20,}",
    r"(?:sk|rk)_(?:live|test)_\w{16,}",
    rf"(?:{'|'.join(PROVIDERS)})[-_](?=[\w-]{{0,40}}\d)[\w-]{{24,}}",
    r"(?:gl(?:pat|dt|rt|sa|cbt|ptt|ft|agent|imt|soat|oas)|nvapi|pplx|tvly|dckr_pat|lsv2_(?:pt|sk)|gsk|r8|npm|dop_v1)[-_][\w-]{16,}",
    r"AIza[\w-]{30,}",
    r"ya29\.[\w-]{20,}",
    r"GOCSPX-[\w-]{20,}",
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}",
    r"LTAI[A-Za-z0-9]{12,30}",
    r"AKID[A-Za-z0-9]{20,40}",
    r"AKLT[A-Za-z0-9]{20,60}",
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"github_pat_\w{20,}",
    r"xox[a-z]-[\w-]{16,}",
    r"xapp-[\w-]{16,}",
    r"dapi[0-9a-f]{32}",
    r"SG\.[\w-]{16,}\.[\w-]{16,}",
    r"hv[sbr]\.[\w-]{20,}",
    r"ATATT[\w=-]{20,}",
    r"AGE-SECRET-KEY-1[A-Z0-9]{20,}",
    r"bce-v3/[\w/-]{20,}",
    r"ms-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]{8,})?",
    r"\d{8,10}:AA[\w-]{30,}",
)
PREFIX = r"(?:(?<![A-Za-z0-9_])|(?<=%[0-9A-F]{2})|(?<=_)(?=hf_))(?:" + "|".join(PREFIXES) + ")"
ZHIPU = r"(?<![A-Za-z0-9_])[0-9a-f]{32}\.[A-Za-z0-9]{16}(?![A-Za-z0-9])"  # its keys have no prefix
USER_INFO = (
    r"(?i)(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{1,20}://)"
    r"(?!<)([^\s/@:'\"<>]{1,300}|[^\s/@:'\"<>]{0,200}:(?!\d{1,5}/)[^\s'\"<>]{1,160}?)@(?=[\w.\[<-])"
)
SCHEME = r"(?:(?:[a-z]{3,12}|[a-z0-9]{3,5}-hmac-sha\d{1,3})\s{1,3})"
HEADER = (
    rf"(?i)((?:proxy-)?authorization['\"]?\s{{0,3}}[:=]\s{{0,3}}['\"]?(?!{SCHEME}?<){SCHEME}?|(?<![\w-])bearer\s{{1,3}})"
    r"(?!<)([^\s'\"]{8,3000}(?:,?\s{1,3}[A-Za-z]{2,20}=(?:\"[^\"\n]{0,600}\"|[^\s,'\"]{1,600})){0,12})"
)
HEADER_LINE = (
    r"(?i)((?<![\w-])(?:x-[a-z-]{0,20}(?:key|token|secret|auth)[a-z-]{0,20}|cookie|set-cookie|private-token|api-key|"
    r"ocp-apim-subscription-key)"
    r"['\"]?\s{0,3}:\s{0,3}['\"]?)(?!<)([^'\"\n]{4,3000})"
)
QUERY = r"([?&;]|%3[Ff]|%26)([A-Za-z_][\w.-]{0,60})(=|%3[Dd])(?!<)([^&\s'\"<>#;]{4,4000})"
PATHS = (
    r"(?i)((?:hooks\.slack\.com/(?:services|workflows)|/bot/v2/hook|discord(?:app)?\.com/api/webhooks/\d{5,25}|/webhook(?:b2)?|"
    r"outlook\.office\.com/webhook|hooks\.zapier\.com/hooks/catch|api\.telegram\.org)/)(?!<)(?:bot)?[\w@:/-]{10,300}"
)
CONDA = r"((?<![\w.])(?:https?://)?[\w.:-]{3,100}/t/)(?!<)([A-Za-z0-9_-]{8,200})(?=/)"
NETRC = r"(?i)(\blogin\s{1,10}\S{1,200}\s{1,10}(?:account\s{1,4}\S{1,200}\s{1,10})?password\s{1,10})(?!<)\S{1,400}"
OPTION = r"((?<![\w-])--?([A-Za-z][\w.-]{1,40})[ =]{1,3})(?!<|-)(\"[^\"\n]{3,400}\"|'[^'\n]{3,400}'|[^\s'\"]{4,800})"
COMMANDS = (
    r"((?:\bsshpass\s{1,3}-p|\bdocker login(?:\s{1,3}[^\s]{1,60}){0,6}?\s{1,3}-p|\bwandb login(?:\s{1,3}--\w+){0,3}|"
    r"\bmysql(?:\s{1,3}[^\s]{1,60}){0,6}?\s-p(?=\S)|IDENTIFIED BY|"
    r"\b(?:7za?|7zz|unzip|zip|rar|unrar)(?:\s{1,3}[^\s]{1,80}){0,6}?\s-[pP](?!ath)|"
    r"\bssh-keygen\b[^\n]{0,80}?\s-[NP]|\bmc alias set(?:\s{1,3}\S{1,120}){3})\s{0,3})"
    r"(?!<)('[^'\n]{1,200}'|\"[^\"\n]{1,200}\"|[^\s-]\S{3,200})"
)
LOGIN_LINE = r"(\b[\w.-]{2,30} (?:auth |configure )?(?:login|config(?:ure)?|auth|init|signin)\b)([^\n]{4,600})"
CLIENT_LINE = (  # programs that log in somewhere: a client by its name, or whatever is given a user or a host
    r"(\b(?:redis-cli|mongo(?:sh)?|mysql\w{0,8}|psql|ldap\w{3,10}|smbclient|kinit|rclone|influx|clickhouse-client|sqlcmd|"
    r"[\w./-]{2,40}(?:[ ]\S{1,40}){0,6}?[ ](?:-u|-U|--user|--username|-h|--host)[ =]\S{1,60})\b)([^\n]{4,600})"
)
LOGIN_TUPLE = (
    r"(?i)((?<![\w-])(?:\w{0,12}auth|credentials?|login)\s{0,2}(?:=\s{0,2})?[(\[]\s{0,2}(?:['\"][^'\"\n]{1,80}['\"]\s{0,2},\s{0,2}))"
    r"(?!<)('[^'\n]{4,400}'|\"[^\"\n]{4,400}\")(?=\s{0,2}[)\],])"
)
SHORT_OPTION = r"(\s-{1,2}[A-Za-z]{1,3}[ =]{1,2}['\"]?)(?!<)([^\s'\"]{8,400})"
PIPED = (
    r"(\becho\s{1,3}(?:-n\s{1,3})?['\"]?)(?!<)([^\s'\"|]{3,200})(?=['\"]?\s{0,3}\|\s{0,3}[^|\n]{0,80}?"
    r"(?:sudo\s{1,3}(?:-\w{1,4}\s{1,3}){0,3}-\w{0,3}S\b|--password-stdin|--with-token|-stdin\b|passwd\b|openssl\b|gpg\b))"
)
LOGIN_PAIR = r"((?:\bcurl|\bwget)\b[^\n]{0,160}?\s(?:-u|--user)[ =]{1,3}['\"]?)(?!<)[^\s:'\"]{1,100}:[^\s'\"]{1,200}"
TAG = r"(?i)(<([\w:-]{3,40})>)(?!<)([^<>\n]{4,400})(?=</)"
HASH = r"\$(?:apr1|argon2\w{0,2}|2[abxy]|y|1|5|6)\$[./A-Za-z0-9$=,+-]{12,300}"
NAME = (
    r"(?<![\w.$%])[\w.-]{0,40}?(?:token|secret|pass|pwd|key|cred|cookie|auth|session|sid|jwt|psk|ticket|bearer|"
    r"(?<![A-Za-z0-9.])(?:pw|[as]k)(?![A-Za-z0-9.]))[\w.-]{0,40}|"
    r"(?:密码|口令|令牌|密钥|秘钥|私钥|凭证|凭据|授权码|登录码)\w{0,3}"
)
ANNOTATED = (
    r"(?:\s?:\s?[A-Za-z_][\w.]{1,30}(?:\[[\w., |\[\]]{1,40}\])?(?:\s?\|\s?\w{1,12})?(?=\s?=))?"  # token: str = ...
)
# What follows "name:" when its value stands on the next line: a continued line, a YAML block, a long string.
ONWARD = r"(?:\\\r?\n\s{0,20}|[|>][-+]?\r?\n\s{1,20}|\"{3}\s{0,8}|'{3}\s{0,8})?"
VALUE = (
    r"(\\{1,3}\"[^\\\"\n]{3,4000}\\{1,3}\"|\"(?:\\.|[^\"\\\n]){3,4000}\"|'(?:\\.|[^'\\\n]){3,4000}'|`[^`\n]{3,4000}`|"
    r"(?![\"'<])(?:(?!(?:[;,&|([{]\s?['\"]?[A-Za-z_][\w.-]{0,60}['\"]?[=:]|&&|\|\|))[^\s'\"`，。；（）「」、！？]){4,4000})"
)
NAMED = (
    r"(?i)(("
    + NAME
    + r")\\{0,3}['\"]?\]?"
    + ANNOTATED
    + r"\s{0,3}(?:=>|:=|={2}(?=\s{0,2}['\"])|[=＝：]|:(?![:/]))\s{0,3}"
    r"(?:[bru]{1,2}(?=['\"]))?" + ONWARD + ")" + VALUE
)
# {name: X, value: Y} as Kubernetes, task definitions, Terraform and XML write it; the name decides.
PAIR = (
    r"(?i)((?<![\w-])(?:name|key|variable|parameterkey)\\{0,3}['\"]?\s{0,3}[:= ]\s{0,3}\\{0,3}['\"]?("
    + NAME
    + r")\\{0,3}['\"]?[\s,{;]{1,40}"
    r"\\{0,3}['\"]?(?:value|default|parametervalue)\\{0,3}['\"]?\s{0,3}[:=]\s{0,3})" + VALUE
)
# setdefault("TOKEN", "..."), add_argument("--api-key", default="..."), set_token("..."), secret "..."
ARGUED = (
    r"(?i)((?:['\"]-{0,2}(" + NAME + r")['\"]\s{0,3},\s{0,3}(?:[^\n'\"]{0,60}?\bdefault\s{0,2}=\s{0,2})?|"
    r"(?<![\w.])[\w.]{0,40}(?:token|api_key|password|secret|credentials?)(?:\(|\s)\s{0,2}))"
    r"('[^'\n]{8,400}'|\"[^\"\n]{8,400}\")"
)
TABLE = (
    r"(?im)(^[ |│┃\t]{0,8}("
    + NAME
    + r")(?: {2,60}|\t{1,8}| {0,60}[|│┃] {0,4}))(?!<)([^\s|│┃'\"]{6,4000})(?=\s{0,200}[|│┃]?\s{0,4}$)"
)
SET = (
    r"((?<!\w)(?:ENV|setx|set\s{1,2}-\w{1,3}|vars set)\s{1,3}([A-Za-z_]\w{1,60})\s{1,3})"
    r"(?!<)(\"[^\"\n]{4,400}\"|'[^'\n]{4,400}'|[^\s'\"=]\S{3,800})"
)
PROSE = (
    r"(?i)((?:\b(?:password|passphrase|passcode|api key|access key|secret|token)\s{1,3}(?:is|was|are)|"
    r"(?:密码|口令|令牌|密钥|秘钥|(?:api|access) ?key|token)\s?[\u4e00-\u9fff]{0,6}?(?:是|为|[：:]|\s))"
    r"[\s:：]{0,3}['\"「]?)(?!<)([^\s，。；,;'\"」]{6,400})"
)
BESIDE = r"(?i)(\b(?:password|passwd|passphrase|passcode)\s{1,2})(?!<)([A-Za-z0-9!@#$%^&*_.+-]{8,64})(?![\w=:])"
ASKED = (
    r"(?i)(\b(?:api key|access key|token|password|passphrase|secret)\b[^\n:：=\d]{1,80}[:：]\s{1,3})(?!<)"
    r"([^\s'\"]{16,400})(?=\s|$)"
)


def _keep_head(match: re.Match[str]) -> str:
    return match.group(1) + GONE


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
    sentence = value.isalpha() and value.islower() and len(value) < 20  # "Bearer authentication required"
    return match.group() if sentence or placeholder(value) else match.group(1) + GONE


def _login_line(match: re.Match[str]) -> str:
    return match.group(1) + compiled(SHORT_OPTION).sub(_random_only, match.group(2))


def _tuple(match: re.Match[str]) -> str:
    return match.group() if placeholder(match.group(2)) else f"{match.group(1)}'{GONE}'"


def _random_only(match: re.Match[str]) -> str:
    value = match.group(2)
    return match.group(1) + GONE if len(value) >= 10 and random_looking(value.rjust(16, "0")) else match.group()


def _value(head: str, name: str, value: str, whole: str) -> str:
    """``whole``, or the head with the value replaced when name and value say that it is a credential."""
    sure = strength(name)
    core = value.lstrip("\\").strip("\"'`")
    if not sure or len(core) < 4 or GONE in value or placeholder(core):
        return whole
    if sure == 1 and not random_looking(core):
        return whole
    if core.isdigit() and (len(core) < 4 or not _password_name(name)):
        return whole
    if "=" not in head and core.isalpha() and core.islower() and len(core) < 16 and value[0] not in "\"'":
        return whole  # "password: wrong", "token: expired" are sentences
    if name.lower().endswith("pwd") and re.match(r"[/~]|[A-Za-z]:[\\/]", core):
        return whole  # the current folder
    quote = value[: len(value) - len(value.lstrip("\\\"'`"))]
    return head + quote + GONE + quote.lstrip("\\") * (value[-1:] in "\"'`")


def _password_name(name: str) -> bool:
    return any(part in name.lower() for part in ("pass", "pwd", "密码", "口令"))


def _unquoted(value: str, name: str) -> tuple[str, str]:
    """An unquoted value and what follows it: brackets and separators end it, unless it is a shell variable's."""
    if value[0] in "\\\"'`":
        return value, ""
    ends = r"[;&].*|[)\]}]+$" if name.isupper() else r"[,;&)\]}].*"
    found = re.search(ends, value)
    return (value[: found.start()], value[found.start() :]) if found and found.start() >= 3 else (value, "")


def _named(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 14) : match.start()].lower()
    if before.endswith(OTHER_KEYS):
        return match.group()
    kind = next((kind for kind in KINDS if before.endswith(kind)), "")  # "API key: ..." is two words
    value, rest = _unquoted(match.group(3), match.group(2))
    whole = match.group(1) + value
    return _value(match.group(1), kind + match.group(2), value, whole) + rest


def _option(match: re.Match[str]) -> str:
    return _value(match.group(1), match.group(2), match.group(3), match.group())


def _argued(match: re.Match[str]) -> str:
    """A quoted value beside a quoted name or in a call: only what looks random, as most such pairs are just words."""
    value = match.group(3)
    known = match.group(2) is None or strength(match.group(2))
    sure = known and random_looking(value) and not placeholder(value)
    return f"{match.group(1)}{value[0]}{GONE}{value[0]}" if sure else match.group()


def _table(match: re.Match[str]) -> str:
    """A row of two columns. A short word beside the name is a heading or a sentence."""
    value = match.group(3)
    sure = strength(match.group(2)) == 2 and re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    return match.group(1) + GONE if sure and not placeholder(value) else match.group()


def _beside(match: re.Match[str]) -> str:
    """As in: the password Ab3dE5gh. Only what mixes both cases and digits is no word of the sentence."""
    value = match.group(2)
    mixed = any(map(str.isdigit, value)) and any(map(str.isupper, value)) and any(map(str.islower, value))
    return match.group(1) + GONE if mixed else match.group()


def _asked(match: re.Match[str]) -> str:
    """What was typed at a prompt."""
    return match.group(1) + GONE if random_looking(match.group(2)) else match.group()


def _prose(match: re.Match[str]) -> str:
    value = match.group(2)
    mixed = re.search(r"\d", value) and re.search(r"[^\d]", value)
    return match.group(1) + GONE if mixed and not placeholder(value) else match.group()


def _tag(match: re.Match[str]) -> str:
    return _value(match.group(1), match.group(2), match.group(3), match.group())


Replace = Callable[[re.Match[str]], str]
# Each row: lower-case literals of which one must be there, the pattern, what comes in its place.
# What a text must hold before a pattern is worth compiling: one of these lower-case literals.
NAMES = (
    *"""
    token secret pass pwd key cred cookie auth session sid jwt psk ticket bearer 密码 口令 令牌 密钥
    秘钥 私钥 凭证 凭据 授权码 登录码 -ak -sk
    """.split(),  # noqa: SIM905 - a list of words reads best as words
)
SHORT_NAMES = ("ak", "sk", "pw")  # too short to tell by themselves whether a pattern is worth a try
STARTS = (
    *"""
    hf_ api_org_ sk- sk_ rk_ aiza ya29. gocspx- akia asia abia acca ltai akid aklt ghp_ gho_ ghu_ ghs_ ghr_
    github_pat_ xox xapp- dapi sg. hvs. hvb. hvr. atatt age-secret-key- bce-v3/ ms- eyj :aa
    """.split(),  # noqa: SIM905 - a list of words reads best as words
    *(f"{name}{sign}" for name in PROVIDERS for sign in "-_"),
)
CLIENTS = tuple("redis-cli mongo mysql psql ldap smbclient kinit rclone influx clickhouse sqlcmd".split())  # noqa: SIM905
HASHES = ("$2", "$apr1$", "$argon2", "$y$", "$1$", "$5$", "$6$")
# words of which a text has one, characters that it has at least, the pattern, what stands in its place
RULES: tuple[tuple[tuple[str, ...], int, str, Replace], ...] = (
    (("@",), 0, USER_INFO, _user_info),
    (("authorization", "bearer"), 0, HEADER, _header),
    (("-key", "-token", "cookie", "-secret", "-auth"), 0, HEADER_LINE, _header),
    (("login",), 0, NETRC, _keep_head),
    (
        (
            "sshpass",
            "docker login",
            "wandb login",
            "mysql",
            "identified by",
            "mc alias",
            "ssh-keygen",
            "7z",
            "zip ",
            "rar ",
        ),
        0,
        COMMANDS,
        _keep_head,
    ),
    (("curl", "wget"), 0, LOGIN_PAIR, _keep_head),
    ((" login", " config", " auth", " init", " signin"), 0, LOGIN_LINE, _login_line),
    ((" -u", " --user", " -h", " --host", *CLIENTS), 0, CLIENT_LINE, _login_line),
    (("auth", "credential", "login"), 0, LOGIN_TUPLE, _tuple),
    (("echo ",), 0, PIPED, _keep_head),
    (("hook", "telegram"), 0, PATHS, _keep_head),
    (("/t/",), 0, CONDA, _keep_head),
    (("?", "&", "%3f", "%26"), 0, QUERY, _query),
    (STARTS, 16, PREFIX, _provider),
    ((".",), 49, ZHIPU, lambda _m: GONE),
    (NAMES, 0, OPTION, _option),
    (("value", "default"), 0, PAIR, _named),
    ((":", "=", "："), 0, NAMED, _named),
    (NAMES, 0, ARGUED, _argued),
    (NAMES, 0, TABLE, _table),
    (("</",), 0, TAG, _tag),
    (HASHES, 0, HASH, lambda _m: GONE),
    (("env ", "setx ", "set -", "vars set "), 0, SET, _option),
    (NAMES, 0, PROSE, _prose),
    (NAMES, 20, ASKED, _asked),
    (("pass",), 0, BESIDE, _beside),
)


def _by_name(text: str) -> str:
    """NAMED where one of its words stands: looking for the words first is many times faster than the pattern alone."""
    low = text.lower()
    if len(low) != len(text):  # a few capitals grow when they are lowered, and the places would not agree
        low = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
    spots = [spot for word in NAMES for spot in _places(low, word)]
    spots += [
        spot for word in SHORT_NAMES for spot in _places(low, word) if low[spot + 2 : spot + 3] in tuple(":=\"' ：]")
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
        found = compiled(NAMED).match(text, begin) if spot >= at else None
        if found:
            out += [text[at:begin], _named(found)]
            at = found.end()
    return "".join(out) + text[at:]


def _places(low: str, word: str) -> Iterator[int]:
    at = low.find(word)
    while at >= 0:
        yield at
        at = low.find(word, at + 1)


def redact(text: str) -> str:
    """The text without credentials."""
    text = keyblocks.private_keys(text)
    low = text.lower().replace("tokenizer", "")  # a word of every log here, and in no credential's name
    for literals, least, pattern, replace in RULES:
        if len(text) >= least and holds(low, literals):
            text = _by_name(text) if pattern is NAMED else compiled(pattern).sub(replace, text)
    return keyblocks.bare(text, GONE)


def holds(text: str, literals: tuple[str, ...]) -> bool:
    """Whether one of the words stands in the text. A plain loop, because a generator costs twice as much."""
    for literal in literals:  # noqa: SIM110
        if literal in text:
            return True
    return False
