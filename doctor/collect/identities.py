"""Who and where: users, hosts, addresses and serials in free text become numbered placeholders."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from doctor.collect.literals import holds, searched
from doctor.collect.secretvalues import placeholder
from doctor.model.patterns import compiled

COMMON_USERS = frozenset(
    """
    root user users ubuntu debian centos admin runner jovyan vscode conda coder app public default shared linuxbrew
    ec2-user sagemaker-user docker work me you username your_name yourname xxx __token__ oauth2 nobody python git name
    guest test
    """.split()  # noqa: SIM905 - a list of words reads best as words
) | {"default user", "all users"}
COMMON_HOSTS = frozenset(
    """
    localhost hostname host vm ubuntu debian server node gpu linux docker container local none null
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
# Parts of paths that stay even where somebody's home folder has that name.
COMMON_FOLDERS = frozenset(
    """
    data dataset datasets model models project projects workspace code repo repos home users usr lib lib64 bin opt mnt
    media tmp var etc srv root cache hub envs venv conda miniconda3 anaconda3 site-packages src disk storage share
    scratch
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
HOME = r"(?i)(?<![\w.~-])((?:/[\w.-]{1,60}){0,3}/(?:home|users)/)(?!<|\.)([^/\s:'\"\\,;)\]}<>|]{1,64})"
HOME_WSL = r"(?i)(\\\\wsl(?:\.localhost|\$)\\{1,2}[\w.-]{1,60}\\{1,2}home\\{1,2})(?!<)([^\\/\s\"':*?<>|]{1,64})"
HOME_WINDOWS = r"(?i)(?<![a-z])([a-z]:[\\/]{1,4}users[\\/]{1,4})(?!<)([^\\/\n\"':*?<>|]{1,64})"
PROMPT = (
    r"(?<![\w@.+-])([A-Za-z_][\w.-]{0,40})@(?!<)([A-Za-z][\w.-]{0,100})"
    r"(?=:\s{0,1}[~/]|[ ][~/]\S{0,100}\s{0,1}[\])]?[#$%]|\s[\w./~-]{1,60}\][#$])"
)
TILDE = r"(~(?<![\w./~-]~))(?!<)([A-Za-z_][\w-]{1,31})(?=/)"
MAC_PROMPT = r"(?m)((?:^|(?<=[\s>|]))[\w.-]{2,63})(:~[\w./-]{0,60} )([A-Za-z_][\w.-]{1,31})(?=[$%] )"
# A machine by its full name, where the text says that it is one.
NODE = (
    r"(?<=[ \[(=:\"'])[A-Za-z][\w-]{0,61}\d[\w-]{0,20}(?:\.[A-Za-z][\w-]{1,62}){2,5}"
    r"(?![\w.-]{0,60}[\w-]|\s{1,3}import\b)"
)
NODE_SAID = r"(?i)\b(?:on|to|from|at|via|node|host|server|machine)[\s:=]{1,3}[\[(\"']?$"
PUBLIC = tuple(
    """
    hf.co huggingface.co github.com githubusercontent.com gitlab.com gitee.com modelscope.cn amazonaws.com aliyuncs.com
    myqcloud.com cloudfront.net googleapis.com windows.net azure.com nvidia.com pytorch.org python.org anaconda.org
    anaconda.com docker.com docker.io ubuntu.com debian.org openai.com cloudflare.com
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
# Name servers that everybody uses, and the address where every cloud tells a machine about itself.
PUBLIC_ADDRESSES = frozenset(
    """
    8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 114.114.114.114 223.5.5.5 223.6.6.6 119.29.29.29 169.254.169.254
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
UNAME = r"(\bLinux )(?!<)([\w.-]{1,100})(?= \d{1,2}\.\d{1,3}\.)"
HOST_NAMED = (
    r"(?i)((?<![\w-])(?:host ?name|"
    r"node(?=:\s{1,30}[\w-]{1,63}(?:\.[\w-]{1,63}){2})|nodename|node ?list|computer ?name|主机名|slurmd_nodename|"
    r"slurm_(?:job_)?nodelist|slurm_submit_host|master_addr)"
    r"['\"]?\s{0,3}[=:：]\s{0,3}['\"]?)(?!<)([\w.\[\],-]{2,200})"
)
USER_NAMED = (
    r"(?i)((?<![\w-])(?:user ?name|logname|用户名|sudo_user|slurm_job_user)['\"]?\s{0,3}[=:：]\s{0,3}['\"]?)"
    r"(?!<)([\w.-]{2,60})"
)
# What the system's log says of somebody, and who uses a GPU.
SAID = (
    r"(\b(?:(?:Accepted|Failed) \S{1,30} for (?:invalid user )?|session (?:opened|closed) for user |[Uu]nknown user )|"
    r"(?<=root) by (?=\S{1,40}\(uid)|\bsudo: {1,8}(?=\S{1,40} : )|(?<=\|)[ ]{1,4}(?=\w{2,32}\(\d{1,7}M\))|"
    r"(?<!\S)(?=\S{2,40} is not in the sudoers))"
    r"(?!<)([A-Za-z_][\w.-]{1,31}\$?)"
)
JOB_NODE = r"(\*\*\* (?:JOB|STEP) \S{1,30} ON )(?!<)([\w.-]{2,100})(?= )"
CONTACT = (
    r"(?i)((?<![A-Za-z])(?:微信号|微信id|wechat id|vx|qq(?:号码?|群号?|群)?)[\s:：]{1,3})"
    r"(?!<)([A-Za-z][\w-]{5,19}|\d{5,11})(?![\w.])"
)
# Programs that list users in a column: ls -l, ps aux, ps -ef, top, who, squeue, /etc/passwd.
OWNER = (
    r"(?m)((?:^|(?<=[\s>|]))[bcdlps-](?:[r-][w-][xsStT-]){3}[.+@]?\s{1,4}\d{1,6}\s{1,4})"
    r"([A-Za-z_][\w.-]{1,31}) {1,12}([A-Za-z_][\w.-]{1,31})(?=\s{1,12}\d)"
)
PROCESS = (
    r"(?m)^([ \t>|]{0,8})(?!(?:step|epoch|iter)\b)([A-Za-z_][\w.-]{2,31}\+?)"
    r"(?=\s{1,12}(?:\d{1,8}\s{1,8}\d{1,4}(?:\.\d)?\s{1,8}\d{1,4}\.\d\s|"
    r"\d{1,8}\s{1,8}\d{1,8}\s{1,4}\d{1,3}\s{1,4}(?:\d\d:\d\d|[A-Z][a-z]{2}\d\d)\s|(?:pts/|tty|:)\d{1,3}\s)|:x:\d{1,6}:\d{1,6}:)"
)
TOP = (
    r"(?m)^([ \t>|]{0,8}\d{1,8}\s{1,4})([A-Za-z_][\w.-]{2,31}\+?)"
    r"(?=\s{1,8}(?:-?\d{1,3}|rt)\s{1,4}-?\d{1,3}\s{1,6}[\d.]{1,10}[kmgt]?\s)"
)
QUEUE = (
    r"(?m)^([ \t>|]{0,20}\d{1,12}(?:_[\d\[\]-]{1,20})?\s{1,12}\S{1,40}\s{1,12}\S{1,60}\s{1,12})([A-Za-z_][\w.-]{1,31})"
    r"(?=\s{1,12}(?:R|PD|CG|CF|CD|F)\s{1,12}[\d:-]{4,12}\s{1,8}\d)"
)
SSH_USER = r"(?m)(^[ \t]{1,8}User[ \t]{1,4})(?!<)([\w.-]{2,40})(?=[ \t]{0,4}$)"
UID = r"(\b[ug]id=\d{1,10}\()(?!<)([\w.-]{1,64})(?=\))([^\n]{0,600})"
WHOAMI = r"(?m)(\bwhoami['\"]?[ \t]{0,3}[:\n]\s{0,3})(?!<)([A-Za-z_][\w.-]{1,40})(?=\s{0,3}$)"
PHONE = (
    r"(?i)((?:\b(?:tel|phone|telephone|mobile|whatsapp|wechat)|电话|手机|微信|联系方式)(?:号码?)?"
    r"[\s.:：]{0,4}(?:\(?\+?\d{1,3}\)?[\s-]{0,2})?)"
    r"(?!<)(\d{3,4}(?:[\s-]?\d{3,5}){1,3})(?![\w.])"
)
PUBLIC_KEY = r"(\b(?:ssh-|ecdsa-|sk-)[\w@.-]{3,60} )AAAA[A-Za-z0-9+/]{20,2000}={0,3}"
KNOWN_HOST = (
    r"(?m)((?:^|[\s>|]))(?!<|\|1\|)(?=\S{0,200}[\d.])([\w.\[\]:,-]{1,199}[\w\]])"
    r"(?= (?:ssh-|ecdsa-|sk-)[\w@.-]{3,60} AAAA)"
)
USER_ENV = r"((?<![\w-])USER=)(?!<)([\w.-]{2,60})"
EMAIL = (
    r"(?<![\w.+%/@-])(?<!(?<!mailto):)([\w.+%-]{1,64})@(?!<)"
    r"((?:[\w-]{1,63}\.){1,5}[A-Za-z][\w-]{1,62}|\d{1,3}(?:\.\d{1,3}){3})(?![\w@])"
)
SHARE = (
    r"(?i)(?<![\w.-])([\w-]{4,80}(?:\.[\w-]{2,20}){0,2})(?=\.(?:gradio\.(?:live|app)|ngrok(?:-free)?\.(?:io|app|dev)|trycloudflare\.com|loca\.lt|lhr\.life|"
    r"seetacloud\.com|proxy\.runpod\.net))"
)
MAC = r"(?i)(?<![\w:.-])(?!ff:ff:ff:ff:ff:ff)[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![\w:-])"
V4 = r"(?<![\w.+-])(?<!==)(\d{1,3}(?:\.\d{1,3}){3})(?![\w.+-]|\.\d)"
V6 = r"(?i)(?<![\w:.])((?:2[0-9a-f]{3}|3[0-9a-f]{3}|f[cde][0-9a-f]{2})(?::{1,2}[0-9a-f]{1,4}){2,7}(?:::)?)(?![\w])"
VERSION_SAID = r"(?i)(?:\bversions?|\bver\.?|\bv|[=<>~!]=)[\s:=]{0,3}$"
SEGMENT = r"(?<=[/\\])[\w.-]{3,64}(?=[/\\])"
HOST_WORD = r"(?<![\w.<-])[A-Za-z][\w-]{2,62}(?:\.[\w-]{1,63}){0,5}(?![\w-])"
NEAR_ADDRESS = (
    r"(?i)(?:://|@|\[|connect\w{0,6}(?: to| from)?|listen\w{0,4}(?: on)?|"
    r"hosts?|addr\w{0,6}|inet6?|servers?|\bips?|ping|ssh[^\n]{0,20}|gateway|"
    r"no_proxy\S{0,48}|peer|nameserver|brd|bind\w{0,4}(?: to)?|via|proxy|[tu]cp|bytes from|login[^\n]{0,40}from|"
    r"route|node|master|remote|"
    r"endpoint|nfs|dns|rank|service not known|unreachable|resolve|地址|主机|服务器|控制器)[\s:=@(\[\"'：]{0,4}$"
)
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
GPU_ID = rf"(?i)(?<![\w-])((?:MIG-)?GPU|MIG)-{UUID}"
# \\server\share; in a string that is shown escaped each of its backslashes is doubled
UNC = (
    r"(?<![\w:\\/.)\]}*+?])(\\\\(\\\\)?)(?!<|wsl)([A-Za-z][\w.-]{1,60})"
    r"(?=(?(2)\\\\|\\)[A-Za-z0-9$_][\w$. -]{1,60}(?:\\|\s|['\"]|$))"
)
RESERVED = ("example.com", "example.org", "example.net")  # RFC 2606: nobody's
SERIAL = (
    r"(?i)((?<![\w])(?:serial(?:[ _-]?(?:number|no))?|board[ _-]?serial|序列号)\s{0,40}[:=：>]\s{0,8})"
    r"(?!<)(?=[A-Z-]{0,20}\d)([A-Z0-9-]{6,40})"
)
MACHINE_ID = (
    r"(?i)((?:machine|boot|host|instance|system)[-_ ]?(?:id|uuid)['\"]?\s{0,4}[:=：]\s{0,4}['\"]?)"
    r"(?!<)([0-9a-f-]{16,40})"
)

Number = Callable[[str, str], str]


def _user(number: Number) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        name = match.group(2)
        return match.group() if _nobody(name) else match.group(1) + number("user", name)

    return replace


def _nobody(name: str) -> bool:
    """Everybody's name, or what stands for a name in code: None, str, a variable."""
    return name.lower() in COMMON_USERS or name in COMMON_FOLDERS or name.startswith("$") or placeholder(name)


def _login(number: Number) -> Callable[[re.Match[str]], str]:
    """Owner and group of a file, or one of them."""

    def replace(match: re.Match[str]) -> str:
        head, *names = match.groups()
        shown = [name if _nobody(name) or name.isdigit() else number("user", name) for name in names if name]
        return head + " ".join(shown)

    return replace


def _uid(number: Number) -> Callable[[re.Match[str]], str]:
    """What ``id`` prints: the group of a user often has the same name."""

    def replace(match: re.Match[str]) -> str:
        head, name, rest = match.groups()
        if name.lower() in COMMON_USERS:
            return match.group()
        shown = number("user", name)
        return head + shown + rest.replace(f"({name})", f"({shown})")

    return replace


def _prompt(number: Number) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        user, host = match.groups()
        if user == "git":
            return match.group()
        return (user if user.lower() in COMMON_USERS else number("user", user)) + "@" + _host_name(host, number)

    return replace


def _mac_prompt(number: Number) -> Callable[[re.Match[str]], str]:
    """``host:folder user$``, as the shell of macOS has it."""

    def replace(match: re.Match[str]) -> str:
        host, folder, user = match.groups()
        return _host_name(host, number) + folder + (user if user.lower() in COMMON_USERS else number("user", user))

    return replace


def _node(number: Number) -> Callable[[re.Match[str]], str]:
    """Public services keep their names: that one of them is not reached is what a diagnosis is about."""

    def replace(match: re.Match[str]) -> str:
        name = match.group()
        said = compiled(NODE_SAID).search(match.string[max(0, match.start() - 14) : match.start()])
        public = name.lower().endswith(tuple("." + domain for domain in PUBLIC))
        return number("host", name) if said and not public else name

    return replace


def _host_named(number: Number) -> Callable[[re.Match[str]], str]:
    """A host beside what it is called; in code a variable, a call or a type may stand there, in a manual a sentence."""

    def replace(match: re.Match[str]) -> str:
        name = match.group(2).rstrip(",]")
        follows = match.string[match.end() : match.end() + 3]
        code = re.fullmatch(r"[a-z_.]*(?:_[a-z_]*|\.(?:host|node)\w*)|(?:xxx\.?)+", name) or follows[:1] in ("(", "[")
        goes_on = r" [a-z]|[\u4e00-\u9fff`]" if name[0].isupper() else r"[\u4e00-\u9fff`]"
        told = re.fullmatch(r"[A-Za-z][a-z-]+[\u4e00-\u9fff]*", name) and re.match(goes_on, follows)
        key = re.match(r"\w*", match.group(1))
        own = key and re.match(rf"{re.escape(key.group())}(?:\[|$)", name, re.IGNORECASE)  # nodelist=nodelist
        if code or told or own or _address(name) or placeholder(name):
            return match.group()
        return match.group(1) + _host_name(name, number) + match.group(2)[len(name) :]

    return replace


def _host_name(host: str, number: Number) -> str:
    return host if host.lower() in COMMON_HOSTS else number("host", host)


def _email(number: Number) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        user, host = match.groups()
        after = match.string[match.end() : match.end() + 1]
        if user == "git" and after in (":", "/"):
            return match.group()
        if user.lower() in COMMON_USERS:
            return match.group() if host in RESERVED else f"{user}@{number('host', host)}"
        return number("email", match.group())

    return replace


def _v4(number: Number) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        address = match.group(1)
        parts = [int(part) for part in address.split(".")]
        if max(parts) > 255 or parts[0] in (0, 127, 255) or address in PUBLIC_ADDRESSES:  # 255: a mask
            return address
        after = match.string[match.end() : match.end() + 6]
        before = match.string[max(0, match.start() - 60) : match.start()]
        if compiled(VERSION_SAID).search(before):
            return address
        near = re.match(r":\d{2,5}|/\d{1,2}\b", after) or compiled(NEAR_ADDRESS).search(before)
        return number("ip", address) if near or _no_version(parts) else address

    return replace


def _no_version(parts: list[int]) -> bool:
    """Private networks, and what is too large for the four numbers of any library's version (cuRAND is 10.3.5.147)."""
    return tuple(parts[:2]) in ((192, 168), (169, 254)) or (parts[0] == 172 and 16 <= parts[1] < 32) or parts[0] > 40


def again(text: str, users: Mapping[str, str], hosts: Mapping[str, str]) -> str:
    """Names known by their place once, wherever they stand: users as a part of a path, hosts that no word is."""
    if users:
        text = compiled(SEGMENT).sub(lambda m: users.get(m.group().lower(), m.group()), text)
    if hosts:
        text = compiled(HOST_WORD).sub(lambda m: hosts.get(m.group().lower(), m.group()), text)
    return text


def _group(kind: str) -> Callable[[Number], Callable[[re.Match[str]], str]]:
    """Head kept, second group numbered."""
    return lambda number: lambda match: match.group(1) + number(kind, match.group(2))


def _share(number: Number) -> Callable[[re.Match[str]], str]:
    return lambda match: match.group(1) + _host_name(match.group(3), number)


def _tunnel(number: Number) -> Callable[[re.Match[str]], str]:
    return lambda match: number("share", match.group(1))


def _gpu(number: Number) -> Callable[[re.Match[str]], str]:
    return lambda match: match.group(1) + "-" + number("id", match.group())


# words of which a text has one, the pattern, and what makes the replacement out of the numbering
ROWS: tuple[tuple[tuple[str, ...], str, Callable[[Number], Callable[[re.Match[str]], str]]], ...] = (
    (("/home/", "/users/"), HOME, _user),
    ((":\\users", ":/users", ":\\\\users"), HOME_WINDOWS, _user),
    (("wsl",), HOME_WSL, _user),
    (("\\\\",), UNC, _share),
    (("@",), PROMPT, _prompt),
    (("~",), TILDE, _user),
    ((":~ ",), MAC_PROMPT, _mac_prompt),
    ((" on ", " to ", " from ", " at ", " via ", "node", "host", "server", "machine"), NODE, _node),
    (("linux ",), UNAME, _group("host")),
    (
        (
            "hostname",
            "node:",
            "host name",
            "nodename",
            "nodelist",
            "node list",
            "computer",
            "主机名",
            "submit_host",
            "master_addr",
        ),
        HOST_NAMED,
        _host_named,
    ),
    (("username", "user name", "logname", "用户名", "_user"), USER_NAMED, _user),
    (("user=",), USER_ENV, _user),
    (("hostname ",), SSH_USER, _user),
    (("uid=", "gid="), UID, _uid),
    (("-rw", "rwx", "r-x"), OWNER, _login),
    (("  ", ":x:"), PROCESS, _login),
    (("  ",), TOP, _login),
    ((" r ", " pd ", " cg ", " cf "), QUEUE, _login),
    (("accepted ", "failed ", "session ", "unknown user", "sudo", "m)"), SAID, _user),
    (("*** ",), JOB_NODE, _group("host")),
    (("微信", "wechat", "vx", "qq"), CONTACT, _group("contact")),
    (("whoami",), WHOAMI, _user),
    ((" aaaa",), KNOWN_HOST, _group("host")),
    ((" aaaa",), PUBLIC_KEY, lambda _number: lambda m: m.group(1) + "<public-key>"),
    (
        ("tel:", "tel ", "tel.", "phone", "mobile", "whatsapp", "wechat", "电话", "手机", "微信", "联系"),
        PHONE,
        _group("phone"),
    ),
    (("@",), EMAIL, _email),
    (
        ("gradio", "ngrok", "cloudflare", "loca.lt", "lhr.life", "seetacloud", "runpod"),
        SHARE,
        _tunnel,
    ),
    (("gpu-", "mig-"), GPU_ID, _gpu),
    (("serial", "序列号"), SERIAL, _group("serial")),
    (("machine", "boot", "instance", "system", "host"), MACHINE_ID, _group("id")),
)


def redact(text: str, number: Number) -> str:
    """The text with identities replaced; ``number(kind, name)`` gives the placeholder."""
    low = searched(text)
    for literals, pattern, replacing in ROWS:
        if holds(low, literals):
            text = compiled(pattern).sub(replacing(number), text)
    return _addresses(text, number)


def _addresses(text: str, number: Number) -> str:
    """MAC and IP addresses. Counting the separators first keeps these patterns out of nearly all texts."""
    colons = text.count(":")
    if colons >= 5 or text.count("-") >= 5:
        text = compiled(MAC).sub(lambda m: number("mac", m.group().lower()), text)
    if colons >= 3:
        text = compiled(V6).sub(lambda m: number("ip", m.group(1).lower()), text)
    return compiled(V4).sub(_v4(number), text) if text.count(".") >= 3 else text


def _address(text: str) -> bool:
    return re.fullmatch(r"[\d.]+|localhost", text) is not None
