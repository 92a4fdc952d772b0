"""Which command lines of rules an undo can take back. Only such a step may be ``safe`` or ``changes-env``.

What an application puts by before a step: the environment's own folders, every path that the line names, the small
files of the Hub's client. A program whose effects lie elsewhere (packages of the system, mounts, owners of files,
caches of installers) is for a person: ``manual``, or ``destructive``.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from doctor.model.patterns import compiled

SHELL = ("export ", "unset ", "ulimit ", "source ", ". ", "umask ", "module ")  # change the user's own shell alone
_MODULES = r"-c|-m (?:pip (?:un)?install|ensurepip|venv)\b"
_PROGRAMS = {
    "python": _MODULES,
    "python3": _MODULES,
    "uv": r"venv\b|pip (?:un)?install\b",
    "hf": r"auth logout\b",
    "huggingface-cli": r"logout\b",
    "mkdir": "",
    "rmdir": "",
    "rm": "",
    "ln": "",
}
_SET = r"[A-Za-z_][A-Za-z0-9_]*="
_FALLBACK = r"\{([^{}|]*)\|[^{}]*\}"
_JOINED = ("&&", "||", ";", "|", "&")


def arguments(line: str) -> list[str]:
    """The words of a command line that are not programs: among them the paths that it names."""
    return [word for words in _programs(line) for word in (*words[: _head(words)], *words[_head(words) + 1 :])]


def undoable(line: str) -> bool:
    """True when every program of a command line leaves its traces where they are put by before."""
    return line.startswith(SHELL) or all(_known(words) for words in _programs(line))


def _head(words: list[str]) -> int:
    """Where the program stands, behind variables that are set for it alone."""
    return next((at for at, word in enumerate(words) if not compiled(_SET).match(word)), 0)


def _known(words: list[str]) -> bool:
    at = _head(words)
    program = words[at].rpartition("/")[2]
    return program in _PROGRAMS and compiled(_PROGRAMS[program]).match(" ".join(words[at + 1 :])) is not None


def _programs(line: str) -> Iterator[list[str]]:
    """The words of each program; a line that no shell would take is one program without a name that is known."""
    line = compiled(_FALLBACK).sub(r"{\1}", line)  # its bar is no pipe; a step's values are complete
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.commenters = ""
    lexer.whitespace_split = True
    found: list[str] = []
    try:
        for word in lexer:
            if word in _JOINED:
                yield found or [""]
                found = []
            else:
                found.append(word)
    except ValueError:
        found = [""]
    yield found or [""]
