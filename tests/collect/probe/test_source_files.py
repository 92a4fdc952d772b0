"""Files that are not what a reader hopes for."""

import os
import time

import program as part
import pytest
import src_program
import src_walk
from test_source import facts, program


def problem(found):
    return [record["problem"].split(":")[0] for record in found["src.errors"]]


@pytest.mark.parametrize(("text", "word"), [
    ("print 'x'\n", "python2"), ("try:\n pass\nexcept A, e:\n pass\n", "python2"), ("x = = 1\n", "syntax"),
    ("if 1:\n\tx = 1\n        y = 2\n", "tabs"), ("x = 1\n".encode("utf-16"), "encoding"),
    ("x = '中文'\n".encode("gbk"), "encoding"), ("x = " + "+".join("1" * 20000), "too deep"),
    ("x = " + "-" * 50000 + "1", "too deep"),
    ("x = [" + "1," * 70000 + "]", "left out"), (b"\x00\x01\x02", "encoding"),
])
def test_files_that_do_not_parse(tmp_path, text, word):
    assert problem(program(tmp_path, text, python_version="3.10.4")) == [word]


@pytest.mark.parametrize("text", ["\ufeffimport torch\n", "# -*- coding: gbk -*-\nimport torch\nx = 1\n", "import torch\r\n",
                                  "import torch\nx = '\\d'\n"])
def test_files_that_do(tmp_path, text):
    found = program(tmp_path, text)
    assert not found["src.errors"]
    assert found["src.imports"][0]["module"] == "torch"


def test_grammar_of_the_target(tmp_path):
    assert problem(program(tmp_path, "match x:\n case 1: pass\n", python_version="3.8.10")) == ["syntax"]
    assert not problem(program(tmp_path / "b", "match x:\n case 1: pass\n", python_version="3.12.0"))
    assert problem(program(tmp_path / "c", "x = = 1\n", python_version="3.99.0")) == ["newer"]


def test_not_there_not_regular_not_ours(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "here.py").write_text("import torch\n")
    found = facts(tmp_path, {"ok.py": ""}, ["pipe.py", "loop.py", "gone.py", "/dev/zero", "ok.py"])
    assert len(found["src.errors"]) == 4
    assert found["src.files"] == [str(tmp_path / "ok.py")]


def test_folders_that_are_skipped(tmp_path):
    files = {"a.py": "", ".git/b.py": "", "venv/c.py": "", "mine/pyvenv.cfg": "", "mine/d.py": "", "node_modules/e.py": "",
             "deep/f.py": ""}
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "up").symlink_to("..")
    found = facts(tmp_path, files, ["."])
    assert [os.path.relpath(path, tmp_path) for path in found["src.files"]] == ["a.py", "deep/f.py"]


def test_caps(tmp_path, monkeypatch):
    (tmp_path / "big.py").write_bytes(b"#" * (src_walk.FILE_BYTES + 1))
    assert problem(facts(tmp_path, {"ok.py": ""}, ["big.py"])) == ["left out"]
    monkeypatch.setattr(src_walk, "FILES", 2)
    found = facts(tmp_path, {"x/a.py": "", "x/b.py": "", "x/c.py": ""}, ["x"])
    assert len(found["src.files"]) == 2
    assert "left out" in problem(found)


def test_time_is_up(tmp_path):
    found = facts(tmp_path, {"a.py": "import torch\n"}, deadline=0.0)
    assert problem(found) == ["left out"]


def test_broken_notebook_and_toml(tmp_path):
    found = facts(tmp_path, {"n.ipynb": "{", "pyproject.toml": "[project\n", "m.ipynb": '{"cells": [1, {"cell_type": "code"}]}'},
                  ["n.ipynb", "pyproject.toml", "m.ipynb"])
    assert sorted(problem(found)) == ["syntax", "syntax"]


def test_values_that_run_in_circles(tmp_path):
    found = program(tmp_path, "\n".join(["from transformers import AutoModel", "a = b or c", "b = a or c", "c = a + b"]
                                        + ["a = a or b or c"] * 50 + ["AutoModel.from_pretrained(a)"]))
    assert found["src.calls"][0]["args"] == [None]
    loop = facts(tmp_path, {"x.py": "from y import A\nfrom transformers import AutoModel as M\nM.from_pretrained(A)\n",
                            "y.py": "from x import A\n"})
    assert loop["src.repos"] == []


def test_shape_of_records(tmp_path):
    from doctor.model.facts.source import FACTS

    fields = {spec.name: set(spec.fields) for spec in FACTS}
    found = facts(tmp_path, {"run.sh": "export A=1\npip install torch\npython demo.py\n", "bad.py": "x = = 1\n", "demo.py": """
import bad, torch, argparse
from transformers import AutoModel
argparse.ArgumentParser().add_argument("--x", default=1)
AutoModel.from_pretrained("a/b")
"""})
    for name, value in found.items():
        for record in value if isinstance(value, list) else ():
            if isinstance(record, dict):
                assert set(record) <= fields[name], name
                assert record
    assert all(found[name] for name in fields if name not in ("src.project", "src.found", "src.broken_imports"))


def test_group_names_are_catalogued():
    from doctor.model.facts.source import FACTS

    assert {name for group in part.GROUPS for name in group.names} == {spec.name for spec in FACTS}
    assert all(group.risky for group in part.GROUPS)


def test_trouble_words():
    assert src_program.trouble(MemoryError(), None)[0] == "too deep: MemoryError"


@pytest.mark.parametrize(("name", "text"), [
    ("run.sh", "pip install " + "a" * 200000 + '="' + "'" * 50000 + "\npython " + "-u " * 50000 + "\n" + "A=b " * 50000),
    ("run.sh", "export A=" + "\\\n" * 50000 + "--model " * 20000 + "\n" + "; " * 100000),
    ("requirements.txt", "a" * 300000 + "[" + "b" * 100000 + "\nx ; " + "(" * 100000 + "\ny " + " " * 200000 + "z\n"),
    ("demo.py", "from transformers import AutoModel\n" + "AutoModel.from_pretrained('a/b')\n" * 5000),
])
def test_bait_for_patterns_is_read_in_time(tmp_path, name, text):
    began = time.process_time()
    facts(tmp_path, {name: text})
    assert time.process_time() - began < 5
