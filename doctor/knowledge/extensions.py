"""Distributions with code that is compiled against one torch without saying so in their metadata."""

from __future__ import annotations

from doctor.knowledge import libraries, store, versions
from doctor.model.names import normalise


def built_against_torch(name: str) -> bool:
    """True when a binary of this distribution fits one torch only."""
    return normalise(name) in store.rows("torch_extensions")


def same_binary(old: str, new: str) -> bool:
    """Does what was compiled against one torch (``2.5.1+cu124``) load with another? False where it is not known.

    The series (major.minor), the C++ ABI and the major version of CUDA must be the same.
    """
    one, two = versions.parse(versions.public(old)), versions.parse(versions.public(new))
    if one is None or two is None or one.release[:2] != two.release[:2]:
        return False
    if libraries.cxx11_abi(old) != libraries.cxx11_abi(new):
        return False
    return versions.local(old)[:4] == versions.local(new)[:4]  # cu118 and cu121 differ, cu121 and cu124 do not


def ready_wheels(name: str, torch: str, variant: str) -> str | None:
    """Page with the project's own wheels for a torch release and variant; None: it has none or it is not known."""
    found = versions.parse(versions.public(torch))
    page = store.rows("torch_extensions").get(normalise(name), {}).get("links")
    if not page or not variant or found is None:
        return None
    series = f"{found.major}.{found.minor}"
    return str(page).replace("<series>", series).replace("<variant>", variant)
