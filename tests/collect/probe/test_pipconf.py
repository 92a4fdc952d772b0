"""pip's settings and whose pip a shell would run."""

from __future__ import annotations

import os
from pathlib import Path

import about
import pipconf
import pytest
from envmake import Env


@pytest.fixture(autouse=True)
def _only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    real = pipconf.config_files
    monkeypatch.setattr(pipconf, "config_files", lambda target: [p for p in real(target) if not p.startswith("/etc")])


def test_later_files_and_variables_win_and_no_password_is_kept(env: Env) -> None:
    folder = env.home / ".config" / "pip"
    folder.mkdir(parents=True)
    (folder / "pip.conf").write_text("[global]\nindex-url = https://me:secret@mirror.example/simple\ntimeout=60\n[list]\nformat = json\n")
    (env.prefix / "pip.conf").write_text("[install]\nextra_index_url =\n  https://u:p@a.example\n  https://b.example\n")
    facts = pipconf.read(env.ctx(env={"PIP_CONSTRAINT": "/c.txt", "PIP_TIMEOUT": "5", "PIP_PASSWORD": "x"}))
    assert facts["pip.config"] == {
        "index-url": "https://mirror.example/simple", "timeout": "5", "constraint": "/c.txt",
        "extra-index-url": "https://a.example https://b.example",
    }
    assert facts["pip.index"] == "https://mirror.example/simple"
    assert facts["pip.version"] is None


def script(folder: Path, line: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pip").write_text(f"{line}\nimport pip\n")
    (folder / "pip").chmod(0o755)


def test_pip_of_this_environment_and_of_another(env: Env, tmp_path: Path) -> None:
    own = env.prefix / "bin"
    script(own, f"#!{own}/python3")
    assert pipconf.read_on_path(env.ctx())["pip.on_path_foreign"] is False
    other = tmp_path / "other"
    script(other / "bin", f"#!/bin/sh\n'''exec' \"{other}/bin/python3.10\" \"$0\" \"$@\"\n' '''")
    (other / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.10.13\n")
    facts = pipconf.read_on_path(env.ctx(env={"PATH": f"relative{os.pathsep}{other}/bin{os.pathsep}{own}"}))
    assert facts == {"pip.on_path_prefix": str(other), "pip.on_path_foreign": True, "pip.on_path_python": "3.10.13"}


def test_no_pip_and_a_pip_that_says_nothing(env: Env, tmp_path: Path) -> None:
    assert set(pipconf.read_on_path(env.ctx(env={"PATH": str(tmp_path)})).values()) == {None}
    script(tmp_path / "shims", "#!/usr/bin/env bash")
    assert set(pipconf.read_on_path(env.ctx(env={"PATH": str(tmp_path / "shims")}))) == {"?" + name for name in (
        "pip.on_path_prefix", "pip.on_path_foreign", "pip.on_path_python")}


def test_a_moved_environment_is_seen_by_its_scripts(env: Env, tmp_path: Path) -> None:
    script(env.prefix / "bin", f"#!{env.prefix}/bin/python")
    assert about.read(env.ctx())["python.moved"] is False
    script(env.prefix / "bin", f"#!{tmp_path}/lisa_env/bin/python")
    assert about.read(env.ctx())["python.moved"] is True


def test_a_base_that_is_gone(env: Env) -> None:
    assert "python.broken" not in about.read(env.ctx())
    (env.prefix / "pyvenv.cfg").write_text("home = /nowhere/miniconda3/bin\nversion_info = 3.11.7\n")
    facts = about.read(env.ctx())
    assert facts["python.broken"] == "base-missing"
    assert facts["python.version"] == "3.11.7"
    assert facts["?python.bits"] == "the interpreter does not start"
