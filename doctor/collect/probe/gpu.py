"""Facts about GPUs and the driver that files of the kernel tell, without a driver call (part ``gpu``)."""

import os
import re

import paths
import toolkits
import visible
from wire import Group

PCI = "/sys/bus/pci/devices"
NVIDIA = "10de"
DISPLAY = ("0x0300", "0x0302", "0x0380", "0x1200")  # VGA, 3D and other display controllers, processing accelerators
NVSWITCH = "0x0680"  # "other bridge" of NVIDIA is an NVSwitch


def _devices():
    for name in sorted(paths.names(PCI, trusted=True)):
        folder = os.path.join(PCI, name)
        kind = (paths.text(folder + "/class", 64) or "").strip()[:6]
        if kind in DISPLAY or kind == NVSWITCH:
            vendor, device = ((paths.text(folder + part, 64) or "").strip()[2:] for part in ("/vendor", "/device"))
            yield kind, vendor, device


def read_pci(_ctx):
    if not os.path.isdir(PCI):
        return {"?%s" % name: "no PCI listing under /sys" for name in ("pci.gpus", "driver.nvswitch")}
    found = list(_devices())
    return {
        "pci.gpus": [{"vendor": vendor, "device": device} for kind, vendor, device in found if kind in DISPLAY],
        "driver.nvswitch": any(kind == NVSWITCH and vendor == NVIDIA for kind, vendor, _ in found),
    }


def read_present(_ctx):
    on_bus = os.path.isdir(PCI) and any(k in DISPLAY and v == NVIDIA for k, v, _ in _devices())
    nodes = any(re.match(r"nvidia\d+$", n) for n in paths.quiet_names("/dev", trusted=True))
    elsewhere = os.path.exists("/dev/dxg") or os.path.exists("/etc/nv_tegra_release")
    if not (on_bus or nodes or elsewhere) and not os.path.isdir(PCI):
        return {"?gpu.present": "no PCI listing under /sys"}
    return {"gpu.present": on_bus or nodes or elsewhere}


def read_module(_ctx):
    """First line: ``NVRM version: NVIDIA UNIX [Open] Kernel Module [for ARCH]  550.54.14  ...``."""
    text = paths.text("/proc/driver/nvidia/version", 4096)
    if not text:
        version = (paths.text("/sys/module/nvidia/version", 64) or "").strip() or None
        return {"driver.kernel_module": version, "driver.open_kernel_module": None}
    found = re.search(r"Kernel Module.*?\s(\d+\.\d[\d.]*)\s", text)
    name = "driver.kernel_module" if found else "?driver.kernel_module"
    return {
        name: found.group(1) if found else "its version line is of an unknown form",
        "driver.open_kernel_module": "Open Kernel Module" in text,
    }


def read_nodes(_ctx):
    records = []
    for name in sorted(paths.names("/dev", trusted=True)):
        if re.match(r"(?:nvidia(?:\d+|ctl|-uvm|-uvm-tools|-modeset)|dxg)$", name):
            path = "/dev/" + name
            records.append({"path": path, "readable": os.access(path, os.R_OK), "writable": os.access(path, os.W_OK)})
    return {"dev.nvidia": records}


def read_visible(ctx):
    entries, problem = visible.parse(ctx["env"].get("CUDA_VISIBLE_DEVICES"))
    return {"cuda.visible": entries, "cuda.visible_problem": problem}


GROUPS = [
    Group(("pci.gpus", "driver.nvswitch"), read_pci),
    Group(("gpu.present",), read_present),
    Group(("driver.kernel_module", "driver.open_kernel_module"), read_module),
    Group(("dev.nvidia",), read_nodes),
    Group(("cuda.visible", "cuda.visible_problem"), read_visible),
] + toolkits.GROUPS
