"""What hides what, and what only looks like it."""

from __future__ import annotations

from pathlib import Path

import pytest
import shadows
from envmake import Env


@pytest.fixture
def stdlib(env: Env, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Env:
    monkeypatch.setattr(shadows, "_standard", lambda _target: {"copy", "random", "queue", "logging"})
    env.dist("torch", "2.5.1", files={"torch/__init__.py": b"x"})
    env.dist("pillow", "11.0", files={"PIL/__init__.py": b"x"})
    return env


def found(env: Env, /, **more: object) -> list[tuple[str, str, str]]:
    return [(r["module"], r["hides"], r["where"]) for r in shadows.read(env.ctx(**more))["python.shadows"]]


def test_files_and_packages_in_the_working_folder(stdlib: Env) -> None:
    for name in ("torch.py", "copy.py", "mine.py"):
        (stdlib.cwd / name).write_bytes(b"")
    (stdlib.cwd / "PIL").mkdir()
    (stdlib.cwd / "PIL/__init__.py").write_bytes(b"")
    assert found(stdlib) == [("PIL", "pillow", "cwd"), ("copy", "stdlib", "cwd"), ("torch", "torch", "cwd")]


def test_a_folder_without_init_hides_nothing(stdlib: Env) -> None:
    for name in ("torch", "logging", "random"):
        (stdlib.cwd / name).mkdir()
    (stdlib.cwd / "torch/notes.txt").write_bytes(b"")
    assert found(stdlib) == []


def test_names_loaded_at_start_or_harmless_are_left_alone(stdlib: Env) -> None:
    for name in ("os.py", "site.py", "test.py", "tests.py"):
        (stdlib.cwd / name).write_bytes(b"")
    assert found(stdlib) == []


def test_script_folder_comes_first(stdlib: Env, tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "queue.py").write_bytes(b"")
    assert found(stdlib, script_dirs=[str(scripts)]) == [("queue", "stdlib", "script")]


def test_a_safe_path_leaves_the_script_folder_out(stdlib: Env) -> None:
    (stdlib.cwd / "torch.py").write_bytes(b"")
    assert found(stdlib, env={"PYTHONSAFEPATH": "1"}) == []


def test_pythonpath_brings_another_version(stdlib: Env, tmp_path: Path) -> None:
    other = tmp_path / "ros" / "site-packages"
    stdlib.dist("torch", "1.13.0", files={"torch/__init__.py": b"x"}, site=other)
    (record,) = shadows.read(stdlib.ctx(env={"PYTHONPATH": str(other)}))["python.shadows"]
    assert (record["hides"], record["version"], record["hidden"], record["where"]) == ("torch", "1.13.0", "2.5.1", "PYTHONPATH")


def test_the_user_site_counts_only_where_it_is_on(stdlib: Env) -> None:
    user = stdlib.home / ".local/lib/python3.11/site-packages"
    stdlib.dist("torch", "1.13.0", files={"torch/__init__.py": b"x", "copy.py": b"x"}, site=user)
    assert found(stdlib) == []
    (stdlib.prefix / "pyvenv.cfg").write_text("home = /nowhere\nversion = 3.11.7\ninclude-system-site-packages = true\n")
    assert found(stdlib) == [("torch", "torch", "user-site")]
    assert found(stdlib, env={"PYTHONNOUSERSITE": "1"}) == []


@pytest.mark.parametrize(("file", "text"), [("pyproject.toml", '[project]\nname = "torch"\n'), ("setup.py", 'setup(name="Torch")\n')])
def test_a_checkout_is_no_shadow_of_its_own_project(stdlib: Env, file: str, text: str) -> None:
    (stdlib.cwd / "torch").mkdir()
    (stdlib.cwd / "torch/__init__.py").write_bytes(b"")
    (stdlib.cwd / file).write_text(text)
    assert found(stdlib) == []
