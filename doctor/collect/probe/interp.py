"""What the target interpreter is and which folders its programs import from.

Three cases: ``ctx["itself"]`` is what the target said about itself (itself.py); this process *is* the target (its
``site`` has not run, so venv and user site are worked out here by the rules of site.py); or the target does not start
and ``ctx["prefix"]`` names its folder: then files alone speak.
"""
import os
import sys

import itself
import paths
from patterns import compiled

_VERSION = r"(\d+)\.(\d+)(?:\.(\d+)(\w*))?"
# sys.path.insert(0, "...") and sys.path[0:0] = ["..."] in a line of code
_PATH_HEAD = r"sys\.path(?:\.insert\(\s*0\s*,|\[\s*0?\s*:\s*0\s*\]\s*=\s*\[)\s*r?(['\"])([^'\"\r\n]{1,500})\1"
_FOLDER = r"(python|pypy)(\d)\.(\d+)(t?)$"


class Target(object):
    """Facts about the interpreter that the other modules build on. ``version`` is a tuple of two or three ints."""

    live = True
    version = ()
    version_text = None
    implementation = None
    threaded = False
    executable = prefix = base_prefix = stdlib = None
    venv = conda = False
    system_site = True  # the base interpreter's site-packages are visible
    cfg = None
    told = None  # what itself.py says of a live one

    def __init__(self, ctx):
        self.env = ctx.get("env") or {}
        self.cwd = ctx.get("cwd") or ""
        self.windows = os.name == "nt"
        if self._asked_elsewhere(ctx.get("prefix")):
            self._from_files(ctx)
        else:
            self._from_self(ctx)
        self.conda = bool(self.prefix) and "conda-meta" in paths.quiet_names(self.prefix)
        self._folders()

    def _asked_elsewhere(self, prefix):
        if not prefix:
            return False
        here = own_venv(sys.executable)[0] or sys.prefix
        return not paths.same(prefix, here)

    def _from_self(self, ctx):
        told = self.told = ctx.get("itself") or itself.read()
        self.version = tuple(int(part) for part in told["release"])
        self.version_text = told["version"]
        self.implementation = told["implementation"]
        self.threaded = "t" in told["abiflags"] and self.version >= (3, 13)
        self.executable = ctx.get("executable") or told["executable"]
        folder, self.cfg = own_venv(told["executable"])
        self.venv = folder is not None
        self.base_prefix = told["base_prefix"]
        self.prefix = folder or told["prefix"]
        self.stdlib = told["stdlib"]

    def _from_files(self, ctx):
        self.live = False
        self.prefix = os.path.abspath(ctx["prefix"])
        self.executable = ctx.get("executable")
        self.cfg = read_cfg(os.path.join(self.prefix, "pyvenv.cfg"))
        self.venv = self.cfg is not None
        self._version_from_files()
        home = (self.cfg or {}).get("home")
        if home:
            self.base_prefix = home if self.windows else os.path.dirname(home)
        elif not self.venv:
            self.base_prefix = self.prefix

    def _version_from_files(self):
        cfg = self.cfg or {}
        found = compiled(_VERSION).match(cfg.get("version") or cfg.get("version_info") or "")
        self.implementation = (cfg.get("implementation") or "cpython").lower()
        if found:
            self.version = tuple(int(part) for part in found.groups()[:3] if part)
            self.version_text = ".".join(str(part) for part in self.version)
        for name in sorted(paths.quiet_names(os.path.join(self.prefix, "lib")), reverse=True):
            folder = compiled(_FOLDER).match(name)
            if folder and (not self.version or folder.group(3) == str(self.version[1])):
                self.threaded = folder.group(4) == "t"
                if folder.group(1) == "pypy":
                    self.implementation = "pypy"
                self.version = self.version or (int(folder.group(2)), int(folder.group(3)))
                return

    def short(self):
        """``3.11`` (with a t for a free-threaded build): how folders are named."""
        return "%d.%d%s" % (self.version[0], self.version[1], "t" if self.threaded else "") if self.version else None

    def _lib_name(self):
        return ("pypy" if self.implementation == "pypy" and self.version >= (3, 8) else "python") + self.short()

    def _sites_of(self, prefix):
        if self.windows:
            return [os.path.join(prefix, "Lib", "site-packages")]
        found = []
        libdir = self.told["libdir"] if self.told else getattr(sys, "platlibdir", "lib")
        for lib in ("lib64", "lib") if libdir == "lib64" else ("lib",):
            folder = os.path.join(prefix, lib, self._lib_name(), "site-packages")
            if not any(paths.same(folder, other) for other in found):
                found.append(folder)
        return found

    def _folders(self):
        """site.py's work: which site folders, user site, PYTHONPATH."""
        if not self.version:
            self.sites, self.user_site, self.user_enabled, self.pythonpath = [], None, False, []
            return
        include = str((self.cfg or {}).get("include-system-site-packages", "false")).lower() == "true"
        self.system_site = not self.venv or include
        self.sites = self._sites_of(self.prefix) if self.venv or not self.live else self._own_sites()
        if self.venv and include and self.base_prefix:
            self.sites += self._own_sites() if self.live else self._sites_of(self.base_prefix)
        self.user_site = self._user_site()
        self.user_enabled = self.system_site and bool(self.user_site) and not self.env.get("PYTHONNOUSERSITE")
        self.pythonpath = self._python_path()

    def _own_sites(self):
        """What the interpreter's own site.py would add."""
        return list(dict.fromkeys(self.told["sites"]))

    def _user_site(self):
        base = self.env.get("PYTHONUSERBASE")
        if self.windows:
            base = base or os.path.join(self.env.get("APPDATA") or "~", "Python")
            return os.path.join(base, "Python%d%d" % self.version[:2], "site-packages")
        if not base:
            home = self.env.get("HOME") or os.path.expanduser("~")
            if home in ("", "/nonexistent"):
                return None
            base = os.path.join(home, ".local")
        return os.path.join(base, "lib", self._lib_name(), "site-packages")

    def _python_path(self):
        value = self.env.get("PYTHONPATH") or ""
        parts = value.split(os.pathsep) if value else ()
        return list(dict.fromkeys(os.path.normpath(os.path.join(self.cwd or os.curdir, part)) for part in parts))

    def own(self, folder):
        """The folder belongs to the environment (it answers whenever the interpreter does)."""
        return self.live and any(paths.inside(folder, root) for root in (self.prefix, self.base_prefix) if root)


