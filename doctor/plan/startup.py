"""The managed block: variables that a plan sets, in one marked place of a shell's start-up file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from doctor.model.patterns import compiled
from doctor.plan.shell import NAME, quote

BEGIN, END = "# >>> vlmdoctor >>>", "# <<< vlmdoctor <<<"
# A first mark whose last one was deleted opens no block: what follows it is the user's own.
_BLOCK = re.compile(re.escape(BEGIN) + rf"\n((?:(?!{re.escape(BEGIN)}).)*?)" + re.escape(END) + r"\n?", re.DOTALL)
SHELLS = ("bash", "zsh", "fish", "powershell")
Variables = Mapping[str, str | None]  # None: taken away


def file_of(shell: str, home: PurePath) -> PurePath | None:
    """The start-up file of a shell; None for PowerShell, whose file only it knows."""
    places = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
    return home / places[shell] if shell in places else None


def shell_of(program: str) -> str:
    """``/usr/bin/zsh`` -> zsh; bash for what is not known."""
    name = program.replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    return {"zsh": "zsh", "fish": "fish", "pwsh": "powershell", "powershell": "powershell"}.get(name, "bash")


def lines(variables: Variables, shell: str) -> list[str]:
    """One line a variable, in the shell's own words."""
    return [_line(name, value, shell) for name, value in variables.items() if compiled(NAME).fullmatch(name)]


def _line(name: str, value: str | None, shell: str) -> str:
    if shell == "powershell":
        if value is None:
            return f"Remove-Item Env:{name} -ErrorAction SilentlyContinue"
        return f"$env:{name} = {quote(value, shell)}"
    if shell == "fish":
        return f"set -e {name}" if value is None else f"set -gx {name} {_fish(value)}"
    return f"unset {name}" if value is None else f"export {name}={quote(value)}"


def _fish(value: str) -> str:
    """Fish knows two escapes inside single quotes: backslash and the quote."""
    home = '"$HOME"' if value.startswith("~/") else ""
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
    words = re.findall(r"[A-Za-z_][A-Za-z0-9_]*", line.partition("=")[0])
    return any(name in words for name in names)
