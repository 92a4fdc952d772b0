"""Predicates about the driver, CUDA and GPU architectures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from packaging.version import Version

from doctor.engine.scope import Scope
from doctor.knowledge import archs, cuda, versions, wheels
from doctor.model.patterns import compiled
from doctor.model.rule import Clause

# Chip names as pci.ids prints them: GM107, GP102, GV100 are Maxwell, Pascal, Volta; GB202 is Blackwell.
_CHIP = r"\b(G[KMPVABH]|TU|AD)(\d)\d\d"
_PRE_TURING = ("GM", "GP", "GV")
# The same split by PCI device id (pci.ids): Maxwell to Volta lie below Turing's first id, Blackwell starts at 2900.
_MAXWELL_TO_VOLTA = range(0x1340, 0x1E00)
_BLACKWELL = range(0x2900, 0x3200)
_DEVICE_ID = r"^(?:0x)?([0-9a-fA-F]{4})$|\[(?:10de:)?([0-9a-fA-F]{4})\]"

_VENDOR = "(?i)10de|nvidia"


def _os(scope: Scope) -> str:
    return str(scope.snapshot.get("os.name", "linux"))


def _where(scope: Scope) -> str:
    """Platform word of the wheel tables; Linux on x86_64 where nothing is said."""
    return wheels.platform(_os(scope), scope.snapshot.get("os.arch", "x86_64")) or "linux_x86_64"


def _gpus(scope: Scope) -> list[dict[str, Any]] | None:
    """Cards that the program may use; None when no list is known."""
    known, rows = scope.snapshot.look("gpus")
    if not known:
        scope.miss("gpus")
        return None
    return [row for row in rows or () if row.get("visible") is not False]


def _service(scope: Scope) -> str | None:
    """How the driver serves torch's CUDA: ``yes``, ``minor``, ``no``; ``none`` for builds without CUDA."""
    known, wanted = scope.get("torch.cuda")
    if not known:
        return None
    if wanted is None:
        return "none"
    driver = scope.snapshot.get("driver.version")
    if driver:
        scope.see("driver.version", driver)
        scope.bind("driver", driver)
        scope.bind("need", cuda.floor(wanted, _os(scope)) or cuda.native(wanted, _os(scope)) or "?")
        return cuda.serves(driver, wanted, _os(scope)) or _before_cuda11(driver, wanted, _os(scope))
    known, top = scope.get("driver.cuda")
    return None if not known else "none" if top is None else cuda.reaches(top, wanted)


def _before_cuda11(driver: str, wanted: str, os_name: str) -> str | None:
    """CUDA 10 and older know no minor-version compatibility: the toolkit's own driver is the floor."""
    first = cuda.native(wanted, os_name)
    order = versions.compare(driver, first) if first and not wanted.startswith(("11", "12", "13")) else None
    return None if order is None else "no" if order < 0 else "yes"


def driver_too_old_for_torch(scope: Scope, _clause: Clause) -> bool | None:
    """The driver lies below the floor of the CUDA major that torch was built for. Binds need, want, index."""
    served = _service(scope)
    if served == "no":
        cards = _gpus(scope)
        _bind_build(scope, str(cards[0].get("cc") or "") if cards else "")
    return None if served is None else served == "no"


def driver_by_minor_compatibility(scope: Scope, _clause: Clause) -> bool | None:
    """The driver is older than torch's CUDA minor, yet of the same major."""
    served = _service(scope)
    return None if served is None else served == "minor"


def _bind_build(scope: Scope, cc: str) -> None:
    """Binds ``want`` (specifier) and ``index`` of a torch that this card and driver run; nothing when none is known.

    The installed release in another variant comes first, then the nearest series, its newest release.
    """
    torch, driver = scope.snapshot.get("torch.version") or "", scope.snapshot.get("driver.version")
    where, python = _where(scope), scope.snapshot.get("python.version")
    tag = wheels.python_tag(python) if python else None
    for spec in (f"=={versions.public(torch)}", *_series_around(torch)) if torch else ("",):
        found = archs.newest_for(cc, driver, where, tag, spec) if cc else _by_driver(torch, driver, where)
        if found:
            scope.bind("want", f"=={found[0]}+{found[1]}")
            scope.bind("index", wheels.index_url(found[1]))
            return


