"""Forms in which credentials stand in a text. Every repeat is bounded, so the time stays linear in the text."""

from __future__ import annotations

from doctor.collect import secretwords

CHINESE = "|".join(secretwords.CHINESE).replace("密码", r"密[ \u3000]?码")

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
    r"(?i)(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{1,20}:(?://|/(?=[^\s/@:]{0,100}:[^\s/@]{3,160}@)))"  # :/ is left of a path
    r"(?!<)([^\s/@:'\"<>]{1,300}:?|[^\s/@:'\"<>]{0,200}:(?!\d{1,5}/)[^\s'\"<>]{1,160}?)@(?=[\w.\[<-])"
)
SCHEME = r"(?:(?:[a-z]{3,12}|[a-z0-9]{3,5}-hmac-sha\d{1,3})\s{1,3})"
HEADER = (
    rf"(?i)((?:proxy-)?authorization['\"]?\s{{0,3}}[:=]\s{{0,3}}['\"]?(?!{SCHEME}?<){SCHEME}?|(?<![\w-])bearer\s{{1,3}})"
    r"(?!<)((?:(?!\\[rn])[^\s'\"]){8,3000}(?:,?\s{1,3}[A-Za-z]{2,20}=(?:\"[^\"\n]{0,600}\"|[^\s,'\"]{1,600})){0,12})"
)
HEADER_LINE = (
    r"(?i)((?<![\w-])(?:x-[a-z-]{0,20}(?:key|token|secret|auth)[a-z-]{0,20}|cookie|set-cookie|private-token|api-key|"
    r"ocp-apim-subscription-key)"
    r"['\"]?\s{0,3}:\s{0,3}['\"]?)(?!<)"
    r"((?:(?!\\[rn]|; ?(?:path|domain|expires|max-age|samesite|secure|httponly)\b)[^'\"\n]){4,3000})"
)
QUERY = (
    r"([?&;]|%3[Ff]|%26|(?<![\w%.-])(?=[A-Za-z_][\w.-]{1,60}%3[Dd]))([A-Za-z_][\w.-]{0,60})(=|%3[Dd])(?!<)"
    r"((?:(?!%26)[^&\s'\"<>#;]){4,4000})"
)
PATHS = (
    r"(?i)((?:hooks\.slack\.com/(?:services|workflows)|/bot/v2/hook|discord(?:app)?\.com/api/webhooks/\d{5,25}|/webhook(?:b2)?|"
    r"outlook\.office\.com/webhook|hooks\.zapier\.com/hooks/catch|"
    r"://[\w.-]{3,100}(?::\d{1,5})?/(?:link|subscribe)(?=/[A-Za-z_-]{0,40}\d))/)(?!<)[\w@:/-]{10,300}"
)
# Services whose path begins with the key, and links of proxies that carry theirs in front of the host.
NOTIFIERS = r"(?i)(\b(?:api\.telegram\.org/(?:file/)?bot|s\w{1,5}\.ftqq\.com/|api\.day\.app/))(?!<)[\w:-]{10,200}"
PROXY_LINK = r"(?i)((?<![a-z0-9+.-])(?:ssr?|vmess|vless|trojan|hysteria2?|hy2|tuic)://)(?!<)[^\s'\"<>@#]{6,3000}"
# A secret beside the identifier that shows what it is: AKIA...:secret
KEY_PAIR = (
    r"((?<![A-Za-z0-9_])(?:(?:AKIA|ASIA|LTAI|AKID|AKLT)[A-Za-z0-9]{10,60}['\"]?\s{0,3}[\s,:;|/]\s{0,3}['\"]?|[A-Z0-9]{20}:))"
    r"(?!<)([A-Za-z0-9+/]{28,64}={0,2})(?![A-Za-z0-9+/])"
)
COOKIES = r"(?i)(\bcookies?['\"]?\s{0,3}[=:]\s{0,3}\{)([^{}\n]{4,2000})(?=\})"
QUOTED_VALUE = r"(:\s{0,3})(?!<)('[^'\n]{4,1000}'|\"[^\"\n]{4,1000}\")"
QUOTED = r"'[^'\n]{3,1000}'|\"[^\"\n]{3,1000}\""
CONDA = r"((?<![\w.])(?:https?://)?[\w.:-]{3,100}/t/)(?!<)([A-Za-z0-9_-]{8,200})(?=/)(?!/\d{1,9}(?!\w))"
NETRC = r"(?i)(\blogin\s{1,10}\S{1,200}\s{1,10}(?:account\s{1,4}\S{1,200}\s{1,10})?password\s{1,10})(?!<)\S{1,400}"
OPTION = r"((?<![\w-])--?([A-Za-z][\w.-]{1,40})[ =]{1,3})(?!<|-)(\"[^\"\n]{3,400}\"|'[^'\n]{3,400}'|[^\s'\"]{4,800})"
COMMANDS = (
    r"((?:\bsshpass\s{1,3}-p|\bdocker login(?:[ \t]{1,3}[^\s]{1,60}){0,6}?\s{1,3}-p|\bwandb login(?:\s{1,3}--\w+){0,3}|"
    r"\bmysql\w{0,8}(?:['\"],)?(?:[ \t]{1,3}[^\s]{1,60}){0,6}?[ \t]['\"]?-p(?=[^\s'\",]|'[^'\n]|\"[^\",\s])|"
    r"(?i:\bIDENTIFIED (?:WITH \S{1,40} )?BY|\bWITH PASSWORD)|\bopenssl passwd(?:\s-\w{1,8}){0,3}\s|"
    r"\b(?:plink|pscp|psftp|putty)\b[^\n]{0,80}?[ \t]-pw[ \t]|\bxfreerdp\b[^\n]{0,120}?[ \t]/p:|"
    r"\s-U\s{0,2}[\w./-]{1,60}%|\bhtpasswd\s{1,3}-\w{0,4}b\w{0,4}(?:\s{1,3}\S{1,100}){2}\s|"
    r"\bnet user \S{1,40}\s|\bnet use\b[^\n]{0,120}?/user:\S{1,60}\s|"
    r"\blftp\b[^\n]{0,80}?[ \t]-u[ \t]\S{1,40},|\bConvertTo-SecureString(?:\s-\w{1,12}){0,2}\s|"
    r"\bpoetry config http-basic\.\S{1,60}\s{1,3}\S{1,60}|"
    r"\b(?:redis-cli|mongo(?:sh)?|ldap\w{3,10}|sqlcmd)(?:[ \t]{1,3}[^\s]{1,80}){0,8}?"
    r"[ \t]-{1,2}(?:[apPw]|pass)[ =](?=\S{0,60}[A-Za-z])|"
    r"\b(?:7za?|7zz|unzip|zip|rar|unrar)(?:[ \t]{1,3}[^\s]{1,80}){0,6}?[ \t]-[pP](?!ath)|"
    r"\bssh-keygen\b[^\n]{0,80}?\s-[NP])\s{0,3})"
    r"(?!<)('[^'\n]{1,200}'|\"[^\"\n]{1,200}\"|[^\s'\"/-][^\s'\"]{3,200})"
)
# Programs that take the key and its secret as words behind the address.
TWO_WORDS = r"(\bmc (?:alias set|config host add)(?:\s{1,3}\S{1,120}){2}\s{1,3})(?!<)\S{3,120}\s{1,3}\S{8,200}"
LOGIN_LINE = (
    r"(\b[\w.-]{2,30} (?:auth |configure )?(?:login|config(?:ure)?|auth|init|signin|account|connect|register)\b)"
    r"([^\n]{4,600})"
)
LONE_WORD = r"(?<!\S)[A-Za-z0-9_-]{16,200}(?!\S)"
CLIENT_LINE = (  # programs that log in somewhere: a client by its name, or whatever is given a user or a host
    r"(\b(?:redis-cli|mongo(?:sh)?|mysql\w{0,8}|psql|ldap\w{3,10}|smbclient|kinit|rclone|influx|clickhouse-client|sqlcmd|"
    r"[\w./-]{2,40}(?:[ ]\S{1,40}){0,6}?[ ](?:-u|-U|--user|--username|-h|--host)[ =]\S{1,60})\b)([^\n]{4,600})"
)
LOGIN_TUPLE = (
    r"(?i)((?<![\w-])(?:(?:\w{0,12}auth|credentials?|login)\s{0,2}(?:=\s{0,2})?[(\[]\s{0,2}|"
    r"(?:connect|login)\([^()\n'\"]{1,80},\s{0,2})"
    r"(?:['\"][^'\"\n]{1,80}['\"]\s{0,2},\s{0,2}))"
    r"(?!<)('[^'\n]{4,400}'|\"[^\"\n]{4,400}\")(?=\s{0,2}[)\],])"
)
AUTH_LAMBDA = r"(\bauth\s?=\s?lambda\b[^:\n]{0,60}:)([^\n]{4,300})"
SHORT_OPTION = r"(\s-{1,2}[A-Za-z]{1,3}[ =]{1,2}['\"]?)(?!<)([^\s'\"]{8,400})"
PIPED = (
    r"(\becho\s{1,3}(?:-\w{1,2}\s{1,3})?['\"]?)(?!<)([^\s'\"|]{3,200})(?=['\"]?\s{0,3}\|\s{0,3}[^|\n]{0,80}?"
    r"(?:sudo\s{1,3}(?:-\w{1,4}\s{1,3}){0,3}-\w{0,3}S\b|--password-stdin|--with-token|-stdin\b|passwd\b|openssl\b|gpg\b))"
)
FETCH_LINE = r"(\b(?:curl|wget|https?|xh|aria2c)\s)([^\n]{4,2000})"
LOGIN_PAIR = (
    r"((?<!\S)-{1,2}(?:[uUa]|user|proxy-user|auth)[ =]{0,3}['\"]?)(?!<)"
    r"[^\s:'\"/-][^\s:'\"/]{0,99}:[^\s'\"]{1,200}"
)
TAG = r"(?i)(<([\w:-]{3,40})>)(?!<)([^<>\n]{4,400})(?=</)"
HASH = r"\$(?:apr1|argon2\w{0,2}|2[abxy]|y|1|5|6)\$[./A-Za-z0-9$=,+-]{12,300}"
NAME = (
    r"(?<![\w.%])[\w.-]{0,40}?(?:token|secret|pass|pwd|key|cred|cookie|auth|session|sid|jwt|psk|ticket|bearer|"
    r"(?<![A-Za-z0-9.])(?:pw|[as]k)(?![A-Za-z0-9.])|(?<![a-z])(?:bind|root)pw(?![a-z]))[\w.-]{0,40}|"
    rf"(?:{CHINESE})\w{{0,3}}"
)
ANNOTATED = (
    r"(?:\s?:\s?&?[A-Za-z_][\w.]{1,30}(?:\[[\w., |\[\]]{1,40}\])?(?:\s?\|\s?\w{1,12})?(?=\s?=))?"  # token: str = ...
)
# What follows "name:" when its value stands on the next line: a continued line, a YAML block, a long string.
ONWARD = r"(?:\\\r?\n\s{0,20}|[|>][-+]?\r?\n\s{1,20}|\"{3}\s{0,8}|'{3}\s{0,8})?"
VALUE = (
    r"(\[\s{0,2}['\"][^\[\]\n]{4,2000}['\"]\s{0,2}\]|\\{1,3}\"[^\\\"\n]{3,4000}\\{1,3}\"|\"(?:\\.|[^\"\\\n]){3,4000}\"|'(?:\\.|[^'\\\n]){3,4000}'|`[^`\n]{3,4000}`|"
    r"(?![\"'<])(?:(?!(?:[;,&|([{]\s?['\"]?[A-Za-z_][\w.-]{0,60}['\"]?[=:]|&&|\|\||\\r\\n))(?:\\\r?\n(?=\S)|[^\s'\"`，。；（）「」『』“”【】、！？])){4,4000})"
)
NAMED = (
    r"(?i)(("
    + NAME
    + r")\\{0,3}(?:['\"]|\*\*)?\]?"
    + ANNOTATED
    + r"(?:\s?[（(][^()（）\n]{1,24}[)）])?"
    + r"\s{0,3}(?:=>|:=|={2}(?=\s{0,2}['\"])|[=＝：](?!=)|:(?![:/]))(?:[ \t]{4,24}|\s{0,3}[「『“【]?)"
    r"(?:[bfru]{1,2}(?=['\"]))?" + ONWARD + ")" + VALUE
)
# {name: X, value: Y} as Kubernetes, task definitions, Terraform and XML write it; the name decides.
PAIR = (
    r"(?i)((?<![\w-])(?:name|key|variable|parameterkey)\\{0,3}['\"]?\s{0,3}[:= ]\s{0,3}\\{0,3}['\"]?("
    + NAME
    + r")\\{0,3}['\"]?[\s,{;]{1,40}"
    r"(?:(?:type|description|sensitive)\s{1,6}=\s{1,3}[^\n]{1,120}\n\s{1,12}){0,4}"
    r"\\{0,3}['\"]?(?:value|default|parametervalue)\\{0,3}['\"]?\s{0,3}[:=]\s{0,3})" + VALUE
)
# setdefault("TOKEN", "..."), add_argument("--api-key", default="..."), set_token("..."), secret "..."
ARGUED = (
    r"(?i)((?:['\"]-{0,2}(" + NAME + r")['\"]\s{0,3},\s{0,3}(?:[^\n'\"]{0,60}?\bdefault\s{0,2}=\s{0,2})?|"
    r"(?<![\w.])[\w.]{0,40}(?:(?:token|api_key|password|secret|credentials?)(?:\(|\s(?:(?:to|as|is|was|with)\s)?)|login\()\s{0,2}))"
    r"('[^'\n]{8,400}'|\"[^\"\n]{8,400}\")"
)
# [env var: OPENAI_KEY; default: ...]: what the help of a command says of an option
DEFAULTED = (
    r"(?i)((?<![\w.-])(?=[\w-]{0,40}(?:token|secret|pass|key|cred|auth))([\w-]{3,40})\b"
    r"[^\n\"']{0,80}?\bdefault\s?[:=]\s?['\"]?)"
    r"(?!<)([^\s'\"()\[\]]{8,400})"
)
# expect "*assword:" { send "..." }, child.sendline("...")
SENT = (
    r"(?i)(assword[^\n]{0,40}\s{1,20}(?:\{\s{0,8})?[\w.]{0,20}send(?:line)?\s{0,2}\(?\s{0,2}(?:--\s{1,2})?)(?!<|\"\$)"
    r"('[^'\n]{3,200}'|\"[^\"\n]{3,200}\")"
)
# The password below the command that asks for it, as renters of a machine hand both on.
BELOW = r"(\bssh [^\n]{0,120}@[^\n]{1,100}\n[ \t]{0,4})(?!<)([^\s:/]{8,64})(?=[ \t]{0,4}(?:\n|$))"
# name:password by the line, as chpasswd reads them
CHPASSWD = r"(\bchpasswd:\s{0,3}\n)((?:[ \t]{1,10}[^\n]{1,200}(?:\n|$)){1,30})"
CHPASSWD_LINE = r"(?m)^([ \t-]{1,12}[A-Za-z_][\w-]{0,31}:)(?!<)([^\s|]\S{3,200})$"
TABLE = (
    r"(?im)(^[ |│┃\t]{0,8}("
    + NAME
    + r")(?: {1,60}|\t{1,8}| {0,60}[|│┃] {0,4}))(?!<)([^\s|│┃'\"，。；、]{6,4000})(?=\s{0,200}[|│┃]?\s{0,4}$)"
)
SET = (
    r"((?<!\w)(?:ENV|setx|setenv|set\s{1,2}-\w{1,3}|(?:vars?|env|config(?:ure)?|settings?|secrets?)\s{1,3}(?:set|add|put))\s{1,3}"
    r"([A-Za-z_][\w.-]{1,60})\s{1,3})"
    r"(?!<)(\"[^\"\n]{4,400}\"|'[^'\n]{4,400}'|[^\s'\"=]\S{3,800})"
)
SPACED = (  # aws_secret_access_key Ab12...: a row without a sign, or a setting given to a command
    r"(?i)((?<![\w.$%/-])([a-z][\w-]{1,40}?(?:token|secret|passw(?:or)?d|key|credential|pass|auth))[ \t]{1,4})"
    r"(?!<)(\"[\w+/=.~-]{16,400}\"|'[\w+/=.~-]{16,400}'|[\w+/=.~-]{16,400})(?![^\s;])"
)
_SAID = r"(?!<)([^\s，。；,;'\"`（）、「」『』“”【】]{6,400})"
_ACCOUNT = r"(?:[A-Za-z][\w.-]{1,20}\s?[/／|]\s?)?"  # admin / its password
PROSE = (
    r"(?i)((?:\b(?:password|passphrase|passcode|api key|access key|secret|token)\s{1,3}(?:is|was|are|-{1,2}>?|–|—)|"
    r"\b(?:api ?key|access ?key|token)[ \t]{1,3}(?=[\w-]{16})|"
    r"\b(?:temporary|initial|generated|default) (?:\w{1,8} )?password\b[^\n:：=\d]{0,60}[:：])"
    rf"[\s:：]{{0,3}}['\"「『“【]?{_ACCOUNT})" + _SAID
)
# The same in Chinese. The flag holds for the words only: with it a range of signs takes milliseconds to compile.
PROSE_CHINESE = (
    rf"((?:(?:{CHINESE}|(?<![A-Za-z])(?i:(?:api|access) ?key|token|key(?=[^\x00-\x7f]))(?!\s{{0,8}}\n))"
    r"\s?[\u4e00-\u9fff]{0,6}?(?:是|为|改成了?|换成了?|设成了?|[：:→】]|->|=>|(?<=[\u4e00-\u9fff])={1,2}|\s|(?=[「『“【]))|"
    r"(?<![a-z])(?i:passwd|pwd|pass|pw)\s?[\u4e00-\u9fff]{0,6}?(?:是|为|：)|(?:密码|口令)(?=[!-~]{8}))"
    rf"[\s:：]{{0,3}}['\"「『“【]?{_ACCOUNT})" + _SAID
)
# The HF_TOKEN is ..., password → ..., secret key (...), a label above what was typed
STATED = (
    rf"(?i)((?<![\w.%-])(?=[\w.-]{{0,40}}(?:token|secret|passw|pwd|_key|apikey|密|令))({NAME})(?:\*\*|`)?"
    r"(?:\s{1,2}(?:is|was|—|–|to(?=\s['\"`]))\s{1,2}|\s{0,2}(?:→|->|>{2,3}|是|为)\s{0,2}|\s?[(（「“\[](?=\S{6,200}[)）」”\]])|"
    r"[ \t]{0,3}\n[ \t]{0,8}(?=\S{8,200}[ \t]{0,4}(?:\n|$)))"
    r"['\"`]?)(?!<)([^\s，。；,;'\"`（）、「」『』“”【】()\[\]]{8,400})"
)
# A key or a token, in a Chinese sentence that does not say what it is: what follows may be anything.
SPOKEN_OF = (
    r"(?i:key|token)(?:[ \t]{1,3}|\s?[\u4e00-\u9fff]{1,8}\s{1,3}|\s?[\u4e00-\u9fff]{1,8}[：:]\s{0,3})(?<![是为] )$"
)
KEYLIKE = r"(?=[\x21-\x7e]{0,40}\d)[\x21-\x7e]{8}"
# cat <<< "..." and what else reads a login from a word of the shell
HERE = (
    r"(?i)((?:passw|\bpw\b|token|secret|login|sudo)[^\n<]{0,80}<<<\s{0,2})(?!<)"
    r"('[^'\n]{4,200}'|\"[^\"\n]{4,200}\"|[^\s'\"]{4,200})"
)
# An address, its user and the password, as they are handed on.
HANDED = (
    r"((?<![\d.])(?:\d{1,3}\.){3}\d{1,3}\S{0,8}[\s,/|]{1,4}(?:root|admin|ubuntu)[\s,/|:]{1,4})"
    r"(?!<)([^\s/:]{8,64})(?!\S)"
)
BESIDE = r"(?i)(\b(?:password|passwd|passphrase|passcode)\s{1,2})(?!<)([A-Za-z0-9!@#$%^&*_.+-]{8,64})(?![\w=:])"
ASKED = (
    r"(?i)(\b(?:api key|access key|key for|token|password|passphrase|secret)\b[^\n:：=\d]{1,80}[:：]\s{1,3})(?!<)"
    r"([^\s'\"]{16,400})(?=\s|$)"
)

