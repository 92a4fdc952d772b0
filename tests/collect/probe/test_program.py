"""What is looked at where nothing was named: the working folder's only program, if the target was made for it."""

import program as part
import pytest


def found(tmp_path, files, installed=(), **more):
    project, site = tmp_path / "project", tmp_path / "site-packages"
    for folder in (project, site):
        folder.mkdir()
    for name, text in files.items():
        (project / name).write_text(text)
    for name in installed:
        (site / f"{name}-1.0.dist-info").mkdir()
        (site / f"{name}-1.0.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
        (site / name).mkdir()
        (site / name / "__init__.py").touch()
    ctx = {"around": True, "cwd": str(project), "env": {}, "site": [str(site)], "python_version": "3.11.7", "deadline": 8.0, **more}
    facts = {}
    for group in part.GROUPS:
        facts.update(group.read(ctx))
    return facts


def test_the_only_program(tmp_path):
    facts = found(tmp_path, {"chat.py": "import torch\ninput('?')\n", "setup.py": "", "test_chat.py": "", "run.sh": "python chat.py"}, ["torch"])
    assert facts["src.found"] == "chat.py"
    assert [call["name"] for call in facts["src.calls"]] == ["input"]


@pytest.mark.parametrize(
    ("files", "installed"),
    [
        ({"a.py": "x = 1\n", "b.py": "x = 1\n"}, []),  # which one?
        ({"a.py": "import torch\n"}, ["flask"]),  # this environment is for something else
        ({"a.py": "def f(:\n"}, ["torch"]),
        ({"requirements.txt": "torch==2.0.1\n"}, ["flask"]),
        ({"setup.py": "", "notes.md": ""}, []),
        ({}, []),
    ],
)  # fmt: skip
def test_nothing_is_guessed(tmp_path, files, installed):
    facts = found(tmp_path, files, installed)
    assert facts["src.found"] is None
    assert facts["?src.calls"] == part.NOTHING
    assert "src.requirements" not in facts


def test_requirements_for_a_new_environment(tmp_path):
    facts = found(tmp_path, {"requirements.txt": "torch==2.0.1\n"}, ["pip"])
    assert facts["src.found"] == "requirements.txt"
    assert [row["name"] for row in facts["src.requirements"]] == ["torch"]


def test_what_was_named_is_what_is_read(tmp_path):
    facts = found(tmp_path, {"a.py": "x = 1\n", "b.py": "input()\n"}, what=["b.py"])
    assert facts["src.found"] is None
    assert [call["name"] for call in facts["src.calls"]] == ["input"]


def test_a_folder_is_not_looked_at_unless_asked(tmp_path):
    assert found(tmp_path, {"a.py": "x = 1\n"}, around=False)["?src.calls"] == part.NOTHING


def test_a_folder_that_is_gone(tmp_path):
    assert found(tmp_path, {"a.py": "x = 1\n"}, cwd=str(tmp_path / "no"))["src.found"] is None
