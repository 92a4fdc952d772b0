"""Patterns of credentials in free text. Every repeat is bounded, so the time stays linear in the text."""

from __future__ import annotations

import re
from collections.abc import Callable

from doctor.collect.secretwords import parameter, placeholder, random_looking, strength
from doctor.model.patterns import compiled

GONE = "<credential>"
PROVIDERS = (
    *(
        "nvapi",
        "glpat",
        "gldt",
        "glrt",
        "glsa",
        "xai",
        "pplx",
        "tvly",
        "tskey",
        "dckr_pat",
        "figd",
        "lsv2_pt",
        "pcsk",
        "sbp",
    ),
    *(
        "shpat",
        "dop_v1",
        "doo_v1",
        "lin_api",
        "ntn",
        "fw",
        "rpa",
        "jina",
        "npm",
        "pypi",
        "gsk",
        "r8",
        "tgp_v1",
        "wandb_v1",
    ),
    *("csk", "secret", "key", "napi", "fc"),
)
# Prefix, then the body's alphabet and least length. Provider tokens are known by these everywhere in a text.
PREFIXES = (
    r"(?:hf|api_org)_[A-Za-z0-9]{20,}",
    r"sk-(?:ant|proj|or|svcacct|admin|lf)-[\w-]{16,}",
    r"sk-[A-Za-z0-9]{20,}",
    r"(?:sk|rk)_(?:live|test)_\w{16,}",
    rf"(?:{'|'.join(PROVIDERS)})[-_](?=[\w-]{{0,40}}\d)[\w-]{{24,}}",
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
    r"(?!<)(?:[^\s/@:'\"<>]{1,300}|[^\s/@:'\"<>]{0,200}:(?!\d{1,5}/)[^\s'\"<>]{1,160}?)@(?=[\w.\[<-])"
)
HEADER = (
    r"(?i)((?:proxy-)?authorization['\"]?\s{0,3}[:=]\s{0,3}['\"]?(?!(?:[a-z]{3,12}\s{1,3})?<)"
    r"(?:[a-z]{3,12}\s{1,3})?|(?<![\w-])bearer\s{1,3})"
    r"(?!<)([^\s'\"]{8,3000})"
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
    r"\bmysql(?:\s{1,3}[^\s]{1,60}){0,6}?\s-p(?=\S)|IDENTIFIED BY)\s{0,3})"
    r"(?!<)('[^'\n]{1,200}'|\"[^\"\n]{1,200}\"|[^\s-]\S{3,200})"
)
LOGIN_PAIR = r"((?:\bcurl|\bwget)\b[^\n]{0,160}?\s(?:-u|--user)[ =]{1,3}['\"]?)(?!<)[^\s:'\"]{1,100}:[^\s'\"]{1,200}"
TAG = r"(?i)(<([\w:-]{3,40})>)(?!<)([^<>\n]{4,400})(?=</)"
HASH = r"\$(?:apr1|argon2\w{0,2}|2[abxy]|y|1|5|6)\$[./A-Za-z0-9$=,+-]{12,300}"
NAME = (
    r"[\w.-]{0,40}?(?:token|secret|pass|pwd|key|cred|cookie|auth|session|sid|jwt|psk|ticket|bearer|"
    r"(?<![\w.])[as]k(?![\w.]))[\w.-]{0,40}|"
    r"\w{0,20}?(?:密码|口令|令牌|密钥|秘钥|私钥|凭证|凭据|授权码|登录码)\w{0,3}"
)
NAMED = (
    r"(?i)((?<![\w.$%])(" + NAME + r")['\"]?\]?\s{0,3}(?:=>|:=|[=＝：]|:(?![:/]))\s{0,3}(?:[bru]{1,2}(?=['\"]))?)"
    r"(\\?\"(?:\\.|[^\"\\\n]){3,4000}\"|'(?:\\.|[^'\\\n]){3,4000}'|(?![\"'<])[^\s'\"`，。；]{4,4000})"
)
SET = (
    r"((?<!\w)(?:ENV|setx|set\s{1,2}-\w{1,3}|vars set)\s{1,3}([A-Za-z_]\w{1,60})\s{1,3})"
    r"(?!<)(\"[^\"\n]{4,400}\"|'[^'\n]{4,400}'|[^\s'\"=]\S{3,800})"
)
PROSE = (
    r"(?i)((?:\b(?:password|passphrase|passcode|api key|access key|secret|token)\s{1,3}(?:is|was)|"
    r"(?:密码|口令|令牌|密钥|秘钥)(?:是|为))"
    r"[\s:：]{0,3})(?!<)([^\s，。；,;'\"]{6,400})"
)
PEM = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
PEM_END = r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
PEM_BODY = r"(?:[A-Za-z0-9+/=\s]|\\[nr]){0,20000}"


def private_keys(text: str) -> str:
    """PEM blocks, scanned by hand: a pattern that looks for the end from every beginning is quadratic."""
    if "PRIVATE KEY" not in text:
        return text
    out, at = [], 0
    for begin in compiled(PEM).finditer(text):
        if begin.start() < at:
            continue
        out.append(text[at : begin.start()])
        body = compiled(PEM_BODY).match(text, begin.end())
        at = body.end() if body else begin.end()
        end = compiled(PEM_END).match(text, at)
        at = end.end() if end else at
        out.append("<private-key>")
    return "".join(out) + text[at:]


