"""CUDA versions and the drivers that serve them."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.version import Version

from doctor.knowledge import store, versions
from doctor.model.patterns import compiled

_VARIANT = r"^cu(\d+)(\d)$"
# last driver branch that older tables name as the floor of a major: above it is surely fine, below it not known
_WINDOWS_SURE = {12: Version("528.33")}


def variant_cuda(variant: str) -> str | None:
    """``cu118`` -> ``11.8``; None for ``cpu`` and anything else."""
    found = compiled(_VARIANT).match(variant)
    return f"{found[1]}.{found[2]}" if found else None


def cuda_variant(cuda: str) -> str | None:
    """``12.1`` or ``12.1.105`` -> ``cu121``."""
    found = versions.parse(cuda)
    return f"cu{found.major}{found.minor}" if found else None


def branch(driver: str) -> int | None:
    """Branch of a driver: the major number of its version."""
    found = versions.parse(driver)
    return found.major if found else None


def _column(os_name: str) -> str | None:
    return {"linux": "linux", "windows": "windows"}.get(os_name)


@store.memo
def floor(cuda: str, os_name: str = "linux") -> str | None:
    """Oldest driver that runs programs built with this CUDA's major version (minor-version compatibility)."""
    found, column = versions.parse(cuda), _column(os_name)
    if found is None or column is None:
        return None
    key = "linux_ga" if column == "linux" else "windows_min"
    return next((row[key] for row in store.rows("cuda_driver")["floors"] if row["cuda_major"] == found.major), None)


@store.memo
def native(cuda: str, os_name: str = "linux") -> str | None:
    """Oldest driver that came with this CUDA version (major.minor), so that nothing is left to compatibility."""
    found, column = versions.parse(cuda), _column(os_name)
    if found is None or column is None:
        return None
    drivers = [
        versions.parse(row[column])
        for row in store.rows("cuda_driver")["toolkits"]
        if Version(row["toolkit"]).release[:2] == (found.major, found.minor)
    ]
    known = [each for each in drivers if each is not None]
    return str(min(known)) if known else None


@store.memo
def driver_cuda(driver: str) -> str | None:
    """Newest CUDA version that a driver serves, by its branch; None below the first and above the last known branch."""
    here = branch(driver)
    rows = sorted(store.rows("cuda_driver")["branches"], key=lambda row: int(row["branch"]))
    if here is None or here > rows[-1]["branch"]:
        return None
    older = [str(row["cuda"]) for row in rows if row["branch"] <= here]
    return older[-1] if older else None


@store.memo
def serves(driver: str, cuda: str, os_name: str = "linux") -> str | None:
    """``yes``, ``minor`` (through minor-version compatibility only), ``no``, or None when it is not known."""
    here, lowest = versions.parse(driver), versions.parse(floor(cuda, os_name))
    if here is None or lowest is None:
        return _by_branch(driver, cuda)
    if here < lowest:
        return "no"
    first = versions.parse(native(cuda, os_name))
    if (first is not None and here >= first) or _by_branch(driver, cuda) == "yes":
        return "yes"
    if os_name == "windows" and here < _WINDOWS_SURE.get(Version(cuda).major, here):
        return None
    return "minor"


def _by_branch(driver: str, cuda: str) -> str | None:
    """``yes`` when the driver's branch implements at least ``cuda``; else not known."""
    top, wanted = versions.parse(driver_cuda(driver)), versions.parse(cuda)
    if top is None or wanted is None:
        return None
    return "yes" if top.release[:2] >= wanted.release[:2] else None


def reaches(driver_cuda_version: str, cuda: str) -> str | None:
    """As :func:`serves` when only the CUDA version that nvidia-smi prints is known."""
    top, wanted = versions.parse(driver_cuda_version), versions.parse(cuda)
    if top is None or wanted is None:
        return None
    if top.release[:2] >= wanted.release[:2]:
        return "yes"
    return "minor" if top.major >= wanted.major else "no"


def newest_variant(driver: str, variants: Iterable[str], os_name: str = "linux") -> str | None:
    """The newest of ``variants`` (``cu118`` ...) that the driver serves natively, else by compatibility."""
    known = [(each, versions.parse(cuda)) for each in variants if (cuda := variant_cuda(each))]
    ordered = [each for each, _ in sorted(known, key=lambda pair: pair[1] or Version("0"), reverse=True)]
    for wanted in ("yes", "minor"):
        for each in ordered:
            if serves(driver, variant_cuda(each) or "", os_name) == wanted:
                return each
    return None


def driver_keeps(driver_branch: int, cc: str) -> bool | None:
    """Does a driver branch still drive GPUs of this compute capability? None for what the table does not tell."""
    here = versions.parse(cc)
    if here is None:
        return None
    for row in store.rows("cuda_driver")["driver_drops"]:
        if any(_names(text, here) for text in row["architectures"]):
            return driver_branch <= int(row["last_branch"])
    return True if here >= Version("7.5") else None


def _names(text: str, cc: Version) -> bool:
    """``Maxwell 5.x`` names 5.0, 5.2 and 5.3; ``Volta 7.0`` names 7.0 only."""
    wanted = text.rpartition(" ")[2]
    return str(cc.major) == wanted[:-2] if wanted.endswith(".x") else Version(wanted) == cc
