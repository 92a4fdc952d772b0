"""Looks at programs before anybody runs them: the target interpreter and nvidia-smi, found by path or on PATH.

Only absolute PATH entries count (an empty one would run what lies in the current folder). The answer says why a
file cannot be run, because a shell that execs a binary of another CPU would read it as a script.
"""

import os
import stat
import sys

MACHINES = {
    3: "x86",
    8: "MIPS",
    20: "PowerPC",
    21: "ppc64",
    40: "ARM",
    62: "x86_64",
    183: "aarch64",
    243: "RISC-V",
    258: "LoongArch",
}
RUNS_TOO = {62: (3,), 183: (40,)}  # 32-bit programs that the 64-bit machine may run
NAMES = ("bin/python", "bin/python3", "python.exe", "Scripts/python.exe")


_ENTRIES = {}


def path_entries(env):
    """Absolute entries of PATH in order; the usual folders when PATH is empty or unset."""
    value = env.get("PATH") or "/usr/local/bin:/usr/bin:/bin"
    if value not in _ENTRIES:
        _ENTRIES[value] = [p for p in value.split(os.pathsep) if os.path.isabs(p)][:200]
    return _ENTRIES[value]


def unsafe_folder(path):
    """For root: a folder on the way that others may write, so that anybody could have put the program there."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    for folder in {os.path.dirname(path), os.path.dirname(os.path.realpath(path))}:
        mode = os.stat(folder).st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return folder
    return None


def _elf_machine(head):
    order = "big" if head[5:6] == b"\2" else "little"
    return int.from_bytes(head[18:20], order)


def _own_machine():
    try:
        with open("/proc/self/exe", "rb") as f:
            return _elf_machine(f.read(20))
    except OSError:
        return None


def why_not(path):
    """Why ``path`` cannot be run, or None: missing, base-missing (a link to nothing), a sentence otherwise."""
    try:
        mode = os.lstat(path).st_mode  # first: of the many places where a program may lie most have none
    except OSError as error:
        return "missing" if isinstance(error, (FileNotFoundError, NotADirectoryError)) else error.strerror
    try:
        mode = os.stat(path).st_mode if stat.S_ISLNK(mode) else mode
    except OSError:
        return "base-missing"
    if stat.S_ISDIR(mode):
        return "is a directory"
    if not stat.S_ISREG(mode):
        return "is not a regular file"
    if not os.access(path, os.X_OK):
        return "is not executable"
    try:
        with open(path, "rb") as f:
            head = f.read(20)
    except OSError:
        return None  # executable but not readable: the kernel knows better
    return _wrong_kind(head)


def _wrong_kind(head):
    if not head:
        return "is empty"
    if os.name == "nt" or sys.platform == "darwin" or head[:2] == b"#!":
        return None
    if head[:4] != b"\x7fELF":
        return "is neither a program nor a script"
    theirs, ours = _elf_machine(head), _own_machine()
    if ours is None or theirs == ours or theirs in RUNS_TOO.get(ours, ()):
        return None
    return "is for another CPU (%s)" % MACHINES.get(theirs, theirs)


def find(names, env):
    """``(path, why not)`` of the first of ``names`` on PATH; a runnable one is preferred. ``(None, None)``: none."""
    second = (None, None)
    for folder in path_entries(env):
        for name in names:
            path = os.path.join(folder, name)
            why = why_not(path)
            if why is None:
                return path, None
            if why != "missing" and second[0] is None:
                second = (path, why)
    return second


def read_target(ctx):
    """``_target``: the interpreter that was asked for, by path, by environment folder, or by name on PATH."""
    asked = ctx.get("target")
    if not asked:
        return {"_target": None}
    if asked == "?":
        path, why = find(("python3", "python"), ctx["env"])
    elif os.sep not in asked and "/" not in asked:
        path, why = find((asked,), ctx["env"])
        if path is None and os.path.isdir(asked):  # .venv: a folder, where a file would need ./ as in a shell
            path, why = _by_path(os.path.abspath(asked))
    else:
        path, why = _by_path(os.path.abspath(asked))
    found = {"executable": path, "prefix": _environment(path), "why": why if path else "missing"}
    return {"_target": dict(found, script=bool(path) and not why and is_script(path))}


def is_script(path):
    """A shim (pyenv's, asdf's): which interpreter it runs shows only when it does."""
    try:
        with open(path, "rb") as f:
            return f.read(2) == b"#!"
    except OSError:
        return False


def _environment(path):
    """The environment folder around an interpreter, ``None`` when nothing there looks like one."""
    folder = os.path.dirname(path or "")
    prefix = os.path.dirname(folder) if os.path.basename(folder) in ("bin", "Scripts") else folder
    if not prefix:
        return None
    marks = ("pyvenv.cfg", "conda-meta", os.path.join("Lib", "site-packages"))
    if any(os.path.exists(os.path.join(prefix, mark)) for mark in marks):
        return prefix
    lib = os.path.join(prefix, "lib")
    inside = os.listdir(lib) if os.path.isdir(lib) else []
    return (
        prefix
        if any(os.path.isdir(os.path.join(lib, n, "site-packages")) for n in inside if n.startswith("python"))
        else None
    )


def _by_path(path):
    if not os.path.isdir(path):
        return path, why_not(path)
    inside = [os.path.join(path, *name.split("/")) for name in NAMES]
    for candidate in inside:
        if os.path.lexists(candidate):
            return candidate, why_not(candidate)
    return inside[0], "missing"


def read_smi(ctx):
    """``_smi``: where nvidia-smi lies and why it is not run; both None when there is none on PATH."""
    extra = [os.path.join(f, "nvidia-smi") for f in ("/usr/bin", "/usr/lib/wsl/lib", "/opt/bin")]
    path, why = find(("nvidia-smi.exe" if os.name == "nt" else "nvidia-smi",), ctx["env"])
    if path is None:
        path = next((p for p in extra if why_not(p) is None), None)
    if path and not why:
        folder = unsafe_folder(path)
        why = "lies in a folder that others may write: %s" % folder if folder else None
    return {"_smi": {"path": path, "why": why}}


def same_cpu(path):
    """Whether a library can be loaded here: an ELF file of the very CPU and word size that we run on."""
    try:
        with open(path, "rb") as f:
            theirs = f.read(20)
        with open("/proc/self/exe", "rb") as f:
            ours = f.read(20)
    except OSError:
        return False
    return theirs[:5] == ours[:5] and theirs[18:20] == ours[18:20]