def _keep_head(match: re.Match[str]) -> str:
    return match.group(1) + GONE


def _query(match: re.Match[str]) -> str:
    if not parameter(match.group(2)) or placeholder(match.group(4)) or match.group(4).isdigit():
        return match.group()
    return match.group(1) + match.group(2) + match.group(3) + GONE


def _header(match: re.Match[str]) -> str:
    return match.group() if placeholder(match.group(2)) else match.group(1) + GONE


def _value(head: str, name: str, value: str, whole: str) -> str:
    """``whole``, or the head with the value replaced when name and value say that it is a credential."""
    sure = strength(name)
    core = value.lstrip("\\").strip("\"'")
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
    quote = value[: len(value) - len(value.lstrip("\\\"'"))]
    return head + quote + GONE + quote.lstrip("\\") * (value[-1:] in "\"'")


def _password_name(name: str) -> bool:
    return any(part in name.lower() for part in ("pass", "pwd", "密码", "口令"))


def _unquoted(value: str, name: str) -> tuple[str, str]:
    """An unquoted value and what follows it: brackets and separators end it, unless it is a shell variable's."""
    if value[0] in "\\\"'":
        return value, ""
    ends = r"[)\]};]+$" if name.isupper() else r"[,;&)\]}].*"
    found = re.search(ends, value)
    return (value[: found.start()], value[found.start() :]) if found and found.start() >= 3 else (value, "")


def _named(match: re.Match[str]) -> str:
    value, rest = _unquoted(match.group(3), match.group(2))
    whole = match.group(1) + value
    return _value(match.group(1), match.group(2), value, whole) + rest


def _option(match: re.Match[str]) -> str:
    return _value(match.group(1), match.group(2), match.group(3), match.group())


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
    *(
        "token",
        "secret",
        "pass",
        "pwd",
        "key",
        "cred",
        "cookie",
        "auth",
        "session",
        "sid",
        "jwt",
        "psk",
        "ticket",
        "bearer",
    ),
    *(
        "ak=",
        "sk=",
        "ak:",
        "sk:",
        'ak"',
        'sk"',
        "ak'",
        "sk'",
        "ak ",
        "sk ",
        "密",
        "口令",
        "令牌",
        "钥",
        "凭",
        "授权码",
        "登录码",
    ),
)
STARTS = (
    *(
        "hf_",
        "api_org_",
        "sk-",
        "sk_",
        "rk_",
        "aiza",
        "ya29.",
        "gocspx-",
        "akia",
        "asia",
        "abia",
        "acca",
        "ltai",
        "akid",
        "aklt",
    ),
    *(
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "xox",
        "xapp-",
        "dapi",
        "sg.",
        "hvs.",
        "hvb.",
        "hvr.",
        "atatt",
    ),
    *("age-secret-key-", "bce-v3/", "ms-", "eyj", ":aa"),
    *(f"{name}{sign}" for name in PROVIDERS for sign in "-_"),
)
HASHES = ("$2", "$apr1$", "$argon2", "$y$", "$1$", "$5$", "$6$")
# words of which a text has one, characters that it has at least, the pattern, what stands in its place
RULES: tuple[tuple[tuple[str, ...], int, str, Replace], ...] = (
    (("@",), 0, USER_INFO, lambda m: m.group(1) + "<credentials>@"),
    (("authorization", "bearer"), 0, HEADER, _header),
    (("-key", "-token", "cookie", "-secret", "-auth"), 0, HEADER_LINE, _header),
    (("login",), 0, NETRC, _keep_head),
    (("sshpass", "docker login", "wandb login", "mysql", "identified by"), 0, COMMANDS, _keep_head),
    (("curl", "wget"), 0, LOGIN_PAIR, _keep_head),
    (("hook", "telegram"), 0, PATHS, _keep_head),
    (("/t/",), 0, CONDA, _keep_head),
    (("?", "&", "%3f", "%26"), 0, QUERY, _query),
    (STARTS, 16, PREFIX, lambda _m: GONE),
    ((".",), 49, ZHIPU, lambda _m: GONE),
    (NAMES, 0, OPTION, _option),
    (NAMES, 0, NAMED, _named),
    (("</",), 0, TAG, _tag),
    (HASHES, 0, HASH, lambda _m: GONE),
    (("env ", "setx ", "set -", "vars set "), 0, SET, _option),
    (NAMES, 0, PROSE, _prose),
)


def redact(text: str) -> str:
    """The text without credentials."""
    text = private_keys(text)
    low = text.lower().replace("tokenizer", "")  # a word of every log here, and in no credential's name
    for literals, least, pattern, replace in RULES:
        if len(text) >= least and holds(low, literals):
            text = compiled(pattern).sub(replace, text)
    return text


def holds(text: str, literals: tuple[str, ...]) -> bool:
    """Whether one of the words stands in the text. A plain loop, because a generator costs twice as much."""
    for literal in literals:  # noqa: SIM110
        if literal in text:
            return True
    return False
