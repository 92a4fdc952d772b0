"""Distributions, their package managers and what containers and schedulers are started with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doctor.knowledge import store


def _rows(part: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = store.rows("system_packages")[part]
    return found


def manager(distro: str | None) -> str | None:
    """``apt``, ``dnf``, ``zypper``, ``pacman`` or ``apk`` by the ID of os-release; None: not known."""
    return next((name for name, row in _rows("managers").items() if distro in row["ids"].split()), None)


def install_lines(what: str, distro: str | None) -> tuple[str, ...]:
    """The commands that install what a rule calls ``what`` (``build-essential``); none where that is not known."""
    name = manager(distro)
    found = _rows("packages").get(what, {}).get(name)
    if not name or not found:
        return ()
    row = _rows("managers")[name]
    return (*([row["first"]] if "first" in row else []), f"{row['install']} {found}")


def host_lines(what: str, distro: str | None) -> tuple[str, ...] | None:
    """What an administrator types on the machine itself for ``what`` (``nvidia-driver``); None: not such a thing."""
    row = _rows("host").get(what)
    if row is None:
        return None
    return tuple(row.get(distro) or row.get(manager(distro)) or row.get("any") or ())


def start_lines(what: str, kind: str | None) -> tuple[str, ...]:
    """How a container, pod or job is started so that it has ``what`` (``--gpus all``)."""
    row = _rows("started").get(what, {})
    return tuple(row.get(kind) or row.get("any") or ())


def windows_lines(what: str) -> tuple[str, ...]:
    """What is done on Windows for ``what``, also on the Windows around WSL."""
    return tuple(_rows("windows").get(what, ()))
