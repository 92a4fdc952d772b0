"""Which folder the installed huggingface_hub and transformers use, and which variable decided it.

Pure: looks at the environment and at version numbers only, touches no path. What differed between releases was
read from huggingface_hub's ``constants.py`` (0.16 to 2.4) and transformers' ``utils/hub.py`` (4.30 to 5.23).
"""
import os
import re

HUB_NEW_NAMES = (0, 19)  # HF_HUB_CACHE, HF_ASSETS_CACHE, HF_TOKEN are read
HUB_TOKEN_LENGTH = 37
HUB_CLEANS_TOKEN = (0, 21)  # blanks and line ends around a token are removed
HUB_TOKEN_PATH = (0, 23)  # HF_TOKEN_PATH is read
HUB_STRIPS_ENDPOINT = (0, 28)  # a slash at the end of HF_ENDPOINT is removed
HUB_EXPANDS = (0, 30)  # ~ and $NAME are replaced in all paths (before: only ~, only in HF_HOME); HF_XET_CACHE exists
TF_USES_HUB = (4, 36)  # transformers takes its default from huggingface_hub's constants
TF_HUB_OFFLINE = (4, 42)  # transformers no longer reads TRANSFORMERS_OFFLINE by itself
TF_DROPS_OWN = (5,)  # TRANSFORMERS_CACHE and its two older names are no longer read
NEWEST = (9999,)  # stands for a version that could not be found out

OWN_CACHES = ("TRANSFORMERS_CACHE", "PYTORCH_TRANSFORMERS_CACHE", "PYTORCH_PRETRAINED_BERT_CACHE")
TRUE_WORDS = ("1", "ON", "YES", "TRUE")
DEFAULT_ENDPOINT = "https://huggingface.co"

_DIST = r"(?i)^(huggingface[_-]hub|transformers)-([0-9][^-]*)\.(?:dist|egg)-info$"
_VARIABLE = r"\$(\w+|\{[^}]*\})"


def version_tuple(text):
    """``4.57.0.dev0`` -> (4, 57, 0): the leading numbers only, enough to compare releases."""
    numbers = []
    for part in text.split("."):
        match = re.match(r"\d{1,9}", part)
        if match is None:
            break
        numbers.append(int(match.group()))
        if match.group() != part:
            break
    return tuple(numbers)


def installed(names):
    """Versions of huggingface_hub and transformers from the file names of site-packages folders."""
    found = {}
    for name in names:
        match = re.match(_DIST, name)
        if match:
            found[match.group(1).lower().replace("-", "_")] = version_tuple(match.group(2))
    return found


def expand_user(path, home):
    """As ``os.path.expanduser``, with the home of the environment that is looked at."""
    if path == "~" or path.startswith("~/"):
        return home.rstrip("/") + path[1:]
    return os.path.expanduser(path) if path.startswith("~") else path


def expand_vars(path, env):
    """As ``os.path.expandvars``: an unknown name stays as it is."""
    return re.sub(_VARIABLE, lambda m: env.get(m.group(1).strip("{}"), m.group(0)), path)


def is_true(value):
    """The spelling that both libraries understand as switched on."""
    return value is not None and value.upper() in TRUE_WORDS


