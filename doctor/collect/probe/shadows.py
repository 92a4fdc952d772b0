"""Files and folders that a program imports in place of a standard module or an installed package.

Only real hiding counts: a folder without ``__init__`` file does not hide a regular package, modules that the
interpreter has loaded before the program's folder joins the path cannot be hidden by it, and a project's own checkout
is no shadow of its installed self.
"""
import os
import re
import sys

import dists
import interp
import metadata
import paths
from patterns import compiled

# Loaded at start-up, or frozen: a file of that name is never asked for.
STARTED = frozenset("""__main__ abc builtins codecs encodings genericpath io marshal nt ntpath os posix posixpath site
stat sys sitecustomize usercustomize time winreg zipimport _collections_abc _sitebuiltins""".split())
# Names that projects use freely and that no library needs as the standard module.
HARMLESS = frozenset("""test tests this antigravity idlelib lib2to3 turtle turtledemo __phello__ __hello__ lib-dynload
site-packages dist-packages config pydoc_data ensurepip venv msilib nturl2path""".split())
# Careless top-level folders of many distributions and projects alike.
COMMON = frozenset("""tests test examples example docs doc scripts script tools benchmark benchmarks src build dist
setup conftest demo demos assets data samples notebooks main app""".split())
MODULES = {
    "PIL": "pillow", "cv2": "opencv-python", "yaml": "pyyaml", "sklearn": "scikit-learn", "skimage": "scikit-image",
    "huggingface_hub": "huggingface-hub", "google": "protobuf", "attr": "attrs", "dateutil": "python-dateutil",
    "bs4": "beautifulsoup4", "fitz": "pymupdf", "dotenv": "python-dotenv", "jwt": "pyjwt",
}
_ENDINGS = ("py", "pyd", "so")
_TAGS = ("cpython", "abi3", "pypy")  # of compiled modules, before their last ending
_PROJECT = r"""(?m)^\s*name\s*=\s*["']?([\w.-]+)["']?"""
SMALL_CAP = 65536


def read(ctx):
    """python.shadows."""
    have = dists.listing(ctx)
    folders = _folders(ctx, have)
    base, found, first = _installed(have), [], interp.pth_first(have.target)
    standard = _standard(have.target)
    for folder, where in folders:
        try:
            names = modules(folder, have.target.own(folder))
        except (OSError, ValueError):
            continue
        for module, path in sorted(names.items()):
            record = _hidden(module, path, where, folder, base, standard)
            if record and not _own_checkout(record, folder, where, have):
                found.append(dict(record, where="pth", by=first[folder]) if folder in first else record)
    return {"python.shadows": _with_versions(found, have)[:200]}


def _folders(ctx, have):
    """What comes before the environment's own packages: script folder, working folder, PYTHONPATH, user site."""
    target, found = have.target, {}
    sites = [folder for folder, where in have.order if where in ("site", "pth", "stdlib")]
    wanted = []
    if not (target.env.get("PYTHONSAFEPATH") and target.version >= (3, 11)):
        wanted += [(folder, "script") for folder in ctx.get("script_dirs") or ()]
        wanted += [(target.cwd, "cwd")] if target.cwd else []
    wanted += [(folder, where) for folder, where in have.order if where in ("PYTHONPATH", "user-site")]
    for folder, where in wanted:
        if folder and folder not in sites:
            found.setdefault(folder, where)
    return list(found.items())


def module_of(name):
    """The module that a file of this name is imported as, ``None`` for anything else."""
    stem, _, ending = name.partition(".")
    good = ending in _ENDINGS or (ending.endswith(".so") and ending.startswith(_TAGS))
    return stem if good and stem.isidentifier() else None


def modules(folder, trusted=False):
    """``{module: path}`` of what is importable in a folder as a regular module or package."""
    found = {}
    for name in paths.names(folder, trusted):
        module = module_of(name)
        if module:
            found.setdefault(module, os.path.join(folder, name))
        elif "." not in name and name.isidentifier() and name not in COMMON and name != "__pycache__":
            place = os.path.join(folder, name)
            inits = [entry for entry in paths.quiet_names(place, trusted) if entry.startswith("__init__.")]
            if any(entry.endswith((".py", ".so", ".pyc", ".pyd")) for entry in inits):
                found[name] = place  # a package wins over a module of the same name
    return found


