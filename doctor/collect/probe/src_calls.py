"""Second look at one syntax tree: what it imports, calls and sets, and under which circumstances."""
import ast

from patterns import compiled
from src_names import MOVES, SAME, loads_weights, matters
from src_scan import dotted, text_of
from src_values import HIDDEN, SECRET_NAME, clean, is_secret

RECORDS = 2000  # calls of one file
NAMES = 3000
MACHINE_PATH = r"^(/root/|/home/[^/{]+/|/Users/[^/{]+/|/mnt/|/data\d*/|/workspace/|[A-Za-z]:[\\/]|~/)\S"
# Weight files that a program opens itself, by name or by a pattern.
WEIGHT_PATH = r"^(?:/|~/|\./|[\w.-]+/)\S{0,400}(?:\.safetensors|[*?][^/]{0,60}\.(?:bin|pt|pth))$"
CACHE_GRADS = ("torch.no_grad", "torch.inference_mode")
# Last parts of names whose test says that an import below it is not for every machine.
NETS = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException", "")


class At(object):
    """Where the walk is. ``branch`` holds (if statement, side) pairs; ``catches`` the names that are caught."""

    __slots__ = ("async_", "branch", "catches", "function", "guarded", "loop", "no_grad", "scope")

    def __init__(self, **fields):
        self.scope, self.function, self.branch, self.catches = "module", "", (), ()
        self.loop = self.async_ = self.no_grad = self.guarded = False
        for name, value in fields.items():
            setattr(self, name, value)

    def but(self, **fields):
        """A copy in which ``fields`` differ."""
        return At(**{**{name: getattr(self, name) for name in At.__slots__}, **fields})


