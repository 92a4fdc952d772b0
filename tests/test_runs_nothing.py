"""Nothing of ours can run what a stranger wrote: no unpickling, no evaluation, no shell, no archive unpacked blindly.

The tree of each module is searched for the names that would do it; the few uses that are meant are listed with their reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1] / "doctor"
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "ruamel", "xml", "lxml", "jinja2", "imp", "runpy", "code", "codeop", "telnetlib", "ftplib", "xmlrpc"}  # fmt: skip
BUILTINS = {"eval", "exec", "compile", "__import__", "breakpoint", "input"}
CALLS = {
    "os.system", "os.popen", "os.execl", "os.execv", "os.execvp", "os.spawnl", "os.spawnv", "commands.getoutput", "subprocess.getoutput", "subprocess.getstatusoutput", "torch.load",
    "numpy.load", "np.load", "tempfile.mktemp", "shutil.unpack_archive", "zipfile.ZipFile.extractall", "tarfile.open", "importlib.import_module", "pydoc.locate",
}  # fmt: skip
METHODS = {"extractall", "load_module", "exec_module", "from_pretrained"}
ALLOWED = {
    ("collect/probe/entry.py", "importlib.import_module"): "one of the probe's own parts, by a fixed list",
    ("collect/fork.py", "os.execv"): "a list of words without a shell, as Popen would start: the target's interpreter",
    ("smoke/child.py", "exec_module"): "a file of our own folder smoke/target",
    (
        "smoke/target",
        "importlib.import_module",
    ): "the patient's own packages, in the patient's interpreter, when --smoke asks for it",
    ("smoke/target", "from_pretrained"): "the same; without trust_remote_code",
}


def called(node: ast.Call) -> str:
    """The dotted name of what is called."""
    parts: list[str] = []
    at: ast.expr = node.func
    while isinstance(at, ast.Attribute):
        parts.append(at.attr)
        at = at.value
    return ".".join([*([at.id] if isinstance(at, ast.Name) else []), *reversed(parts)])


def dangers(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            yield from ((name, node.lineno) for name in names if name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.Call):
            name = called(node)
            last = name.rpartition(".")[2]
            if name in CALLS or (name in BUILTINS and isinstance(node.func, ast.Name)):
                yield name, node.lineno
            elif last in METHODS:
                yield last, node.lineno
            for keyword in node.keywords:
                off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                if keyword.arg == "shell" and not off and last != "_replace":  # a field of a named tuple starts nothing
                    yield "shell=", node.lineno
                if keyword.arg in ("trust_remote_code", "allow_pickle") and not (
                    isinstance(keyword.value, ast.Constant) and not keyword.value.value
                ):
                    yield f"{keyword.arg}=", node.lineno


def test_no_module_can_run_a_strangers_code() -> None:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        for name, line in dangers(ast.parse(path.read_bytes())):
            if not any(place.startswith(folder) and name == what for folder, what in ALLOWED):
                found.append(f"{place}:{line}: {name}")
    assert not found


def test_the_search_itself_finds_them() -> None:
    bad = "import pickle\nfrom yaml import load\neval(a)\nsubprocess.run(a, shell=x)\nf(trust_remote_code=True)\nt.extractall()\nos.system(a)"
    assert len(list(dangers(ast.parse(bad)))) == 7
    assert not list(dangers(ast.parse("import json\nre.compile(a)\nrun(a, shell=False)\nmodel.eval(); f(x).eval()")))
