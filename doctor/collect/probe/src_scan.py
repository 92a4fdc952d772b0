"""First look at one syntax tree: which names mean what, before any call is judged.

Nothing is executed. Assignments are kept as nodes and read later, when a call needs their value.
"""
import ast

PARSERS = ("add_argument", "option", "argument")  # argparse, click
HANDLED = ("click", "submit", "Interface", "ChatInterface", "change", "upload", "add_api_route", "Thread")


def dotted(node):
    """``a.b.c`` of a chain of attributes on a name, else None."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return ".".join(reversed(parts))


def text_of(node):
    """A string literal's value, else None."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


class Scan(object):
    """The names of one file. ``conditional`` assignments (below an ``if``) are marked as such."""

    def __init__(self, tree):
        self.aliases = {}  # local name -> dotted name it was imported as
        self.relative = {}  # local name -> (level, module, name) of `from . import name`
        self.assigns = {}  # variable -> [(value node, conditional)]
        self.attrs = {}  # attribute name (self.x = ..., class-level x = ...) -> [value node]
        self.items = {}  # variable -> [(key, value node)] of variable["key"] = value and .update()
        self.params = {}  # (function, parameter) -> default node or None
        self.order = {}  # function -> names of its positional parameters, without self
        self.sites = {}  # last part of the callable's name -> [Call]
        self.options = []  # (flag, dest, default node, store_true, line)
        self.handlers = set()  # functions handed to a user interface or a server
        self.functions = {}  # name -> node, classes too
        self.main = (0, -1)  # first and last line of `if __name__ == "__main__"`
        self._walk(tree.body, False, None)

    def _walk(self, nodes, conditional, owner):
        for node in nodes:
            self._one(node, conditional, owner)

    def _one(self, node, conditional, owner):
        kind = type(node)
        if kind in (ast.Import, ast.ImportFrom):
            self._import(node)
        elif kind is ast.Assign:
            for target in node.targets:
                self._assign(target, node.value, conditional, owner)
        elif kind is ast.AnnAssign and node.value is not None:
            self._assign(node.target, node.value, conditional, owner)
        elif kind is ast.NamedExpr:
            self._assign(node.target, node.value, True, owner)
        elif kind is ast.Call:
            self._call(node)
        elif kind in (ast.FunctionDef, ast.AsyncFunctionDef):
            self._function(node, owner)
            owner = None
        elif kind is ast.If and isinstance(node.test, ast.Compare) and dotted(node.test.left) == "__name__":
            self.main = (node.lineno, node.end_lineno)
        elif kind is ast.ClassDef:
            self.functions[node.name] = node
            owner = node.name
        inner = conditional or kind in (ast.If, ast.IfExp, ast.Try)
        for child in ast.iter_child_nodes(node):
            self._one(child, inner, owner)

    def _import(self, node):
        if isinstance(node, ast.Import):
            for item in node.names:
                top = item.name if item.asname else item.name.split(".")[0]
                self.aliases[item.asname or top] = top
            return
        for item in node.names:
            name = item.asname or item.name
            if node.level:
                self.relative[name] = (node.level, node.module or "", item.name)
            elif item.name != "*":
                self.aliases[name] = "%s.%s" % (node.module, item.name)

    def _assign(self, target, value, conditional, owner):
        if isinstance(target, ast.Name):
            self.assigns.setdefault(target.id, []).append((value, conditional))
            if owner:
                self.attrs.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Attribute):
            self.attrs.setdefault(target.attr, []).append(value)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            key = text_of(target.slice)
            if key is not None:
                self.items.setdefault(target.value.id, []).append((key, value))
        elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)):
            if len(target.elts) == len(value.elts):
                for one, what in zip(target.elts, value.elts, strict=True):
                    self._assign(one, what, conditional, owner)

    def _function(self, node, owner):
        name = owner if owner and node.name == "__init__" else node.name
        self.functions.setdefault(node.name, node)
        given = node.args.posonlyargs + node.args.args
        missing = [None] * (len(given) - len(node.args.defaults))
        pairs = list(zip(given, missing + list(node.args.defaults), strict=True))
        pairs += list(zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True))
        for arg, default in pairs:
            self.params.setdefault((name, arg.arg), default)
        names = [arg.arg for arg in given]
        self.order[name] = names[1:] if names[:1] in (["self"], ["cls"]) else names
        for mark in node.decorator_list:
            called = mark.func if isinstance(mark, ast.Call) else mark
            last = called.attr if isinstance(called, ast.Attribute) else ""
            if last in ("get", "post", "put", "route", "websocket", "api_route", "on_message", "handler"):
                self.handlers.add(node.name)

    def _call(self, node):
        func = node.func
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        if not name:
            return
        self.sites.setdefault(name, []).append(node)
        if name in PARSERS and node.args:
            self._option(node)
        elif name == "update" and isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            self._update(func.value.id, node)
        if name in HANDLED:
            given = list(node.args) + [k.value for k in node.keywords if k.arg in ("fn", "target", "endpoint")]
            self.handlers.update(arg.id for arg in given if isinstance(arg, ast.Name))
            self.handlers.update(arg.attr for arg in given if isinstance(arg, ast.Attribute))

    def _update(self, name, node):
        for given in node.args:
            if isinstance(given, ast.Dict):
                for key, value in zip(given.keys, given.values, strict=True):
                    if text_of(key) is not None:
                        self.items.setdefault(name, []).append((key.value, value))
        for keyword in node.keywords:
            if keyword.arg:
                self.items.setdefault(name, []).append((keyword.arg, keyword.value))

    def _option(self, node):
        flags = [text_of(arg) for arg in node.args if text_of(arg)]
        if not flags:
            return
        long = [flag for flag in flags if flag.startswith("--")] or flags
        keywords = {k.arg: k.value for k in node.keywords if k.arg}
        dest = text_of(keywords.get("dest")) or long[0].lstrip("-").replace("-", "_")
        switch = text_of(keywords.get("action")) in ("store_true", "store_false")
        default = keywords.get("default")
        if default is None and switch:
            default = ast.Constant(value=text_of(keywords["action"]) == "store_false")
        self.options.append((long[0], dest, default, switch, node.lineno))

    def bound(self, function, parameter):
        """Nodes that callers in this file give to a parameter, its default last."""
        names = self.order.get(function, ())
        found = []
        for call in self.sites.get(function, ())[:8]:
            given = [k.value for k in call.keywords if k.arg == parameter]
            if not given and parameter in names and names.index(parameter) < len(call.args):
                given = [call.args[names.index(parameter)]]
            found += given
        default = self.params.get((function, parameter))
        return found + ([default] if default is not None else [])
