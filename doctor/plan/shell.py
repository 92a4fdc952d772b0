"""Steps as commands of a shell. The one place where a value meets a command line: everything is quoted here."""

import re
import shlex
from collections.abc import Iterable
from typing import NamedTuple

from doctor.engine.evaluate import HOLE
from doctor.knowledge import versions, wheels
from doctor.knowledge.conda import library
from doctor.model import FixStep, Snapshot
from doctor.model.names import DIST, PACKAGES, SPECIFIER
from doctor.model.patterns import compiled
from doctor.plan.conda import CONDA, Conda, Owned, bare, channels

# templates that only a POSIX shell understands
_POSIX = r"^(?:export|source|ulimit|sudo|rm|rmdir|mkdir|mount|module|apt-get)\b|&&|\|\||\$[({]"
_PLAIN = r"[A-Za-z0-9_@%+=:,./-]+"
NATIVE = ("uninstall", "reinstall", "download", "run")  # steps that are programs, not words of the shell
FOLDERS = ("TMPDIR", "TMP", "TEMP")  # variables whose folder must be there before a program starts
NAME = r"[A-Za-z_][A-Za-z0-9_]*"
CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]"


class Target(NamedTuple):
    """Where the commands will be typed: shell, interpreter and installer of the patient."""

    shell: str = "bash"  # bash or powershell
    python: str = "python"
    installer: str = "pip"  # pip, uv, conda
    plain: bool = False  # ``python`` is a word of the shell already
    conda: Conda | None = None  # of a conda environment: what is conda's to move
    what: tuple[str, ...] = ()  # how the program and the model were named, for a command that names them again

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Target":
        """The user's own shell and tools, as far as the snapshot tells."""
        windows = snapshot.get("os.name") == "windows"
        installer = snapshot.get("python.installer", "pip")
        python = snapshot.get("python.executable") if snapshot.source == "live" else None
        shell = "powershell" if windows else "bash"
        return cls(shell, python or "python", installer, conda=Conda.of(snapshot))


def quote(value: str, shell: str = "bash") -> str:
    """One word of ``shell`` that reads as exactly ``value``; a leading ``~/`` stays the home folder.

    Control and bidirectional characters are dropped: they would hide what a pasted command does.
    """
    value = compiled(CONTROL).sub("", value)
    if value == "~" or value.startswith("~/"):
        rest = value[2:]
        if shell == "powershell":
            return '"$HOME"' if not rest else f"(Join-Path $HOME {quote(rest, shell)})"
        return '"$HOME"' + ("/" + quote(rest, shell) if rest else "")
    if shell == "powershell":
        plain = compiled(_PLAIN).fullmatch(value) and value[0] not in "@-" and "," not in value  # a comma makes a list
        return value if plain else "'" + _ps(value) + "'"
    return shlex.quote(value)


def powershell_value(value: str) -> str:
    """A value of PowerShell where a bare word would be taken for a command: behind ``=``."""
    word = quote(value, "powershell")
    return word if word[:1] in ("'", '"', "(") else f"'{word}'"


def _ps(value: str) -> str:
    """PowerShell takes four typographic quotes for the straight one; each is doubled."""
    return re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", value)


def command(step: FixStep, target: Target) -> str:
    """The command line for one step; empty when only a person can do it, or when it would not say what it means."""
    if step.kind in PACKAGES and not compiled(DIST).fullmatch(step.target):
        return ""
    if step.kind == "pin" and not compiled(SPECIFIER).fullmatch(step.to):
        return ""
    if is_condas(step, target):
        return _by_conda(step, target)
    maker = _MAKERS.get(step.kind)
    return maker(step, target) if maker else ""


def is_condas(step: FixStep, target: Target) -> bool:
    """True for a step about what only conda may move."""
    return step.kind in PACKAGES and bool(step.to == CONDA or library(step.target) or _owner(step, target))


def _owner(step: FixStep, target: Target) -> Owned | None:
    return target.conda.owner(step.target) if target.conda else None


def _by_conda(step: FixStep, target: Target) -> str:
    """A step about what is conda's; nothing where there is no conda, because pip has no such thing."""
    if target.conda is None:
        return ""
    row = _owner(step, target)
    name = row.package if row else step.target
    if step.kind == "uninstall":
        names = step.bound.get("packages", name).split()
        gone = ["--force"] if step.to == CONDA and "packages" not in step.bound else []  # what pip has put there stays
        return " ".join([conda_words(target, "remove"), *gone, *(quote(each, target.shell) for each in names)])
    again = name + bare(step.to)
    if row and step.kind == "reinstall":
        again = "=".join(filter(None, (name, row.version, row.build)))
    more = ["--force-reinstall"] if step.kind == "reinstall" else []
    return " ".join([*conda_install(target, channels([row] if row else []), *more), quote(again, target.shell)])


