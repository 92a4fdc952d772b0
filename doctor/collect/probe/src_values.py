"""What an expression is worth, as far as that can be told without running it.

Followed: literals, names assigned in the file or imported from a neighbour, parameters with their defaults and the
values that callers in the file give, options of argparse and click with their defaults, environment variables with
their defaults, f-strings, ``+``, ``or``, ``if ... else``, ``os.path.join`` and ``Path``.
"""
import ast

from patterns import compiled
from src_scan import dotted, text_of

DEPTH = 8  # steps from name to name
STEPS = 400  # nodes looked at for one expression
MANY = 6  # different values that one expression may have
TEXT_CAP = 400  # characters of a string that are kept
SECRET = r"\b(hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{30,}|AKIA[A-Z0-9]{16})"
SECRET_NAME = r"(?i)(^|_)(api_?key|token|secret|password|passwd|access_?key)$"
PLACEHOLDER = r"(?i)^$|your|xxx|\.\.\.|^empty$|^none$|^<|changeme|placeholder|dummy|^\$|^(true|false)$"
USERINFO = r"(\w+://)[^/@\s]+@"
HIDDEN = "<secret>"


def clean(text):
    """A text without tokens and without the user part of an address, at most ``TEXT_CAP`` characters."""
    return compiled(USERINFO).sub(r"\1", compiled(SECRET).sub(HIDDEN, text))[:TEXT_CAP]


def is_secret(name, value):
    """Does ``name`` hold a credential in ``value``? Placeholders and references are none."""
    if not isinstance(value, str) or compiled(PLACEHOLDER).search(value):
        return False
    return bool(compiled(SECRET).search(value) or (compiled(SECRET_NAME).search(name or "") and len(value) >= 8))


