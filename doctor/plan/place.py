"""A new environment beside the patient's: its name is free, and the patient's own tool makes it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from doctor.knowledge import versions
from doctor.model import Snapshot
from doctor.plan.shell import Target, quote


@dataclass(frozen=True, slots=True)
class Fresh:
    """``make``: the command for it; ``python``: its interpreter as the head of a command; ``path``: behind it."""

    make: str
    python: str
    path: str


def fresh(snapshot: Snapshot, target: Target, python: str = "") -> Fresh:
    """An environment with this Python (``3.11``), by default with the one that the tool takes."""
    name = str(snapshot.get("python.free_env", "vlm"))
    if target.conda:
        return _by_conda(name, target, python or _series(snapshot))
    windows = target.shell == "powershell"
    place = f"$HOME\\venvs\\{name}" if windows else f"~/venvs/{name}"
    there = f"{place}\\Scripts\\python.exe" if windows else f"{place}/bin/python"
    if target.installer == "uv":
        make = f"uv venv --python {python} {place}" if python else f"uv venv {place}"
    elif windows:
        make = f"py -{python} -m venv {place}" if python else f"py -m venv {place}"
    else:
        make = f"python{python or 3} -m venv {place}"
    return Fresh(make, there, there)


def _by_conda(name: str, target: Target, python: str) -> Fresh:
    """Where conda keeps it is conda's own affair, so it is asked."""
    program = quote(target.conda.program, target.shell) if target.conda else "conda"
    call = f"{program} run -n {name} python"
    asked = f"({call} -c 'import sys; print(sys.executable)')"
    path = asked if target.shell == "powershell" else f'"${asked}"'
    return Fresh(f"{program} create -y -n {name} python={python} pip", call, path)


def _series(snapshot: Snapshot) -> str:
    found = versions.parse(snapshot.get("python.version"))
    return f"{found.major}.{found.minor}" if found else "3.11"
