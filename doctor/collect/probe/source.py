"""The program that the user wants to run, read and never executed; the part ``program`` asks for it.

Settings: ``what`` (paths that the user named), ``cwd``, ``env``, ``site`` (site-packages of the target), ``path``
(further sys.path entries), ``python_version``; or ``target``, the interpreter from whose place they are worked out.
"""
import os
import threading
import time

from src_imports import Target, wanted
from src_link import bare
from src_program import Program
from src_project import recognise
from src_walk import text_of
from src_where import complete

PART_OF_TIME = 0.6  # of the deadline may go into reading files; the rest is for answering
RECORDS = 3000  # of one fact
SEEDS = frozenset(("pip", "setuptools", "wheel"))  # of a new environment
_LOCK = threading.RLock()


def where(ctx):
    """``(site, path, version)`` of the target, worked out once for all groups."""
    with _LOCK:
        if "_where" not in ctx:
            ctx["_where"] = complete(ctx)
        return ctx["_where"]


def program(ctx):
    """The program, read once for all groups."""
    with _LOCK:
        if "_program" not in ctx:
            end = time.time() + ctx.get("deadline", 4.0) * PART_OF_TIME
            ctx["_program"] = Program(ctx.get("what") or [], ctx.get("cwd"), ctx.get("env") or {},
                                      where(ctx)[2], lambda: time.time() > end)
        return ctx["_program"]


def target(ctx):
    """The target's import system, listed once for all groups. Without ``site`` it knows the standard library only."""
    with _LOCK:
        if "_target" not in ctx:
            ctx["_target"] = Target(*where(ctx))
        return ctx["_target"]


def served(ctx):
    """The target was made for this program: it serves its imports; without one, nothing is installed there yet."""
    found, world = program(ctx), target(ctx)
    if not found.readers:
        return bool(where(ctx)[0]) and set(world.dists()) <= SEEDS
    rows = read_imports(ctx)["src.imports"]
    return bool(rows or found.files.read) and all(row.get("resolves") or row["guarded"] for row in rows)


def read_program(ctx):
    """What the files say by themselves."""
    found = program(ctx)
    calls = [bare(record) for reader in found.readers for record in reader.calls]
    env = [record for reader in found.readers for record in reader.env]
    env += [record for script in found.scripts for record in script.env] + found.settings
    repos = found.repos + [_asked(script, name, line, found) for script in found.scripts for name, line in script.repos]
    options = [{"flag": flag, "default": _text(reader.values.options(default)), "file": reader.path, "line": line}
               for reader in found.readers for flag, _, default, _, line in reader.values.scan.options]
    return {
        "src.calls": calls[:RECORDS],
        "src.env": env[:RECORDS],
        "src.repos": [record for record in repos if record][:RECORDS],
        "src.argparse": options[:RECORDS],
        "src.names": sorted({name for reader in found.readers for name in reader.names})[:RECORDS],
    }


def _text(values):
    return str(values[0]) if len(values) == 1 and values[0] is not None else None


def _asked(script, name, line, found):
    """A repository or path on a command line; None for a shell variable and the like."""
    from src_link import exists, kind_of

    kind = None if "$" in name else kind_of(name, found.bases)
    if kind is None or (kind == "repo" and "/" not in name):
        return None
    record = {"id": name, "file": script.path, "line": line, "kind": kind, "via": "command", "default": False,
              "entry": script.path in found.main}
    if kind == "path":
        record["cached"] = exists(name, found.bases)
    return record


def read_project(ctx):
    """Which code base this is, by its own files."""
    found = program(ctx)
    if not found.first:
        return {}
    modules = {record["module"] for reader in found.readers for record in reader.imports if not record["level"]}
    modules.update(module for script in found.scripts for module in script.modules)
    return {"src.project": recognise(os.path.abspath(found.first), modules)}


