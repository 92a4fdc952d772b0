"""Tracebacks of every console: python, pytest, Jupyter, rich, Ray; chained ones, and error lines alone."""

from __future__ import annotations

import re
from typing import Any

from doctor.ingest import paths
from doctor.ingest.sheet import MENTIONED, Sheet
from doctor.ingest.text import Text

MAX_EXCEPTIONS = 60
MAX_FRAMES = 200
_MESSAGE_LINES = 14
_MESSAGE = 3000

_DOTTED = r"(?:[A-Za-z_]\w{0,80}\.){0,12}"
_ENDS = (
    "(?:Error|Exception|Exit|Interrupt|Failed|Failure|Unsupported|Timeout"
    "|TimedOut|Fault|Violation|Full|Empty|NotFound|Refused|Disconnected|Invalid"
    "|Missing|Iteration)"
)
# "pkg.mod.SomeError: message", also RayTaskError(ValueError) and "exception=...".
_ERROR = re.compile(
    r"[ \t]{0,60}(?:\x1b)?(?:(?:Uncaught|Fatal|raise|ERROR|Error|Exception"
    rf"|E)[: ] ?)?({_DOTTED}[A-Za-z_]\w{{0,80}}{_ENDS}(?:\([\w.]{{1,80}}\))?)(?::(?:\s"
    r"|$)(.*)|\s*$)"
)
_BUILTIN = re.compile(
    r"[ \t]{0,60}(valueerror|runtimeerror|importerror|typeerror|keyerror|oserror"
    "|attributeerror|modulenotfounderror|assertionerror|filenotfounderror"
    "|indexerror|nameerror|permissionerror|notimplementederror): ?(.*)"
)
# Anything at the foot of a traceback: the name of a class, then a colon and words or nothing.
_FOOT = re.compile(rf"[ \t]{{0,60}}({_DOTTED}[A-Z]\w{{0,80}}(?:\([\w.]{{1,80}}\))?)(?::(?:\s(.*)|$)|$)")
_FRAME = re.compile(r'[ \t]{0,200}File "([^"\n]{1,1000})", line (\d{1,9})(?:, in (.{1,300}))?')
_JUPYTER = re.compile(r"[ \t]{0,20}File (\S.{0,800}?\.pyx?)(?::(\d{1,9}))?(?:, in (.{1,300}))?$")
_CELL = re.compile(
    r"[ \t]{0,20}(?:Cell In ?\[\d{1,6}\], line (\d{1,9})|Input In \[\d{1,6}\], in <?(?:cell"
    r"|module)[^\n]{0,100}|<ipython-input-[\w-]{1,60}> in )"
)
_OLD_JUPYTER = re.compile(r"[ \t]{0,20}((?:/|~|[A-Za-z]:\\)\S.{0,800}?\.pyx?) in (\S.{0,300})$")
_SHORT = re.compile(
    r"[ \t]{0,20}((?:[\w.~-]|[/\\]|[A-Za-z]:\\).{0,800}?\.pyx?):(\d{1,9})(?:: in (\S{1,100})|,? in (\S{1,100}).{0,4})$"
)
_HEADER = re.compile(r"([A-Z]\w{1,80}) {2,}Traceback \(most recent call last\)")
_BECAUSE = "because of the following error"
_CHAIN = {
    "the above exception was the direct cause of the following exception": "cause",
    "during handling of the above exception, another exception occurred": "context",
}
_GUESS = (
    ("no module named", "ModuleNotFoundError"),
    ("cannot import name", "ImportError"),
    ("undefined symbol", "ImportError"),
    ("cannot open shared object file", "ImportError"),
    ("' not found (", "ImportError"),
    ("dll load failed", "ImportError"),
    ("has no attribute", "AttributeError"),
    ("does not exist", "RuntimeError"),
)
# What begins another part of a paste right below a message.
_GLOG = re.compile(r"[EIWF]\d{4} \d\d:")
_NEXT = (
    *('File "', "Traceback (", "$ ", ">>>", "#", "[pip", "[conda", "+--", "| ", "Name: ", "PyTorch version"),
    *("ldd ", "python ", "pip ", "root@", "(base)", "INFO", "WARNING", "ERROR", "DEBUG", "srun:", "Loading "),
)
_WORDS = (
    "error",
    "exception",
    "interrupt",
    "exit",
    "failed",
    "failure",
    "unsupported",
    "timeout",
    "notfound",
    "refused",
    "invalid",
    "traceback (",
    'file "',
    "stopiteration",
    ".py",
    "cell in",
)


