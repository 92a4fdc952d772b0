"""Facts that follow from other facts. Pure: the same snapshot always gives the same answer.

``derive`` never replaces a known fact, except those it owns when a distribution was changed: that is how plans are
simulated (see :func:`changed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from doctor.knowledge import archs, cuda, gpus, libraries, pairs, ranges, versions, wheels
from doctor.knowledge.store import memo
from doctor.model.names import normalise
from doctor.model.snapshot import Snapshot

Facts = dict[str, Any]

# what a change of the named distribution makes stale; everything is derived again where it can be
_OWNED = {
    "torch": ("torch.version", "torch.cuda", "torch.hip", "torch.build", "torch.arch_list", "torch.cxx11_abi"),
    "torchvision": ("torchvision.cuda", "torchvision.build"),
    "torchaudio": ("torchaudio.cuda",),
    "bitsandbytes": ("bnb.cuda_binaries", "bnb.cpu_binary"),
    "llama-cpp-python": ("llama_cpp.cuda",),
}
_TRUE = ("1", "on", "yes", "true")
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_NVIDIA_WHEELS = ("nvidia-",)


def derive(snapshot: Snapshot) -> Snapshot:
    """The snapshot with the facts that follow from its facts."""
    facts: Facts = dict(snapshot.facts)
    for step in (_driver, _gpus, _torch, _family, _torch_arches, _bitsandbytes):
        step(facts)
    _offline(facts, "env" in snapshot.closed)
    _stated(facts)
    full = snapshot.with_facts(facts)
    if "python.unmet" not in facts and _listed(full):
        facts["python.unmet"] = unmet(full)
    if "python.nvidia_pins" not in facts and _listed(full):
        _nvidia_pins(facts)
    return snapshot.with_facts(facts)


def changed(snapshot: Snapshot, changes: Mapping[str, str | None]) -> Snapshot:
    """The snapshot after distributions were installed (version) or removed (None), with what follows from it.

    ``changes`` maps distribution names to versions. Facts that came from the replaced files are forgotten and
    derived again from the tables; what the tables do not tell stays not known.
    """
    facts: Facts = dict(snapshot.facts)
    names = {normalise(name) for name in changes}
    for name, version in changes.items():
        facts[f"dist.{normalise(name)}"] = version
    for name in names:
        for owned in _OWNED.get(name, ()):
            facts.pop(owned, None)
    _forget_requirements(facts, names)
    _forget_files(facts, names)
    after = snapshot._replace(facts=facts)
    if "python.unmet" in facts:
        facts["python.unmet"] = _again(after, facts["python.unmet"], names)
    return derive(after)


def _forget_requirements(facts: Facts, names: set[str]) -> None:
    for key in ("python.requires", "python.needs_python"):
        if isinstance(facts.get(key), Mapping):
            facts[key] = {name: value for name, value in facts[key].items() if normalise(name) not in names}
    facts.pop("python.nvidia_pins", None)


def _again(snapshot: Snapshot, before: Iterable[Mapping[str, Any]], names: set[str]) -> list[dict[str, Any]]:
    """The unmet requirements after a change: judged anew where the lines are known, else old rows looked at again."""
    judged = {name for name, version in snapshot.dists().items() if lines_of(snapshot, name, version) is not None}
    kept = [dict(row) for row in before if normalise(str(row["dist"])) not in judged | names]
    for row in kept:
        row["found"] = snapshot.get(f"dist.{normalise(str(row['needs']))}")
    open_ = [row for row in kept if not (row["found"] and versions.accepts(str(row["spec"]), row["found"]))]
    return [*unmet(snapshot, judged), *open_]


def _forget_files(facts: Facts, names: set[str]) -> None:
    """Damage of a replaced distribution is gone with its files; leftovers stay."""
    for key, field in (("python.corrupt", "name"), ("ext.problems", "dist"), ("python.duplicates", "name")):
        if isinstance(facts.get(key), list):
            facts[key] = [row for row in facts[key] if normalise(str(row.get(field) or "")) not in names]


def _listed(snapshot: Snapshot) -> bool:
    """True when the installed distributions are known well enough to judge a requirement."""
    return any(name.startswith("dist.") for name in snapshot.facts)


def _put(facts: Facts, name: str, value: Any) -> None:
    """Adds a fact that is not known yet; None means that nothing follows."""
    if value is not None and name not in facts:
        facts[name] = value


def _driver(facts: Facts) -> None:
    driver = facts.get("driver.version")
    if driver:
        _put(facts, "driver.branch", cuda.branch(driver))
        _put(facts, "driver.cuda", cuda.driver_cuda(driver))


def _gpus(facts: Facts) -> None:
    rows = facts.get("gpus")
    if rows is None:
        return
    facts["gpus"] = [_gpu(row) for row in rows]
    _put(facts, "gpu.present", bool(rows) or None)
    _put(facts, "gpu.count", len(rows))


def _gpu(row: Mapping[str, Any]) -> Mapping[str, Any]:
    if row.get("cc") and row.get("total"):
        return row
    card = gpus.find(str(row.get("name") or ""))
    if card is None:
        return row
    found = {"cc": row.get("cc") or card.cc, "total": row.get("total") or card.total}
    return {**row, **{key: value for key, value in found.items() if value is not None}}


def _where(facts: Facts) -> str | None:
    return wheels.platform(facts.get("os.name"), facts.get("os.arch"))


def _torch(facts: Facts) -> None:
    """Build and CUDA version from the local part, else from the default index's wheel of this platform."""
    version = facts.get("torch.version") or facts.get("dist.torch")
    if not version:
        return
    where = _where(facts)
    variant = versions.local(version)
    if not variant and "torch.cuda" not in facts and facts.get("torch.package") in (None, "pip"):
        variant = (where and wheels.default_variant(version, where)) or ""
    _put(facts, "torch.version", version)
    _put(facts, "torch.build", "cuda" if facts.get("torch.cuda") else _build(variant))
    if facts.get("torch.build") == "cpu" and "torch.cuda" not in facts:
        facts["torch.cuda"] = None
    _put(facts, "torch.cuda", cuda.variant_cuda(variant))


