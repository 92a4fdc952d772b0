"""Which wheels exist: for a Python, a platform and, for the torch family, a CUDA variant; and where they come from."""

from __future__ import annotations

import re
from collections.abc import Mapping

from doctor.knowledge import pairs, store, versions
from doctor.model.names import normalise
from doctor.model.patterns import compiled

_MANYLINUX = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}
_PEP600 = r"manylinux_(\d+)_(\d+)"
_PLATFORM = {
    ("linux", "x86_64"): "linux_x86_64",
    ("linux", "amd64"): "linux_x86_64",
    ("linux", "aarch64"): "linux_aarch64",
    ("linux", "arm64"): "linux_aarch64",
    ("windows", "amd64"): "win_amd64",
    ("windows", "x86_64"): "win_amd64",
    ("darwin", "arm64"): "macos_arm64",
    ("darwin", "x86_64"): "macos_x86_64",
}


def platform(os_name: str | None, arch: str | None) -> str | None:
    """Platform word of the tables (``linux_x86_64``, ``win_amd64`` ...) from ``os.name`` and ``os.arch``."""
    return _PLATFORM.get((os_name or "", (arch or "").lower()))


def python_tag(version: str) -> str | None:
    """``3.11.4`` -> ``cp311``."""
    found = versions.parse(version)
    return f"cp{found.major}{found.minor}" if found else None


@store.memo
def has_wheel(name: str, version: str, tag: str, where: str) -> bool | None:
    """Is there a wheel of this release for a Python tag (``cp311``) and platform word? None: not catalogued.

    Only the default index is meant; variants with a local part are asked with :func:`has_variant`.
    """
    row = versions.run(name, version)
    if row is None:
        return None
    tags = row.get("tags")
    if not isinstance(tags, Mapping):
        return False
    keys = (where, "any", "macos_universal2") if where.startswith("macos") else (where, "any")
    return any(_fits(each, tag) for key in keys for each in str(tags.get(key, "")).split())


def _fits(offered: str, tag: str) -> bool:
    """``cp38+`` is a stable-ABI wheel: good for 3.8 and later. ``py3`` and ``py39`` are pure ones."""
    if offered.startswith("py"):
        return "py3" in offered.split(".") or _minor(tag) >= _minor(offered)
    if offered.endswith("+"):
        return not tag.endswith("t") and _minor(tag) >= _minor(offered)
    return offered == tag


def _minor(tag: str) -> int:
    digits = re.sub(r"\D", "", tag)
    return int(digits[1:] or 0)


def needs_build(name: str, version: str) -> bool | None:
    """Is the release offered as source only? None: not catalogued."""
    row = versions.run(name, version)
    return None if row is None else bool(row.get("sdist"))


def needs_python(name: str, version: str) -> str | None:
    """Requires-Python of a release, or None."""
    row = versions.run(name, version)
    found = None if row is None else row.get("py")
    return str(found) if found else None


@store.memo
def newest_wheel(name: str, tag: str, where: str, specifier: str = "") -> str | None:
    """Newest release with a wheel for this Python tag and platform that ``specifier`` accepts."""
    return next((v for v in versions.candidates(name, specifier) if has_wheel(name, v, tag, where)), None)


def _build(torch: str, where: str) -> Mapping[str, object]:
    found: Mapping[str, object] = store.rows("torch").get(versions.public(torch), {}).get("builds", {}).get(where, {})
    return found


def default_variant(torch: str, where: str) -> str | None:
    """Variant of the default index's torch wheel: ``cu121``, ``cpu``; None: not catalogued."""
    build = _build(torch, where)
    if not build:
        return "cpu" if where.startswith("macos") and versions.run("torch", torch) else None
    found = build.get("local")
    return str(found) if found else "cpu" if build.get("cuda") is None else None


def variants(torch: str) -> tuple[str, ...]:
    """CUDA variants of a torch release on PyTorch's own wheel index for Linux x86_64, oldest first."""
    row = store.rows("torch_variants")["releases"].get(versions.public(torch))
    return tuple(row["variants"].split()) if row else ()


def has_variant(torch: str, variant: str) -> bool | None:
    """Does PyTorch's index carry this release for ``variant``? None: the release is not catalogued."""
    found = variants(torch)
    return None if not found else variant == "cpu" or variant in found


def index_url(variant: str) -> str:
    """Address of PyTorch's wheel index for ``cu121``, ``cpu`` ..."""
    return str(store.table("torch_variants")["index_url"]).replace("<variant>", variant)


def source(torch: str, where: str, variant: str | None = None) -> tuple[str, str | None] | None:
    """``(version to pin, index address or None for the default index)`` that gives torch in ``variant``.

    Without ``variant`` the local part of ``torch`` decides. None when no known index has it.
    """
    wanted = variant or versions.local(torch)
    bare = versions.public(torch)
    if not wanted or wanted == default_variant(torch, where):
        return bare, None
    return (f"{bare}+{wanted}", index_url(wanted)) if has_variant(torch, wanted) else None


def trio(torch: str, where: str, variant: str | None = None) -> tuple[list[str], str | None] | None:
    """Pins for torch and its torchvision and torchaudio partners, and the index address they come from."""
    found = source(torch, where, variant)
    if found is None:
        return None
    pin, url = found
    rest = [text for name in ("torchvision", "torchaudio") if (text := _partner_pin(pin, name))]
    return [f"torch=={pin}", *rest], url


def _partner_pin(torch: str, name: str) -> str | None:
    """The partner's pin with torch's local part where such a build is certain, without where the index decides."""
    tail, exact, found = versions.local(torch), pairs.stated(torch, name), pairs.partner(torch, name)
    if found is None:
        return None
    if exact and tail:
        return f"{name}=={exact}+{tail}"
    # a free torchaudio was built for the variants of the torch of its own number only
    missing = tail and name == "torchaudio" and not has_variant(found, tail)
    return None if missing else f"{name}=={found}"


def glibc_floor(torch: str, where: str = "linux_x86_64") -> str | None:
    """Oldest glibc that torch's default wheel installs on, by its manylinux tag."""
    text = str(_build(torch, where).get("manylinux") or "")
    found = compiled(_PEP600).search(text)
    if found:
        return f"{found[1]}.{found[2]}"
    return next((floor for word, floor in _MANYLINUX.items() if text.startswith(word)), None)


def catalogued(name: str) -> bool:
    """True when releases of this package are catalogued."""
    return normalise(name) in versions.packages()
