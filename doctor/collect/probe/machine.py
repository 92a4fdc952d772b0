"""Facts about the operating system, the hardware, the loader, the tools and the disks (part ``machine``)."""

import disks
import hardware
import host
import loader
import named
import scout
import tools
from wire import Group

GROUPS = (
    [
        Group(("_target",), scout.read_target, risky=True),
        Group(("_smi",), scout.read_smi, risky=True),
    ]
    + host.GROUPS
    + hardware.GROUPS
    + disks.GROUPS
    + loader.GROUPS
    + tools.GROUPS
    + named.GROUPS
)
