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


def packages(what: str, distro: str | None, also: str = "") -> str:
    """What the distribution calls ``what`` (``build-essential``), one or several packages; "" where it is not known.

    ``also``: ``others`` takes in what comes from another repository or is a matter of taste.
    """
    row = _rows("packages").get(what) or (_rows(also).get(what) if also else None) or {}
    return str(row.get(manager(distro), ""))


def owner(library: str) -> str:
    """The package, as Debian calls it, that holds a shared library (``libnuma.so.1``); "" where it is not known."""
    return str(_rows("sonames").get(library.partition(".so")[0] + ".so", ""))


def install_lines(names: str, distro: str | None) -> tuple[str, ...]:
    """The commands that install packages of the distribution; none where its package manager is not known."""
    name = manager(distro)
    if not name or not names:
        return ()
    row = _rows("managers")[name]
    return (*([row["first"]] if "first" in row else []), f"{row['install']} {names}")


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
