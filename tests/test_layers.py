"""Imports only point down; some libraries have exactly one door; probes import nothing of ours."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1] / "doctor"
LAYER = {
    "errors": 0, "words": 0, "model": 1, "knowledge": 2, "collect": 2, "ingest": 2, "engine": 3,
    "plan": 4, "fit": 4, "smoke": 4, "report": 5, "fleet": 5, "commands": 6, "cli": 6, "start": 6, "standins": 6, "__main__": 6,
    "__init__": 0, "_bundle_hook": 6,
}  # fmt: skip
# library -> the only files that may import it
DOORS = {
    "torch": {"smoke/child.py"},
    "pynvml": {"collect/nvml.py"},
    "requests": {"knowledge/index.py"},
    "rich": {"commands/progress.py"},
    "resolvelib": {"plan/solve.py"},
}
CLICK = ("cli.py", "commands/")


def imports(path):
    """(line, dotted name) of everything a file imports, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name


def sources(folder=ROOT):
    return sorted(p for p in folder.rglob("*.py"))


def own_layer(path):
    return LAYER[path.relative_to(ROOT).parts[0].removesuffix(".py")]


def is_probe(path):
    return "probe" in path.relative_to(ROOT).parts


def test_imports_point_down():
    bad = []
    for path in sources():
        for line, name in imports(path):
            parts = name.split(".")
            if parts[0] == "doctor" and len(parts) > 1 and not is_probe(path):
                other = LAYER.get(parts[1])
                if other is not None and other > own_layer(path):
                    bad.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert not bad


def test_libraries_have_one_door():
    bad = []
    for path in sources():
        relative = path.relative_to(ROOT).as_posix()
        for line, name in imports(path):
            library = name.partition(".")[0]
            if library in DOORS and relative not in DOORS[library]:
                bad.append(f"{relative}:{line} imports {name}")
            if library == "click" and not relative.startswith(CLICK):
                bad.append(f"{relative}:{line} imports click")
    assert not bad


def test_probes_import_nothing_of_ours():
    bad = [
        f"{path.name}:{line} imports {name}"
        for path in sources(ROOT / "collect" / "probe")
        for line, name in imports(path)
        if name.partition(".")[0] in {"doctor", "packaging", "click"}
    ]
    assert not bad