def read(text: Text, sheet: Sheet) -> bool:
    """Exceptions, frames, who raised and who called. True when the text holds an exception or a frame."""
    walker = _Walker(text)
    for row in text.rows(*_WORDS):
        walker.visit(row)
    found = _unwrapped(walker.exceptions or _bare(text))
    if not found and not walker.frames:
        return False
    for record in [*found[: MAX_EXCEPTIONS // 2], *found[MAX_EXCEPTIONS // 2 :][-MAX_EXCEPTIONS // 2 :]]:
        sheet.add("log.exceptions", record)
    _frames(walker.last_frames(), walker.frames[-1] if walker.frames else [], sheet)
    if walker.frames:
        sheet.kind("traceback")
    return True


def _unwrapped(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """``RayTaskError(ValueError)`` quotes the error that stands below it: the root goes first."""
    for index in range(len(found) - 1):
        outer, inner = found[index], found[index + 1]
        quoted = outer["type"].partition("(")[2].rstrip(")")
        if quoted and inner["type"].rpartition(".")[2] == quoted and not inner["chained"]:
            found[index : index + 2] = [{**inner, "chained": outer["chained"]}, {**outer, "chained": "embedded"}]
    return found


class _Walker:
    """Goes over the interesting rows in order and keeps the open traceback."""

    def __init__(self, text: Text) -> None:
        self.lines = text.lines
        self.exceptions: list[dict[str, Any]] = []
        self.frames: list[list[dict[str, Any]]] = []
        self.roots: list[list[dict[str, Any]]] = []  # frames of the first traceback of each chain
        self.open = False
        self.until = -1  # last row that belongs to the message of the newest exception
        self.skip = -1

    def visit(self, row: int) -> None:
        """One row that holds a telling word."""
        line = self.lines[row]
        if "Traceback (most recent call last)" in line:
            self._start(row)
            return
        frame = _frame(line)
        if frame:
            self._add_frame(frame, row)
            return
        if row <= self.until or row == self.skip:
            return
        match = _ERROR.match(line) or _BUILTIN.match(line)
        if match and not match.group(1).endswith("Warning"):
            self._raise(match.group(1), match.group(2) or "", row)

    def _start(self, row: int) -> None:
        self.open = True
        self.frames.append([])
        if len(self.frames) > MAX_EXCEPTIONS:
            del self.frames[0]
        if _HEADER.match(self.lines[row].strip()):
            self.skip = row

    def _add_frame(self, frame: dict[str, Any], row: int) -> None:
        if not self.open or not self.frames:
            self._start(row)
        if len(self.frames[-1]) < MAX_FRAMES:
            self.frames[-1].append(frame)
        self._foot(row)

    def _foot(self, row: int) -> None:
        """After a frame: the class line at the foot, when its name ends in no usual word."""
        for below in range(row + 1, min(row + 4, len(self.lines))):
            line = self.lines[below]
            if _frame(line) or "Traceback (" in line:
                return
            match = _FOOT.match(line)
            if match and below > row + 1 and not _ERROR.match(line) and (match.group(2) or _is_end(self.lines, below)):
                self._raise(match.group(1), match.group(2) or "", below)
                return

    def _raise(self, name: str, message: str, row: int) -> None:
        if name.islower() and "." not in name:
            name = _proper(name)
        words, self.until = _message(self.lines, row, message)
        quoted = _quoted(self.lines, row, words)
        if quoted and not any(quoted["message"][:80] in old["message"] for old in self.exceptions):
            self.exceptions.append(quoted)
        chained = self._link(row)
        if quoted:
            chained = "embedded"
        if self.exceptions and self._same(name, words):
            return
        self.exceptions.append({"type": name, "message": words, "line": row + 1, "chained": chained})
        if self.open and (not chained or not self.roots):
            self.roots.append(self.frames[-1])
        self.open = False

    def _same(self, name: str, words: str) -> bool:
        """The same exception again, as ranks and loggers repeat it."""
        short = name.rpartition(".")[2]
        return any(old["type"].rpartition(".")[2] == short and old["message"] == words for old in self.exceptions[-8:])

    def _link(self, row: int) -> str:
        """How this exception follows from the one before: looks back from the foot to the chain's marker."""
        if not self.exceptions:
            return ""
        for back in range(row - 1, max(self.exceptions[-1]["line"] - 1, row - 2 * MAX_FRAMES), -1):
            kind = _CHAIN.get(self.lines[back].strip().rstrip(":.").lower())
            if kind:
                return kind
        return ""

    def last_frames(self) -> list[dict[str, Any]]:
        """Frames of the first traceback of the last chain, which raised the root; else of the last traceback."""
        full = [frames for frames in (self.roots or self.frames) if frames]
        return full[-1] if full else []


def _frame(line: str) -> dict[str, Any] | None:
    """File, line and function of a frame line of any console."""
    if 'File "' in line:
        match = _FRAME.match(line)
        return _record(match.group(1), match.group(2), match.group(3)) if match else None
    if ".py" not in line:
        match = _CELL.match(line)
        return _record("<cell>", match.group(1) or "0", "<module>") if match else None
    match = _JUPYTER.match(line)
    if match:
        return _record(match.group(1), match.group(2) or "0", match.group(3))
    match = _SHORT.match(line)
    if match:
        return _record(match.group(1), match.group(2), match.group(3) or match.group(4))
    match = _OLD_JUPYTER.match(line)
    return _record(match.group(1), "0", match.group(2)) if match else None


def _record(file: str, line: str, function: str | None) -> dict[str, Any]:
    name = (function or "").strip().partition("(")[0]
    return {"file": file, "line": int(line), "function": name, "library": paths.library(file)}


def _message(lines: list[str], row: int, first: str) -> tuple[str, int]:
    """The message with its continuation lines joined by blanks, and the last row that belongs to it."""
    parts = [first.strip()]
    last = row
    for below in range(row + 1, min(row + _MESSAGE_LINES, len(lines))):
        line = lines[below].strip()
        if not line or _stops(line):
            break
        parts.append(line)
        last = below
    return " ".join(part for part in parts if part)[:_MESSAGE], last


def _stops(line: str) -> bool:
    """A line that cannot continue a message."""
    if line.startswith(_NEXT) or ("==" in line and line.count(" ") < 3) or _GLOG.match(line):
        return True
    if "rror" in line or "xception" in line:
        return _ERROR.match(line) is not None or line.rstrip(":.").lower() in _CHAIN
    return line.startswith(("During handling", "The above exception"))


def _quoted(lines: list[str], row: int, words: str) -> dict[str, Any] | None:
    """The error that a lazy import of transformers quotes: text after "because of the following error"."""
    at = words.find(_BECAUSE)
    if at < 0:
        return None
    rest = words[at + len(_BECAUSE) :].partition(":")[2].strip()
    if not rest:
        return None
    match = _ERROR.match(rest)
    name, message = (match.group(1), match.group(2) or "") if match else (_guess(rest), rest)
    line = row + 2 if row + 1 < len(lines) else row + 1
    return {"type": name, "message": message[:_MESSAGE], "line": line, "chained": ""}


def _guess(message: str) -> str:
    low = message.lower()
    return next((name for words, name in _GUESS if words in low), "Error")


def _proper(name: str) -> str:
    """``valueerror`` -> ``ValueError``."""
    table = {
        "oserror": "OSError",
        "modulenotfounderror": "ModuleNotFoundError",
        "filenotfounderror": "FileNotFoundError",
        "notimplementederror": "NotImplementedError",
    }
    return table.get(name) or name[:-5].capitalize() + "Error"


def _is_end(lines: list[str], row: int) -> bool:
    """A bare name is the foot of a traceback only where the text ends or a blank line follows."""
    return row + 1 >= len(lines) or not lines[row + 1].strip()


def _bare(text: Text) -> list[dict[str, Any]]:
    """Error messages that lost the name of their class: ``No module named 'x'`` alone."""
    for row in text.rows(
        "no module named", "cannot import name", "undefined symbol", "cannot open shared object file", most=3
    ):
        line = text.lines[row].strip()
        if line.lower().startswith(("no module named", "cannot import name")) or ".so" in line[:400]:
            return [{"type": _guess(line), "message": line[:_MESSAGE], "line": row + 1, "chained": ""}]
    return []


def _frames(frames: list[dict[str, Any]], visible: list[dict[str, Any]], sheet: Sheet) -> None:
    """Who raised (the root's traceback) and who called (else the visible one's)."""
    if not frames:
        return
    for frame in frames[:60] + frames[60:][-60:]:
        sheet.add("log.frames", frame)
    raiser = next((frame["library"] for frame in reversed(frames) if frame["library"] != "stdlib"), "stdlib")
    sheet.put("log.raised_by", raiser or "user")
    own = [frame for frame in frames if not frame["library"]] or [f for f in visible if not f["library"]]
    if own:
        sheet.put("log.called_by", own[-1]["file"])
    for frame in frames:
        found = paths.python_version(frame["file"])
        if found:
            sheet.put("python.version", found, MENTIONED)
        if paths.is_windows(frame["file"]):
            sheet.put("os.name", "windows", MENTIONED)