class Reader(object):
    """Collects the records of one file."""

    def __init__(self, path, tree, values):
        self.path = path
        self.values = values
        self.imports, self.calls, self.env, self.paths, self.events = [], [], [], [], []
        self.names = set()
        self.made = {}  # id of a Call node -> its record
        self.holds = {}  # (scope, variable) -> record of the call that made its value
        self.classes = []
        self.quiet_grad = False  # torch.set_grad_enabled(False) somewhere
        self.body(tree.body, At())

    def body(self, nodes, at):
        for node in nodes:
            self.visit(node, at)

    def visit(self, node, at):
        step = _STEPS.get(type(node))
        if step is not None:
            step(self, node, at)
        else:
            for child in ast.iter_child_nodes(node):
                self.visit(child, at)

    # statements

    def _function(self, node, at):
        for mark in node.decorator_list:
            self.visit(mark, at)
        self.visit(node.args, at)
        marks = [self.values.resolved(getattr(mark, "func", mark)) for mark in node.decorator_list]
        name = ".".join(self.classes + [node.name])
        self.body(node.body, at.but(
            scope=name, function=node.name, loop=False, guarded=True, catches=(), branch=(),
            async_=isinstance(node, ast.AsyncFunctionDef),
            no_grad=at.no_grad or any(mark in CACHE_GRADS for mark in marks)))

    def _class(self, node, at):
        for child in node.decorator_list + node.bases + node.keywords:
            self.visit(child, at)
        self.classes.append(node.name)
        self.body(node.body, at)
        self.classes.pop()

    def _loop(self, node, at):
        inner = at.but(loop=True)
        for field, value in ast.iter_fields(node):
            outer = at if field in ("iter", "target", "orelse") else inner
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    self.visit(child, outer)

    def _with(self, node, at):
        quiet = at.no_grad
        for item in node.items:
            self.visit(item.context_expr, at)
            made = self.made.get(id(item.context_expr))
            if made and isinstance(item.optional_vars, ast.Name):
                self._hold(item.optional_vars, made, at)
            called = item.context_expr.func if isinstance(item.context_expr, ast.Call) else item.context_expr
            quiet = quiet or self.values.resolved(called) in CACHE_GRADS
        self.body(node.body, at.but(no_grad=quiet))

    def _try(self, node, at):
        caught = []
        for handler in node.handlers:
            kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
            caught += [(dotted(kind) or "") if kind is not None else "" for kind in kinds]
        safe = at.guarded or any(kind in NETS for kind in caught)
        self.body(node.body, at.but(guarded=safe, catches=at.catches + tuple(caught)))
        for handler in node.handlers:
            self.body(handler.body, at.but(guarded=safe, branch=at.branch + ((id(node), id(handler)),)))
        self.body(node.orelse + node.finalbody, at)

    def _if(self, node, at):
        self.visit(node.test, at)
        names = {dotted(part) for part in ast.walk(node.test) if isinstance(part, (ast.Name, ast.Attribute))}
        inside = at.but(branch=at.branch + ((id(node), 1),))
        if "__name__" in names and at.scope == "module":
            inside.scope = "__main__"
        doubt = "__name__" not in names  # a branch that this run may not take
        inside.guarded = at.guarded or doubt
        if any(name and name.endswith("isatty") for name in names):
            inside.catches = at.catches + ("EOFError",)
        self.body(node.body, inside)
        self.body(node.orelse, at.but(branch=at.branch + ((id(node), 0),), guarded=at.guarded or doubt))

    def _import(self, node, at):
        for item in node.names:
            self._imported(item.name, None, 0, node.lineno, at)

    def _import_from(self, node, at):
        for item in node.names:
            self._imported(node.module or "", item.name, node.level, node.lineno, at)
            if not node.level and item.name != "*":
                self.names.add("%s.%s" % (node.module, item.name))

    def _imported(self, module, name, level, line, at):
        self.imports.append({"module": module, "name": name, "level": level, "line": line, "guarded": at.guarded,
                             "scope": at.scope})
        self.events.append(("import", module, name, level, at.function))
        if not level and name is None:
            self.names.add(module)

    def _assign(self, node, at):
        self.visit(node.value, at) if node.value is not None else None
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        made = self.origin(node.value, at) if node.value is not None else None
        for target in targets:
            if isinstance(target, ast.Subscript) and self._environ(target.value):
                self._set(text_of(target.slice), node.value, node.lineno, at)
            if made is not None:
                self._hold(target, made, at)
            elif isinstance(target, (ast.Name, ast.Attribute)):
                self.holds.pop((at.scope, dotted(target)), None)
            if not isinstance(target, ast.Name):
                self.visit(target, at)
            name = dotted(target) or ""
            value = text_of(node.value) if node.value is not None else None
            if is_secret(name, value) and not is_secret("", value):
                self._secret(name, node.lineno, at)

    def _hold(self, target, made, at):
        parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
        names = [dotted(part) for part in parts if dotted(part)]
        if names and not made["target"]:
            made["target"] = ", ".join(names)
        for name in names:
            scope = "self" if name.startswith("self.") else at.scope
            self.holds[(scope, name)] = made

    def _delete(self, node, at):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and self._environ(target.value):
                self._set(text_of(target.slice), None, node.lineno, at)

    # expressions

    def _environ(self, node):
        return self.values.resolved(node) == "os.environ"

    def _set(self, name, value, line, at):
        if name is None:
            return
        found = self.values.options(value, at.scope) if value is not None else []
        text = None if len(found) != 1 else clean(str(found[0]))
        if text and (compiled(SECRET_NAME).search(name) or is_secret(name, text)):
            text = HIDDEN
        record = {"name": name, "value": text, "file": self.path, "line": line, "after_import": ""}
        self.env.append(record)
        self.events.append(("env", record, None, 0, at.function))

    def _environ_call(self, name, node, at):
        first = text_of(node.args[0]) if node.args else None
        second = node.args[1] if len(node.args) > 1 else None
        if name in ("os.environ.setdefault", "os.putenv") and second is not None:
            self._set(first, second, node.lineno, at)
        elif name in ("os.environ.pop", "os.unsetenv"):
            self._set(first, None, node.lineno, at)
        elif name == "os.environ.update":
            for keyword in node.keywords:
                self._set(keyword.arg, keyword.value, node.lineno, at)
            for given in node.args:
                if isinstance(given, ast.Dict):
                    for key, value in zip(given.keys, given.values, strict=True):
                        self._set(text_of(key), value, node.lineno, at)

    def _name(self, node, _at):
        full = self.values.scan.aliases.get(node.id)
        if full and len(self.names) < NAMES:
            self.names.add(full)

    def _attribute(self, node, at):
        full = self.values.resolved(node)
        if full is None:
            self.visit(node.value, at)  # first, so that a call in it is known
            made = self.origin(node.value, at)
            if made is not None and not made["name"].startswith("<") and len(self.names) < NAMES:
                self.names.add("%s().%s" % (made["name"], node.attr))
        elif len(self.names) < NAMES:
            self.names.add(full)

    def _constant(self, node, at):
        value = node.value
        if not isinstance(value, str) or len(value) > 500 or "\n" in value:
            return
        if is_secret("", value):
            self._secret("", node.lineno, at)
        elif compiled(MACHINE_PATH).match(value) or compiled(WEIGHT_PATH).match(value):
            self.paths.append((clean(value), node.lineno))

    def _secret(self, name, line, at):
        """Only that there is one: the value is never kept."""
        self._record("<secret>", "<secret>", line, at)["target"] = name

    def _record(self, name, method, line, at, **more):
        record = {"name": name, "method": method, "args": [], "keywords": {}, "file": self.path, "line": line,
                  "scope": at.scope, "target": "", "in_loop": at.loop, "in_async": at.async_,
                  "no_grad": at.no_grad or self.quiet_grad, "on": "", "then": [], "model": None, "quantised": False,
                  "dispatched": False, "again": False, "handles": sorted(set(at.catches)),
                  "in_handler": at.function in self.values.scan.handlers}
        record.update(more)
        record["_branch"] = at.branch
        if len(self.calls) < RECORDS:
            self.calls.append(record)
        return record

    def origin(self, node, at):
        """The record of the call that made the object ``node`` stands for, or None."""
        if isinstance(node, ast.Call):
            func = node.func
            if isinstance(func, ast.Attribute) and func.attr in SAME:
                return self.origin(func.value, at) or self.made.get(id(node))
            return self.made.get(id(node))
        if isinstance(node, ast.Await):
            return self.origin(node.value, at)
        name = dotted(node) if isinstance(node, (ast.Name, ast.Attribute)) else None
        if name is None:
            return None
        for scope in (at.scope, "self", "__main__", "module"):
            if (scope, name) in self.holds:
                return self.holds[(scope, name)]
        return None

    def _call(self, node, at):
        func = node.func
        self.visit(func, at)
        for child in list(node.args) + [k.value for k in node.keywords]:
            self.visit(child, at)
        name = self.values.resolved(func) or dotted(func) or ""
        if name.startswith("os.") and name.rpartition(".")[2] in ("setdefault", "putenv", "pop", "unsetenv", "update"):
            self._environ_call(name, node, at)
        if name == "torch.set_grad_enabled" and node.args and self.values.literal(node.args[0]) is False:
            self.quiet_grad = True
        method = func.attr if isinstance(func, ast.Attribute) else name.rpartition(".")[2]
        holder = func.value if isinstance(func, ast.Attribute) else func
        on = self.origin(holder, at)
        for given in list(node.args) + [k.value for k in node.keywords]:
            passed = self.origin(given.value if isinstance(given, ast.Starred) else given, at)
            if passed is not None and len(passed["then"]) < 20:
                passed["then"].append(method)
        if on is not None and isinstance(func, ast.Attribute) and len(on["then"]) < 20:
            on["then"].append(method)
        self._judge(node, name, method, on, at)

    def _judge(self, node, name, method, on, at):
        """Keep the call when it matters, when it works on something that was loaded, or names a device."""
        loaded = on is not None and (loads_weights(on["name"], on["method"]) or on["method"] == "from_pretrained")
        if loaded and not isinstance(node.func, ast.Attribute):
            method = "__call__"
        kept = matters(name, method) or (loaded and (method in MOVES or method == "__call__"))
        keywords = {k.arg: k.value for k in node.keywords if k.arg}
        device = self.values.literal(keywords["device"], at.scope) if "device" in keywords else None
        client = self._client_file(node, name)
        move = method == "to" and node.args and str(self.values.literal(node.args[0], at.scope)).startswith("cuda")
        if not (kept or move or client or str(device).startswith("cuda")):
            return
        whose = (on["target"].partition(",")[0] or on["name"] + "()") if on is not None else ""
        record = self._record(name or "%s.%s" % (whose or "?", method), method, node.lineno, at)
        if on is not None and isinstance(node.func, ast.Attribute):
            record["target"] = dotted(node.func.value) or ""
        record["args"] = [self._shown(arg, "", at) for arg in node.args[:12]]
        record["keywords"] = {k: self._shown(v, k, at) for k, v in list(keywords.items())[:40]}
        if any(k.arg is None for k in node.keywords):
            self._double_star(node, record, at)
        record["_node"] = node
        record["_base"] = self.origin(node.args[0], at) if node.args else None
        if on is not None:
            record["on"] = on["name"]
            record["_on"] = on
        self.made[id(node)] = record

    def _client_file(self, node, name):
        """``os.path.join(folder, upload.filename)`` or an f-string with it: a path chosen by a client."""
        if name not in ("os.path.join", "open", "pathlib.Path"):
            return False
        parts = (part for arg in node.args for part in ast.walk(arg))
        return any(isinstance(part, ast.Attribute) and part.attr == "filename" for part in parts)

    def _shown(self, node, keyword, at):
        value = self.values.literal(node, at.scope)
        if isinstance(value, str):
            if is_secret(keyword, value):
                if not is_secret("", value):  # one that looks like a token was met as a constant already
                    self._secret(keyword, node.lineno, at)
                return HIDDEN
            return clean(value)
        return value

    def _double_star(self, node, record, at):
        """``**kwargs``: what the file puts into it; null where it depends on a condition."""
        for keyword in node.keywords:
            if keyword.arg is not None or not isinstance(keyword.value, ast.Name):
                continue
            scan = self.values.scan
            for value, conditional in scan.assigns.get(keyword.value.id, ()):
                found = self.values.literal(value, at.scope)
                for key, one in (found.items() if isinstance(found, dict) else ()):
                    record["keywords"].setdefault(key, None if conditional else one)
                if isinstance(value, ast.Call) and dotted(value.func) == "dict":
                    for inner in value.keywords:
                        if inner.arg:
                            record["keywords"].setdefault(inner.arg, self._shown(inner.value, inner.arg, at))
            for key, _ in scan.items.get(keyword.value.id, ()):
                record["keywords"].setdefault(key, None)


_STEPS = {
    ast.FunctionDef: Reader._function, ast.AsyncFunctionDef: Reader._function, ast.ClassDef: Reader._class,
    ast.For: Reader._loop, ast.AsyncFor: Reader._loop, ast.While: Reader._loop, ast.ListComp: Reader._loop,
    ast.SetComp: Reader._loop, ast.DictComp: Reader._loop, ast.GeneratorExp: Reader._loop,
    ast.With: Reader._with, ast.AsyncWith: Reader._with, ast.Try: Reader._try, ast.If: Reader._if,
    ast.Import: Reader._import, ast.ImportFrom: Reader._import_from, ast.Assign: Reader._assign,
    ast.AnnAssign: Reader._assign, ast.Delete: Reader._delete, ast.Name: Reader._name,
    ast.Attribute: Reader._attribute, ast.Constant: Reader._constant, ast.Call: Reader._call,
}