def _series_around(torch: str) -> list[str]:
    """``==2.5.*`` ... of every known torch series, nearest first."""
    here = versions.parse(versions.public(torch))
    found = {each.release[:2] for text in versions.known("torch") if (each := versions.parse(text)) is not None}
    order = sorted(found | ({here.release[:2]} if here else set()))
    place = order.index(here.release[:2]) if here else len(order)
    return [f"=={major}.{minor}.*" for major, minor in sorted(order, key=lambda each: abs(order.index(each) - place))]


def _by_driver(torch: str, driver: str | None, where: str) -> tuple[str, str] | None:
    """The installed release in the newest variant that the driver serves; in its default variant for no driver."""
    os_name = "windows" if where.startswith("win") else "linux"
    variant = cuda.newest_variant(driver, wheels.variants(torch), os_name) if driver else None
    variant = variant or (None if driver else wheels.default_variant(torch, where))
    return (versions.public(torch), variant) if variant and variant != "cpu" else None


# libraries that bring CUDA kernels of their own
_EXTENSION = (
    r"flash|xformers|awq|auto_?(awq|gptq)|gptqmodel|exllama|bitsandbytes|mmcv|detectron2|deepspeed|apex|pytorch3d|natten"
    r"|torch_(scatter|sparse|cluster)|mamba|causal_conv|nvdiffrast|diff_gauss|gsplat|tinycudann|spconv|sageattention|vllm"
)


def torch_lacks_kernels(scope: Scope, clause: Clause) -> bool | None:
    """A visible card has no kernels in this torch build; option ``card``: ``newer`` or ``older`` than the build.

    Where that is not known, a kernel that an extension launched was not torch's.
    """
    cards, arches = _gpus(scope), scope.get("torch.arch_list")[1]
    doubt = False if compiled(_EXTENSION).match(str(scope.snapshot.get("log.raised_by", ""))) else None
    if cards is None or not arches:
        return doubt if cards is None or not scope.snapshot.look("torch.arch_list")[0] else False
    answers = [_misses(str(arches_cc), arches) if (arches_cc := card.get("cc")) else None for card in cards]
    for card, side in zip(cards, answers, strict=True):
        if side == clause.get("card"):
            scope.bind("gpu.name", card.get("name") or "GPU")
            scope.bind("gpu.cc", card["cc"])
            scope.see("gpus", {"name": card.get("name"), "cc": card["cc"]})
            _bind_build(scope, str(card["cc"]))
            return True
    return doubt if None in answers else False


def _misses(cc: str, arches: list[str]) -> str | None:
    """``newer`` or ``older`` when no kernel of the build runs on the card, ``served`` otherwise; None: unreadable."""
    served = archs.carries(arches, cc)
    if served != "no":
        return None if served is None else "served"
    numbers = [int(found[1]) for each in arches if (found := re.match(r"sm_(\d+)", each))]
    here = versions.parse(cc)
    if not numbers or here is None:
        return None
    return "newer" if here.major * 10 + here.minor > max(numbers) else "older"


def gpu_below(scope: Scope, clause: Clause) -> bool | None:
    """A visible card has a lower compute capability than option ``cc``. Binds gpu.name and gpu.cc."""
    cards, limit = _gpus(scope), Version(clause["cc"])
    numbers = [versions.parse(str(card.get("cc") or "")) for card in cards or ()]
    for card, number in zip(cards or (), numbers, strict=True):
        if number is not None and number < limit:
            scope.bind("gpu.name", card.get("name") or "GPU")
            scope.bind("gpu.cc", card["cc"])
            scope.see("gpus", {"name": card.get("name"), "cc": card["cc"]})
            return True
    return None if cards is None or None in numbers else False


