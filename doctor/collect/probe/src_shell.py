"""Shell scripts, Dockerfiles and .env files: variables they set, commands that matter, requirements they install."""
import re

from patterns import compiled
from src_values import HIDDEN, SECRET_NAME, clean, is_secret

LINES = 400  # of one file
LINE_CAP = 4000  # characters, so that the patterns below stay quick
# First words of commands that decide where and with what a model runs.
COMMANDS = frozenset("""python python3 pip pip3 pipx uv conda mamba micromamba poetry torchrun accelerate deepspeed
vllm lmdeploy sglang llama-server llama-cli huggingface-cli hf modelscope git wget curl aria2c ln rm mkdir mv cp cd
export unset source . set ulimit nvidia-smi docker podman sudo apt apt-get yum nohup screen tmux srun sbatch
CUDA_VISIBLE_DEVICES bash sh gunicorn uvicorn streamlit gradio module kill pkill fuser ls""".split())
_ASSIGN = r"^([A-Za-z_][A-Za-z0-9_]*)=(\"[^\"]*\"|'[^']*'|\$\(.*\)|[^\s;&|]*)(\s+|$)"
_QUOTED = r"'[^']*'|\"(?:\\.|[^\"\\])*\"|[^\s'\"]+"
_PARTS = r"\s*(?:&&|\|\||;)\s*"
_SCRIPT = (
    r"(?:^|\s)(?:python[\d.]*|accelerate launch|torchrun|deepspeed)\s+"
    r"(?:-[uBOI]+\s+|--?[\w-]+=\S+\s+)*(\S+\.py)\b"
)
_MODULE = r"(?:^|\s)python[\d.]*\s+(?:-[uBOI]+\s+)*-m\s+([\w.]+)"
_MODEL = (
    r"(?:--(?:model|model[-_]path|model[-_]name[-_]or[-_]path|model[-_]id|version|vision[-_]tower|"
    r"vision_pretrained|repo-id|base[-_]model|model[-_]base)[ =]|"
    r"(?:hf|huggingface-cli)\s+download\s+(?:--[\w-]+[ =]\S+\s+)*|vllm\s+serve\s+|"
    r"lmdeploy\s+\S+\s+(?:api_server\s+)?)"
    r"([\"']?)([A-Za-z0-9~./$][^\s\"';&|]*)\1"
)
_INSTALL = r"(?:^|\s|/)(?:pip[\d.]*|uv\s+pip|python[\d.]*\s+-m\s+pip|uv)\s+(?:install|add)\s+(.*)"
_TAKES_VALUE = frozenset("""-i --index-url --extra-index-url -f --find-links --trusted-host -t --target -c --constraint
--prefix --python --cache-dir --timeout --retries --index --proxy --root --no-binary --only-binary -p --group
--progress-bar --upgrade-strategy --platform""".split())


def unquoted(word):
    """A shell word without its quotes."""
    if len(word) > 1 and word[0] in "'\"" and word[-1] == word[0]:
        return word[1:-1]
    return word


def lines(text):
    """``(number, line)`` with continuations joined, comments and blank lines left out."""
    held, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        stripped = line.strip()
        if stripped.startswith("#"):
            if not held:
                start = 0
            continue
        if stripped.endswith("\\"):
            held = (held + stripped[:-1] + " ")[:LINE_CAP]
            continue
        whole, first, held, start = (held + stripped).strip()[:LINE_CAP], start, "", 0
        if whole:
            yield first, whole
    if held.strip():
        yield start, held.strip()[:LINE_CAP]


def setting(name, value, path, line):
    """One variable that a file sets; a credential's value is not kept."""
    value = None if value is None else unquoted(value.strip())
    if value and (compiled(SECRET_NAME).search(name) or is_secret(name, value)):
        value = HIDDEN
    return {"name": name, "value": value and clean(value), "file": path, "line": line, "after_import": ""}


