"""The sizes and habits that keep the house readable, measured over the whole tree."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "doctor").rglob("*.py"))
MAX_FILE = 400  # lines; tables of facts excepted
MAX_FUNCTION = 60  # lines
P90_FUNCTION = 40


def functions():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path.relative_to(ROOT), node


def test_files_stay_short():
    long = [(str(p.relative_to(ROOT)), n) for p in FILES if (n := p.read_text(encoding="utf-8").count("\n")) > MAX_FILE]
    assert not long


def test_functions_stay_small():
    sizes = sorted((node.end_lineno - node.lineno + 1, f"{path}:{node.lineno}") for path, node in functions())
    assert not [item for item in sizes if item[0] > MAX_FUNCTION]
    assert sizes[int(len(sizes) * 0.9)][0] < P90_FUNCTION


def test_prints_only_on_the_command_line():
    bad = []
    for path in FILES:
        if "probe" in path.parts or path.name == "child.py":
            continue
        calls = (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call))
        bad += [f"{path.relative_to(ROOT)}:{n.lineno}" for n in calls if getattr(n.func, "id", "") == "print"]
    assert not bad