def torch_served_by_ptx(scope: Scope, _clause: Clause) -> bool | None:
    """A visible card runs this build only through PTX, which the driver compiles at the first start."""
    cards, arches = _gpus(scope), scope.get("torch.arch_list")[1]
    if cards is None or not arches:
        return None if cards is None or not scope.snapshot.look("torch.arch_list")[0] else False
    for card in cards:
        if card.get("cc") and archs.carries(arches, str(card["cc"])) == "ptx":
            scope.bind("gpu.name", card.get("name") or "GPU")
            return True
    return None if any(not card.get("cc") for card in cards) else False


def mixed_gpu_generations(scope: Scope, _clause: Clause) -> bool | None:
    """Visible cards differ in compute capability. Binds cards and uuid-free ``first`` (index of the newest card)."""
    cards = _gpus(scope)
    if cards is None:
        return None
    kinds = {str(card["cc"]) for card in cards if card.get("cc")}
    if len(kinds) < 2:
        return None if any(not card.get("cc") for card in cards) and len(cards) > 1 else False
    scope.bind("cards", ", ".join(f"{card.get('name')} ({card.get('cc')})" for card in cards))
    best = max(cards, key=lambda card: versions.parse(str(card.get("cc") or "0")) or Version("0"))
    same = [str(card["index"]) for card in cards if card.get("cc") == best.get("cc") and "index" in card]
    scope.see("gpus", sorted(kinds))
    if same:
        scope.bind("keep", ",".join(same))
    return True


def _ages(scope: Scope) -> Iterator[tuple[str, str]]:
    """``(pre-turing | blackwell | other, name)`` of every NVIDIA card on the bus or in the driver's list."""
    for device in _on_bus(scope.snapshot.get("pci.gpus", ())):
        yield _age(device), device or "?"
    for card in scope.snapshot.get("gpus", ()):
        found = versions.parse(str(card.get("cc") or ""))
        if found:
            age = "pre-turing" if found < Version("7.5") else "blackwell" if found.major >= 10 else "other"
            yield age, str(card.get("name") or "GPU")