def read_imports(ctx):
    """Each module and name that the program imports, once, against the target; an unguarded place goes first."""
    found, world = program(ctx), target(ctx)
    records, known = {}, {}
    for reader in found.readers:
        bases = found.folders_of(reader.path)
        entry = bool(found.main & found.entries.get(reader.path, set()))
        unsure = reader.path not in found.sure
        for record in reader.imports:
            if record["level"] or not record["module"] or record["module"] == "__future__":
                continue
            module = record["module"]
            if (module, bases) not in known:
                known[module, bases] = _serve(module, found, bases, world, bool(where(ctx)[0]))
            old = records.get((module, record["name"]))
            guarded = record["guarded"] or unsure
            if old is None or (entry, not guarded) > (old["entry"], not old["guarded"]):
                records[module, record["name"]] = {
                    "module": module, "name": record["name"], "file": reader.path, "line": record["line"],
                    "guarded": guarded, "entry": entry, **known[module, bases]}
    return {"src.imports": list(records.values())[:RECORDS]}


def _serve(module, found, bases, world, known):
    """``where``, ``resolves``, ``dist``, ``want`` and ``sub`` of one module; ``known``: the target's folders are."""
    local = found.is_local(module, bases)
    place, dist, path = world.served(module)
    if local and (place not in ("stdlib", "path") or _before_stdlib(module)):
        place, dist, path = "local", None, os.path.dirname(local) if local.endswith("__init__.py") else None
    if not place and found.is_folder(module, bases):
        place = "local"
    want = "" if place in ("stdlib", "local") else wanted(module)
    fact = {"where": place, "dist": dist, "want": want}
    if known or place:
        fact["resolves"] = bool(place)
    if place in ("site", "path", "editable"):
        fact["sub"] = world.has_submodule(path, module)
    return fact


def read_contracts(ctx):
    """Names that the packages which the program imports take from others and do not get."""
    from contracts import kept

    if not where(ctx)[0]:
        return {"?src.broken_imports": "the target's packages are not known"}
    modules = [record["module"] for reader in program(ctx).readers for record in reader.imports
               if record["module"] and not record["level"] and not record["guarded"]]
    return {"src.broken_imports": kept(target(ctx), modules, ctx.get("cache"))}


def _before_stdlib(module):
    """The script's folder comes before the standard library, except for modules that are loaded before any script."""
    import sys

    top = module.partition(".")[0]
    return top not in sys.builtin_module_names and top not in ("os", "site", "codecs", "encodings", "io", "abc", "stat",
                                                               "posixpath", "genericpath", "ntpath", "_collections_abc")


def read_requirements(ctx):
    """What the project's files and install commands ask for, against what is installed; shell lines; files read."""
    found = program(ctx)
    shell = [record for script in found.scripts for record in script.shell] + _commands(found)
    records, options = _requirements(ctx, found) if found.other or found.scripts else ([], [])
    return {
        "src.requirements": records[:RECORDS],
        "src.shell": (shell + options)[:RECORDS],
        "src.files": found.files.read,
        "src.errors": found.files.errors[:RECORDS],
    }


def _requirements(ctx, found):
    """``(requirements, option lines)`` of the project's files and of the scripts' install commands."""
    from src_reqs import Requirements  # with its patterns a third of what a lone script costs

    site, _, version = where(ctx)
    reqs = Requirements(found.files, target(ctx).dists() if site else None, version)
    for kind, path, data, values in found.other:
        if kind == "setup.py":
            reqs.setup_py(path, data, values)
        elif kind in ("pyproject", "setup.cfg"):
            getattr(reqs, kind.replace(".", "_"))(path, data)
        elif kind == "conda":
            reqs.conda(path, text_of(data))
        else:
            for number, line in enumerate(text_of(data).splitlines(), 1):
                reqs.line(line, path, number)
    for script in found.scripts:
        for line, word in script.installs:
            reqs.line(word if not word.startswith("-r ") else "", script.path, line)
    return reqs.records, reqs.options


def _commands(found):
    """Shell lines inside Python: os.system("...") and subprocess calls with literal words."""
    lines = []
    for reader in found.readers:
        for record in reader.calls:
            if record["name"] == "os.system" or record["name"].startswith("subprocess."):
                given = record["args"][0] if record["args"] else None
                text = " ".join(map(str, given)) if isinstance(given, list) and None not in given else given
                if isinstance(text, str):
                    lines.append({"text": text, "file": record["file"], "line": record["line"]})
    return lines
