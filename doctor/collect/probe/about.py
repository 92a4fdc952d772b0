"""Facts about the interpreter itself: version, kind, tags, folders, what its build lacks."""
import os
import re
import sys

import dists
import paths

NAMES = (
    "python.version", "python.implementation", "python.executable", "python.prefix", "python.base_prefix",
    "python.kind", "python.moved", "python.abi", "python.platform", "python.bits", "python.externally_managed",
    "python.writable", "python.include", "python.missing_modules", "python.path", "python.site",
    "python.user_site", "python.user_site_enabled", "python.installer", "python.venv_problem", "python.venv_folder",
    "python.venv_python",
)
# Modules that a build or a distribution's package may lack; the file or built-in that shows each.
OPTIONAL = ("_ctypes", "_lzma", "_bz2", "_ssl", "_sqlite3", "zlib", "_hashlib", "venv", "ensurepip", "distutils")
LIVE = ("python.abi", "python.platform", "python.bits", "python.externally_managed", "python.include",
        "python.missing_modules")
NULLABLE = ("python.user_site", "python.venv_problem", "python.venv_folder", "python.venv_python")
SEEDS = ("pip", "setuptools", "wheel", "_distutils_hack", "pkg_resources", "distutils-precedence", "__pycache__",
         "_virtualenv")
LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pixi.lock")
KEPT_APART = ("poetry.lock", "Pipfile.lock")  # of tools that keep environments in a folder "virtualenvs" of their own


def read(ctx):
    """Everything that is known without running the target; what only the live interpreter knows is left out then."""
    target = dists.target(ctx)
    facts = {
        "python.version": target.version_text,
        "python.implementation": target.implementation,
        "python.executable": target.executable,
        "python.prefix": target.prefix,
        "python.base_prefix": target.base_prefix,
        "python.kind": kind(target),
        "python.moved": moved(target),
        "python.site": target.sites,
        "python.user_site": target.user_site,
        "python.user_site_enabled": target.user_enabled,
        "python.path": [folder for folder, _ in dists.listing(ctx).order],
        "python.writable": any(os.path.isdir(site) and os.access(site, os.W_OK) for site in target.sites[:1]),
        "python.installer": installer(target),
    }
    facts.update(_venv_problem(target))
    if target.live:
        facts.update(_live(target))
    else:
        facts.update(("?" + name, "the interpreter does not start") for name in LIVE)
        if target.venv and base_missing(target):
            facts["python.broken"] = "base-missing"
    return {name: value for name, value in facts.items() if value is not None or name in NULLABLE}


def _live(target):
    return {
        "python.abi": abi(target),
        "python.platform": platform_tag(target),
        "python.bits": target.told["bits"],
        "python.externally_managed": externally_managed(target),
        "python.include": has_headers(target),
        "python.missing_modules": missing_modules(target),
    }


def _venv_problem(target):
    """cfg-missing: a venv without its pyvenv.cfg. other-python: its packages lie in the folder of another release."""
    facts = {"python.venv_problem": None, "python.venv_folder": None, "python.venv_python": None}
    folder = os.path.dirname(os.path.dirname(target.executable or ""))
    if not target.live or target.windows or not target.version:
        return facts
    if not target.venv:
        near = os.path.join(folder, "lib", "python" + target.short(), "site-packages")
        if os.path.islink(target.executable) and "activate" in paths.quiet_names(os.path.dirname(target.executable)):
            if os.path.isdir(near) and not paths.same(folder, target.prefix):
                facts.update({"python.venv_problem": "cfg-missing", "python.venv_folder": folder})
        return facts
    if not any(_packages(site) for site in target.sites[:1]):
        for name in sorted(paths.quiet_names(os.path.join(target.prefix, "lib"))):
            found = re.match(r"python(\d\.\d+)$", name)
            if found and _packages(os.path.join(target.prefix, "lib", name, "site-packages")):
                facts.update({"python.venv_problem": "other-python", "python.venv_python": found.group(1)})
    return facts


def _packages(site):
    """Anything in a site folder beyond what an empty environment has."""
    return any(not name.startswith(SEEDS) for name in paths.quiet_names(site))


def kind(target):
    """venv, conda, framework, portable or system."""
    if target.venv:
        return "venv"
    if target.conda:
        return "conda"
    prefix = (target.prefix or "").replace("\\", "/")
    if "Python.framework" in prefix:
        return "framework"
    return "system" if prefix in ("/usr", "/usr/local", "/") or prefix.startswith("/usr/") else "portable"


def base_missing(target):
    """The folder or program that the venv was made from is gone."""
    home = (target.cfg or {}).get("home")
    return bool(home) and not (os.path.isdir(home) and _any_python(home, target))


def _any_python(home, target):
    names = paths.quiet_names(home)
    wanted = ("python.exe", "pypy3.exe") if target.windows else ("python3", "python", "pypy3")
    links = ["python" + target.short()] if target.version else []
    return any(name in names and os.path.exists(os.path.join(home, name)) for name in links + list(wanted))