class Layout(object):
    """Where the libraries look. Paths are as they compute them; ``absolute`` joins them to the working folder."""

    def __init__(self, env, home, cwd, versions=None, site_known=False):
        self.env, self.home_dir, self.cwd = env, home, cwd
        versions = versions or {}
        self.hub = versions.get("huggingface_hub", NEWEST)
        self.transformers = versions.get("transformers")
        self.site_known = site_known
        self.home, self.home_by = self._home()
        self.client_cache, self.client_by = self._client()
        self.hub_cache, self.hub_cache_by = self._cache()

    def absolute(self, path):
        return os.path.normpath(os.path.join(self.cwd, path))

    def _expand(self, path):
        """HF_HOME's own treatment."""
        path = expand_user(path, self.home_dir)
        return expand_vars(path, self.env) if self.hub >= HUB_EXPANDS else path

    def _expand_new(self, path):
        """The treatment of the other variables."""
        return self._expand(path) if self.hub >= HUB_EXPANDS else path

    def _home(self):
        if "HF_HOME" in self.env:
            return self._expand(self.env["HF_HOME"]), "HF_HOME"
        by = "XDG_CACHE_HOME" if "XDG_CACHE_HOME" in self.env else "default"
        base = self.env.get("XDG_CACHE_HOME", os.path.join(self.home_dir, ".cache"))
        return self._expand(os.path.join(base, "huggingface")), by

    def _client(self):
        """The cache of huggingface_hub itself (``hf download``, and everything that does not go its own way)."""
        if "HF_HUB_CACHE" in self.env and self.hub >= HUB_NEW_NAMES:
            return self._expand_new(self.env["HF_HUB_CACHE"]), "HF_HUB_CACHE"
        if "HUGGINGFACE_HUB_CACHE" in self.env:
            return self._expand_new(self.env["HUGGINGFACE_HUB_CACHE"]), "HUGGINGFACE_HUB_CACHE"
        return os.path.join(self.home, "hub"), self.home_by

    def reads_own(self):
        """Does the installed transformers read TRANSFORMERS_CACHE? None: not known which one is installed."""
        if self.transformers is None:
            return False if self.site_known else None
        return self.transformers < TF_DROPS_OWN

    def _cache(self):
        """The cache of ``from_pretrained``: transformers before 5 has variables of its own, taken unexpanded."""
        if not self.reads_own():
            return self.client_cache, self.client_by
        old = self.transformers < TF_USES_HUB
        order = OWN_CACHES[:1] + (("HUGGINGFACE_HUB_CACHE",) if old else ()) + OWN_CACHES[1:]
        for name in order:
            if name in self.env:
                return self.env[name], name
        if old:
            return os.path.join(self.home, "hub"), self.home_by
        return self.client_cache, self.client_by

    def ignored(self, name):
        """Is the variable set in vain for what is installed? None when that is not known."""
        if name in OWN_CACHES:
            own = self.reads_own()
            return None if own is None else not own
        if name == "HF_HUB_CACHE":
            return self.hub < HUB_NEW_NAMES
        if name == "HF_XET_CACHE":
            return self.hub < HUB_EXPANDS
        return False

    def named(self):
        """``(variable, hub cache that it would give)`` for each variable that is set."""
        out = []
        for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE") + OWN_CACHES:
            if name in self.env:
                value = self.env[name]
                out.append((name, value if name in OWN_CACHES else self._expand_new(value)))
        for name, tail in (("HF_HOME", "hub"), ("XDG_CACHE_HOME", "huggingface/hub")):
            if name in self.env:
                out.append((name, os.path.join(self._expand(self.env[name]), tail)))
        return out

    def side(self, names, tail):
        """A folder beside the hub cache: assets, modules or xet."""
        for name in names:
            if name in self.env and not (name == "HF_ASSETS_CACHE" and self.hub < HUB_NEW_NAMES):
                raw = name in ("HF_MODULES_CACHE", "HF_XET_CACHE")
                return self.env[name] if raw else self._expand_new(self.env[name])
        return os.path.join(self.home, tail)

    def token_path(self):
        if "HF_TOKEN_PATH" in self.env and self.hub >= HUB_TOKEN_PATH:
            return self._expand_new(self.env["HF_TOKEN_PATH"])
        return os.path.join(self.home, "token")

    def offline(self):
        """``(on, variable)``. HF_HUB_OFFLINE, when not empty, hides TRANSFORMERS_OFFLINE from the client."""
        name = "HF_HUB_OFFLINE" if self.env.get("HF_HUB_OFFLINE") else "TRANSFORMERS_OFFLINE"
        if is_true(self.env.get(name)):
            return True, name
        own = self.transformers is not None and self.transformers < TF_HUB_OFFLINE
        if own and is_true(self.env.get("TRANSFORMERS_OFFLINE")):
            return True, "TRANSFORMERS_OFFLINE"
        return False, None