class Script(object):
    """What one shell script says. ``programs`` are Python files that it starts, ``modules`` those by ``-m``."""

    def __init__(self, path, text):
        self.path = path
        self.env, self.shell, self.installs, self.programs, self.modules, self.repos = [], [], [], [], [], []
        for number, line in lines(text):
            if len(self.shell) < LINES:
                self._line(number, line)

    def _line(self, number, line):
        hit = False
        for part in compiled(_PARTS).split(line):
            hit = self._command(number, re.sub(r"^(then|do|else|if|while)\s+", "", part)) or hit
        if hit:
            self.shell.append({"text": clean(line), "file": self.path, "line": number})

    def _command(self, number, text):
        words = text.split(None, 1)
        if not words:
            return False
        if words[0] in ("export", "declare", "setx") and len(words) > 1:
            self._exports(number, words[1])
            return True
        if words[0] == "unset" and len(words) > 1:
            names = [name for name in words[1].split() if not name.startswith("-")]
            self.env += [setting(name, None, self.path, number) for name in names]
            return True
        rest, given = text, []
        while True:
            found = compiled(_ASSIGN).match(rest)
            if not found:
                break
            if found.group(1) != "IFS":
                given.append((found.group(1), found.group(2)))
            rest = rest[found.end():]
        if rest:  # NAME=value in front of a command; alone it is no environment variable
            self.env += [setting(name, value, self.path, number) for name, value in given]
        self._programs(number, rest)
        first = rest.split(None, 1)[0].rpartition("/")[2] if rest else ""
        return first.rstrip("0123456789.") in COMMANDS or first in COMMANDS or bool(given and (rest or "$(" in text))

    def _exports(self, number, text):
        for word in re.findall(r"[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|\S*)", text):
            name, _, value = word.partition("=")
            self.env.append(setting(name, value, self.path, number))

    def _programs(self, number, text):
        self.programs += [unquoted(found) for found in compiled(_SCRIPT).findall(text)]
        self.modules += compiled(_MODULE).findall(text)
        for _, name in compiled(_MODEL).findall(text):
            self.repos.append((name, number))
        self.installs += [(number, word) for word in installed(text)]


def installed(text):
    """Requirement words of a ``pip install`` line; ``-r FILE`` stays one word ``-r FILE``."""
    found = compiled(_INSTALL).search(text)
    if not found:
        return []
    words, kept = [unquoted(word) for word in _joined(found.group(1))], []
    skip = ""
    for word in words:
        if skip:
            if skip in ("-r", "--requirement"):
                kept.append("-r " + word)
            skip = ""
        elif word in _TAKES_VALUE or word in ("-r", "--requirement", "-e", "--editable"):
            skip = word
        elif word in (">", "<", ">>", "|", "2>&1"):
            break
        elif not word.startswith("-"):
            kept.append(word)
    return kept


def _joined(text):
    """Shell words: quoted pieces and bare pieces without a blank between them belong together."""
    words, end = [], -1
    for found in compiled(_QUOTED).finditer(text):
        if found.start() == end and words:
            words[-1] += unquoted(found.group())
        else:
            words.append(unquoted(found.group()))
        end = found.end()
    return words


def docker(path, text):
    """A Dockerfile as a script: RUN is run, ENV and ARG set, FROM and CMD are shown."""
    script = Script(path, "")
    for number, line in lines(text):
        word, _, rest = line.partition(" ")
        word, rest = word.upper(), rest.strip()
        if word == "RUN":
            script._line(number, rest)
        elif word in ("ENV", "ARG"):
            if "=" not in rest.partition(" ")[0] and " " in rest:
                rest = "%s=%s" % tuple(rest.split(None, 1))
            script._exports(number, rest)
        elif word in ("FROM", "CMD", "ENTRYPOINT"):
            script.shell.append({"text": clean(line), "file": path, "line": number})
    return script


def dotenv(path, text):
    """The settings of a .env file."""
    found = []
    for number, line in lines(text):
        name, mark, value = re.sub(r"^export\s+", "", line).partition("=")
        if mark and re.match(r"^[A-Za-z_]\w*$", name.strip()):
            found.append(setting(name.strip(), re.sub(r"\s+#.*$", "", value), path, number))
    return found
