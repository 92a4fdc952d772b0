"""The managed block: variables that a plan sets, in one marked place of a shell's start-up file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from doctor.model.patterns import compiled
from doctor.plan.shell import CONTROL, NAME, powershell_value, quote

BEGIN, END = "# >>> vlmdoctor >>>", "# <<< vlmdoctor <<<"
# A first mark whose last one was deleted opens no block: what follows it is the user's own.
_BLOCK = re.compile(re.escape(BEGIN) + rf"\n((?:(?!{re.escape(BEGIN)}).)*?)" + re.escape(END) + r"\n?", re.DOTALL)
_SAYS = r"\s*(?:export |unset |set -gx |set -e |Remove-Item Env:|\$env:)([A-Za-z_][A-Za-z0-9_]*)"
SHELLS = ("bash", "zsh", "fish", "powershell")
Variables = Mapping[str, str | None]  # None: taken away


_FILES = {
    "bash": ".bashrc",
    "zsh": ".zshrc",
    "fish": ".config/fish/config.fish",
    "powershell": ".config/powershell/profile.ps1",  # Windows: read by `vlmdoctor env` only
}


def file_of(shell: str, home: PurePath) -> PurePath | None:
    """The start-up file of a shell; None for one that is not known."""
    return home / _FILES[shell] if shell in _FILES else None


def shell_of(program: str) -> str:
    """``/usr/bin/zsh`` -> zsh; for what is not known bash, on Windows PowerShell."""
    name = program.replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    usual = "powershell" if os.name == "nt" else "bash"
    known = {"bash": "bash", "zsh": "zsh", "fish": "fish", "pwsh": "powershell", "powershell": "powershell"}
    return known.get(name, usual)


def lines(variables: Variables, shell: str) -> list[str]:
    """One line a variable, in the shell's own words."""
    return [_line(name, value, shell) for name, value in variables.items() if compiled(NAME).fullmatch(name)]


def _line(name: str, value: str | None, shell: str) -> str:
    if shell == "powershell":
        if value is None:
            return f"Remove-Item Env:{name} -ErrorAction SilentlyContinue"
        return f"$env:{name} = {powershell_value(value)}"
    if shell == "fish":
        return f"set -e {name}" if value is None else f"set -gx {name} {_fish(value)}"
    return f"unset {name}" if value is None else f"export {name}={quote(value)}"


def _fish(value: str) -> str:
    """Fish knows two escapes inside single quotes: backslash and the quote."""
    value = compiled(CONTROL).sub("", value)
    home = '"$HOME"' if value == "~" or value.startswith("~/") else ""
    rest = value[1:] if home else value
    return home + "'" + rest.replace("\\", "\\\\").replace("'", "\\'") + "'"


def block(variables: Variables, shell: str) -> str:
    """The whole marked block."""
    return "\n".join([BEGIN, *lines(variables, shell), END]) + "\n"


def inside(text: str) -> str | None:
    """What stands in the block of a start-up file; None when it has none."""
    found = _BLOCK.search(text)
    return found[1] if found else None


def merged(text: str, variables: Variables, shell: str) -> str:
    """The start-up file with the variables in its block; those of earlier plans that are not named stay."""
    old = (inside(text) or "").splitlines()
    kept = [line for line in old if not _names(line, variables)]
    body = "\n".join([BEGIN, *kept, *lines(variables, shell), END]) + "\n"
    if inside(text) is not None:
        return _BLOCK.sub(lambda _: body, text, count=1)
    return text + ("" if not text or text.endswith("\n") else "\n") + body


def _names(line: str, names: Iterable[str]) -> bool:
    """True for a line of the block that sets or takes away one of the variables."""
    found = compiled(_SAYS).match(line)
    return found is not None and found[1] in names
