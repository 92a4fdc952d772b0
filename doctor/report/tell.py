"""Several causes of one text: which belong together, and the cheapest command that tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from doctor.model import Finding
from doctor.plan.shell import quote

SURE = 0.75  # confidence from which a lone cause needs no confirmation
MAX_NAMES = 5  # distributions or variables asked for in one command

# start of a fact's name -> command that shows it, cheap ones first
_BASH = (
    ("driver.", "nvidia-smi"),
    ("gpus", "nvidia-smi"),
    ("gpu.", "nvidia-smi"),
    ("mig", "nvidia-smi -L"),
    ("python.version", "python -VV"),
    ("python.", 'python -c "import sys; print(sys.executable, sys.prefix, *sys.path)"'),
    ("torch.", "python -m torch.utils.collect_env"),
    ("cuda.nvcc", "nvcc --version"),
    ("cuda.", "nvcc --version"),
    ("toolchain.", "gcc --version"),
    ("build.", "gcc --version"),
    ("libc.", "ldd --version"),
    ("shm.", "df -h /dev/shm"),
    ("disk.", "df -h"),
    ("mem.", "free -h"),
    ("hf.", "vlmdoctor cache ls"),
)
_POWERSHELL = {
    "gcc --version": "cl",
    "ldd --version": "",
    "df -h /dev/shm": "",
    "df -h": "Get-PSDrive -PSProvider FileSystem",
    "free -h": "Get-CimInstance Win32_OperatingSystem | Select-Object FreePhysicalMemory, TotalVisibleMemorySize",
}


def besides(findings: Sequence[Finding]) -> dict[str, str]:
    """Rule -> the better ranked rule that hit by the same line of the text."""
    first: dict[int, str] = {}
    beside: dict[str, str] = {}
    for finding in findings:
        lines = [item.line for item in finding.evidence if item.line is not None]
        if finding.under or finding.severity == "note" or not lines:
            continue
        main = first.setdefault(min(lines), finding.rule)
        if main != finding.rule:
            beside[finding.rule] = main
    return beside


def confirming(findings: Sequence[Finding], beside: dict[str, str], shell: str) -> dict[str, str]:
    """Rule -> command that shows most of the facts which the rule and its rivals lack; only where that is of use."""
    commands: dict[str, str] = {}
    for finding in findings:
        rivals = [other for other in findings if beside.get(other.rule) == finding.rule]
        if finding.under or finding.rule in beside or finding.severity == "note":
            continue
        if rivals or finding.confidence < SURE:
            missing = [name for other in (finding, *rivals) for name in other.missing]
            commands[finding.rule] = command_for(missing, shell)
    return {rule: command for rule, command in commands.items() if command}


def command_for(missing: Iterable[str], shell: str) -> str:
    """The command that shows most of these facts; empty when none does."""
    names = tuple(dict.fromkeys(missing))
    votes: Counter[str] = Counter()
    for name in names:
        votes[_shows(name, shell)] += 1
    del votes[""]
    if not votes:
        return ""
    best = max(votes.values())
    kind = next(kind for kind, count in votes.items() if count == best)
    if kind in ("dist.", "env."):
        return _listing(kind, [name[len(kind) :] for name in names if name.startswith(kind)][:MAX_NAMES], shell)
    return kind


def _shows(name: str, shell: str) -> str:
    """The command for one fact; ``dist.`` and ``env.`` stand for commands that take several names."""
    for kind in ("dist.", "env."):
        if name.startswith(kind):
            return kind
    found = next((command for start, command in _BASH if name.startswith(start)), "")
    return _POWERSHELL.get(found, found) if shell == "powershell" else found


def _listing(kind: str, names: Sequence[str], shell: str) -> str:
    words = [quote(name, shell) for name in names]
    if kind == "dist.":
        return "python -m pip show " + " ".join(words)
    if shell == "powershell":
        return "Get-ChildItem " + ", ".join(f"Env:{word}" for word in words) + " -ErrorAction SilentlyContinue"
    return "printenv " + " ".join(words)
