"""Operating system, C library, and what kind of place this is: container, WSL, CI, notebook, rented box."""

import os
import re
import sys
import time

import paths
import scout
from program import asked
from wire import Group

CI = (
    ("GITHUB_ACTIONS", "github"),
    ("GITLAB_CI", "gitlab"),
    ("JENKINS_URL", "jenkins"),
    ("TRAVIS", "travis"),
    ("CIRCLECI", "circleci"),
    ("BUILDKITE", "buildkite"),
    ("TF_BUILD", "azure"),
    ("CI", "ci"),
)
NOTEBOOKS = (
    ("COLAB_RELEASE_TAG", "colab"),
    ("COLAB_GPU", "colab"),
    ("KAGGLE_KERNEL_RUN_TYPE", "kaggle"),
    ("JPY_SESSION_NAME", "jupyter"),
    ("JPY_PARENT_PID", "jupyter"),
)
# Services that rent GPUs, by variables their images set and by places only they have.
RENTED_ENV = (
    ("AutoDLContainerUUID", "autodl"),
    ("AutoDLRegion", "autodl"),
    ("AutoDLDataCenter", "autodl"),
    ("AutoDLServiceURL", "autodl"),
    ("AutoDLService6006URL", "autodl"),
    ("RUNPOD_POD_ID", "runpod"),
    ("VAST_CONTAINERLABEL", "vast"),
    ("MODAL_TASK_ID", "modal"),
)
RENTED_PATHS = (
    ("/etc/network_turbo", "autodl"),
    ("/root/autodl-tmp", "autodl"),
    ("/root/autodl-fs", "autodl"),
    ("/hy-tmp", "gpushare"),
    ("/openbayes", "openbayes"),
)
CONTAINER_MARKS = (
    ("kubepods", "kubernetes"),
    ("docker", "docker"),
    ("libpod", "podman"),
    ("/lxc/", "lxc"),
    ("containerd", "containerd"),
)


def os_release():
    """os-release as a dict."""
    text = paths.text("/etc/os-release") or paths.text("/usr/lib/os-release") or ""
    found = {}
    for line in text.splitlines():
        key, sep, value = line.partition("=")
        if sep:
            found[key.strip()] = value.strip().strip("\"'")
    return found


def read_os(ctx):
    name = {"win32": "windows", "darwin": "darwin"}.get(
        sys.platform, "linux" if sys.platform.startswith("linux") else sys.platform
    )
    facts = {"os.name": name}
    if hasattr(os, "uname"):
        kernel = os.uname()
        numbers = re.match(r"\d+(?:\.\d+)*", kernel.release)
        facts.update(
            {"os.arch": kernel.machine, "os.kernel": kernel.release, "os.kernel_version": numbers and numbers.group()}
        )
    else:
        version = sys.getwindowsversion()
        text = "%d.%d.%d" % (version.major, version.minor, version.build)
        facts.update(
            {"os.arch": ctx["env"].get("PROCESSOR_ARCHITECTURE"), "os.kernel": text, "os.kernel_version": text}
        )
    release = os_release()
    if name != "linux" or release:
        facts.update({"os.distro": release.get("ID"), "os.distro_version": release.get("VERSION_ID")})
    else:
        facts.update({"?os.distro": "no os-release", "?os.distro_version": "no os-release"})
    return facts


def read_libc(_ctx):
    try:
        name, version = os.confstr("CS_GNU_LIBC_VERSION").split()
        return {"libc.name": name, "libc.version": version}
    except (AttributeError, ValueError, OSError):
        pass  # not glibc: the name is not known to confstr
    if any(n.startswith("ld-musl-") for n in paths.quiet_names("/lib", trusted=True)):
        return {"libc.name": "musl", "?libc.version": "left open: musl does not tell its version without being run"}
    return {"libc.name": None, "libc.version": None}


def _first(table, env):
    return next((name for variable, name in table if env.get(variable)), None)


def container(env):
    """The kind of container, ``None`` on bare metal and in virtual machines."""
    if env.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if env.get("APPTAINER_CONTAINER") or env.get("SINGULARITY_CONTAINER"):
        return "apptainer"
    if os.path.exists("/.dockerenv"):
        return "docker"
    if os.path.exists("/run/.containerenv"):
        return "podman"
    named = env.get("container") or (paths.text("/run/systemd/container") or "").strip()
    if named and named != "wsl":
        return named[:40]
    groups = paths.text("/proc/1/cgroup") or ""
    return next((kind for mark, kind in CONTAINER_MARKS if mark in groups), None)


def _gpu_runtime(inside):
    if not inside:
        return False
    mounts = paths.text("/proc/mounts", 1 << 20) or ""
    injected = re.search(
        r"^\S+ \S*(?:/proc/driver/nvidia|/nvidia-smi|/libcuda\.so|/libnvidia-ml\.so)\S* ", mounts, re.MULTILINE
    )
    return bool(injected) or os.path.exists("/dev/nvidiactl") or os.path.exists("/dev/dxg")


def wsl():
    """1 or 2 inside WSL; its kernels call themselves Microsoft."""
    release = os.uname().release if hasattr(os, "uname") else ""
    if "microsoft" not in release.lower():
        return None
    return 2 if "WSL2" in release or "microsoft-standard" in release else 1


