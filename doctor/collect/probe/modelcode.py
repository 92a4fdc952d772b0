"""What the Python files of a model repository import: the code that ``trust_remote_code`` runs. Nothing is executed.

transformers looks through these files before it runs them and asks for every package that they import outside
``try`` and outside tests for flash_attn (get_imports in dynamic_module_utils.py).
"""
import re

import modelfacts
import paths

CODE_BYTES = 2 * 1024 * 1024
FILES = 30
RECORDS = 500
NAMING = ("config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json")
FOLLOWED = ("transformers", "huggingface_hub", "accelerate")  # names that come and go are known for these


def imports(items, served, wanted=None):
    """Records of the fact model.imports. ``served(module)``: is it there in the target? None when that is not known.

    ``wanted``: the parts that the program loads, as modelfacts.parts() says.
    """
    start = [name for config in NAMING for name in modelfacts.code_files(modelfacts.read(items, config), wanted)]
    found, queue, seen = [], list(dict.fromkeys(start)), set()
    while queue and len(seen) < FILES:
        name = queue.pop(0)
        if name in seen or name not in items:
            continue
        seen.add(name)
        rows, near = _file(items[name].path)
        queue.extend(near)
        found.extend(dict(row, file=items[name].path) for row in rows)
    return [_judged(row, served) for row in found[:RECORDS]]


def _judged(row, served):
    from src_imports import wanted

    return dict(row, resolves=served(row["module"]), want=wanted(row["module"]))


def _file(path):
    """``(rows, files of the same repository that it imports)``; nothing for a file that does not parse."""
    import ast

    data = paths.read(path, CODE_BYTES)
    try:
        tree = ast.parse(data or b"")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [], []
    rows, near = [], []
    stack = [(node, False, False) for node in tree.body]
    while stack:
        node, tried, inner = stack.pop()
        if isinstance(node, ast.Import):
            rows.extend(_row(one.name, "", tried) for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            near.extend(_neighbours(node))
        elif isinstance(node, ast.ImportFrom):
            rows.extend(_names(node, tried, inner))
        else:
            tried = tried or isinstance(node, ast.Try) or _asks_for_flash(ast, node)
            inner = inner or isinstance(node, (ast.If, ast.FunctionDef, ast.AsyncFunctionDef))
            stack.extend((child, tried, inner) for child in ast.iter_child_nodes(node) if not _plain(ast, child))
    return rows, near


def _plain(ast, node):
    """Nodes below which no import can stand."""
    return isinstance(node, (ast.expr, ast.arguments, ast.expr_context))


def _asks_for_flash(ast, node):
    if not isinstance(node, ast.If):
        return False
    names = [getattr(one, "id", "") or getattr(one, "attr", "") for one in ast.walk(node.test)]
    return any(re.match(r"is_flash_attn|TYPE_CHECKING$", name) for name in names)


def _row(module, name, guarded):
    return {"module": module[:200], "name": name[:200], "guarded": guarded}


def _names(node, tried, inner):
    if node.module.split(".")[0] not in FOLLOWED:
        return [_row(node.module, "", tried)]
    return [_row(node.module, one.name, tried or inner) for one in node.names if one.name != "*"]


def _neighbours(node):
    names = [node.module] if node.module else [one.name for one in node.names]
    return [name.replace(".", "/") + ".py" for name in names]
