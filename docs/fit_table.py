"""Writes the validation table of docs/fit.md from fixtures/vram: published figures beside our estimates.

``python docs/fit_table.py`` rewrites it and prints the summary; tests/fit/test_docs.py fails when it is out of step.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "fit")]

import vramlab  # noqa: E402

from doctor.fit import tokens  # noqa: E402

PAGE = ROOT / "docs" / "fit.md"
START, END = "<!-- table: written by docs/fit_table.py -->", "<!-- end of table -->"


def page() -> str:
    """docs/fit.md with a fresh table."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    return f"{head}{START}\n\n{table()}\n{END}{rest.partition(END)[2]}"


def summary() -> str:
    """The figures of the three promises, one sentence each."""
    rows = vramlab.rows("parameters")
    exact = sum(vramlab.model(name).params == row["total"] for name, row in rows.items())
    images = vramlab.rows("image_tokens")
    right = sum(tokens.image(vramlab.model(r["model"]), tuple(r["size"])).tokens == r["tokens"] for r in images)
    errors = [abs(vramlab.error(row)) for row in vramlab.rows("measurements") if row["stated"]]
    return (
        f"Parameters: {exact} of {len(rows)} configurations exact. Image tokens: {right} of {len(images)} exact.\n"
        f"Published measurements that say what they measured: {len(errors)}, median error "
        f"{statistics.median(errors):.2%}, mean {statistics.mean(errors):.2%}, largest {max(errors):.2%}."
    )


def table() -> str:
    """The summary, then a row a published figure."""
    lines = [
        summary(),
        "",
        "| model | what | published | estimate | error | stated | source |",
        "|---|---|---:|---:|---:|---|---|",
    ]
    lines += [_row(row) for row in vramlab.rows("measurements")]
    return "\n".join(lines) + "\n"


def _row(row: dict[str, Any]) -> str:
    asked = row["request"]
    words = [row["what"], *[str(asked[key]) for key in ("engine", "quant", "dtype", "kv", "context") if asked.get(key)]]
    words += [f"{asked['prompt']} tokens"] if "prompt" in asked else []
    words += [f"{asked['devices']} GPUs"] if asked.get("devices", 1) > 1 else []
    ours = vramlab.figure(row) / vramlab.UNITS[row["unit"]]
    digits = 0 if row["unit"] == "B" else 2
    return (
        f"| {row['model']} | {', '.join(words)} | {row['value']:,.{digits}f} {row['unit']} | {ours:,.{digits}f} "
        f"| {vramlab.error(row):+.1%} | {'yes' if row['stated'] else 'no'} | {row['source']} |"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    print(summary())