def _build(variant: str) -> str | None:
    """``cu118`` -> cuda, ``cpu`` -> cpu, ``rocm6.2`` -> rocm, ``xpu`` -> xpu; None for anything else."""
    if cuda.variant_cuda(variant):
        return "cuda"
    return next((word for word in ("cpu", "rocm", "xpu") if variant.startswith(word)), None)


def _family(facts: Facts) -> None:
    """Builds of torchvision and torchaudio by their local part; torchvision also by the default index's wheel."""
    for name in ("torchvision", "torchaudio"):
        version = facts.get(f"dist.{name}") or ""
        variant = versions.local(version) or (_vision_variant(facts, version) if name == "torchvision" else "")
        if _build(variant) == "cpu" and f"{name}.cuda" not in facts:
            facts[f"{name}.cuda"] = None
        _put(facts, f"{name}.cuda", cuda.variant_cuda(variant))
        if name == "torchvision":
            _put(facts, "torchvision.build", _build(variant))


def _vision_variant(facts: Facts, version: str) -> str:
    """Variant of the default index's torchvision wheel on this platform; "" when it is not known."""
    where = _where(facts)
    if not version or not where or facts.get("torch.package") not in (None, "pip"):
        return ""
    return pairs.default_variant(version, where) or ""


def _bitsandbytes(facts: Facts) -> None:
    """The libraries that the installed wheel carries."""
    version, where = facts.get("dist.bitsandbytes"), _where(facts)
    found = libraries.bnb_cuda(version, where) if version and where else None
    _put(facts, "bnb.cuda_binaries", None if found is None else list(found))


def _torch_arches(facts: Facts) -> None:
    version, where = facts.get("torch.version"), _where(facts)
    if "torch.arch_list" in facts or not version or not where or facts.get("torch.package") not in (None, "pip"):
        return
    variant = cuda.cuda_variant(facts["torch.cuda"]) if facts.get("torch.cuda") else facts.get("torch.build")
    found = archs.arch_list(version, variant, where) if variant else None
    if found is not None:
        facts["torch.arch_list"] = list(found)


