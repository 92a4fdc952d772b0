"""The file systems under the folders that matter: room, inodes, kind, permission."""

import os
import re

import apart
import paths
from patterns import compiled
from wire import Group

NETWORK = frozenset("""nfs nfs3 nfs4 cifs 9p ceph lustre gpfs glusterfs afs fuse.sshfs fuse.juicefs fuse.s3fs
fuse.rclone fuse.goofys fuse.glusterfs fuse.ossfs fuse.cosfs""".split())
NETWORK_HEADS = ("smb", "beegfs", "fuse.alluxio")
PSEUDO = (
    "proc",
    "sysfs",
    "tmpfs",
    "devtmpfs",
    "devpts",
    "cgroup",
    "cgroup2",
    "mqueue",
    "squashfs",
    "autofs",
    "nsfs",
    "securityfs",
    "debugfs",
)
DATA = (
    r"(?:/root/autodl-(?:tmp|fs)|/data\w*(?:/[^/]+)?|/mnt/[^/]+|/media/[^/]+/[^/]+|/hy-tmp|/workspace"
    r"|/openbayes/\w+(?:/\w+)?|/nvme\w*|/ssd\w*|/scratch\w*)$"
)
DATA_CAP = 8


def mounts():
    """``[(mount point, file system type, options)]``, the last mounted of one point wins; [] without /proc."""
    table = {}
    for line in (paths.text("/proc/self/mounts", 1 << 20) or "").splitlines():
        fields = line.split(" ")
        if len(fields) > 3:
            point = fields[1]
            if "\\" in point:
                point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), point)
            table[point] = (point, fields[2], fields[3].split(","))
    return list(table.values())


def mount_of(path, table):
    """The mount that a path lies on, by its name alone: no file system is asked."""
    best = None
    for row in table:
        point = row[0].rstrip("/")
        if (path == row[0] or path.startswith(point + "/")) and (
            best is None or len(point) >= len(best[0].rstrip("/"))
        ):
            best = row
    return best


def roles(ctx, table):
    """``[(role, path)]``: the folders that matter, from variables alone."""
    env = ctx["env"]
    home = env.get("HOME") or env.get("USERPROFILE") or ""
    cache = env.get("XDG_CACHE_HOME") or os.path.join(home or "/", ".cache")
    hf_home = _expand(env.get("HF_HOME") or os.path.join(cache, "huggingface"), home)
    hub = env.get("HF_HUB_CACHE") or env.get("HUGGINGFACE_HUB_CACHE")
    wanted = [
        ("hf_home", hf_home),
        ("hf_cache", _expand(hub, home) if hub else os.path.join(hf_home, "hub")),
        (
            "tmp",
            next(
                (env[name] for name in ("TMPDIR", "TEMP", "TMP") if env.get(name)),
                "/tmp" if os.name == "posix" else home,
            ),
        ),
        ("home", home),
        ("cwd", ctx.get("cwd") or ""),
        ("pip_cache", env.get("PIP_CACHE_DIR") or _pip_cache(cache, env)),
        ("root", os.path.abspath(os.sep)),
    ]
    points = sorted(point for point, kind, _ in table if kind not in PSEUDO and compiled(DATA).match(point))
    wanted.extend(("data", point) for point in points[:DATA_CAP])
    return [(role, _absolute(path, ctx.get("cwd"))) for role, path in wanted if path]


def _pip_cache(cache, env):
    if os.name == "nt":
        return os.path.join(env.get("LOCALAPPDATA") or cache, "pip", "Cache")
    return os.path.join(cache, "pip")


def _expand(path, home):
    return home + path[1:] if home and (path == "~" or path.startswith("~/")) else path


def _absolute(path, cwd):
    return os.path.normpath(path if os.path.isabs(path) else os.path.join(cwd or os.sep, path))


def on_network(kind):
    """Is a file system of this kind served by another machine?"""
    return kind in NETWORK or kind.startswith(NETWORK_HEADS)


def _mount_facts(mount):
    return {"mount": mount[0], "fstype": mount[1], "network": on_network(mount[1])}


def look(path, table):
    """One record without its role; asks the file system."""
    there = path
    exists = os.path.exists(path)
    while not os.path.exists(there) and os.path.dirname(there) != there:
        there = os.path.dirname(there)
    real = os.path.realpath(there)
    status = os.stat(there)
    record = {"path": path, "exists": exists, "writable": os.access(there, os.W_OK)}
    mount = mount_of(real, table)
    if mount:
        record.update(_mount_facts(mount))
    if hasattr(os, "statvfs"):
        room = os.statvfs(there)
        record.update(
            size=room.f_blocks * room.f_frsize,
            free=room.f_bavail * room.f_frsize,
            inodes_free=room.f_favail if room.f_files else None,
            read_only=bool(room.f_flag & 1),
            system=status.st_dev == os.stat(os.sep).st_dev,
            owner_ok=status.st_uid == os.geteuid(),
        )
    else:
        record.update(_room_windows(there))
    return record


def _room_windows(path):
    import shutil

    usage = shutil.disk_usage(path)
    return {
        "size": usage.total,
        "free": usage.free,
        "system": os.path.splitdrive(path)[0].upper() == os.environ.get("SystemDrive", "C:").upper(),
    }


def read_disks(ctx):
    """A folder that does not answer keeps what its name tells; ``_silent`` says why the rest is missing."""
    table = mounts()
    wanted = roles(ctx, table)
    answers, errors = apart.ask({path for _, path in wanted}, lambda path: look(path, table), ctx["deadline"] * 0.7)
    records = []
    for role, path in wanted:
        record = dict(answers.get(path) or {"path": path}, role=role)
        if path in errors:
            mount = mount_of(path, table)
            record.update(_mount_facts(mount) if mount else {})
        records.append(record)
    return {
        "disks": records,
        "_silent": {"disks.%s" % role: "%s: %s" % (path, errors[path]) for role, path in wanted if path in errors},
    }


GROUPS = [Group(("disks",), read_disks, risky=True)]