class Values(object):
    """Reads expressions of one file. ``neighbour(name)`` gives ``(Values, variable)`` of an imported local name."""

    def __init__(self, scan, env, neighbour=None):
        self.scan = scan
        self.env = env
        self.neighbour = neighbour
        self.budget = [STEPS]  # shared with the neighbours that are asked on the way
        self.defaults = {dest: node for _, dest, node, _, _ in scan.options if node is not None}

    def resolved(self, node):
        """Dotted name of an attribute chain after the file's imports, else None."""
        name = dotted(node)
        if name is None:
            return None
        head, _, rest = name.partition(".")
        full = self.scan.aliases.get(head)
        if full is None:
            return None
        return full + "." + rest if rest else full

    def literal(self, node, scope=""):
        """The one value of ``node``; an imported name as its dotted text; None when it cannot be told."""
        found = self.options(node, scope)
        if len(found) == 1:
            return found[0]
        if found:
            return None
        if isinstance(node, ast.Call):
            name = self.resolved(node.func)
            return name + "()" if name else None
        if isinstance(node, ast.Name) and node.id not in self.scan.aliases:
            given = self.scan.assigns.get(node.id, ())
            return self.literal(given[0][0], scope) if len(given) == 1 and given[0][0] is not node else None
        return self.resolved(node)

    def options(self, node, scope="", depth=0):
        """Every value that ``node`` may have, at most ``MANY``; empty when nothing is known."""
        if depth == 0:
            self.budget[0] = STEPS
        self.budget[0] -= 1
        if node is None or depth > DEPTH or self.budget[0] < 0:
            return []
        read = _READERS.get(type(node))
        found = read(self, node, scope, depth + 1) if read else []
        unique = []
        for value in found:
            if not any(value is old or (type(value) is type(old) and value == old) for old in unique):
                unique.append(value)
        return unique[:MANY]

    def _constant(self, node, _scope, _depth):
        value = node.value
        if isinstance(value, str):
            return [value[:TEXT_CAP]]
        return [value] if value is None or isinstance(value, (bool, int, float)) else []

    def _name(self, node, scope, depth):
        name = node.id
        if name in self.scan.aliases or name in self.scan.relative:
            return self._imported(name, depth)
        nodes = [value for value, _ in self.scan.assigns.get(name, ())][:MANY]
        function = scope.rpartition(".")[2]
        if function == "__init__":
            function = scope.split(".")[-2] if "." in scope else function
        nodes += self.scan.bound(function, name)
        return [value for one in nodes for value in self.options(one, scope, depth)]

    def _imported(self, name, depth):
        if self.neighbour is None:
            return []
        other, variable = self.neighbour(name)
        if other is None or depth > DEPTH:
            return []
        other.budget = self.budget
        return other.options(ast.Name(id=variable, ctx=ast.Load()), "", depth + 1)

    def _attribute(self, node, scope, depth):
        full = self.resolved(node)
        if full is not None:
            return []
        nodes = list(self.scan.attrs.get(node.attr, ()))[:MANY]
        if node.attr in self.defaults:
            nodes.append(self.defaults[node.attr])
        if isinstance(node.value, ast.Name) and node.value.id == "self" and not nodes:
            return []
        return [value for one in nodes for value in self._attr_value(one, scope, depth)]

    def _attr_value(self, node, scope, depth):
        if isinstance(node, ast.Call) and dotted(node.func) in ("field", "Field", "dataclasses.field"):
            given = [k.value for k in node.keywords if k.arg == "default"] + node.args[:1]
            return self.options(given[0], scope, depth) if given else []
        if isinstance(node, ast.Name):  # self.x = x in __init__: the parameter of the class
            for (owner, parameter) in self.scan.params:
                if parameter == node.id and isinstance(self.scan.functions.get(owner), ast.ClassDef):
                    return [v for n in self.scan.bound(owner, parameter) for v in self.options(n, scope, depth)]
        return self.options(node, scope, depth)

    def _joined(self, node, scope, depth):
        """An f-string; a part that is not known stays as ``{its name}`` when it is a plain chain of names."""
        text = ""
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            found = self.options(inner, scope, depth)
            if len(found) == 1:
                text += str(found[0])
            elif dotted(inner):
                text += "{%s}" % dotted(inner)
            else:
                return []
        return [text[:TEXT_CAP]]

    def _binary(self, node, scope, depth):
        if not isinstance(node.op, (ast.Add, ast.Div)):
            return []
        left, right = self.options(node.left, scope, depth), self.options(node.right, scope, depth)
        if len(left) != 1 or len(right) != 1 or not (isinstance(left[0], str) and isinstance(right[0], str)):
            return []
        return [(left[0] + ("/" if isinstance(node.op, ast.Div) else "") + right[0])[:TEXT_CAP]]

    def _either(self, node, scope, depth):
        nodes = [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values
        found = [value for one in nodes for value in self.options(one, scope, depth)]
        return [value for value in found if value] if isinstance(node, ast.BoolOp) else found

    def _unary(self, node, scope, depth):
        found = self.options(node.operand, scope, depth)
        if len(found) != 1:
            return []
        if isinstance(node.op, ast.Not):
            return [not found[0]]
        return [-found[0]] if isinstance(node.op, ast.USub) and isinstance(found[0], (int, float)) else []

    def _called(self, node, scope, depth):
        name = self.resolved(node.func) or dotted(node.func) or ""
        last = name.rpartition(".")[2]
        if name in ("os.environ.get", "os.getenv") and node.args:
            variable = text_of(node.args[0])
            if variable in self.env:
                return [HIDDEN if compiled(SECRET_NAME).search(variable) else clean(self.env[variable])]
            return self.options(node.args[1], scope, depth) if len(node.args) > 1 else []
        if last in ("join", "Path", "PurePath") and name in ("os.path.join", "pathlib.Path", "Path"):
            parts = [self.options(one, scope, depth) for one in node.args]
            parts = [found[0] if len(found) == 1 else "{%s}" % (dotted(one) or "?")
                     for found, one in zip(parts, node.args, strict=True)]
            known = [part for part in parts if isinstance(part, str) and part != "{?}"]
            return ["/".join(part.rstrip("/") or "/" for part in known)] if known and len(known) == len(parts) else []
        if last in ("str", "expanduser", "abspath", "realpath", "fspath", "strip") and node.args:
            return self.options(node.args[0], scope, depth)
        return []

    def _sequence(self, node, scope, depth):
        if len(node.elts) > 32:
            return []
        found = [self.options(one, scope, depth) for one in node.elts]
        return [[one[0] if len(one) == 1 else None for one in found]]

    def _dict(self, node, scope, depth):
        if len(node.keys) > 32 or any(key is None for key in node.keys):
            return []
        keys = [self.options(key, scope, depth) for key in node.keys]
        values = [self.options(value, scope, depth) or [self.resolved(value)] for value in node.values]
        return [{str(k[0]): v[0] if len(v) == 1 else None for k, v in zip(keys, values, strict=True) if len(k) == 1}]


_READERS = {
    ast.Constant: Values._constant, ast.Name: Values._name, ast.Attribute: Values._attribute,
    ast.JoinedStr: Values._joined, ast.BinOp: Values._binary, ast.IfExp: Values._either, ast.BoolOp: Values._either,
    ast.UnaryOp: Values._unary, ast.Call: Values._called, ast.List: Values._sequence, ast.Tuple: Values._sequence,
    ast.Dict: Values._dict,
}
