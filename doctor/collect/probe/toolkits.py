"""CUDA toolkits on disk and the nvcc that a build would use; versions from files, nothing is run."""

import json
import os
import re

import paths
import scout
from wire import Group

HEADERS = (
    "include/cuda.h",
    "targets/x86_64-linux/include/cuda.h",
    "targets/sbsa-linux/include/cuda.h",
    "targets/aarch64-linux/include/cuda.h",
)


def version_of(folder):
    """Version of the toolkit in ``folder``: version.json, version.txt, cuda.h, then the folder's name."""
    try:
        return json.loads(paths.text(os.path.join(folder, "version.json")) or "")["cuda"]["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        pass  # an older toolkit, or a damaged file: the next source speaks
    found = re.search(r"CUDA Version (\d+[\d.]*\d)", paths.text(os.path.join(folder, "version.txt")) or "")
    if found:
        return found.group(1)
    for header in HEADERS:
        found = re.search(
            r"#define\s+CUDA_VERSION\s+(\d{4,6})", paths.text(os.path.join(folder, header), 1 << 16) or ""
        )
        if found:
            number = int(found.group(1))
            return "%d.%d" % (number // 1000, number % 1000 // 10)
    found = re.search(r"cuda-(\d+\.\d+(?:\.\d+)?)$", os.path.realpath(folder))
    return found.group(1) if found else None


def _home_of(nvcc):
    """The toolkit's folder of an nvcc. A distribution may put a script that starts it into /usr/bin."""
    script = paths.text(nvcc, 2048) or ""
    named = re.search(r"""["']?(/[^\s"']+/bin/nvcc)\b""", script) if script.startswith("#!") else None
    return os.path.dirname(os.path.dirname(os.path.realpath(named.group(1) if named else nvcc)))


def read_toolkits(ctx):
    env = ctx["env"]
    named = env.get("CUDA_HOME") or env.get("CUDA_PATH")
    program = "nvcc.exe" if os.name == "nt" else "nvcc"
    in_home = os.path.join(named, "bin", program) if named else None
    nvcc = in_home if in_home and scout.why_not(in_home) is None else scout.find((program,), env)[0]
    folders = [f for f in (named, "/opt/cuda", "/usr/lib/cuda") if f] + ([_home_of(nvcc)] if nvcc else [])
    folders += sorted(os.path.join("/usr/local", n) for n in paths.quiet_names("/usr/local") if n.startswith("cuda"))
    found = {}
    for folder in folders:
        real = os.path.realpath(folder)
        if (
            real not in found
            and os.path.basename(real) != "local"
            and scout.why_not(os.path.join(real, "bin", program)) is None
        ):
            found[real] = version_of(real)
    home = named or (_home_of(nvcc) if nvcc else None)
    facts = {
        "cuda.toolkits": [{"path": path, "version": version} for path, version in found.items()],
        "cuda.home": home,
        "cuda.nvcc_path": nvcc,
    }
    version = version_of(_home_of(nvcc)) if nvcc else None
    facts["cuda.nvcc" if version or not nvcc else "?cuda.nvcc"] = version or (
        "left open: no file beside it tells its version" if nvcc else None
    )
    return facts


GROUPS = [Group(("cuda.toolkits", "cuda.nvcc", "cuda.nvcc_path", "cuda.home"), read_toolkits, risky=True)]
