"""Short outputs of system tools: nvcc, gcc, cmake, ldd, os-release, lscpu, the Python banner, docker."""

from __future__ import annotations

import re
from collections.abc import Callable

from doctor.ingest.sheet import MENTIONED, SAID, Sheet
from doctor.ingest.text import Text

_RULES: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str], Sheet], None]], ...] = tuple(
    (words, re.compile(pattern), reader)
    for words, pattern, reader in (
        ("cuda compilation tools", r"Cuda compilation tools, release (\d{1,2}\.\d{1,2})(?:, V([\d.]{3,12}))?", lambda m, s: s.put("cuda.nvcc", m.group(2) or m.group(1))),
        ("gcc (", r"\b(?:gcc|cc) \([^)\n]{1,80}\) (\d{1,2}\.\d{1,2}\.\d{1,2})", lambda m, s: s.put("tool.cc", m.group(1))),
        ("gcc version", r"gcc version:? (\d{1,2}(?:\.\d{1,2}){0,2})", lambda m, s: s.put("tool.cc", m.group(1))),
        ("g++ (", r"g\+\+ \([^)\n]{1,80}\) (\d{1,2}\.\d{1,2}\.\d{1,2})", lambda m, s: s.put("tool.cxx", m.group(1))),
        ("cmake version", r"cmake version:? (?:version )?(\d\.\d{1,3}(?:\.\d{1,3})?)", lambda m, s: s.put("tool.cmake", m.group(1))),
        ("git version", r"git version (\d[\d.]{1,12}\d)", lambda m, s: s.put("tool.git", m.group(1))),
        ("git-lfs/", r"git-lfs/(\d[\d.]{1,12}\d)", lambda m, s: s.put("tool.git_lfs", m.group(1))),
        ("docker version", r"Docker version (\d[\d.]{1,12}\d)", lambda m, s: s.put("tool.docker", m.group(1))),
        ("ffmpeg version", r"ffmpeg version n?(\d[\d.]{0,12}\d)", lambda m, s: s.put("tool.ffmpeg", m.group(1))),
        ("pip ", r"\bpip (\d{1,2}\.\d[\d.]{0,8}) from \S.{0,300}? \(python (\d\.\d{1,2})\)", lambda m, s: (s.put("pip.version", m.group(1)), s.put("pip.on_path_python", m.group(2)))[0]),
        ("version_id=", r"VERSION_ID=\"?([\d.]{1,12})", lambda m, s: s.put("os.distro_version", m.group(1))),
        ("id=", r"^ID=\"?([a-z]{2,20})\"?$", lambda m, s: (s.put("os.distro", m.group(1)), s.put("os.name", "linux"))[0]),
        ("python 3.", r"^(?:>>> )?Python (\d\.\d{1,2}\.\d{1,2}\w{0,4})(?: [|(]|$)", lambda m, s: s.put("python.version", m.group(1))),
        ("python 2.7", r"^Python (2\.7\.\d{1,2})(?: [|(]|$)", lambda m, s: s.put("python.version", m.group(1))),
        (" on linux", r"\] (?::: .{0,60} )?on (linux|win32|darwin)$", lambda m, s: s.put("os.name", {"win32": "windows"}.get(m.group(1), m.group(1)))),
        (" on win32", r"on (win32)$", lambda m, s: s.put("os.name", "windows")),
        (" on darwin", r"on (darwin)$", lambda m, s: s.put("os.name", "darwin")),
        ("uname", r"^Linux \S{1,64} (\d[\w.-]{3,60})", lambda m, s: s.put("os.kernel", m.group(1))),
        ("microsoft-standard-wsl2", r"WSL2", lambda m, s: s.put("host.wsl", 2, SAID)),
        ("nvidia-container-cli", r"nvidia-container-cli", lambda m, s: s.put("host.container", "docker", MENTIONED)),
        ("response from daemon", r"Error response from daemon", lambda m, s: s.put("host.container", "docker", MENTIONED)),
        ("root@", r"root@[0-9a-f]{12}:", lambda m, s: s.put("host.container", "docker", MENTIONED)),
        ("autodl", r"/root/autodl-(?:tmp|fs|nas)|autodl-container", lambda m, s: s.put("host.rented", "autodl", SAID)),
        ("winerror", r"\[WinError \d", lambda m, s: s.put("os.name", "windows", MENTIONED)),
        (".dll", r"[\w.]\.dll\b", lambda m, s: s.put("os.name", "windows", MENTIONED)),
        ("ps c:\\", r"PS C:\\", lambda m, s: s.put("os.name", "windows", SAID)),
        ("/content/", r"(?:^|[\s\"'])/content/", lambda m, s: s.put("host.notebook", "colab", MENTIONED)),
        ("/kaggle/", r"/kaggle/(?:working|input)", lambda m, s: s.put("host.notebook", "kaggle", MENTIONED)),
        ("cell in[", r"Cell In ?\[", lambda m, s: s.put("host.notebook", "jupyter", MENTIONED)),
        ("max memory size", r"virtual memory .{0,40}(?:unlimited)", lambda m, s: s.put("limit.as", None)),
    )
)  # fmt: skip


def read(text: Text, sheet: Sheet) -> bool:
    """Every row of the table; a line that the pattern fits gives the fact."""
    for words, pattern, reader in _RULES:
        if words in text.low:
            for row in text.rows(words, most=4):
                match = pattern.search(text.lines[row][:1000])
                if match:
                    reader(match, sheet)
    if "nvidia (r) cuda compiler driver" in text.low or "cuda compilation tools" in text.low:
        sheet.kind("nvcc")
    return False
