"""Builds conda environments on disk: records as conda writes them (its documentation and public records), no conda."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from envmake import Env

HOST = "https://me:secret@conda.example/t/to-ken-123"


class Conda(Env):
    """An environment ``name`` below ``root/conda/envs``, or the base one."""

    def __init__(self, root: Path, name: str = "llava") -> None:
        super().__init__(root)
        (self.prefix / "pyvenv.cfg").unlink()
        self.root = root / "conda"
        prefix = self.root if name == "base" else self.root / "envs" / name
        prefix.parent.mkdir(parents=True, exist_ok=True)
        self.prefix.rename(prefix)
        self.prefix = prefix
        self.site = prefix / "lib" / "python3.11" / "site-packages"
        self.meta = prefix / "conda-meta"
        for folder in {self.meta, self.root / "conda-meta", self.root / "condabin"}:
            folder.mkdir(exist_ok=True)
        (self.root / "condabin" / "conda").write_bytes(b"")
        self.package("python", "3.11.9", files=("bin/python3.11",))

    def package(
        self,
        name: str,
        version: str,
        build: str = "py311_0",
        channel: str = "conda-forge",
        *,
        files: tuple[str, ...] = (),
        needs: tuple[str, ...] = (),
        **more: Any,
    ) -> Path:
        """One record of conda-meta."""
        rows = [{"_path": f, "path_type": "hardlink", "sha256": "a" * 64, "sha256_in_prefix": "a" * 64, "size_in_bytes": self._size(f)} for f in files]
        record = {
            "arch": "x86_64", "build": build, "build_number": 0, "channel": f"{HOST}/{channel}/linux-64", "constrains": [],
            "depends": list(needs), "extracted_package_dir": f"/x/pkgs/{name}-{version}-{build}", "features": "", "files": list(files),
            "fn": f"{name}-{version}-{build}.conda", "license": "", "link": {"source": "/x/pkgs", "type": 1}, "md5": "0" * 32,
            "name": name, "package_tarball_full_path": "", "paths_data": {"paths": rows, "paths_version": 1}, "requested_spec": "",
            "sha256": "b" * 64, "size": 1, "subdir": "linux-64", "timestamp": 1, "track_features": "",
            "url": f"{HOST}/{channel}/linux-64/{name}-{version}-{build}.conda", "version": version, **more,
        }  # fmt: skip
        path = self.meta / f"{name}-{version}-{build}.json"
        path.write_text(json.dumps(record, indent=2))
        return path

    def _size(self, name: str) -> int:
        path = self.prefix / name
        return path.stat().st_size if path.is_file() else 1

    def python_package(self, name: str, version: str, dist: str = "", installer: str = "conda", **more: Any) -> Path:
        """A package with the distribution that it brings (``dist``: where its name is another one)."""
        folder = self.dist(dist or name, version, installer=installer, files={f"{(dist or name).replace('-', '_')}/__init__.py": b""})
        inside = folder.relative_to(self.prefix).as_posix()
        return self.package(name, version, files=(f"{inside}/METADATA", f"{inside}/RECORD", f"{inside}/INSTALLER"), **more)
