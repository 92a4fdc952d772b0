"""nvidia-* wheels against torch's own list of them."""
import re

import dists
import metadata
import requirements
from patterns import compiled

_CU = r"-cu(\d{2})$"
UNMARKED = frozenset("nvidia-" + name for name in (
    "cublas", "cuda-cupti", "cuda-nvrtc", "cuda-runtime", "cufft", "cufile", "curand", "cusolver", "cusparse",
    "nvjitlink", "nvtx"))


def read(ctx):
    have = dists.listing(ctx)
    wheels = []
    for name, dist in sorted(have.seen.items()):
        if name.startswith("nvidia-") and (compiled(_CU).search(name) or _library(dist)):
            cu = compiled(_CU).search(name)
            major = int(cu.group(1)) if cu else _major(dist.version)
            lib = compiled(_CU).sub("", name[len("nvidia-"):])
            wheels.append({"name": name, "version": dist.version, "major": major, "lib": lib})
    return {"python.nvidia_wheels": wheels, "python.nvidia_pins": _pins(have)}


def _library(dist):
    """A wheel of CUDA libraries without a CUDA suffix in its name, as since CUDA 13."""
    return dist.name in UNMARKED


def _major(version):
    """CUDA major of the runtime-like wheels, whose version is CUDA's own; the others' numbers differ."""
    found = re.match(r"(\d+)\.", version or "")
    return int(found.group(1)) if found else None


def _pins(have):
    """torch's Requires-Dist lines on nvidia wheels whose marker holds here."""
    torch = have.seen.get("torch")
    if torch is None or not have.target.version_text:
        return []
    lines = [line for line in torch.head().get("requires-dist", ()) if line.startswith("nvidia")]
    marks, versions = have.environment(), have.versions()
    return have.store.answer("nvidia pins", (marks, lines, versions), lambda: list(_judged(lines, marks, versions)))


def _judged(lines, marks, versions):
    markers = requirements.Markers(marks)
    for line in lines:
        try:
            name, spec, marker = requirements.split(line)
            if not markers(marker):
                continue
            found = versions.get(metadata.normalise(name))
            good = found is not None and requirements.satisfies(found, spec)
        except ValueError:
            continue
        yield {"name": metadata.normalise(name), "want": spec, "found": found, "ok": good}
