"""conda's own books, read as files: who owns which distribution, which environment this is, how conda would act here.

``conda-meta/NAME-VERSION-BUILD.json`` is the record of one installed package; its ``files`` name the metadata folders
of the distributions that came with it. No conda is run.
"""
import json
import os
import re

import dists
import metadata
import paths
from patterns import compiled

NAMES = ("conda.env", "conda.packages", "conda.owned", "conda.root", "conda.base", "conda.frozen", "conda.pinned",
         "conda.channels", "conda.specs", "conda.exe")
RECORD_CAP = 16 << 20  # bytes; torch's record with 12,000 files has about 4 MiB
MOST = 3000  # records; an Anaconda with everything has 500
_FILE = r"^(.+)-([^-]+)-([^-]+)\.json$"
_CHANNEL = rb'"channel"\s*:\s*"([^"]{1,300})"'
_NEEDS = rb'"depends"\s*:\s*\[([^\]]{0,20000})\]'
_SITE = b"site-packages"
_DIGESTS = b'"paths_data"'
_SIZE = rb'%b[/\\]{1,2}RECORD"[^{}]{0,600}"size_in_bytes"\s*:\s*(\d{1,18})'
_SPECS = r"^# (?:update|install) specs: *\[(.{0,4000})\]"
_CHANNELS = r"(?ms)^channels:[ \t]*\n((?:[ \t]*(?:-[^\n]*|#[^\n]*)?\n)+)|^channels:[ \t]*\[([^\]\n]*)\]"
_USER = r"://[^/@\s]*@"
_TOKEN = r"/t/[^/\s]+"
# packages that decide what the compiled ones find
INTEREST = (
    r"^(python|pytorch.*|libtorch.*|torchvision.*|torchaudio|cudatoolkit|cuda-.*|cudnn|nccl|mkl|intel-openmp|llvm-openmp"
    r"|libstdcxx.*|libgcc.*|numpy|scipy|libblas|openblas|transformers|tokenizers|pillow|ffmpeg|opencv|magma.*|faiss.*|pip"
    r"|cpuonly)$"
)
FRONTS = ("conda", "mamba", "micromamba")  # by how many know their options


def read(ctx):
    """Everything about conda; known absent where this is no conda environment."""
    target = dists.target(ctx)
    if not target.conda:  # a venv made from conda's Python still runs in a conda environment
        return dict(dict.fromkeys(NAMES), **{"conda.env": target.env.get("CONDA_DEFAULT_ENV") or None})
    root = _root(target)
    base = root is not None and paths.same(root, target.prefix)
    packages, owned = _records(ctx, os.path.join(target.prefix, "conda-meta"))
    active = paths.same(target.env.get("CONDA_PREFIX") or "", target.prefix)
    name = target.env.get("CONDA_DEFAULT_ENV") if active else ""
    meta = os.path.join(target.prefix, "conda-meta")
    return {
        "conda.env": name or ("base" if base else os.path.basename(target.prefix)),
        "conda.packages": packages,
        "conda.owned": owned,
        "conda.root": root,
        "conda.base": base if root else None,
        "conda.frozen": "frozen" in paths.quiet_names(meta, target.live),
        "conda.pinned": _lines(paths.text(os.path.join(meta, "pinned")) or ""),
        "conda.channels": _channels(target, root),
        "conda.specs": _specs(paths.text(os.path.join(meta, "history"), 1 << 20) or ""),
        "conda.exe": _front(target, root),
    }


def _root(target):
    """The base environment's folder: this one, the one above ``envs``, or that of the conda that is set up."""
    parent = os.path.dirname(target.prefix)
    above = os.path.dirname(parent)
    if "condabin" in paths.quiet_names(target.prefix, target.live) or _has_conda(target.prefix, target.live):
        return target.prefix
    if os.path.basename(parent) == "envs" and "conda-meta" in paths.quiet_names(above):
        return above
    exe = target.env.get("CONDA_EXE") or ""
    named = target.env.get("MAMBA_ROOT_PREFIX") or (os.path.dirname(os.path.dirname(exe)) if os.path.isabs(exe) else "")
    return os.path.normpath(named) if named and os.path.isabs(named) else None


def _has_conda(prefix, trusted):
    names = paths.quiet_names(os.path.join(prefix, "conda-meta"), trusted)
    return any(re.match(r"conda-\d[^-]*-[^-]+\.json$", name) for name in names)


def _records(ctx, folder):
    """``(packages of interest, records)``: every package with a distribution, and those that others load."""
    have = dists.listing(ctx)
    seen = {dist.entry: dist for dist in have.all if dist.where == "site"}
    packages, owned = {}, []
    for entry in sorted(paths.quiet_names(folder))[:MOST]:
        found = compiled(_FILE).match(entry)
        path = os.path.join(folder, entry)
        data = _head(path) if found else None
        if data is None:
            continue
        name, version, build = found.groups()
        channel = _channel(data)
        interest = compiled(INTEREST).match(name)
        if interest:
            packages[name] = ("%s %s %s" % (version, build, channel)).strip()
        row = {"package": name, "version": version, "build": build, "channel": channel, "needs": _needs(data)}
        folders = sorted(_metadata_folders(data))
        for item in folders:
            there = item in seen and _still(path, seen[item])
            owned.append(dict(row, dist=metadata.normalise(metadata.split_folder(item)[0]), there=there))
        if interest and not folders:
            owned.append(dict(row, dist="", there=True))
    return packages, owned


