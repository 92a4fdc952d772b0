"""Names that installed packages take from one another and that the installed release does not define.

Nothing is imported. From the packages that the program imports, modules are followed as an import would go, by their
unindented import statements. What a module defines is told only where nothing in it is dynamic; a module-level
``__getattr__``, ``globals()``, a star from compiled code and the like leave it open.
"""
import ast
import os
import re
import time

import paths
import records
from patterns import compiled

MODULES = 400  # files that are followed
BUDGET = 0.5  # seconds of CPU
FILE_CAP = 1 << 20  # bytes
LIBRARY_CAP = 8 << 20
STARS = 6  # modules deep that stars are followed
# Too large, too dynamic, or known by tables: they are looked into, but not followed.
LARGE = frozenset("""torch numpy scipy pandas sklearn matplotlib transformers tensorflow keras jax jaxlib flax sympy
numba llvmlite cv2 PIL IPython networkx pyarrow onnx triton nvidia google grpc pytest setuptools pkg_resources vllm
sglang lmdeploy deepspeed polars dask cupy skimage mpl_toolkits pip wheel""".split())
_IMPORT = r"(?m)^(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^()]*\)|[^\n(]+)|import[ \t]+([^\n]+))"
# What makes names of a module that its statements do not show.
DYNAMIC = ("\ndef __getattr__", "\n__getattr__", "    def __getattr__(name", "globals()", "locals()", "sys.modules",
           "\n__path__", "exec(", "_LazyModule", "lazy_loader", "lazy.attach", "lazy_import", "__dict__.update",
           "import_structure")
# How a module usually binds a name; what is not found by this is looked for in its syntax tree.
_BINDS = r"(?m)^(?:def|class|async def)[ \t]+%s\b|^%s[ \t]*[:=]|^from[^\n]* import [^\n]*\b%s\b"
_STAR = r"(?m)^[ \t]*from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+\*"
_REPLACES = r"sys\.modules\[[^\]\n]*\][ \t]*="
_ALL = r"(?m)^__all__[ \t]*=[ \t]*[\[(]([^\])]*)[\])]"
_ALIAS = r"(?m)^import[ \t]+(\w+)(?:[ \t]+as[ \t]+(\w+))?[ \t]*(?:#.*)?$"