def _offline(facts: Facts, all_known: bool) -> None:
    """The switch as the Hugging Face libraries read it; off only where the variables are known to be unset."""
    if "hf.offline" in facts:
        return
    for name in _OFFLINE:
        if str(facts.get(f"env.{name}") or "").strip().lower() in _TRUE:
            facts["hf.offline"] = True
            _put(facts, "hf.offline_by", name)
            return
    if all_known:
        facts["hf.offline"] = False


def lines_of(snapshot: Snapshot, name: str, version: str) -> list[str] | None:
    """Requires-Dist of an installed distribution: as the probe read it, else from the tables; None: not known."""
    seen = snapshot.get("python.requires", {})
    if name in seen:
        return list(seen[name])
    return ranges.requirements(name, version)


def environment(snapshot: Snapshot) -> dict[str, str]:
    """PEP 508 variables of the target interpreter; unknown ones are left out.

    A text that shows its system and not its processor is of a PC: the pins of triton and of the CUDA wheels hold there.
    """
    get = snapshot.get
    arch = get("os.arch") or ("x86_64" if get("os.name") in ("linux", "windows") else None)
    return ranges.environment(get("os.name"), arch, get("python.version"))


def unmet(snapshot: Snapshot, names: Iterable[str] | None = None) -> list[dict[str, str | None]]:
    """Requirements of installed distributions that are not met: the records of ``python.unmet``.

    A requirement of something that is not installed counts only where the listing is complete.
    """
    env = tuple(sorted(environment(snapshot).items()))
    installed = snapshot.dists()
    found: list[dict[str, str | None]] = []
    for name in sorted(installed if names is None else names):
        lines = lines_of(snapshot, name, installed[name])
        for needs, wanted in _active(tuple(lines or ()), env):
            known, have = snapshot.look(f"dist.{needs}")
            if known and not (have and versions.accepts(wanted, have) is not False):
                row = {"dist": name, "version": installed[name], "needs": needs, "spec": wanted, "found": have}
                found.append(row)
    return found


@memo
def _active(lines: tuple[str, ...], env: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """``(normalised name, specifier)`` of the requirement lines whose markers hold."""
    known = dict(env)
    read = [ranges.read(line) for line in lines if ranges.applies(line, known)]
    return tuple((normalise(each.name), str(each.specifier)) for each in read if each is not None)


def _stated(facts: Facts) -> None:
    """Imports that nothing serves: what the project's requirement lines ask for, and names that nobody vouches for.

    An import name that neither the tables, the project nor an installed package knows may be anybody's package on the
    index: it is a ``stranger``.
    """
    rows = facts.get("src.imports") or ()
    if not any(row.get("resolves") is False for row in rows):
        return
    from doctor.collect.probe import src_known  # a program in order needs no such table

    lines = {normalise(str(row.get("name"))): row.get("spec") for row in reversed(facts.get("src.requirements") or ())}
    asked = {str(row.get("needs")) for row in facts.get("python.unmet") or ()}
    known = {*lines, *asked, *versions.packages(), *map(normalise, src_known.WANT.values())}
    facts["src.imports"] = [_vouched(row, lines, known) if row.get("resolves") is False else row for row in rows]


def _vouched(row: dict[str, Any], lines: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    want = normalise(str(row.get("want") or ""))
    return {**row, "spec": lines.get(want) or None, "stranger": want not in known}


def _nvidia_pins(facts: Facts) -> None:
    """The nvidia wheels that torch's metadata pins and what is installed of them."""
    snapshot = Snapshot(facts)
    version = facts.get("dist.torch")
    lines = lines_of(snapshot, "torch", version) if version else None
    if not lines:
        return
    env = tuple(sorted(environment(snapshot).items()))
    pins = [(name, want) for name, want in _active(tuple(lines), env) if name.startswith(_NVIDIA_WHEELS)]
    if pins:  # none: another variant, whose pins are not in the tables
        facts["python.nvidia_pins"] = [_pin(facts, name, want) for name, want in pins]


def _pin(facts: Facts, name: str, want: str) -> dict[str, Any]:
    have = facts.get(f"dist.{name}")
    return {"name": name, "want": want, "found": have, "ok": bool(have and versions.accepts(want, have))}
