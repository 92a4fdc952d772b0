"""Which GPU architectures a torch build carries kernels for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from packaging.version import Version

from doctor.knowledge import cuda, store, versions, wheels
from doctor.model.patterns import compiled

_ARCH = r"^(sm|compute)_(\d+)(\d)([af]?)$"


@store.memo
def arch_list(torch: str, variant: str | None = None, where: str = "linux_x86_64") -> tuple[str, ...] | None:
    """What ``torch.cuda.get_arch_list()`` says for a release: ``sm_80``, ``compute_120`` ...; None: not known.

    ``variant`` (``cu118``) defaults to the local part of ``torch``, then to the default index's wheel.
    """
    wanted = variant or versions.local(torch) or wheels.default_variant(torch, where)
    if wanted == "cpu":
        return ()
    build = store.rows("torch").get(versions.public(torch), {}).get("builds", {}).get(where, {})
    if build.get("local") == wanted and build.get("arch"):
        return tuple(build["arch"].split())
    return _by_script(torch, wanted, where) if wanted else None


def _by_script(torch: str, variant: str, where: str) -> tuple[str, ...] | None:
    """From the build scripts of PyTorch's own index."""
    here = versions.parse(versions.public(torch))
    for row in store.rows("torch_variants")["arch"]:
        span = versions.parse(row["first"]), versions.parse(row["last"])
        if here and row["variant"] == variant and row["platform"] == where and _within(here, *span):
            real = [f"sm_{each.replace('.', '')}" for each in row["sm"].split()]
            return (*real, *(f"compute_{row['ptx'].replace('.', '')}" for _ in range("ptx" in row)))
    return None


def _within(here: Version, first: Version | None, last: Version | None) -> bool:
    return bool(first and last and first.release[:2] <= here.release[:2] <= last.release[:2])


def carries(arches: Iterable[str], cc: str) -> str | None:
    """``yes`` when a kernel runs on compute capability ``cc``, ``ptx`` when the driver must compile first, or ``no``.

    A kernel of sm_XY runs on X.Z with Z >= Y; PTX of compute_XY runs on everything not older. Targets that end in
    ``a`` run on exactly that capability, those in ``f`` within the major. None: ``cc`` is unreadable.
    """
    here = versions.parse(cc)
    if here is None:
        return None
    found = [match for each in arches if (match := compiled(_ARCH).match(each))]
    if any(_runs(match, here) for match in found if match[1] == "sm"):
        return "yes"
    jit = any((int(m[2]), int(m[3])) <= here.release[:2] and not m[4] for m in found if m[1] == "compute")
    return "ptx" if jit else "no"


def _runs(match: re.Match[str], cc: Version) -> bool:
    major, minor, kind = int(match[2]), int(match[3]), match[4]
    return cc.major == major and (cc.minor == minor if kind == "a" else cc.minor >= minor)


def torch_carries(torch: str, cc: str, variant: str | None = None, where: str = "linux_x86_64") -> str | None:
    """``yes``, ``ptx``, ``no`` or None (not known) for one torch release and variant."""
    found = arch_list(torch, variant, where)
    return None if found is None else carries(found, cc)


@store.memo
def builds_for(cc: str, where: str = "linux_x86_64") -> tuple[tuple[str, str], ...]:
    """Every ``(torch, variant)`` known to carry kernels for ``cc``, newest torch first, newest variant first."""
    found: list[tuple[str, str]] = []
    for torch in versions.candidates("torch"):
        offered = {*wheels.variants(torch), wheels.default_variant(torch, where)} - {"cpu", None}
        ordered = sorted((str(each) for each in offered), key=_cuda_order, reverse=True)
        found.extend((torch, each) for each in ordered if torch_carries(torch, cc, each, where) == "yes")
    return tuple(found)


def _cuda_order(variant: str) -> Version:
    return versions.parse(cuda.variant_cuda(variant)) or Version("0")


@store.memo
def newest_for(
    cc: str,
    driver: str | None = None,
    where: str = "linux_x86_64",
    tag: str | None = None,
    specifier: str = "",
) -> tuple[str, str] | None:
    """Newest ``(torch, variant)`` with kernels for ``cc`` that the driver serves and with wheels for a Python tag.

    Of one torch release, a variant that the driver serves natively comes before one that needs minor-version
    compatibility.
    """
    for torch, pairs in groupby(builds_for(cc, where), key=itemgetter(0)):
        if not versions.accepts(specifier, torch) or (tag and wheels.has_wheel("torch", torch, tag, where) is False):
            continue
        variants = [variant for _, variant in pairs]
        best = variants[0] if driver is None else cuda.newest_variant(driver, variants, _system(where))
        if best:
            return torch, best
    return None


def _system(where: str) -> str:
    return "windows" if where.startswith("win") else "linux"
