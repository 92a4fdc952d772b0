"""torch and the packages compiled against it: torchvision, torchaudio, torchtext, torchcodec."""

from __future__ import annotations

from typing import Any

from doctor.knowledge import ranges, store, versions
from doctor.model.names import normalise

FAMILY = ("torchvision", "torchaudio", "torchtext", "torchcodec")
# torchaudio stopped pinning torch with this release; projects pair it with every torch from here on
_AUDIO_FREE = "2.11.0"


@store.memo
def partner(torch: str, package: str) -> str | None:
    """The release of ``package`` made for this torch, without local part. None: there is none or it is not known."""
    name, bare = normalise(package), versions.public(torch)
    exact = stated(bare, name)
    if exact or bare not in versions.known("torch"):
        return exact
    fitting = [found for found in versions.known(name) if not versions.yanked(name, found) and fits(name, found, bare)]
    ours = store.rows("torch").get(bare, {}).get("builds", {}).get("linux_x86_64", {}).get("local")
    same = [found for found in fitting if (_row(name, found) or {}).get("local") == ours]
    return next(reversed(same or fitting), None)


def stated(torch: str, package: str) -> str | None:
    """The release whose metadata pins exactly this torch; None: there is none, see :func:`partner`."""
    found = store.rows("torch_family")["pairs"].get(versions.public(torch), {}).get(normalise(package))
    return str(found[-1]) if found else None


@store.memo
def wants(package: str, version: str) -> str | None:
    """The torch specifier a release of the family states (``==2.1.2``, ``>=2.14.0``); None: none or not known."""
    row = _row(package, version)
    if row is None:  # newer than the family's table: a refreshed list of releases may know it
        return ranges.requires(package, version, "torch") or None
    found = row.get("torch")
    return str(found[0]) if found and found[0] else None


@store.memo
def fits(package: str, version: str, torch: str) -> bool | None:
    """Does this release of the family load with this torch? None: not known."""
    name, spec = normalise(package), wants(package, version)
    if name == "torchtext" and spec and not spec.startswith("=="):
        # its last release states a lower bound only but was compiled against one torch
        return True if _same_minor(torch, spec) else None
    if spec is not None:
        return versions.accepts(spec, versions.public(torch))
    if name == "torchaudio" and _row(package, version) is not None and versions.compare(version, _AUDIO_FREE) != -1:
        return versions.compare(torch, _AUDIO_FREE) in (0, 1)
    return None


def _same_minor(torch: str, spec: str) -> bool:
    here, there = versions.parse(versions.public(torch)), versions.parse(spec.lstrip(">=~"))
    return here is not None and there is not None and here.release[:2] == there.release[:2]


@store.memo
def torch_for(package: str, version: str) -> str | None:
    """The newest torch release that this release of the family loads with."""
    return next((v for v in versions.candidates("torch") if fits(package, version, v)), None)


def same_cuda(torch: str, package: str, version: str) -> bool | None:
    """Do the local parts of torch and of a family member name the same variant? None when one has no local part."""
    ours, theirs = versions.local(torch), versions.local(version)
    if not ours or not theirs:
        return None
    if (_row(package, version) or {}).get("cuda_check") == "major":
        return ours[:-1] == theirs[:-1]
    return ours == theirs


def has_cuda_kernels(version: str, where: str) -> bool | None:
    """Does the default index's torchvision wheel carry CUDA kernels on this platform? None: not known."""
    row = _row("torchvision", version)
    return None if row is None or "cuda_kernels" not in row else where in row["cuda_kernels"]


def default_variant(version: str, where: str) -> str | None:
    """Variant of the default index's torchvision wheel on a platform: ``cu121`` or ``cpu``; None: not known."""
    kernels = has_cuda_kernels(version, where)
    if kernels is None:
        return None
    local = (_row("torchvision", version) or {}).get("local")
    return "cpu" if not kernels else str(local) if local else None


def stable_abi(version: str) -> bool | None:
    """True when this torchvision is built on the stable ABI, so that it loads with later torch releases too."""
    row = _row("torchvision", version)
    return None if row is None else bool(row.get("stable_abi"))


def _row(package: str, version: str) -> dict[str, Any] | None:
    rows = store.rows("torch_family").get(normalise(package), {})
    found: dict[str, Any] | None = rows.get(versions.public(version))
    return found
