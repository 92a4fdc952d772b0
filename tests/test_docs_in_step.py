"""Generated documents are in step with what they are generated from (`python docs/generate.py` rewrites them)."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_generated_documents():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wanted = module.documents()
    stale = [n for n, text in wanted.items() if not (p := ROOT / "docs" / n).is_file() or p.read_text("utf-8") != text]
    extra = [p.name for p in (ROOT / "docs" / "rules").glob("*.md") if f"rules/{p.name}" not in wanted]
    assert not stale + extra, "run: python docs/generate.py"
