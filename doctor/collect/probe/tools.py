"""Programs on PATH: presence always, a version where file names tell it, since running each costs much."""

import os
import re

import paths
import scout
from wire import Group

PROGRAMS = (
    ("tool.cc", ("cc", "gcc", "clang")),
    ("tool.cxx", ("c++", "g++", "clang++")),
    ("tool.cmake", ("cmake",)),
    ("tool.ninja", ("ninja", "ninja-build")),
    ("tool.make", ("make", "gmake")),
    ("tool.ffmpeg", ("ffmpeg",)),
    ("tool.git", ("git",)),
    ("tool.git_lfs", ("git-lfs",)),
    ("tool.uv", ("uv",)),
    ("tool.conda", ("conda", "mamba", "micromamba")),
    ("tool.docker", ("docker",)),
)
EXTRA = ("pip", "nvcc", "gcc", "clang", "ld")  # only their paths
# libavutil's major number belongs to one release series of ffmpeg (its own release notes).
AVUTIL = {"55": "3", "56": "4", "57": "5", "58": "6", "59": "7", "60": "8"}


def read_tools(ctx):
    facts, where = {}, {}
    for fact, names in PROGRAMS:
        path, why = scout.find(_with_suffix(names), ctx["env"])
        if path is None or why:
            facts[fact] = None
            continue
        where[os.path.basename(path)] = path
        version = _version(fact, path)
        facts[fact if version else "?" + fact] = version or "left open: the version of %s" % path
    for name in EXTRA:
        path, why = scout.find(_with_suffix((name,)), ctx["env"])
        if path and not why:
            where.setdefault(name, path)
    facts["tool.paths"] = where
    return facts


def _with_suffix(names):
    return tuple(n + ".exe" for n in names) if os.name == "nt" else names


def _version(fact, path):
    real = os.path.realpath(path)
    prefix = os.path.dirname(os.path.dirname(real))
    if fact in ("tool.cc", "tool.cxx"):
        return _compiler(real, prefix)
    if fact == "tool.cmake":
        return _newest(paths.quiet_names(os.path.join(prefix, "share")), r"cmake-(\d+\.\d+(?:\.\d+)?)$")
    if fact == "tool.conda":
        return _newest(
            paths.quiet_names(os.path.join(prefix, "conda-meta")),
            r"(?:conda|mamba|micromamba)-(\d+\.\d[\d.]*)-\w+\.json$",
        )
    if fact == "tool.ffmpeg":
        return _ffmpeg(prefix)
    return None


def _compiler(real, prefix):
    """From the file's own name (x86_64-linux-gnu-gcc-12, /usr/lib/llvm-14/bin/clang) or gcc's folder of headers."""
    named = re.search(r"(?:gcc|g\+\+|clang|clang\+\+)-(\d+(?:\.\d+)*)$", os.path.basename(real)) or re.search(
        r"/llvm-(\d+(?:\.\d+)?)/", real
    )
    if named:
        return named.group(1)
    found = []
    for triple in paths.quiet_names(os.path.join(prefix, "lib", "gcc")):
        found += paths.quiet_names(os.path.join(prefix, "lib", "gcc", triple))
    return _newest(found, r"(\d+(?:\.\d+)*)$")


def _ffmpeg(prefix):
    folders = [
        os.path.join(prefix, "lib"),
        os.path.join(prefix, "lib", "x86_64-linux-gnu"),
        os.path.join(prefix, "lib64"),
        os.path.join(prefix, "lib", "aarch64-linux-gnu"),
    ]
    for folder in folders:
        major = _newest(paths.quiet_names(folder), r"libavutil\.so\.(\d+)$")
        if major in AVUTIL:
            return AVUTIL[major]
    return None


def _newest(names, pattern):
    found = [m.group(1) for m in map(re.compile(pattern).match, names) if m]
    return max(found, key=lambda v: [int(x) for x in v.split(".") if x]) if found else None


GROUPS = [Group(tuple(fact for fact, _ in PROGRAMS) + ("tool.paths",), read_tools, risky=True)]
