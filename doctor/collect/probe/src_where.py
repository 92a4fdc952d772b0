"""Where the target's packages lie and which Python it is, when the settings name only its interpreter."""
import os
import re
import sys

import interp
import paths
import scout


def complete(ctx):
    """``(site, path, version)``: as given, of the interpreter ``ctx["target"]`` or the folder ``ctx["prefix"]``.

    ``site`` stays empty when the folders cannot be told; then nothing is said about what is installed.
    """
    if ctx.get("itself"):
        return _of(interp.Target(ctx))
    if ctx.get("site") or not (ctx.get("target") or ctx.get("prefix")):
        path = ctx.get("path") or _python_path(ctx)
        return ctx.get("site") or [], path, ctx.get("python_version") or sys.version.split()[0].rstrip("+")
    found = ctx if ctx.get("prefix") else scout.read_target(ctx)["_target"]
    if found["prefix"]:
        return _of(interp.Target({"prefix": found["prefix"], "env": ctx.get("env"), "cwd": ctx.get("cwd")}))
    return _system(found["executable"], ctx)


def _of(target):
    site = ([target.user_site] if target.user_enabled else []) + target.sites
    return _there(site), target.pythonpath, target.version_text or target.short()


def _system(executable, ctx):
    """A distribution's own interpreter: Debian's folders have names of their own."""
    real = os.path.realpath(executable or "")
    named = re.search(r"python(3\.\d+)$", real)
    if not named:
        return [], [], ctx.get("python_version")
    short, prefix = named.group(1), os.path.dirname(os.path.dirname(real))
    lib = os.path.join(prefix, "lib")
    names = ("python%s/site-packages" % short, "python%s/dist-packages" % short, "python3/dist-packages")
    site = [os.path.join(prefix, "local", "lib", name) for name in names[:2]]
    site += [os.path.join(lib, name) for name in names]
    return _there(site), _python_path(ctx), short


def _there(folders):
    return [folder for folder in folders if paths.is_dir(folder)]


def _python_path(ctx):
    value = (ctx.get("env") or {}).get("PYTHONPATH") or ""
    return [os.path.normpath(os.path.join(ctx.get("cwd") or ".", part)) for part in value.split(os.pathsep) if part]