def own_venv(executable):
    """``(folder, settings)`` of the venv an interpreter's path lies in, or ``(None, None)``."""
    folder = os.path.dirname(executable or "")
    for place in (folder, os.path.dirname(folder)):
        settings = read_cfg(os.path.join(place, "pyvenv.cfg"))
        if settings is not None:
            return place, settings
    return None, None


def read_cfg(path):
    """``pyvenv.cfg`` as a dictionary with lower-case keys; ``None`` when there is none."""
    body = paths.text(path)
    if body is None:
        return None
    found = {}
    for line in body.splitlines():
        key, mark, value = line.partition("=")
        if mark:
            found[key.strip().lower()] = value.strip()
    return found


def search_path(target):
    """``[(folder, where)]`` in import order without the script's own folder.

    ``where`` is PYTHONPATH (also what a ``.pth`` file puts before it), stdlib, user-site, site or pth. Lines of
    ``.pth`` files that start with ``import`` are never run; what editable installs add that way is read elsewhere
    (dists.py).
    """
    order = [(folder, "PYTHONPATH") for folder in list(pth_first(target)) + target.pythonpath]
    if target.stdlib:
        order.append((target.stdlib, "stdlib"))
        order.append((os.path.join(target.stdlib, "lib-dynload"), "stdlib"))
    sites = [(target.user_site, "user-site")] if target.user_enabled else []
    sites += [(folder, "site") for folder in target.sites]
    for folder, where in sites:
        if any(folder == other for other, _ in order):
            continue
        if paths.quiet_names(folder, target.own(folder)) or where == "site":
            order.append((folder, where))
            order += [(extra, "pth") for extra in pth_folders(folder, target) if (extra, "pth") not in order]
    return order


def pth_first(target):
    """``{folder: .pth file}`` of existing folders that code in a ``.pth`` file puts at the head of the path."""
    found = {}
    for site in ([target.user_site] if target.user_enabled else []) + target.sites:
        for name in sorted(paths.quiet_names(site, target.own(site))):
            if name.endswith(".pth") and not name.startswith((".", "__editable__")):
                body = paths.text(os.path.join(site, name)) or ""
                for match in compiled(_PATH_HEAD).finditer(body) if "sys.path" in body else ():
                    folder = os.path.normpath(match.group(2))
                    if folder not in target.sites and paths.is_dir(folder):
                        found.setdefault(folder, os.path.join(site, name))
    return found


def pth_lines(folder, target):
    """``(file name, line)`` of every path line in the ``.pth`` files of a site folder, in site.py's order."""
    for name in sorted(paths.quiet_names(folder, target.own(folder))):
        if not name.endswith(".pth") or name.startswith("."):
            continue
        for line in (paths.text(os.path.join(folder, name)) or "").lstrip("\ufeff").splitlines():
            line = line.rstrip()
            if line and not line.startswith(("#", "import ", "import\t")) and "\0" not in line:
                yield name, line


def pth_folders(folder, target):
    """Existing folders that ``.pth`` files of ``folder`` add to the path."""
    found = []
    for _, line in pth_lines(folder, target):
        extra = os.path.normpath(os.path.join(folder, line))
        if extra not in found and extra != folder and (target.own(extra) or paths.is_dir(extra)):
            found.append(extra)
    return found
