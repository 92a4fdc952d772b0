"""pip: its version, its settings, and whether the ``pip`` that a shell would run belongs to this environment."""
import os
import re

import about
import dists
import interp
import paths
from patterns import compiled

_SECTION = r"^\s*\[([^\]]+)\]\s*$"
_OPTION = r"^([A-Za-z][\w-]*)\s*[=:]\s*(.*)$"
_USER = r"(://)[^/@\s]*@"
# Settings that change what an install does or whether it can work; the others are nobody's business.
KEYS = frozenset("""index-url extra-index-url no-index find-links constraint requirement user target prefix root
trusted-host proxy cert client-cert no-deps no-binary only-binary prefer-binary pre require-hashes require-virtualenv
no-build-isolation break-system-packages cache-dir no-cache-dir timeout retries ignore-installed force-reinstall
upgrade-strategy use-feature use-deprecated build-constraint uploaded-prior-to""".split())


def read(ctx):
    """Settings of pip as it merges them: global, user, environment's own file, PIP_CONFIG_FILE, variables."""
    target = dists.target(ctx)
    found, where = {}, {}
    for path in config_files(target):
        for key, value in options(paths.bounded(paths.text, path) or ""):
            found[key], where[key] = value, path
    for name, value in target.env.items():
        key = name[4:].lower().replace("_", "-")
        if name.startswith("PIP_") and key in KEYS and value:
            found[key], where[key] = value, name
    found = {key: compiled(_USER).sub(r"\1", value)[:500] for key, value in found.items()}
    pip = dists.listing(ctx).seen.get("pip")
    return {"pip.version": pip.version if pip else None, "pip.config": found, "pip.index": found.get("index-url")}


def config_files(target):
    """pip's configuration files in the order in which later ones win (``os.devnull`` as PIP_CONFIG_FILE: none)."""
    env = target.env
    named = env.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = env.get("HOME") or os.path.expanduser("~")
    if target.windows:
        files = [os.path.join(env.get("PROGRAMDATA", "C:\\ProgramData"), "pip", "pip.ini"),
                 os.path.join(env.get("APPDATA", home), "pip", "pip.ini"), os.path.join(home, "pip", "pip.ini")]
        own = os.path.join(target.prefix or "", "pip.ini")
    else:
        dirs = [part for part in (env.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":") if part]
        files = [os.path.join(part, "pip", "pip.conf") for part in dirs] + ["/etc/pip.conf"]
        files += [os.path.join(home, ".pip", "pip.conf"),
                  os.path.join(env.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "pip", "pip.conf")]
        own = os.path.join(target.prefix or "", "pip.conf")
    return files + [own] + ([named] if named else [])


def options(body):
    """``(option, value)`` of the sections that an install reads; continuation lines are joined by spaces."""
    section, found = "", []
    for line in body.splitlines()[:2000]:
        head = compiled(_SECTION).match(line)
        if head:
            section = head.group(1).strip().lower()
            continue
        if section not in ("global", "install") or line.lstrip().startswith(("#", ";")):
            continue
        option = compiled(_OPTION).match(line)
        if option:
            found.append([option.group(1).lower().replace("_", "-"), option.group(2).strip()])
        elif found and line[:1] in (" ", "\t") and line.strip():
            found[-1][1] = (found[-1][1] + " " + line.strip()).strip()
    return [(key, value) for key, value in found if key in KEYS]


def read_on_path(ctx):
    """The first ``pip`` on PATH: whose interpreter it runs."""
    target = dists.target(ctx)
    facts = {"pip.on_path_prefix": None, "pip.on_path_foreign": None, "pip.on_path_python": None}
    found = first_pip(target)
    if found is None:
        return facts
    python = paths.bounded(_python_of, found)
    if python is None:
        return {"?" + name: "the pip on PATH does not say which Python it runs" for name in facts}
    prefix = interp.own_venv(python)[0] or os.path.dirname(os.path.dirname(os.path.realpath(python)))
    facts["pip.on_path_prefix"] = prefix
    facts["pip.on_path_python"] = _version_of(python, prefix)
    own = [target.prefix] + ([] if target.venv else [target.base_prefix])
    facts["pip.on_path_foreign"] = not any(paths.same(prefix, folder) for folder in own if folder)
    return facts


def first_pip(target):
    """The ``pip`` (or ``pip3``) that a shell with the user's PATH would run; relative entries are left out."""
    folders = [part for part in (target.env.get("PATH") or "").split(os.pathsep) if os.path.isabs(part)]
    for word in ("pip.exe",) if target.windows else ("pip", "pip3"):
        for folder in folders:
            if word in paths.quiet_names(folder):
                path = os.path.join(folder, word)
                if os.path.isfile(path) and os.access(path, os.X_OK):
                    return path
    return None


def _python_of(path):
    """The interpreter a pip script names. A script copied or linked elsewhere keeps its first line."""
    named = about.shebang(os.path.realpath(path)) or about.shebang(path)
    if named:
        return named
    head = paths.read(path, 4096) or b""
    if head.startswith(b"#!") and re.match(br"#!\s*/usr/bin/env\s+python", head):
        for name in ("python3", "python"):
            near = os.path.join(os.path.dirname(path), name)
            if os.path.exists(near):
                return near
    return None


def _version_of(python, prefix):
    cfg = interp.read_cfg(os.path.join(prefix, "pyvenv.cfg")) or {}
    text = cfg.get("version") or cfg.get("version_info")
    if text:
        return re.match(r"[\d.]*", text).group(0).strip(".") or None
    for name in (os.path.basename(os.path.realpath(python)), os.path.basename(python)):
        found = re.match(r"(?:python|pypy)(\d+\.\d+)", name)
        if found:
            return found.group(1)
    return None