def moved(target):
    """A venv whose scripts name an interpreter in another folder. Absent where no script tells."""
    if not target.venv:
        return False
    if target.windows:
        return None  # its launchers hold the path inside a zip
    folder = os.path.join(target.prefix, "bin")
    for name in sorted(paths.quiet_names(folder, target.live)):
        if not name.startswith(("activate", "python", ".", "pydoc")):
            place = shebang_folder(os.path.join(folder, name))
            if place is not None:
                if not paths.same(place, folder) and (_inside_venv(place) or not os.path.isdir(place)):
                    return True
    return _activate_moved(target)


def _inside_venv(folder):
    return os.path.exists(os.path.join(os.path.dirname(folder), "pyvenv.cfg"))


def _activate_moved(target):
    """``VIRTUAL_ENV=`` of bin/activate names a folder that is gone or another environment."""
    body = paths.text(os.path.join(target.prefix, "bin", "activate")) or ""
    found = re.search(r"^\s*(?:export )?VIRTUAL_ENV=(['\"]?)(/[^'\"\n]*)\1\s*$", body, re.MULTILINE)
    return bool(found) and not paths.same(found.group(2), target.prefix)


def shebang_folder(path):
    """Folder of the interpreter in a script's first line; ``None`` when it names none by an absolute path.

    A long path is written by pip as ``#!/bin/sh`` with ``'''exec' "/path/python"`` in the second line.
    """
    line = shebang(path)
    return os.path.dirname(line) if line else None


def shebang(path):
    """Absolute path of the Python that runs a script, or ``None``."""
    head = paths.read(path, 4096)
    if not head or not head.startswith(b"#!"):
        return None
    lines = head.decode("utf-8", "replace").split("\n")
    if lines[0].rstrip() == "#!/bin/sh" and len(lines) > 1:
        found = re.match(r"'''exec' (\"?)(/.+?)\1 ", lines[1])
        return found.group(2) if found and "python" in os.path.basename(found.group(2)) else None
    program = lines[0][2:].strip().strip('"')
    if not program.startswith("/") or not any(word in os.path.basename(program) for word in ("python", "pypy")):
        return None
    return program.split(" -")[0].strip()


def abi(target):
    """ABI tag as wheels name it: cp311, cp37m, cp313t, pypy310_pp73."""
    if target.implementation == "cpython":
        return "cp%d%d%s" % (target.version[0], target.version[1], target.told["abiflags"].replace("d", ""))
    tag = target.told["cache_tag"] or target.implementation
    return tag.replace("-", "_")


def platform_tag(target):
    """sysconfig.get_platform() in wheel spelling, worked out without importing sysconfig where that is simple."""
    if sys.platform.startswith("linux"):
        machine = os.uname().machine
        if target.told["bits"] == 32:
            machine = {"x86_64": "i686", "aarch64": "armv7l"}.get(machine, machine)
        return "linux_" + machine
    import sysconfig

    return re.sub(r"[-. ]", "_", sysconfig.get_platform())


def externally_managed(target):
    """PEP 668: the marker file beside the standard library, outside a venv."""
    return not target.venv and os.path.exists(os.path.join(target.stdlib, "EXTERNALLY-MANAGED"))


def has_headers(target):
    """Python.h where the build system would look for it."""
    short = "%d.%d%s" % (target.version[0], target.version[1], target.told["abiflags"])
    names = [os.path.join("include", "python" + short, "Python.h"), os.path.join("include", "Python.h"),
             os.path.join("include", "pypy" + short, "Python.h"), os.path.join("Headers", "Python.h")]
    return any(os.path.exists(os.path.join(root, name))
               for root in (target.base_prefix, target.prefix) for name in names)


def missing_modules(target):
    """Optional standard modules that cannot be imported, by files and built-in names only."""
    there = set(target.told["builtin"])
    for folder in (target.stdlib, os.path.join(target.stdlib, "lib-dynload"), os.path.join(target.base_prefix, "DLLs")):
        there.update(name.partition(".")[0] for name in paths.quiet_names(folder, True))
    there.update(() if target.version < (3, 12) else ("distutils",))
    if target.implementation != "cpython":
        return [name for name in ("venv", "ensurepip") if name not in there]
    return [name for name in OPTIONAL if name not in there]


def installer(target):
    """The tool whose commands change this environment: pip where it is there, else uv or conda."""
    seen = [name for site in target.sites for name in paths.quiet_names(site, target.own(site))]
    if any(name.startswith("pip-") and name.endswith(".dist-info") for name in seen):
        return "pip"
    if "uv" in (target.cfg or {}):
        return "uv"
    return "conda" if target.conda else "pip"


def lock(ctx):
    """Lock file of the project that owns the environment: beside it, or in the working folder.

    The working folder's counts where the environment lies in it, or where that tool keeps its environments.
    """
    target = dists.target(ctx)
    prefix = target.prefix or ""
    here = ctx.get("cwd") or ""
    inside = bool(here) and os.path.realpath(prefix).startswith(os.path.join(os.path.realpath(here), ""))
    apart = "virtualenvs" in prefix.replace("\\", "/").split("/")
    places = [(here, LOCKS if inside else KEPT_APART if apart else ())]
    places += [(os.path.dirname(prefix), LOCKS)] if target.venv and prefix else []
    for place, names in places:
        for name in paths.quiet_names(place) if place and names else ():
            if name in names:
                return {"python.lock": name}
    return {"python.lock": None}
