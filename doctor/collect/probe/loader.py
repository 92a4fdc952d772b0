"""What the dynamic loader would take: overriding libraries, the system's libstdc++, libcuda and NVML library."""

import os
import re

import apart
import paths
import scout
from patterns import compiled, whole
from wire import Group

LIBRARY = (
    r"(lib(?:cudart|cublas|cublasLt|cudnn(?:_\w+)?|nccl|nvrtc|nvJitLink|cusparse|cusparseLt|cufft|curand|cusolver|cupti|nvToolsExt|"
    r"stdc\+\+|gomp|iomp5|cuda|nvidia-ml))\.so((?:\.\d+)*)$"
)
ENTRY_CAP = 64  # entries of LD_LIBRARY_PATH that are looked at
SCAN_CAP = 16 << 20  # bytes of a libstdc++ read to find its version tags
HEAD = 4 << 20  # bytes that hold the names of a library's functions
JITLINK = rb"__nvJitLink\w{3,30}_(1\d)_(\d{1,2})\x00"
WHEEL = r"nvidia[_-]([a-z_]+?)(?:[_-]cu\d\d)?-(\d[\d.]*)\.dist-info$"
TAG = rb"GLIBCXX_(3\.4(?:\.\d{1,3})?)\x00"
CACHE = "/etc/ld.so.cache"
FOLDERS = (
    "/usr/lib/wsl/lib",
    "/usr/lib/{arch}-linux-gnu",
    "/lib/{arch}-linux-gnu",
    "/usr/lib64",
    "/lib64",
    "/usr/local/nvidia/lib64",
    "/usr/lib",
    "/lib",
)


def entries(value, separators=":"):
    """Entries of a search list as written; an empty one means the current folder and is kept as ``.``."""
    if not value:
        return []
    parts = re.split("[%s]" % re.escape(separators), value)
    return [part or "." for part in parts][: ENTRY_CAP * 4]


def by_number(text):
    return [whole(part) for part in text.split(".") if whole(part) is not None]


def glibcxx(path):
    """Highest GLIBCXX tag: libstdc++.so.6.0.N carries up to 3.4.N; without that name the file's own strings."""
    named = re.search(r"libstdc\+\+\.so\.6\.0\.(\d+)$", os.path.realpath(path))
    if named:
        return "3.4." + named.group(1)
    tags = {tag.decode() for tag in compiled(TAG).findall(paths.read(path, SCAN_CAP) or b"")}
    return max(tags, key=by_number) if tags else None


def release(path, soname):
    """Release of a library whose file name tells the major alone, as wheels have it: by its record, or inside."""
    parts = os.path.realpath(path).split(os.sep)
    if len(parts) > 4 and parts[-4] == "nvidia" and parts[-2] == "lib":
        for name in paths.quiet_names(os.sep.join(parts[:-4])):
            found = compiled(WHEEL).match(name)
            if found and found.group(1) == parts[-3]:
                return found.group(2)
    if soname == "libnvJitLink":
        inside = compiled(JITLINK).findall(paths.read(path, HEAD) or b"")
        return "%d.%d" % max((int(major), int(minor)) for major, minor in inside) if inside else None
    return None


def describe(path, via):
    """The record of one library file."""
    real = os.path.realpath(path)
    match, real_match = compiled(LIBRARY).match(os.path.basename(path)), compiled(LIBRARY).match(os.path.basename(real))
    version = ((real_match or match).group(2) or match.group(2)).lstrip(".") or None
    if version and "." not in version:
        version = release(path, match.group(1)) or version
    parts = os.path.dirname(real).split(os.sep) + os.path.dirname(path).split(os.sep)
    via = "stubs" if "stubs" in parts else "compat" if "compat" in parts else via
    record = {
        "soname": match.group(1),
        "path": path,
        "version": version,
        "major": int(version.split(".")[0]) if version else None,
        "via": via,
    }
    if match.group(1) == "libstdc++":
        record["glibcxx"] = glibcxx(path)
    return record


def libraries(folder, via):
    """Records of one folder, one for each library and major number. Links without a number serve compilers only."""
    best = {}
    for name in sorted(os.listdir(folder)):
        match = compiled(LIBRARY).match(name)
        if match is None or (not match.group(2) and match.group(1) != "libcuda"):
            continue
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            key = (match.group(1), match.group(2).split(".")[1] if match.group(2) else "")
            if key not in best or len(name) < len(os.path.basename(best[key])):
                best[key] = path  # the shortest name is the one that is asked for
    return [describe(path, via) for path in best.values()]


