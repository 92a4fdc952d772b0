"""Part ``program``: what the user wants to run, or, where nothing was named, the only program of the working folder.

Settings: ``what`` (paths that the user named), ``around`` (look at the working folder where that is empty),
``shims_later`` (what a script in the interpreter's place would serve is read when the interpreter has told of itself).
The part that reads programs is imported when there is one: it costs more than all the rest of a check.
"""
import os
import re
import threading

import scout
from patterns import compiled
from wire import Group

NOTHING = "left open: nothing to run was named"
LATER = "left open: the interpreter behind the script in its place has not told of itself"
BESIDE = r"(setup|conftest|__init__|__main__|sitecustomize|noxfile|tasks|test_.*|.*_test)\.py$"  # no programs
ENTRIES = 2000  # a folder with more is no project's
_LOCK = threading.RLock()


def asked(ctx):
    """Paths of what is to be run: what was named, or what the working folder has that the target serves."""
    with _LOCK:
        if _later(ctx):
            return []
        if not ctx.get("what") and ctx.pop("around", False):
            ctx["what"] = _only(ctx.get("cwd"))
            if ctx["what"] and not _served(ctx):
                ctx["what"] = []
                del ctx["_program"]
            ctx["found"] = list(ctx["what"])
        return ctx.get("what") or []


def _later(ctx):
    if "_later" not in ctx:
        found = ctx.get("shims_later") and scout.read_target(ctx)["_target"]
        ctx["_later"] = bool(found and found["script"])
    return ctx["_later"]


def _served(ctx):
    import source

    return source.served(ctx)


def _only(folder):
    """The only program of a folder, or the requirements of a folder without one."""
    try:
        names = sorted(os.listdir(folder)) if folder else []
    except OSError:
        return []
    if len(names) > ENTRIES:
        return []
    programs = [name for name in names if name.endswith(".py") and not compiled(BESIDE).match(name)]
    if programs:
        return programs if len(programs) == 1 else []
    return [name for name in names if re.match(r"requirements\.txt$", name)]


def _reader(name):
    def read(ctx):
        if not asked(ctx):
            return {"?" + fact: LATER if _later(ctx) else NOTHING for fact in FACTS[name]}
        import source

        return getattr(source, name)(ctx)

    return read


def read_found(ctx):
    """The program that nobody has named."""
    asked(ctx)
    if _later(ctx):
        return {"?src.found": LATER}
    return {"src.found": ctx["found"][0] if ctx.get("found") else None}


FACTS = {
    "read_program": ("src.calls", "src.env", "src.repos", "src.argparse", "src.names"),
    "read_imports": ("src.imports",),
    "read_requirements": ("src.requirements", "src.shell", "src.files", "src.errors"),
    "read_project": ("src.project",),
    "read_contracts": ("src.broken_imports",),
}
GROUPS = [Group(names, _reader(name), risky=True) for name, names in FACTS.items()]
GROUPS.append(Group(("src.found",), read_found, risky=True))
