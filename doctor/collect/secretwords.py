"""Which names carry credentials: ``HF_TOKEN`` and ``api_key`` do; ``pad_token_id`` and ``HF_TOKEN_PATH`` do not."""

from __future__ import annotations

import re
from itertools import pairwise

from doctor.model.patterns import compiled

_WORDS = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[\u4e00-\u9fff]+"

# Words that alone make a name a credential's.
STRONG = frozenset(
    """
    token secret password passwd pwd passphrase passcode pass pw credential credentials authtoken apikey secrets
    passwords accesskey secretkey appkey appsecret authkey privatekey accesskeyid accesskeysecret apitoken
    accesstoken bearer cookie jwt psk ossaccesskeyid
    userpass dbpass rootpass adminpass requirepass masterauth keypass storepass smtppass ftppass sudopass mypass
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
CHINESE = ("密码", "口令", "令牌", "密钥", "秘钥", "私钥", "凭证", "凭据", "授权码", "验证码", "登录码")
# Words that make "key" a credential's: api_key, account_key ...; a bare key needs a value that looks random.
KEY_KINDS = frozenset(
    """
    api access secret private account auth encryption encrypt signing sign master ssh license subscription
    deploy app service storage shared client session consumer admin server write read rest ingest
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
# Words before "token" that mean text tokens of a language model.
TEXT_TOKENS = frozenset(
    """
    pad eos bos unk sep cls mask image images video audio special stop max min num new additional decoder
    encoder start end img context next prev vision im boi eoi fake sys assistant added forced suppress begin
    text input output prompt completion total cached per thinking tool patch frame first last class newline
    placeholder ignore visual multi single trigger lang language object seg det quad box box_start ref
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
# Words after the credential word that turn the name into something else.
HARMLESS_AFTER = frozenset(
    """
    id ids path file files name names type types url uri count len length limit index class size expire
    expires ttl dir folder usage classification merge parallelism embedding embeddings mask masks per rate
    required enabled policy format error exception missing idx num number dim pos position list dict helper
    provider manager ref refs
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
CREDENTIAL_IDS = ("key", "accesskey", "secret")  # aws_access_key_id is one all the same
SIGNED = frozenset(
    """
    sig signature sign policy hmac ticket
    """.split()  # noqa: SIM905 - a list of words reads best as words
)  # parameters of signed URLs
SHELL_FOLDERS = ("PWD", "OLDPWD")
ENDINGS = ("password", "passwd", "passphrase", "secret", "apikey", "authtoken", "token", "pwd")  # PGPASSWORD


def words(name: str) -> list[str]:
    """Lower-case words of snake_case, kebab-case, dotted and camelCase names."""
    return [word.lower() for word in compiled(_WORDS).findall(name)]


def strength(name: str) -> int:
    """0: not a credential's name; 1: perhaps ("key"), so that the value must look random; 2: surely."""
    if any(label in name for label in CHINESE):
        return 2
    parts = words(name)
    best = 0
    for place, word in enumerate(parts):
        after = parts[place + 1] if place + 1 < len(parts) else ""
        before = parts[place - 1] if place else ""
        best = max(best, _word_strength(word, before, after))
    return 0 if name in SHELL_FOLDERS else best


def _word_strength(word: str, before: str, after: str) -> int:
    if after in HARMLESS_AFTER and not (after == "id" and word in (*CREDENTIAL_IDS, "session")):
        return 1 if after == "id" and word == "token" and before not in TEXT_TOKENS else 0
    if word in STRONG or word.endswith(ENDINGS):
        return 0 if word == "token" and before in TEXT_TOKENS else 2
    if word in ("key", "keys"):
        if before in KEY_KINDS:
            return 2
        return 1 if word == "key" and after in ("", "id") else 0
    if word in ("session", "sessionid"):
        return 1 if after in ("", "id", "key") else 0
    return 1 if word in ("auth", "sid", "ak", "sk", "ticket") and not after else 0


def parameter(name: str) -> bool:
    """Whether a URL parameter carries a credential or a signature."""
    parts = words(name)
    return (
        strength(name) > 0
        or bool(SIGNED & set(parts))
        or (parts[:2] == ["x", "amz"] and parts[-1] in ("credential", "token"))
    )


_PLAIN = (
    r"(?i)(?:none|null|nil|true|false|empty|not|unset|set|yes|no|on|off|auto|default|n/?a|optional|required|missing|invalid|"
    r"hidden|redacted|masked|changeme|dummy|fake|test|example|placeholder|your[-_ ].*|"
    r"(?:[a-z]{1,8}[-_])?(?:xxx+|\.{2,}|…+|\*+)|"
    r"(?:your|my)[-_ ]?(?:\w{1,20}[-_ ])?(?:key|token|secret|password|pwd)|<.*|\[.*|\{.*|"
    r"\$[{(a-zA-Z_]{1,3}[\w. ]*[})]{0,2}|%\w+%|"
    r"https?://\S+|(?:(?:sk|api|key|token|secret|my|your|env|param|test|fake|dummy|mock|sample|example|empty|none|no|abc|foo|bar)"
    r"(?:[-_]|$))+(?:123\d{0,7}|x{2,})?|"
    r"sk-123\d{0,7}|"
    r".*[-_](?:here|placeholder)|(?:token|key|secret|password)-?(?:abc)?-?123\d{0,3}|!(?:ref|sub|getatt|vault|secret|env_var)|os\.\w.*|getenv.*|env\..*|args\..*|self\..*|"
    r"config\..*|(?:str|string|bool|int|bytes|optional)(?:\W.*)?|\(.*|[a-z_][\w.]{2,60}\(.*)$"
)


def placeholder(value: str) -> bool:
    """A value that stands for a credential and is none: None, EMPTY, $NAME, <your token>, YOUR_API_KEY, a variable."""
    core = value.strip().strip("\"'`")
    if not core or compiled(_PLAIN).match(core) is not None:
        return True
    if re.fullmatch(r"[A-Za-z_.]+", core) and strength(core):
        return True  # api_key=api_key
    return core.isupper() and "_" in core and not re.search(r"\d{3}", core)


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