# What a text must hold before a pattern is worth compiling: one of these lower-case literals.
NAMES = (
    *"""
    token secret pass pwd key cred cookie auth session sid jwt psk ticket bearer -ak -sk bindpw rootpw
    """.split(),  # noqa: SIM905 - a list of words reads best as words
    *secretwords.CHINESE,
    *("密 码", "密\u3000码"),
)
# Signs of which any Chinese sentence about a credential has one.
CHINESE_TEXT = (*secretwords.CHINESE, *"码的是为：，。了「『“【→填用")
STATING = (" is ", " was ", "` to ", "→", "->", ">>", "是", "为", "(", "（", "「", "“", "[", "—", "–", "\n")
SHORT_NAMES = ("ak", "sk", "pw")  # too short to tell by themselves whether a pattern is worth a try
STARTS = (
    *"""
    hf_ api_org_ sk- sk_ rk_ aiza ya29. gocspx- akia asia abia acca ltai akid aklt ghp_ gho_ ghu_ ghs_ ghr_
    github_pat_ xox xapp- dapi sg. hvs. hvb. hvr. atatt age-secret-key- bce-v3/ ms- eyj :aa
    """.split(),  # noqa: SIM905 - a list of words reads best as words
    *(
        f"{name}{sign}"
        for name in (*PROVIDERS, "glcbt", "glptt", "glft", "glagent", "glimt", "glsoat", "gloas", "lsv2_sk")
        for sign in "-_"
    ),
)
LOOSE_STARTS = (":aa", "bce-v3/")  # digits before, slashes behind
TOKENIZER = "tokenizer"  # a word of every log here, and in no credential's name
# What one word is made of: most forms need a sign or a blank, so that paths and names are spared them.
WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+~-")
IN_A_WORD = (PATHS, NOTIFIERS, KEY_PAIR, CONDA, PREFIX, ZHIPU)
CLIENTS = tuple("redis-cli mongo mysql psql ldap smbclient kinit rclone influx clickhouse sqlcmd".split())  # noqa: SIM905
HASHES = ("$2", "$apr1$", "$argon2", "$y$", "$1$", "$5$", "$6$")