class Contracts(object):
    """One walk. ``found``: records of the fact ``src.broken_imports``."""

    def __init__(self, world):
        self.world = world
        self.texts, self.names, self.files, self.tops, self.opens, self.bounds = {}, {}, {}, {}, {}, {}
        self.found = []
        self.end = time.process_time() + BUDGET

    def late(self):
        return len(self.files) > 4 * MODULES or time.process_time() > self.end

    def walk(self, tops):
        queue, seen = list(tops), set(tops)
        while queue and len(seen) < MODULES and not self.late():
            module = queue.pop(0)
            for after in self._module(module):
                if after not in seen and after.partition(".")[0] not in LARGE:
                    seen.add(after)
                    queue.append(after)

    def file_of(self, module):
        """Path of a module's source; ``""`` for compiled code and folders without it, None where there is nothing."""
        if module not in self.files:
            self.files[module] = self._file_of(module)
        return self.files[module]

    def _file_of(self, module):
        top, _, rest = module.partition(".")
        if top not in self.tops:
            self.tops[top] = self.world.served(top)
        place, _, path = self.tops[top]
        if not path or place not in ("site", "path"):
            return ""
        if not os.path.isdir(path):
            return path if path.endswith(".py") and not rest else ""
        at = os.path.join(path, *rest.split(".")) if rest else path
        for one in (os.path.join(at, "__init__.py"), at + ".py"):
            if os.path.isfile(one):
                return one
        stem = os.path.basename(at) + "."
        other = os.path.isdir(at) or any(name.startswith(stem) for name in paths.quiet_names(os.path.dirname(at), True))
        return "" if other else None

    def text(self, module):
        if module not in self.texts:
            path = self.file_of(module)
            self.texts[module] = (paths.text(path, FILE_CAP) or "") if path else ""
        return self.texts[module]

    def absolute(self, module, name):
        """The module that ``from <name> import`` means inside ``module``."""
        dots = len(name) - len(name.lstrip("."))
        if not dots:
            return name
        parts = module.split(".")
        if not (self.file_of(module) or "").endswith("__init__.py"):
            parts = parts[:-1]
        parts = parts[: len(parts) - dots + 1]
        return ".".join(parts + [name.lstrip(".")]).strip(".")

    def _module(self, module):
        """Judges the imports of one module; yields the modules that it brings in."""
        text, top = self.text(module), module.partition(".")[0]
        for match in compiled(_IMPORT).finditer(text):
            if match.group(3):
                for word in match.group(3).split("#")[0].split(","):
                    yield word.split(" as ")[0].strip()
                continue
            source = self.absolute(module, match.group(1))
            names = _words(match.group(2))
            if not source or not self.file_of(source):
                self._lost(module, source, match)
                continue
            yield source
            for name in names:
                if self.file_of(source + "." + name) is not None:
                    yield source + "." + name
                elif source.partition(".")[0] != top and self.defines(source, name) is False:
                    self._note(module, source, name, match)
        self._attributes(module, text)

    def _lost(self, module, source, match):
        """A module that is gone from a plain package of another distribution."""
        parent = source.rpartition(".")[0]
        while parent and self.file_of(parent) is None:
            parent = parent.rpartition(".")[0]
        other = source.partition(".")[0] != module.partition(".")[0]
        if other and self.file_of(source) is None and parent and self.file_of(parent):
            if not any(word in self.text(parent) for word in ("sys.modules", "__path__")):
                self._note(module, source, "", match)

    def _attributes(self, module, text):
        """Names that classes and statements of the module's own level take from another package, as ``pa.Thing``."""
        for match in compiled(_ALIAS).finditer(text):
            source, alias = match.group(1), match.group(2) or match.group(1)
            if source == module.partition(".")[0] or not self.file_of(source) or self._open(source):
                continue
            used = set(re.findall(r"(?<![\w.])%s\.([A-Za-z]\w*)" % alias, text))
            used = {name for name in sorted(used) if self.file_of(source + "." + name) is None}
            gone = {name for name in used if self.defines(source, name) is False}
            for name, line in _used_at_import(text, alias, gone):
                self._record(module, source, name, line)

    def defines(self, module, name, depth=0):
        """Does a module define a name? None when that cannot be told."""
        if (module, name) not in self.names:
            self.names[module, name] = None  # of a circle nothing is known
            self.names[module, name] = self._defines(module, name, depth)
        return self.names[module, name]

    def _open(self, module):
        if module not in self.opens:
            text = "\n" + self.text(module)
            self.opens[module] = any(word in text for word in DYNAMIC)
        return self.opens[module]

    def _bound(self, module):
        if module not in self.bounds:
            self.bounds[module] = bound(self.text(module))
        return self.bounds[module]

    def _defines(self, module, name, depth):
        text = self.text(module)
        if name in text and re.search(_BINDS % (name, name, name), text):
            return True
        if not text or self._open(module) or depth > STARS or self.late():
            return None
        if name in text:
            known = self._bound(module)
            if known is None or name in known:
                return True if known else None
        answers = [self._through_star(module, star, name, depth) for star in compiled(_STAR).findall(text)]
        return True if True in answers else (None if None in answers else False)

    def _through_star(self, module, star, name, depth):
        source = self.absolute(module, star)
        if name.startswith("_"):
            return False
        if self.file_of(source):
            exported = compiled(_ALL).findall(self.text(source))
            if len(exported) == 1 and self.text(source).count("__all__") == 1 and name not in exported[0]:
                return False
            return self.defines(source, name, depth + 1)
        return None if self._in_binary(source, name) else False

    def _in_binary(self, module, name):
        """Is the name in the compiled module, as far as that can be told?"""
        top, _, rest = module.partition(".")
        at = os.path.join((self.tops.get(top) or ("", "", ""))[2] or "", *rest.split("."))
        stem, folder = os.path.basename(at) + ".", os.path.dirname(at)
        names = [one for one in paths.quiet_names(folder, True) if one.startswith(stem)]
        found = [one for one in names if one.endswith((".so", ".pyd"))]
        data = paths.read(os.path.join(folder, found[0]), LIBRARY_CAP) if len(found) == 1 else None
        return data is None or len(data) == LIBRARY_CAP or name.encode() in data

    def _note(self, module, source, name, match):
        text = self.text(module)
        line = text.count("\n", 0, match.start()) + 1
        if not compiled(_REPLACES).search(text) and _is_statement(text, line):
            self._record(module, source, name, line)

    def _record(self, module, source, name, line):
        by, provider = (self.world.dist_of(one) or one.partition(".")[0] for one in (module, source))
        have = self.world.dists()
        if provider in have and by in have:
            self.found.append({"dist": by, "version": have[by], "file": self.file_of(module), "line": line,
                               "module": source, "name": name, "of": provider, "found": have[provider]})