def _on_bus(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Device texts of the NVIDIA controllers."""
    return [str(row.get("device") or "") for row in rows if compiled(_VENDOR).search(str(row.get("vendor")))]


def _age(device: str) -> str:
    """A card's age by chip name or PCI device id."""
    chip = compiled(_CHIP).search(device)
    if chip:
        return "pre-turing" if chip[1] in _PRE_TURING else "blackwell" if chip[1] == "GB" else "other"
    found = compiled(_DEVICE_ID).search(device)
    number = int(found[1] or found[2], 16) if found else 0
    return "pre-turing" if number in _MAXWELL_TO_VOLTA else "blackwell" if number in _BLACKWELL else "other"


def card_of_age(scope: Scope, clause: Clause) -> bool | None:
    """A card of the given ``age`` (``pre-turing``: Maxwell to Volta, ``blackwell``) is in the machine. Binds card."""
    if not (scope.snapshot.look("pci.gpus")[0] or scope.snapshot.look("gpus")[0]):
        scope.miss("pci.gpus")
        return None
    for age, name in _ages(scope):
        if age == clause["age"]:
            scope.bind("card", name)
            scope.see("pci.gpus", name)
            return True
    return False


def driver_lacks_a_card(scope: Scope, _clause: Clause) -> bool | None:
    """The bus shows more NVIDIA GPUs than the driver lists."""
    known, rows = scope.snapshot.look("pci.gpus")
    count = scope.snapshot.look("gpu.count")
    if not known or not count[0]:
        scope.miss("gpu.count" if known else "pci.gpus")
        return None
    scope.see("gpu.count", count[1])
    return len(_on_bus(rows or ())) > (count[1] or 0)


def program_asks_for_cuda(scope: Scope, _clause: Clause) -> bool | None:
    """A call of the program names a CUDA device outright. Binds call.file and call.line."""
    known, rows = scope.snapshot.look("src.calls")
    if not known:
        scope.miss("src.calls")
        return None
    for row in rows or ():
        values = [*(row.get("args") or ()), *(row.get("keywords") or {}).values()]
        if any(isinstance(value, str) and re.fullmatch(r"cuda(:\d+)?", value) for value in values):
            scope.see("src.calls", {"file": row.get("file"), "line": row.get("line")})
            return True
    return False


def cuda_build_for_driver(scope: Scope, _clause: Clause) -> bool | None:
    """A CUDA build of torch is known for this card and driver. Binds want and index."""
    cards = _gpus(scope)
    _bind_build(scope, str(cards[0].get("cc") or "") if cards else "")
    return "want" in scope.bound or None


def cuda_majors_differ(scope: Scope, clause: Clause) -> bool | None:
    """Two CUDA versions (option ``facts``: their names) are of different majors."""
    ours, theirs = (versions.parse(str(scope.known(name) or "")) for name in clause["facts"])
    return None if ours is None or theirs is None else ours.major != theirs.major


# soname of a library that torch's wheels bring -> the wheel (without its -cuNN suffix)
_WHEEL_OF = {
    "libcudnn": "nvidia-cudnn",
    "libcublas": "nvidia-cublas",
    "libcublasLt": "nvidia-cublas",
    "libcusparse": "nvidia-cusparse",
    "libcusolver": "nvidia-cusolver",
    "libcufft": "nvidia-cufft",
    "libnvJitLink": "nvidia-nvjitlink",
    "libnccl": "nvidia-nccl",
    "libcudart": "nvidia-cuda-runtime",
    "libnvrtc": "nvidia-cuda-nvrtc",
}


def older_cuda_library_in_front(scope: Scope, _clause: Clause) -> bool | None:
    """The loader finds an older release of a CUDA library than the wheel beside torch. Binds lib, path, found, wheel.

    Another major has another file name, so it is no rival; the same or a newer release is harmless.
    """
    known, rows = scope.snapshot.look("ld.overrides")
    if not known:
        scope.miss("ld.overrides")
        return None
    answer: bool | None = False
    for row in rows or ():
        base = _WHEEL_OF.get(str(row.get("soname") or "").partition(".so")[0])
        if base is None or row.get("via") not in ("LD_LIBRARY_PATH", "LD_PRELOAD"):
            continue
        wheel = _wheel_version(scope, base)
        if wheel is None:
            answer = answer if "dist" in scope.snapshot.closed else None
            continue
        here, there = versions.parse(str(row.get("version") or "")), versions.parse(wheel)
        if here is None or there is None or len(here.release) < 2:
            answer = None
        elif here.major == there.major and here.release < there.release[: len(here.release)]:
            scope.see("ld.overrides", row)
            for name, value in (("lib", row["soname"]), ("path", row.get("path")), ("found", here), ("wheel", wheel)):
                scope.bind(name, str(value))
            return True
    return answer


def _wheel_version(scope: Scope, base: str) -> str | None:
    """Version of the installed wheel that brings a library; None when there is none."""
    dists = scope.snapshot.dists()
    found = [dists[f"{base}{tail}"] for tail in ("-cu13", "-cu12", "-cu11", "") if f"{base}{tail}" in dists]
    return found[0] if found else None


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "driver_too_old_for_torch": driver_too_old_for_torch,
    "driver_by_minor_compatibility": driver_by_minor_compatibility,
    "torch_lacks_kernels": torch_lacks_kernels,
    "gpu_below": gpu_below,
    "torch_served_by_ptx": torch_served_by_ptx,
    "mixed_gpu_generations": mixed_gpu_generations,
    "card_of_age": card_of_age,
    "driver_lacks_a_card": driver_lacks_a_card,
    "program_asks_for_cuda": program_asks_for_cuda,
    "cuda_build_for_driver": cuda_build_for_driver,
    "cuda_majors_differ": cuda_majors_differ,
    "older_cuda_library_in_front": older_cuda_library_in_front,
}
