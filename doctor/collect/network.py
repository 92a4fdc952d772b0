"""Proxy variables: what they say, without their credentials, and whether a local proxy listens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from doctor.model.patterns import compiled

SCHEMES = ("http", "https", "all", "no", "ftp")
LOCAL = ("localhost", "127.", "::1", "0.0.0.0")  # noqa: S104 - read, not bound to
LOOPBACK = r"(?:localhost|127(?:\.\d{1,3}){3}|::1|0\.0\.0\.0)$"


def proxies(env: Mapping[str, str]) -> dict[str, str]:
    """Proxy variables by scheme; the lower-case name wins, as in Python and curl."""
    found = {scheme: env.get(f"{scheme}_proxy") or env.get(f"{scheme}_proxy".upper()) for scheme in SCHEMES}
    return {scheme: value for scheme, value in found.items() if value}


def without_login(url: str) -> str:
    """The URL without ``user:password@``, whatever else is wrong with it."""
    head, mark, rest = url.partition("://")
    if not mark:
        head, rest = "", url
    return head + mark + rest.rpartition("@")[2]


def _local_port(url: str) -> int | None:
    """Port of a proxy on this machine, None for others and for URLs that have none."""
    if not any(word in url.lower() for word in LOCAL):
        return None
    from urllib.parse import urlsplit  # slow to load, and most addresses are of other machines

    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        return parts.port if compiled(LOOPBACK).match(parts.hostname or "") else None
    except ValueError:
        return None


def read(env: Mapping[str, str], listening: Iterable[int] | None) -> tuple[dict[str, Any], dict[str, str]]:
    """Facts ``net.*`` and reasons. Nothing is connected to: the kernel's list of listening ports answers."""
    found = proxies(env)
    urls = [value for scheme, value in found.items() if scheme != "no"]
    facts: dict[str, Any] = {
        "net.proxies": {scheme: without_login(value) for scheme, value in found.items()},
        "net.proxy_credentials": any("@" in value for value in urls),
    }
    ports = [port for port in map(_local_port, urls) if port]
    if not urls:
        facts["net.proxy_alive"] = None
    elif not ports:
        return facts, {"net.proxy_alive": "left open: the proxy is on another machine; nothing is connected to"}
    elif listening is None:
        return facts, {"net.proxy_alive": "the list of listening ports is not readable"}
    else:
        facts["net.proxy_alive"] = set(ports) <= set(listening)
    return facts, {}


def dead_here(url: object, listening: Iterable[int] | None) -> bool:
    """The address is a port of this machine on which nobody listens."""
    port = _local_port(url) if isinstance(url, str) else None
    return port is not None and listening is not None and port not in set(listening)
