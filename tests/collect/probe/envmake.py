"""Builds environments on disk: a venv folder with metadata, never a real interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HEAD = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"


class Env:
    """A venv of Python 3.11 below ``root``; ``ctx()`` makes the probe read it by its files."""

    def __init__(self, root: Path) -> None:
        self.prefix = root / "venv"
        self.site = self.prefix / "lib" / "python3.11" / "site-packages"
        self.site.mkdir(parents=True)
        base = root / "base" / "bin"
        base.mkdir(parents=True)
        (base / "python3").write_bytes(b"")
        (self.prefix / "bin").mkdir()
        (self.prefix / "pyvenv.cfg").write_text(f"home = {base}\nversion = 3.11.7\ninclude-system-site-packages = false\n")
        self.cwd = root / "project"
        self.cwd.mkdir()
        self.home = root / "home"
        self.home.mkdir()

    def ctx(self, /, **more: Any) -> dict[str, Any]:
        env = {"HOME": str(self.home), "PATH": str(self.prefix / "bin"), **more.pop("env", {})}
        return {"env": env, "cwd": str(self.cwd), "prefix": str(self.prefix), "executable": None, "deadline": 4.0, **more}

    def dist(
        self,
        name: str,
        version: str,
        requires: tuple[str, ...] = (),
        files: dict[str, bytes] | None = None,
        site: Path | None = None,
        metadata: bytes | None = None,
        installer: str = "pip",
    ) -> Path:
        """An installed distribution; ``files`` are written and listed in RECORD."""
        site = site or self.site
        folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir(parents=True)
        text = HEAD.format(name=name, version=version) + "".join(f"Requires-Dist: {line}\n" for line in requires) + "\nText\n"
        (folder / "METADATA").write_bytes(text.encode() if metadata is None else metadata)
        (folder / "INSTALLER").write_text(installer + "\n")
        rows = [f"{folder.name}/METADATA,sha256=x,{len(text)}"]
        for path, data in (files or {}).items():
            place = site / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            rows.append(f"{path},sha256=x,{len(data)}")
        (folder / "RECORD").write_text("\n".join(rows) + "\n")
        return folder
