"""docs/fit.md is in step with the estimator (`python docs/fit_table.py` rewrites its table)."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_validation_table():
    spec = importlib.util.spec_from_file_location("fit_table", ROOT / "docs" / "fit_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.page() == module.PAGE.read_text(encoding="utf-8"), "run: python docs/fit_table.py"
