"""The whole part in a real interpreter, started as the doctor starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pyenv
import pytest

from doctor.model.facts import find

PROBE = Path(__file__).parents[3] / "doctor" / "collect" / "probe"


def run(python: str, ctx: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    settings = {"fd": 1, "nonce": "n", "env": {"HOME": "/nonexistent", "PATH": ""}, "cwd": str(PROBE), "deadline": 20, **ctx}
    command = [python, "-I", "-S", "-B", str(PROBE), "pyenv", json.dumps(settings)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env={"PATH": os.defpath})
    facts: dict[str, Any] = {}
    unread: dict[str, str] = {}
    for line in done.stdout.splitlines():
        payload = json.loads(line.split(" ", 2)[2])
        for one in payload if isinstance(payload, list) else [payload]:
            facts.update(one.get("facts", {}))
            if "f" in one:
                facts[one["f"]] = one["v"]
            elif "u" in one:
                unread[one["u"]] = one["why"]
    return facts, unread


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("real") / "env"
    venv.create(place, with_pip=False, symlinks=True)
    return place


def test_a_real_venv(folder: Path) -> None:
    facts, unread = run(str(folder / "bin" / "python"), {})
    assert facts["python.kind"] == "venv"
    assert facts["python.prefix"] == str(folder)
    assert facts["python.version"] == sys.version.split()[0]
    assert facts["python.user_site_enabled"] is False
    assert facts["python.moved"] is False
    assert facts["ext.problems"] == facts["python.unmet"] == facts["python.corrupt"] == []
    assert "python.broken" not in facts
    assert not unread


def test_our_own_environment_agrees_with_the_library() -> None:
    from importlib.metadata import distributions

    facts, _ = run(sys.executable, {})
    theirs = {dist.metadata["Name"].lower().replace("_", "-").replace(".", "-"): dist.version for dist in distributions()}
    ours = {name[5:]: version for name, version in facts.items() if name.startswith("dist.")}
    assert {name: version for name, version in theirs.items() if name in ours} == ours


def test_every_fact_is_in_the_catalogue() -> None:
    names = [name for group in pyenv.GROUPS for name in group.names]
    assert not [name for name in names if find(name) is None]
    assert len(names) == len(set(names))


def test_nothing_of_the_patient_is_run(folder: Path) -> None:
    (site,) = (folder / "lib").glob("python*/site-packages")
    mark = folder / "ran"
    for name in ("sitecustomize.py", "usercustomize.py", "site.py", "json.py"):
        (site / name).write_text(f"open({str(mark)!r}, 'w')\n")
    (site / "evil.pth").write_text(f"import os; os.mkdir({str(mark)!r})\n")
    run(str(folder / "bin" / "python"), {})
    assert not mark.exists()


def test_a_venv_whose_python_changed(tmp_path: Path) -> None:
    place = tmp_path / "env"
    venv.create(place, with_pip=False, symlinks=True)
    python = str(place / "bin" / "python")
    facts, _ = run(python, {})
    assert facts["python.venv_problem"] is None
    other = place / "lib" / "python3.6" / "site-packages"
    (other / "pip").mkdir(parents=True)
    assert run(python, {})[0]["python.venv_problem"] is None
    (other / "einops").mkdir()
    facts, _ = run(python, {})
    assert (facts["python.venv_problem"], facts["python.venv_python"]) == ("other-python", "3.6")


def test_a_venv_without_its_settings(tmp_path: Path) -> None:
    place = tmp_path / "env"
    venv.create(place, with_pip=False, symlinks=True)
    (place / "pyvenv.cfg").unlink()
    facts, _ = run(str(place / "bin" / "python"), {})
    assert (facts["python.venv_problem"], facts["python.venv_folder"]) == ("cfg-missing", str(place))