def conda_words(target: Target, verb: str) -> str:
    """The words before the options of conda: ``conda install -y -p PREFIX``."""
    found = target.conda
    if found is None:
        return f"conda {verb} -y"
    place = [part if part.startswith("-") else quote(part, target.shell) for part in found.place]
    program = quote(found.program, target.shell)
    call = "& " if target.shell == "powershell" and not compiled(_PLAIN).fullmatch(program) else ""
    return call + " ".join([program, verb, "-y", *place])


def conda_install(target: Target, sources: Iterable[str], *options: str) -> list[str]:
    """Conda's install up to what is to be installed."""
    words = [word for name in sources for word in ("-c", quote(name, target.shell))]
    return [conda_words(target, "install"), *options, *words]


def comment(words: str) -> str:
    """One line that no shell runs, whatever the words hold."""
    return "# " + " ".join(compiled(CONTROL).sub("", words).split())


def guarded(step: FixStep, target: Target) -> str:
    """The command, behind a test where doing it twice would fail."""
    line = command(step, target)
    if not line:
        return line
    tested = step.target if step.kind in ("move", "delete") else _record(step, target)
    line = checked(line, target) if step.kind in NATIVE else line
    if not tested:
        return line
    path = quote(tested, target.shell)
    if target.shell == "powershell":
        return f"if (Test-Path -LiteralPath {path}) {{ {line} }}"
    return f"if [ -e {path} ] || [ -L {path} ]; then {line}; fi"


def _record(step: FixStep, target: Target) -> str:
    """The file of conda's books that is gone once a removal is done; "" for other steps, or when not known."""
    env = target.conda
    if env is None or step.kind != "uninstall" or env.place[:1] != ("-p",) or not is_condas(step, target):
        return ""
    row = env.package(step.bound.get("packages", step.target).split()[0])
    return f"{env.place[1]}/conda-meta/{row.package}-{row.version}-{row.build}.json" if row else ""


def checked(line: str, target: Target) -> str:
    """A program's failure as an error: Windows PowerShell 5 goes on after one."""
    return line + "; if ($LASTEXITCODE) { throw 'failed' }" if target.shell == "powershell" else line


def _requirement(step: FixStep) -> str:
    source = step.bound.get("from")
    return f"{step.target} @ {source}" if source else step.target + step.to


def _install(step: FixStep, target: Target) -> str:
    words = [installer(target, "install"), *_lane(step, target), quote(_requirement(step), target.shell)]
    return " ".join(words)


def _uninstall(step: FixStep, target: Target) -> str:
    return f"{installer(target, 'uninstall')} {quote(step.target, target.shell)}"


def _copying(step: FixStep, target: Target) -> str:
    """The command that fills a variable's new folder with what is in the old one; the old one stays as it is."""
    old, new = quote(step.bound["copied"], target.shell), quote(step.to, target.shell)
    if target.shell == "powershell":
        return f"robocopy {old} {new} /E /SL; if ($LASTEXITCODE -lt 8)"  # below 8: everything was copied
    return f"mkdir -p -- {new} && cp -RP -- {old}/. {new} &&"


def _set_env(step: FixStep, target: Target) -> str:
    if not compiled(NAME).fullmatch(step.target):
        return ""
    copy = _copying(step, target) if step.bound.get("copied") else ""
    if target.shell == "powershell":
        line = f"$env:{step.target} = {powershell_value(step.to)}"
        return f"{copy} {{ {line} }}" if copy else line
    made = f"mkdir -p -- {quote(step.to)} && " if step.target in FOLDERS else f"{copy} " if copy else ""
    return f"{made}export {step.target}={quote(step.to)}"


def _unset_env(step: FixStep, target: Target) -> str:
    if not compiled(NAME).fullmatch(step.target):
        return ""
    if target.shell == "powershell":
        return f"Remove-Item Env:{step.target} -ErrorAction SilentlyContinue"
    return f"unset {step.target}"


def _link(step: FixStep, target: Target) -> str:
    where, to = quote(step.target, target.shell), quote(step.to, target.shell)
    if target.shell == "powershell":
        return f"New-Item -ItemType SymbolicLink -Force -Path {where} -Target {to}"
    return f"mkdir -p -- {_parent(step.target)} && ln -sfn -- {to} {where}"


def _parent(path: str) -> str:
    return quote(path.rpartition("/")[0] or ".")


def _move(step: FixStep, target: Target) -> str:
    a, b = quote(step.target, target.shell), quote(step.to, target.shell)
    return f"Move-Item -LiteralPath {a} -Destination {b}" if target.shell == "powershell" else f"mv -- {a} {b}"


def _delete(step: FixStep, target: Target) -> str:
    word = quote(step.target, target.shell)
    return f"Remove-Item -Recurse -LiteralPath {word}" if target.shell == "powershell" else f"rm -r -- {word}"


