"""What single releases do at run time: transformers, huggingface_hub, bitsandbytes and torch's allocator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doctor.knowledge import store, versions
from doctor.model.names import normalise  # variables that the wheels were searched for

_SCANNED = ("TRANSFORMERS_CACHE", "PYTORCH_TRANSFORMERS_CACHE", "TRANSFORMERS_OFFLINE", "HF_MODULES_CACHE")


def _transformers(version: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = store.rows("transformers")["releases"].get(versions.public(version))
    return found


def transformers_minimum(transformers: str, package: str) -> str | None:
    """Oldest release of ``package`` that this transformers uses at run time; older ones count as not installed.

    None: it checks nothing, or the release is not catalogued. Packages: torch, accelerate, bitsandbytes, torchao ...
    """
    row = _transformers(transformers)
    found = row.get("min", {}).get(normalise(package)) if row else None
    return str(found) if found else None


def transformers_reads(transformers: str, variable: str) -> bool | None:
    """True when this transformers reads the variable itself.

    Known for TRANSFORMERS_CACHE, PYTORCH_TRANSFORMERS_CACHE, TRANSFORMERS_OFFLINE and HF_MODULES_CACHE; None for
    others and for releases that are not catalogued.
    """
    row = _transformers(transformers)
    if row is None or variable not in _SCANNED:
        return None
    return variable in row["env"].split()


def takes_load_in_4bit(transformers: str) -> bool | None:
    """Does ``from_pretrained`` take ``load_in_4bit=`` / ``load_in_8bit=`` as such? None: not catalogued."""
    row = _transformers(transformers)
    return None if row is None else bool(row["load_in_4bit"])


def torch_load_needs_2_6(transformers: str) -> bool | None:
    """Does this release refuse ``.bin`` weights below torch 2.6 (CVE-2025-32434)? None: not catalogued."""
    row = _transformers(transformers)
    return None if row is None else bool(row["torch_load_needs_2_6"])


def transformers_extra(transformers: str, extra: str) -> list[str] | None:
    """Requirement lines of an extra (``torch``, ``vision`` ...); None: no such extra or not catalogued."""
    here = versions.parse(versions.public(transformers))
    for row in store.rows("transformers")["extras"]:
        first, last = versions.parse(row["first"]), versions.parse(row["last"])
        if here and first and last and first <= here <= last:
            found = row["extras"].get(extra)
            return None if found is None else found.split(" | ")
    return None


def hub_reads(hub: str, variable: str) -> bool | None:
    """Does this huggingface_hub release read the variable? None: the variable or the version is not known."""
    span = store.rows("hub_env")["variables"].get(variable)
    here = versions.parse(hub)
    if span is None or here is None:
        return None
    first, last = versions.parse(span[0]), versions.parse(span[1])
    return (first is None or here >= first) and (last is None or here <= last)


def hub_scripts(hub: str) -> tuple[str, ...] | None:
    """Console scripts of a huggingface_hub release (``huggingface-cli``, ``hf``); None: older than the table."""
    rows = [row for row in store.rows("hub_env")["console"] if versions.compare(hub, row["from"]) in (0, 1)]
    return tuple(rows[-1]["scripts"]) if rows else None


def bnb_cuda(bitsandbytes: str, where: str = "linux_x86_64") -> tuple[str, ...] | None:
    """CUDA versions (``11.8``) for which a bitsandbytes wheel carries a library; None: not catalogued."""
    row = store.rows("bitsandbytes").get(versions.public(bitsandbytes))
    if row is None:
        return None
    libs = row["libs"].get(where) or row["libs"].get("any") or {}
    return tuple(f"{each[:-1]}.{each[-1]}" for each in libs.get("cuda", "").split())


def bnb_serves(bitsandbytes: str, cuda: str, where: str = "linux_x86_64") -> bool | None:
    """Does this bitsandbytes carry a library for torch's CUDA version (major.minor)? None: not catalogued."""
    found = bnb_cuda(bitsandbytes, where)
    return None if found is None else ".".join(cuda.split(".")[:2]) in found


@store.memo
def bnb_for(cuda: str, torch: str | None = None, where: str = "linux_x86_64") -> str | None:
    """Newest bitsandbytes that carries a library for this CUDA version and accepts this torch."""
    for each in versions.candidates("bitsandbytes"):
        if bnb_serves(each, cuda, where) and (torch is None or _bnb_takes(each, torch)):
            return each
    return None


def _bnb_takes(bitsandbytes: str, torch: str) -> bool:
    lines = (versions.run("bitsandbytes", bitsandbytes) or {}).get("req")
    stated = (
        [line.removeprefix("torch") for line in lines if line.startswith("torch")] if isinstance(lines, list) else []
    )
    return all(versions.accepts(text, versions.public(torch)) for text in stated)


def bnb_imports_scipy(bitsandbytes: str) -> bool | None:
    """Does ``import bitsandbytes`` import scipy (which it never declares)? None: not catalogued."""
    row = store.rows("bitsandbytes").get(versions.public(bitsandbytes))
    return None if row is None else any("module level" in text for text in row["scipy"])


def allocator_knows(torch: str, option: str) -> bool | None:
    """Does torch know an option of PYTORCH_CUDA_ALLOC_CONF, or that variable itself? None: not catalogued."""
    row = store.rows("torch_alloc").get(versions.public(torch))
    if row is None or option not in store.table("torch_alloc")["first_release_with"]:
        return None
    return option in row["options"]


def cxx11_abi(torch: str) -> bool | None:
    """C++11 ABI of the default index's torch wheel (decides which flash-attn file fits); None: not catalogued."""
    row = store.rows("torch_alloc").get(versions.public(torch))
    return None if row is None else bool(row["cxx11_abi"])


def project_pins(project: str) -> Mapping[str, str] | None:
    """What a code base asks for (name -> specifier), by a word of its name: ``llava``, ``lisa``, ``internvl`` ..."""
    wanted = project.lower()
    rows = [row for row in store.rows("project_pins") if row["project"].lower().split()[0] == wanted]
    rows = rows or [row for row in store.rows("project_pins") if wanted in row["project"].lower()]
    return {normalise(name): spec for name, spec in rows[0]["pins"].items()} if len(rows) == 1 else None