def _words(text):
    """The names of one import statement."""
    lines = [line.partition("#")[0] for line in text.strip("()").splitlines()]
    words = [word.split(" as ")[0].strip(" \t\\()") for word in " ".join(lines).split(",")]
    return [word for word in words if word.isidentifier()]


def _tree(text):
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _is_statement(text, line):
    """Is there an import statement of the module's own level on this line, and no text that looks like one?"""
    tree = _tree(text)
    return tree is not None and any(isinstance(one, ast.ImportFrom) and one.lineno == line for one in tree.body)


def _level(body):
    """The statements that run when a module is imported, those inside of ``if``, ``try``, ``with`` and loops too."""
    for one in body:
        yield one
        for field in ("body", "orelse", "finalbody"):
            if not isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                for inner in _level(getattr(one, field, ())):
                    yield inner
        for handler in getattr(one, "handlers", ()):
            for inner in _level(handler.body):
                yield inner


def bound(text):
    """Names that a module binds on its own level; None when it cannot be read."""
    tree = _tree(text)
    if tree is None:
        return None
    found = set()
    for one in _level(tree.body):
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(one.name)
        elif isinstance(one, (ast.Import, ast.ImportFrom)):
            found.update(alias.asname or alias.name.partition(".")[0] for alias in one.names)
        else:
            found.update(n.id for n in ast.walk(one) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return found


def _used_at_import(text, alias, names):
    """``(name, line)`` of ``alias.name`` in plain statements and class heads of the module's own level."""
    tree = _tree(text) if names else None
    for one in tree.body if tree is not None else ():
        if isinstance(one, ast.ClassDef):
            parts = one.bases
        elif isinstance(one, (ast.Assign, ast.AnnAssign, ast.Expr)):
            parts = [one]
        else:
            continue
        for part in parts:
            for node in _eager(part):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == alias:
                    if node.attr in names:
                        yield node.attr, node.lineno


def _eager(node):
    """The node and what is below it, without the bodies of functions that run later."""
    if not isinstance(node, ast.Lambda):
        yield node
        for inner in ast.iter_child_nodes(node):
            for one in _eager(inner):
                yield one


def kept(world, modules, cache):
    """``broken``, from the doctor's cache as long as nothing was installed or removed."""
    folders = [folder.path for folder in world.path + world.site]
    store = records.Store(cache, "contracts %r" % folders)
    about = sorted(set(modules)), [paths.mtime(folder) for folder in folders]
    found = store.answer("broken", about, lambda: broken(world, modules))
    store.save()
    return found


def broken(world, modules):
    """Records of the fact ``src.broken_imports`` for a program that imports ``modules``."""
    walk = Contracts(world)
    walk.walk([one for one in dict.fromkeys(modules) if one.partition(".")[0] not in LARGE])
    return walk.found[:50]
