"""Short outputs of system tools and signs of where a text comes from.

nvcc, gcc, cmake, ldd, os-release, the Python banner, docker; WSL, Colab, AutoDL, containers.
"""

from __future__ import annotations

import re

from doctor.ingest.sheet import LISTED, MENTIONED, SAID, Sheet
from doctor.ingest.text import Text

# (literal, pattern, fact, value or None for the first group that took part, rank)
_TABLE: tuple[tuple[str, re.Pattern[str], str, object, int], ...] = tuple(
    (word, re.compile(pattern), fact, value, rank)
    for word, pattern, fact, value, rank in (
        ("cuda compilation tools", r"tools, release [\d.]{3,6}, V([\d.]{3,12})", "cuda.nvcc", None, LISTED),
        ("cuda compilation tools", r"tools, release (\d{1,2}\.\d{1,2})$", "cuda.nvcc", None, LISTED),
        ("gcc (", r"\b(?:gcc|cc) \([^)\n]{1,80}\) (\d{1,2}\.\d{1,2}\.\d{1,2})", "tool.cc", None, LISTED),
        ("gcc version", r"gcc version:? (\d{1,2}(?:\.\d{1,2}){0,2})", "tool.cc", None, LISTED),
        ("g++ (", r"g\+\+ \([^)\n]{1,80}\) (\d{1,2}\.\d{1,2}\.\d{1,2})", "tool.cxx", None, LISTED),
        ("cmake version", r"cmake version:? (?:version )?(\d\.\d{1,3}(?:\.\d{1,3})?)", "tool.cmake", None, LISTED),
        ("git version", r"git version (\d[\d.]{1,12}\d)", "tool.git", None, LISTED),
        ("git-lfs/", r"git-lfs/(\d[\d.]{1,12}\d)", "tool.git_lfs", None, LISTED),
        ("docker version", r"Docker version (\d[\d.]{1,12}\d)", "tool.docker", None, LISTED),
        ("ffmpeg version", r"ffmpeg version n?(\d[\d.]{0,12}\d)", "tool.ffmpeg", None, LISTED),
        ("pip ", r"\bpip (\d{1,2}\.\d[\d.]{0,8}) from \S", "pip.version", None, LISTED),
        (
            "(python ",
            r"\bpip [\d.]{3,10} from \S.{0,300}? \(python (\d\.\d{1,2})\)",
            "pip.on_path_python",
            None,
            LISTED,
        ),
        ("version_id=", r"VERSION_ID=\"?([\d.]{1,12})", "os.distro_version", None, LISTED),
        ("id=", r"^ID=\"?([a-z]{2,20})\"?$", "os.distro", None, LISTED),
        ("python 3.", r"^(?:>>> )?Python (3\.\d{1,2}\.\d{1,2}\w{0,4})(?: [|(]|$)", "python.version", None, LISTED),
        ("python 2.7", r"^Python (2\.7\.\d{1,2})(?: [|(]|$)", "python.version", None, LISTED),
        (" on linux", r"\].{0,80} on linux$", "os.name", "linux", LISTED),
        (" on win32", r"\].{0,80} on win32$", "os.name", "windows", LISTED),
        (" on darwin", r"\].{0,80} on darwin$", "os.name", "darwin", LISTED),
        ("macos-", r"\bmacOS-1\d\.", "os.name", "darwin", SAID),
        ("linux ", r"^Linux \S{1,64} (\d\.\d[\w.-]{3,60}) #", "os.kernel", None, LISTED),
        ("microsoft-standard-wsl2", r"WSL2", "host.wsl", 2, SAID),
        ("microsoft corporation", r"^Microsoft Windows \[", "os.name", "windows", SAID),
        ("nvidia-container-cli", r"nvidia-container-cli", "host.container", "docker", MENTIONED),
        ("response from daemon", r"Error response from daemon", "host.container", "docker", MENTIONED),
        ("root@", r"root@[0-9a-f]{12}:", "host.container", "docker", MENTIONED),
        ("slurm", r"slurmstepd: |SLURM_JOB_ID|(?:^|[$#] )(?:srun|salloc) -|slurm_script", "host.slurm", True, SAID),
        ("srun -", r"(?:^|[$#] )srun -", "host.slurm", True, SAID),
        ("autodl", r"/root/autodl-(?:tmp|fs|nas)|autodl-container", "host.rented", "autodl", SAID),
        ("winerror", r"\[WinError \d", "os.name", "windows", MENTIONED),
        (".dll", r"[\w.]\.dll\b", "os.name", "windows", MENTIONED),
        ("ps c:\\", r"PS C:\\", "os.name", "windows", SAID),
        ("/content/", r"(?:^|[\s\"'])/content/", "host.notebook", "colab", MENTIONED),
        ("/kaggle/", r"/kaggle/(?:working|input)", "host.notebook", "kaggle", MENTIONED),
        ("cell in[", r"Cell In ?\[", "host.notebook", "jupyter", MENTIONED),
    )
)


def read(text: Text, sheet: Sheet) -> bool:
    """Every row of the table; a line that the pattern fits gives the fact. True for the output of nvcc."""
    for word, pattern, fact, value, rank in _TABLE:
        if word not in text.low:
            continue
        for row in text.rows(word, most=4):
            match = pattern.search(text.lines[row][:1000])
            if match:
                sheet.put(fact, match.group(1) if value is None else value, rank)
    seen = "cuda compilation tools" in text.low
    if seen:
        sheet.kind("nvcc")
    return seen
