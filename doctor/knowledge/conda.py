"""conda's names for what the Python index calls otherwise, its own libraries, and channels that have ended."""

from __future__ import annotations

from doctor.knowledge import store, versions


def distribution(package: str) -> str:
    """The distribution that a conda package brings; "" for one that brings none (``pytorch-cuda``)."""
    rows = store.rows("conda_names")
    return "" if package in rows["libraries"] else str(rows["names"].get(package, package))


def library(name: str) -> bool:
    """True for what conda alone has and pip must never be asked for."""
    return name in store.rows("conda_names")["libraries"]


def ended(channel: str, package: str, version: str) -> bool:
    """True when the owner of ``channel`` stopped publishing ``package`` before this release."""
    last = store.rows("conda_names")["ended"].get(channel, {}).get(package)
    return last is not None and versions.compare(versions.public(version), last) == 1