def value_problem(value):
    """``garbage`` or ``tilde`` when a path variable's value can hardly be meant; None when it looks sound."""
    if any(ord(c) < 32 or ord(c) == 127 for c in value) or value != value.strip():
        return "garbage"
    if (value[:1] in "\"'\u201c\u201d\u2018\u2019" and value) or value[-1:] in ('"', "'", "\u201d", "\u2019", ";", ","):
        return "garbage"
    if "\ufeff" in value or "\u00a0" in value or value.startswith(("export ", "set ")):
        return "garbage"
    return None


def path_problem(value, path):
    """What is wrong with a cache variable by its spelling alone: garbage, tilde, relative; None when sound."""
    spoiled = value_problem(value)
    if spoiled:
        return spoiled
    if path.startswith("~"):
        return "tilde"
    if "$" in path:
        return "garbage"
    return None if os.path.isabs(path) else "relative"


def endpoint(env, hub):
    """``(address without user info, problem)`` of HF_ENDPOINT as the client computes it."""
    raw = env.get("HF_ENDPOINT")
    if raw is None or (raw == "" and hub < (0, 29)):
        return DEFAULT_ENDPOINT, None
    value = raw.rstrip("/") if hub >= HUB_STRIPS_ENDPOINT else raw
    return _without_user(value), endpoint_problem(value)


def _without_user(value):
    return re.sub(r"(://|^)[^/@]*@", r"\1", value)


def endpoint_problem(value):
    """no-scheme, garbage, bad-port, trailing-slash; None when a request can be built from it."""
    match = re.match(r"^[Hh][Tt][Tt][Pp][Ss]?://([^/?#]*)(.*)$", value, re.DOTALL)
    if match is None:
        plain = re.match(r"^(?!https?/)[\w.-]+(:\d+)?(/[\w./-]*)?$", value)
        return "no-scheme" if plain else "garbage"
    host, rest = match.group(1).rpartition("@")[2], match.group(2)
    port = re.match(r"^(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(.*))?$", host, re.DOTALL)
    if port is None or re.search(r"[^\w./~%+-]", rest):
        return "garbage"
    number = port.group(2)
    if number is not None and not (re.match(r"^\d{1,5}$", number) and 0 < int(number) < 65536):
        return "bad-port" if number == "" or number.isdigit() else "garbage"
    return "trailing-slash" if rest.endswith("/") else None


# What a guide writes where the reader's own token belongs: <token>, hf_xxxx, your_token_here, hf_...
_PLACEHOLDER = (r"(?i)^<.*>$|^\{.*\}$|^\$|^(?:hf_)?[x*.]{3,}$|token[_-]?here|^(?:changeme|none|null|todo|token)$"
                r"|your[ _-]?(?:hf|hugging|own|access)?[ _-]?(?:face)?[ _-]?(?:access)?[ _-]?token")


def token_problem(token, hub):
    """What makes a token unusable; None: it looks sound.

    empty, newline, placeholder, whitespace, quotes, non-ascii, prefix, short.

    A user's token is ``hf_`` and 34 letters (gitleaks' rule huggingface-access-token); others have a longer prefix.
    """
    if hub >= HUB_CLEANS_TOKEN:
        token = token.replace("\r", "").replace("\n", "").strip()
    if not token.strip():
        return "empty"
    if "\n" in token or "\r" in token:
        return "newline"
    if re.search(_PLACEHOLDER, token.strip()):
        return "placeholder"
    if set(token) & set("\"'\u201c\u201d\u2018\u2019`"):
        return "quotes"
    if any(ord(c) > 126 for c in token):
        return "non-ascii"
    if any(c.isspace() or ord(c) < 32 for c in token):
        return "whitespace"
    if token.startswith("hf_") and not token.startswith(("hf_oauth_", "hf_jwt_")) and len(token) < HUB_TOKEN_LENGTH:
        return "short"
    return None if token.startswith(("hf_", "api_", "eyJ")) else "prefix"