_SKIP = 'ignore_patterns=["tf_model*", "flax_model*", "rust_model*"]'  # the same weights for other frameworks
# repository, folder of a local copy or "", then files that must be fetched over what is there
_FETCH = (
    "import os, sys; from huggingface_hub import hf_hub_download as one, snapshot_download as every; "
    "repo, folder, *files = sys.argv[1:]; place = dict(local_dir=folder) if folder else {}; "
    "got = {name: one(repo, name, force_download=True, **place) for name in files}; "
    # the client leaves a plain file where its link belongs, for instance in a cache that was copied without links
    "[(os.remove(path), one(repo, name)) for name, path in got.items() if not folder and not os.path.islink(path)]; "
    # single files of a local folder are enough; a snapshot wants its links
    f"folder and files or every(repo, {_SKIP}, **place)"
)
_FETCH_ALL = f"import sys; from huggingface_hub import snapshot_download; snapshot_download(sys.argv[1], {_SKIP})"
_ONLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def _download(step: FixStep, target: Target) -> str:
    """Through the patient's own client, with its offline switches lifted for this one command."""
    folder, files = step.bound.get("folder", ""), step.bound.get("files", "").splitlines()
    code, words = (_FETCH, [step.target, folder, *files]) if folder or files else (_FETCH_ALL, [step.target])
    call = " ".join([_python(target), "-c", *(quote(word, target.shell) for word in (code, *words))])
    if target.shell == "powershell":
        off = "; ".join(f"$env:{name} = '0'" for name in _ONLINE)
        return f"& {{ {off}; {call} }}"
    return " ".join([*(f"{name}=0" for name in _ONLINE), call])


def _run(step: FixStep, target: Target) -> str:
    """A template of a rule; a leading ``python`` is the patient's own. None where a value would become an option."""
    if target.shell == "powershell" and compiled(_POSIX).search(step.target):
        return ""
    values = [step.bound[name] for name, _ in HOLE.findall(step.target)]
    if any(value.startswith("-") for value in values):
        return ""
    line = HOLE.sub(lambda match: quote(step.bound[match.group(1)], target.shell), step.target)
    if line.startswith("python -m pip install ") and target.installer == "uv":  # such environments have no pip
        return f"{installer(target, 'install')} {line[22:]}"
    return f"{_python(target)} {line[7:]}" if line.startswith("python ") else line


def _python(target: Target) -> str:
    """The patient's interpreter as the first word of a command."""
    if target.plain:
        return f"& {target.python}" if target.shell == "powershell" else target.python
    python = quote(target.python, target.shell)
    if target.shell == "bash" and "=" in python and python == target.python:  # ``p=x`` would set a variable
        python = f"'{python}'"
    return f"& {python}" if target.shell == "powershell" and not compiled(_PLAIN).fullmatch(python) else python


def installer(target: Target, verb: str) -> str:
    """The words before the options of the patient's installer: ``python -m pip install``."""
    if target.installer == "uv":
        python = target.python if target.plain else quote(target.python, target.shell)
        return f"uv pip {verb} --python {python}"
    return f"{_python(target)} -m pip {verb}" + (" -y" if verb == "uninstall" else "")


def _reinstall(step: FixStep, target: Target) -> str:
    """The same files once more. ``to`` may carry the local part, whose index is then added."""
    option = "--ignore-installed" if step.bound.get("over") else "--force-reinstall"
    option = "--reinstall" if target.installer == "uv" else option
    words = [installer(target, "install"), option, "--no-deps", *_building(step, target), *_lane(step, target)]
    return " ".join([*words, quote(_requirement(step), target.shell)])


def _lane(step: FixStep, target: Target) -> list[str]:
    """The index that serves a local part such as ``+cu121``."""
    return index_options(wheels.index_url(tag) if (tag := versions.local(step.to)) else None, target)


def _building(step: FixStep, target: Target) -> list[str]:
    """A build against the torch that is there now: not isolated, and not the wheel that was built for the old one."""
    if not step.bound.get("build"):
        return []
    links = step.bound.get("links")
    fresh = "--no-cache" if target.installer == "uv" else "--no-cache-dir"
    return ["--no-build-isolation", fresh, *(["--find-links", quote(links, target.shell)] if links else [])]


def index_options(url: str | None, target: Target) -> list[str]:
    """A further index beside the user's own."""
    if url is None:
        return []
    more = ["--index-strategy", "unsafe-best-match"] if target.installer == "uv" else []
    return ["--extra-index-url", quote(url, target.shell), *more]


_MAKERS = {
    "pin": _install,
    "uninstall": _uninstall,
    "reinstall": _reinstall,
    "set_env": _set_env,
    "unset_env": _unset_env,
    "link": _link,
    "move": _move,
    "delete": _delete,
    "download": _download,
    "run": _run,
}
