import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "knowledge.md").read_text(encoding="utf-8")
MODULES = sorted(p for p in (ROOT / "doctor" / "knowledge").glob("*.py") if p.stem not in ("__init__", "index", "refresh"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_question_is_in_the_note_with_its_signature(path):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.name != "memo":
            line = f"{path.stem}.{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
            assert line in TEXT


def test_every_table_is_in_the_note():
    for path in (ROOT / "rules" / "kb").glob("*.json"):
        assert f"| `{path.stem}` |" in TEXT