def read_overrides(ctx):
    env = ctx["env"]
    folders = [e for e in entries(env.get("LD_LIBRARY_PATH")) if os.path.isabs(e)][:ENTRY_CAP]
    preload = entries(env.get("LD_PRELOAD"), ": ")
    prefix = ctx.get("prefix") or env.get("CONDA_PREFIX")
    conda = os.path.join(prefix, "lib") if prefix and os.path.isabs(prefix) else None
    jobs = {("LD_LIBRARY_PATH", folder) for folder in folders} | {("LD_PRELOAD", path) for path in preload}
    if conda:
        jobs.add(("conda", conda))
    answers, errors = apart.ask(jobs, _look, ctx["deadline"] * 0.6)
    order = (
        [("LD_PRELOAD", p) for p in preload]
        + [("LD_LIBRARY_PATH", f) for f in folders]
        + ([("conda", conda)] if conda else [])
    )
    taken, records = set(), []
    for job in order:
        for record in answers.get(job, ()):
            key = (record["soname"], record["major"])
            if key not in taken:
                taken.add(key)
                records.append(record)
    silent = ["%s: %s" % (path, why) for (_, path), why in sorted(errors.items()) if "no answer" in why]
    return {"ld.overrides": records, "_silent": {"ld.overrides": "; ".join(silent)} if silent else {}}


def _look(job):
    via, path = job
    if via == "LD_PRELOAD":
        found = compiled(LIBRARY).match(os.path.basename(path)) and os.path.isfile(path)
        return [describe(path, via)] if found else []
    if via == "conda" and not os.path.isdir(os.path.join(os.path.dirname(path), "conda-meta")):
        return []
    return libraries(path, via) if os.path.isdir(path) else []


def read_lists(ctx):
    env = ctx["env"]
    return {"ld.library_path": entries(env.get("LD_LIBRARY_PATH")), "ld.preload": entries(env.get("LD_PRELOAD"), ": ")}


def _cached(tail, cache):
    """The texts of the loader's cache that are paths with this end."""
    end = cache.find(tail)
    while end >= 0:
        start = cache.rfind(b"\0", 0, end) + 1
        if cache[start:start + 1] == b"/" and start < end:
            yield cache[start:end + len(tail) - 1]
        end = cache.find(tail, end + 1)


def system_library(soname, cache):
    """Path of ``soname`` by the loader's cache, then by its usual folders, for this machine's own CPU."""
    found = list(map(os.fsdecode, _cached(b"/%s\0" % soname.encode(), cache)))
    arch = os.uname().machine
    found += [os.path.join(folder.format(arch=arch), soname) for folder in FOLDERS]
    return next((path for path in found if scout.same_cpu(path)), None)


def read_system(ctx):
    """libcuda, NVML and libstdc++ as a program started now would get them."""
    if not hasattr(os, "uname") or os.uname().sysname != "Linux":
        return dict.fromkeys(
            ("libstdcxx.max", "libstdcxx.path", "driver.libcuda", "driver.libcuda_path", "_nvml_library")
        )
    cache = paths.read(CACHE, 8 << 20) or b""
    first = [e for e in entries(ctx["env"].get("LD_LIBRARY_PATH")) if os.path.isabs(e)][:ENTRY_CAP]
    found = {}
    for soname in ("libstdc++.so.6", "libcuda.so.1", "libnvidia-ml.so.1"):
        override = next((p for p in (os.path.join(folder, soname) for folder in first) if os.path.lexists(p)), None)
        found[soname] = override or system_library(soname, cache)
    cuda, cxx = found["libcuda.so.1"], found["libstdc++.so.6"]
    version = re.search(r"libcuda\.so\.(\d+\.[\d.]*\d)$", os.path.realpath(cuda)) if cuda else None
    return {
        "libstdcxx.path": cxx,
        "libstdcxx.max": glibcxx(cxx) if cxx else None,
        "driver.libcuda_path": cuda,
        ("driver.libcuda" if version or not cuda else "?driver.libcuda"): version.group(1)
        if version
        else "left open: its name tells no version"
        if cuda
        else None,
        "_nvml_library": found["libnvidia-ml.so.1"],
    }


GROUPS = [
    Group(("ld.library_path", "ld.preload"), read_lists),
    Group(("ld.overrides",), read_overrides, risky=True),
    Group(("libstdcxx.max", "libstdcxx.path", "driver.libcuda", "driver.libcuda_path"), read_system, risky=True),
]
