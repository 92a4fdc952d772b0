"""CPU, memory, control groups and resource limits. All from the kernel, so nothing here can hang."""

import os
import re
import sys

import paths
from patterns import whole
from wire import Group

FLAGS = (
    "sse4_2",
    "ssse3",
    "avx",
    "avx2",
    "fma",
    "f16c",
    "bmi2",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "avx_vnni",
    "amx_tile",
    "asimd",
    "asimddp",
    "asimdhp",
    "sve",
    "bf16",
    "i8mm",
)
LIMITS = {
    "limit.as": "RLIMIT_AS",
    "limit.memlock": "RLIMIT_MEMLOCK",
    "limit.nofile": "RLIMIT_NOFILE",
    "limit.nproc": "RLIMIT_NPROC",
    "limit.fsize": "RLIMIT_FSIZE",
}
NO_LIMIT = 1 << 60  # cgroup v1 writes a huge page-rounded number for "no limit"


def read_cpu(_ctx):
    facts = {"cpu.count": _cpu_count()}
    text = paths.text("/proc/cpuinfo", 16384)
    if not text:
        return facts
    fields = {}
    for line in text.splitlines():
        key, sep, value = line.partition(":")
        if sep:
            fields.setdefault(key.strip(), value.strip())
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    if flags:
        facts["cpu.flags"] = [flag for flag in FLAGS if flag in flags]
    model = fields.get("model name") or fields.get("Model") or fields.get("Hardware")
    if model:
        facts["cpu.model"] = model
    return facts


def _cpu_count():
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return os.cpu_count()


def read_memory(_ctx):
    table = {}
    for line in (paths.text("/proc/meminfo") or "").splitlines():
        found = re.match(r"(\w+):\s+(\d+) kB", line)
        if found:
            table[found.group(1)] = int(found.group(2)) * 1024
    if not table:
        return _memory_elsewhere()
    names = {"mem.total": "MemTotal", "mem.available": "MemAvailable", "swap.total": "SwapTotal"}
    facts = {fact: table[key] for fact, key in names.items() if key in table}
    if "SwapTotal" in table and "SwapFree" in table:
        facts["swap.used"] = table["SwapTotal"] - table["SwapFree"]
    return facts


def _memory_elsewhere():
    if sys.platform == "win32":
        return _memory_windows()
    page = os.sysconf("SC_PAGE_SIZE")
    return {"mem.total": os.sysconf("SC_PHYS_PAGES") * page}


def _memory_windows():
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong)
            for name in ("total", "free", "page_total", "page_free", "virt_total", "virt_free", "extended")
        ]

    status = Status(length=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return {}
    return {"mem.total": status.total, "mem.available": status.free}


def _groups():
    """``{controller: path}`` of /proc/self/cgroup; "" is the unified hierarchy."""
    found = {}
    for line in (paths.text("/proc/self/cgroup") or "").splitlines():
        parts = line.split(":", 2)
        if len(parts) == 3:
            for controller in parts[1].split(","):
                found[controller] = parts[2]
    return found


def _upwards(root, path):
    """The group's own folder first, then its parents; a limit of any of them counts."""
    parts = [p for p in path.split("/") if p and p != ".."]
    for count in range(len(parts), -1, -1):
        yield os.path.join(root, *parts[:count])


def _number(text):
    text = (text or "").strip()
    number = whole(text)
    return number if number is not None and number < NO_LIMIT else None


def _smallest(folders, name):
    """The smallest limit written in files ``name``, with what is used in that very group."""
    best = None
    for folder in folders:
        limit = _number(paths.text(os.path.join(folder, name)))
        if limit is not None and (best is None or limit < best[0]):
            best = (limit, folder)
    return best


def read_cgroup(_ctx):
    groups = _groups()
    if not groups:
        return {}
    memory, used, cpu = None, None, None
    if "memory" in groups:
        folders = list(_upwards("/sys/fs/cgroup/memory", groups["memory"]))
        memory, used = _smallest(folders, "memory.limit_in_bytes"), "memory.usage_in_bytes"
    if "" in groups and memory is None:
        folders = list(_upwards("/sys/fs/cgroup", groups[""]))
        memory, used = _smallest(folders, "memory.max"), "memory.current"
        cpu = _quota(paths.text(os.path.join(f, "cpu.max")) for f in folders)
    if cpu is None and "cpu" in groups:
        cpu = _quota(
            "%s %s"
            % (paths.text(os.path.join(f, "cpu.cfs_quota_us")), paths.text(os.path.join(f, "cpu.cfs_period_us")))
            for f in _upwards("/sys/fs/cgroup/cpu", groups["cpu"])
        )
    return {
        "cgroup.memory_limit": memory and memory[0],
        "cgroup.memory_used": _number(paths.text(os.path.join(memory[1], used))) if memory else None,
        "cgroup.cpu_limit": cpu,
    }


def _quota(texts):
    """The smallest quota in CPUs of ``quota period`` texts; -1 and max mean no limit."""
    found = []
    for text in texts:
        parts = (text or "").split()
        quota, period = (whole(part) for part in parts) if len(parts) == 2 else (None, None)
        if quota is not None and period:
            found.append(round(quota / period, 2))
    return min(found) if found else None


def read_shm(_ctx):
    if not hasattr(os, "statvfs") or not os.path.isdir("/dev/shm"):
        return {"shm.size": None, "shm.free": None}
    stat = os.statvfs("/dev/shm")
    return {"shm.size": stat.f_blocks * stat.f_frsize, "shm.free": stat.f_bavail * stat.f_frsize}


def read_limits(_ctx):
    try:
        import resource
    except ImportError:  # Windows
        return dict.fromkeys(LIMITS)
    facts = {}
    for fact, name in LIMITS.items():
        if hasattr(resource, name):
            soft = resource.getrlimit(getattr(resource, name))[0]
            facts[fact] = None if soft == resource.RLIM_INFINITY else soft
    return facts


GROUPS = [
    Group(("cpu.count", "cpu.model", "cpu.flags"), read_cpu),
    Group(("mem.total", "mem.available", "swap.total", "swap.used"), read_memory),
    Group(("cgroup.memory_limit", "cgroup.memory_used", "cgroup.cpu_limit"), read_cgroup),
    Group(("shm.size", "shm.free"), read_shm),
    Group(tuple(LIMITS), read_limits),
]