def _installed(have):
    """``{module: folder}`` of the environment's own site folders, by names alone."""
    found = {}
    for folder, where in have.order:
        if where == "site":
            for name in paths.quiet_names(folder, have.target.own(folder)):
                stem = module_of(name) or name
                if stem.isidentifier():
                    found.setdefault(stem, folder)
    return found


def _standard(target):
    """Names of the standard library's modules."""
    known = set(target.told["standard"]) if target.told else set()
    builtin = target.told["builtin"] if target.told else sys.builtin_module_names
    if not known and target.stdlib:
        for folder in (target.stdlib, os.path.join(target.stdlib, "lib-dynload")):
            known.update(name.partition(".")[0] for name in paths.quiet_names(folder, True))
        known.update(builtin)
    return known - HARMLESS - STARTED - set(builtin)


def _hidden(module, path, where, folder, base, standard):
    if module in COMMON or module.startswith("__"):
        return None
    if module in standard and where != "user-site":  # the user site comes after the standard library
        return {"module": module, "path": path, "hides": "stdlib", "where": where}
    if module in base and base[module] != folder and is_regular(base[module], module):
        return {"module": module, "path": path, "hides": module, "where": where}
    return None


def is_regular(folder, module):
    """Is ``module`` a regular module or package of ``folder``?"""
    place = os.path.join(folder, module)
    if any(name.startswith("__init__.") for name in paths.quiet_names(place)):
        return True
    return module in map(module_of, paths.quiet_names(folder))


def _own_checkout(record, folder, where, have):
    """The folder is the source of the very project whose package it seems to hide, or that project is editable."""
    if record["hides"] == "stdlib":
        return False
    wanted = metadata.normalise(owner(record["module"], have))
    entries = paths.quiet_names(folder)
    eggs = [metadata.split_folder(name)[0] for name in entries if name.endswith(".egg-info")]
    if wanted in map(metadata.normalise, eggs):
        return where != "user-site"
    for name in ("pyproject.toml", "setup.cfg", "setup.py"):
        if name in entries:
            body = paths.text(os.path.join(folder, name), SMALL_CAP) or ""
            names = compiled(_PROJECT).findall(body) + re.findall(r"""\bname\s*=\s*["']([\w.-]+)["']""", body)
            if wanted in [metadata.normalise(one) for one in names]:
                return True
    return False


def owner(module, have):
    """The installed distribution that brings a module: by name, by the usual table, by top_level.txt, by RECORD."""
    for name in (MODULES.get(module), metadata.normalise(module)):
        if name in have.seen or (name and any(dist.name == name for dist in have.all)):
            return name
    for dist in have.all:
        if dist.where == "site" and dist.kind != "egg-file":
            tops = (paths.text(dist.path("top_level.txt")) or "").split()
            if module in tops:
                return dist.name
    for dist in have.all:
        if dist.where == "site" and dist.kind == "dist-info":
            data = paths.read(dist.path("RECORD"), 4 << 20) or b""
            if (b"\n" + data).find(b"\n" + module.encode("ascii", "replace") + b"/__init__.py,") >= 0:
                return dist.name
    return MODULES.get(module, module)


def _with_versions(found, have):
    """Adds the distribution hidden, its version, and the version that lies in the hiding folder."""
    for record in found:
        if record["hides"] == "stdlib":
            continue
        name = metadata.normalise(owner(record["module"], have))
        record["hides"] = name
        folder = os.path.dirname(record["path"])
        for dist in have.all:
            if dist.name == name and dist.version:
                if dist.folder == folder:
                    record.setdefault("version", dist.version)
                elif dist.where == "site":
                    record.setdefault("hidden", dist.version)
    return found