def read_host(ctx):
    env = ctx["env"]
    inside = container(env)
    return {
        "host.root": hasattr(os, "geteuid") and os.geteuid() == 0,
        "host.container": inside,
        "host.container_gpu_runtime": _gpu_runtime(inside),
        "host.wsl": wsl(),
        "host.ci": _first(CI, env),
        "host.notebook": _first(NOTEBOOKS, env),
        "host.slurm": bool(env.get("SLURM_JOB_ID")),
        "host.kubernetes": bool(env.get("KUBERNETES_SERVICE_HOST")) or os.path.isdir("/var/run/secrets/kubernetes.io"),
        "host.network_turbo": os.path.exists("/etc/network_turbo"),
        "host.jetson": _jetson(),
        "host.rocm": os.path.exists("/dev/kfd") and os.path.isdir("/sys/module/amdgpu"),
        "host.apple_gpu": sys.platform == "darwin" and os.uname().machine == "arm64",
        "host.clock_year": time.gmtime().tm_year,
        "host.name": os.uname().nodename if hasattr(os, "uname") else env.get("COMPUTERNAME"),
        "host.locale_encoding": locale_encoding(env),
    }


def _jetson():
    model = (paths.text("/proc/device-tree/model") or "").strip("\0 \n")
    if "Jetson" in model or ("NVIDIA" in model and os.path.exists("/etc/nv_tegra_release")):
        return model
    return "Tegra" if os.path.exists("/etc/nv_tegra_release") else None


def locale_encoding(env):
    """Encoding that the locale variables ask for. This process itself may have been coerced to UTF-8."""
    if os.name == "nt":
        import locale

        name = locale.getpreferredencoding(False).lower()
        return {"cp936": "gbk", "cp65001": "utf-8"}.get(name, name)
    name = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or "C"
    encoding = name.partition(".")[2].partition("@")[0].lower()
    if sys.platform == "darwin" and not encoding:
        return "utf-8"
    if encoding in ("utf8", "utf-8"):
        return "utf-8"
    return encoding or ("ascii" if name in ("C", "POSIX") else "iso-8859-1")


def read_user(ctx):
    """Asks the account data base, which may be a server on the network."""
    name = ctx["env"].get("USER") or ctx["env"].get("LOGNAME") or ctx["env"].get("USERNAME")
    home = ctx["env"].get("HOME") or ctx["env"].get("USERPROFILE")
    try:
        import pwd

        entry = pwd.getpwuid(os.getuid())
        name, home = entry.pw_name, home or entry.pw_dir
    except (ImportError, KeyError):
        pass  # Windows, or a uid without an account
    return {"host.user": name, "_home": home}


def read_rented(ctx):
    by_path = next((name for path, name in RENTED_PATHS if os.path.exists(path)), None)
    return {"host.rented": _first(RENTED_ENV, ctx["env"]) or by_path}


def read_slurm_tools(ctx):
    return {"host.slurm_tools": scout.find(("sbatch", "srun"), ctx["env"])[0] is not None}


def _asks_ports(ctx):
    env = ctx["env"]
    mirrors = [env.get(name) or "" for name in ("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "HF_ENDPOINT")]
    local = any("://127." in address or "://localhost" in address for address in mirrors)
    return local or any(name.lower().endswith("_proxy") for name in env) or bool(asked(ctx))


def read_listening(ctx):
    """Ports from the kernel's own tables; nothing is connected to. Asked for by a program's servers and by proxies.

    Making that table is the kernel's work for 10 ms on a busy machine, more than all other facts of this file.
    """
    if not _asks_ports(ctx):
        return {"?host.listening": "left open: neither a program nor a proxy asks for it"}
    ports, seen = set(), False
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        text = paths.text(name, 1 << 20)
        seen = seen or text is not None
        for line in (text or "").splitlines()[1:]:
            fields = line.split()
            if len(fields) > 3 and fields[3] == "0A":
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return {"host.listening": sorted(ports)[:200]} if seen else {"?host.listening": "no /proc/net/tcp"}


def read_interfaces(ctx):
    """Names under /sys/class/net, asked for by the variables that choose one."""
    if not any(ctx["env"].get(name) for name in ("NCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME")):
        return {"?host.interfaces": "left open: no variable names one"}
    try:
        return {"host.interfaces": sorted(os.listdir("/sys/class/net"))[:100]}
    except OSError as error:
        return {"?host.interfaces": "/sys/class/net: %s" % error.strerror}


OS = ("os.name", "os.arch", "os.kernel", "os.kernel_version", "os.distro", "os.distro_version")
HOST = (
    "host.root",
    "host.container",
    "host.container_gpu_runtime",
    "host.wsl",
    "host.ci",
    "host.notebook",
    "host.slurm",
    "host.kubernetes",
    "host.network_turbo",
    "host.jetson",
    "host.rocm",
    "host.apple_gpu",
    "host.clock_year",
    "host.name",
    "host.locale_encoding",
)
GROUPS = [
    Group(OS, read_os),
    Group(("libc.name", "libc.version"), read_libc),
    Group(HOST, read_host),
    Group(("host.listening",), read_listening, risky=True),
    Group(("host.interfaces",), read_interfaces, risky=True),
    Group(("host.user",), read_user, risky=True),
    Group(("host.rented",), read_rented, risky=True),
    Group(("host.slurm_tools",), read_slurm_tools, risky=True),
]
