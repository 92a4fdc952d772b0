"""Which names carry credentials: ``HF_TOKEN`` and ``api_key`` do; ``pad_token_id`` and ``HF_TOKEN_PATH`` do not."""

from __future__ import annotations

import re

from doctor.model.patterns import compiled

_WORDS = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[\u4e00-\u9fff]+"

# Words that alone make a name a credential's.
STRONG = frozenset(
    """
    token secret password passwd pwd passphrase passcode pass pw credential credentials authtoken apikey secrets
    passwords accesskey secretkey appkey appsecret authkey privatekey accesskeyid accesskeysecret apitoken
    accesstoken bearer cookie jwt psk ossaccesskeyid
    userpass dbpass rootpass adminpass requirepass masterauth keypass storepass smtppass ftppass sudopass mypass
    bindpw rootpw sshpass
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
CHINESE = tuple("密码 口令 令牌 密钥 秘钥 私钥 凭证 凭据 授权码 验证码 登录码 解压码 激活码 访问码".split())  # noqa: SIM905
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
# Words before "key" or "secret" that name an entry of a cache, a table or a cluster.
OTHER_THINGS = frozenset("gpg cache restore primary foreign sort partition public state lookup existing row".split())  # noqa: SIM905
# A pass of a model and a token's budget are told from a credential by the word that follows, unless it is one of these.
STILL = frozenset("value key secret string word phrase code env prod dev test staging read write ro rw v user".split())  # noqa: SIM905
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
    if not name.isascii() and any(label in re.sub(r"\s", "", name) for label in CHINESE):
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
    if before in OTHER_THINGS and word in ("key", "keys", "secret"):
        return 0
    if word in ("token", "pass") and after.isalpha() and after not in STILL:
        return 0 if word == "token" and before in TEXT_TOKENS else 1
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