def _metadata_folders(data):
    """``numpy-1.26.4.dist-info`` and the like right below site-packages: sought by their ends, which are few."""
    found = set()
    for mark in (b".dist-info", b".egg-info"):
        at = data.find(mark)
        while at >= 0:
            start = data.rfind(_SITE, max(at - 220, 0), at)
            name = data[start + len(_SITE):at].lstrip(b"/\\") if start >= 0 else b""
            if name and not set(b'/\\"') & set(name):
                found.add((name + mark).decode("utf-8", "replace"))
            at = data.find(mark, at + len(mark))
    return found


def _head(path):
    """A record up to the digests of its files, which are two thirds of it; all of it where they do not come last."""
    for cap in (65536, 1 << 20, RECORD_CAP):
        data = paths.read(path, cap)
        if data is None or len(data) < cap or _DIGESTS in data:
            return data and data.partition(_DIGESTS)[0]
    return data


def _still(path, dist):
    """The metadata are those of the package, not of the same release that pip or uv has put over it.

    Packages that were built with pip may say so in INSTALLER, too; then the size of RECORD tells.
    """
    if dist.kind != "dist-info" or (paths.text(dist.path("INSTALLER"), 200) or "").strip() not in ("pip", "uv"):
        return True
    size = re.search(_SIZE % re.escape(dist.entry.encode()), paths.read(path, RECORD_CAP) or b"")
    return size is not None and int(size.group(1)) == paths.size(dist.path("RECORD"))


def _channel(data):
    """``conda-forge/linux-64``, without user and token."""
    found = re.search(_CHANNEL, data)
    text = found.group(1).decode("utf-8", "replace") if found else ""
    return "/".join(_bare(text).rstrip("/").split("/")[-2:])


def _bare(url):
    return compiled(_TOKEN).sub("", compiled(_USER).sub("://", url))


def _needs(data):
    """Names of the packages that this one depends on."""
    found = re.search(_NEEDS, data)
    try:
        lines = json.loads("[" + found.group(1).decode("utf-8", "replace") + "]") if found else []
    except ValueError:
        return []
    return sorted({str(line).split(" ")[0].split("=")[0] for line in lines})


def _lines(text):
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")][:100]


def _specs(text):
    """What was asked for by name, the latest request of a package last."""
    found = {}
    for line in text.splitlines():
        match = compiled(_SPECS).match(line)
        for spec in re.findall(r"['\"]([^'\"]{1,200})['\"]", match.group(1)) if match else ():
            name = re.split(r"[\s=<>!~\[]", spec.rpartition("::")[2])[0]
            found.pop(name, None)
            found[name] = spec
    return list(found.values())[-200:]


def _channels(target, root):
    """The configured channels, first choice first; of the nearest ``.condarc`` that names any."""
    home = target.env.get("HOME") or target.env.get("USERPROFILE") or ""
    named = target.env.get("CONDARC") or ""
    files = [os.path.join(target.prefix, ".condarc"), named, os.path.join(home, ".condarc") if home else ""]
    files += [os.path.join(home, ".mambarc")] if home else []
    files += [os.path.join(root, ".condarc")] if root else []
    for path in files:
        body = _small(path) if os.path.isabs(path) else None
        found = compiled(_CHANNELS).search((body or "") + "\n")
        if found:
            words = found.group(2).split(",") if found.group(1) is None else found.group(1).splitlines()
            names = [word.partition("#")[0].strip().lstrip("-").strip().strip("'\"") for word in words]
            return [_bare(name) for name in names if name][:20]
    return []


def _small(path):
    """A file of the user, which may lie on a dead mount."""
    try:
        return paths.bounded(paths.text, path)
    except OSError:
        return None


def _front(target, root):
    """The program that changes this environment."""
    exe = ".exe" if target.windows else ""
    named = [target.env.get("CONDA_EXE"), target.env.get("MAMBA_EXE")]
    folders = [os.path.join(root, part) for part in ("condabin", "bin", "Scripts")] if root else []
    named += [os.path.join(folder, front + exe) for front in FRONTS for folder in folders]
    return next((path for path in named if path and os.path.isabs(path) and _is_file(path)), None)


def _is_file(path):
    try:
        return paths.bounded(os.path.isfile, path)
    except OSError:
        return False


def read_free(ctx):
    """A name that no environment has yet, neither below ``~/venvs`` nor where conda keeps its own."""
    target = dists.target(ctx)
    home = target.env.get("HOME") or target.env.get("USERPROFILE") or ""
    folders = [os.path.join(home, "venvs")] if os.path.isabs(home) else []
    root = _root(target) if target.conda else None
    folders += [os.path.join(root, "envs")] if root else []
    taken = {name for folder in folders for name in paths.quiet_names(folder)}
    names = ["vlm"] + ["vlm-%d" % number for number in range(2, 100)]
    return {"python.free_env": next((name for name in names if name not in taken), "vlm-new")}
