"""The user's program as a whole: its files, found from what was named and followed through local imports.

``read(what, cwd, ...)`` gives a :class:`Program`; nothing is executed.
"""
import ast
import json
import os
import sys
import warnings

import paths
from patterns import compiled, whole
from src_calls import Reader
from src_link import link
from src_names import readers as library_readers
from src_scan import Scan
from src_values import Values
from src_walk import Files, kind_of, text_of

OLD_PRINT = ("Missing parentheses in call to 'print'", "multiple exception types must be parenthesized",
             "except expressions without parentheses are only supported",
             "Missing parentheses in call to 'exec'", "leading zeros in decimal integer", "invalid hexadecimal literal")
NOT_TEXT = ("null bytes", "codec can't decode", "Non-UTF-8 code starting with", "unknown encoding")
COMMAS = 60000  # in one file; the tree of a longer table takes hundreds of megabytes
LISTS = ("requirements.txt", "pyproject.toml")  # of a project, beside the program
MAGIC = r"^(\s*)([%!?])"


def tree_of(source, path, version):
    """Syntax tree, parsed with the grammar of Python ``version`` when that is older than ours.

    Raises what :func:`ast.parse` raises, RecursionError and MemoryError included.
    """
    minor = _minor(version)
    older = (3, max(minor, 4)) if minor is not None and minor < sys.version_info[1] else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source, os.path.basename(path), feature_version=older)


def _minor(version):
    parts = (version or "").split(".")
    return whole(parts[1]) if len(parts) > 1 and parts[0] == "3" else None


def trouble(error, version):
    """``(stable word: text, line)`` of what is wrong with a file."""
    if isinstance(error, (RecursionError, MemoryError)):
        return "too deep: %s" % type(error).__name__, None
    text = getattr(error, "msg", None) or str(error)
    line = getattr(error, "lineno", None)
    if isinstance(error, TabError):
        return "tabs: %s" % text, line
    if any(word in text for word in NOT_TEXT):
        return "encoding: %s" % text, line
    if any(text.startswith(start) for start in OLD_PRINT):
        return "python2: %s" % text, line
    minor = _minor(version)
    if minor is not None and minor > sys.version_info[1]:
        return "newer: %s (read as Python 3.%d)" % (text, sys.version_info[1]), line
    return "syntax: %s" % text, line


def notebook(data):
    """Code cells of a notebook as one text; magics become ``pass``, ``!`` lines and shell cells are given apart."""
    book = json.loads(data.decode("utf-8-sig"))
    lines, shell = [], []
    for cell in book.get("cells") or ():
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source") or ""
        source = "".join(map(str, source)) if isinstance(source, list) else str(source)
        rows = source.splitlines()
        whole = rows[0].strip() if rows else ""
        if whole.startswith("%%") and not whole.startswith(("%%time", "%%capture", "%%timeit")):
            if whole[2:].split()[:1] in (["bash"], ["sh"]):
                shell += [(len(lines) + 2 + i, row) for i, row in enumerate(rows[1:])]
            lines += ["pass"] * len(rows)
            continue
        for row in rows:
            mark = compiled(MAGIC).match(row)
            if mark:
                command = row.strip().lstrip("!%")
                shell.append((len(lines) + 1, "export " + command[4:] if command.startswith("env ") else command))
                row = mark.group(1) + "pass"
            lines.append(row)
    return "\n".join(lines) + "\n", shell


class Program(object):
    """Everything that was read. ``readers`` are Python files in the order in which they were met."""

    def __init__(self, what, cwd, env, version, over):
        self.cwd, self.env, self.version = cwd or ".", env, version
        self.files = Files(over)
        self.readers, self.scripts, self.settings, self.other = [], [], [], []
        self.by_path = {}  # real path -> Reader or Values during reading
        self.roots = []  # folders from which local modules are imported
        self.first = None
        self.main = set()  # files that were named, or lie at the top of a named folder
        for one in what:
            self._named(os.path.join(self.cwd, os.path.expanduser(one)))
        self.bases = list(dict.fromkeys([self.cwd, *self.roots]))
        by_path = {reader.path: reader for reader in self.readers}
        self.entries = self._entries(by_path)
        self.sure = self._sure(by_path)
        self.repos = link(self.readers, self.bases, self.entries, self.main)
        self._order(by_path)

    def _named(self, path):
        path = os.path.normpath(path)
        if os.path.isdir(path):
            self._root(path)
            for found in self.files.below(path):
                if os.path.dirname(found) == path:
                    self.main.add(found)
                self.take(found)
        elif os.path.exists(path):
            folder = os.path.dirname(path)
            self._root(folder)
            self.main.add(path)
            self.take(path)
            if kind_of(path) in ("py", "ipynb"):
                self._project(dict.fromkeys([folder, self._package_root(folder)]))
        else:
            self.files.problem(path, "unreadable: no such file or folder")

    def _project(self, folders):
        """What a program's own project asks for: lists beside it or beside its package. A home is no project."""
        for folder in folders:
            if not paths.same(folder, os.path.expanduser("~")):
                for name in LISTS:
                    if os.path.isfile(os.path.join(folder, name)):
                        self.take(os.path.join(folder, name))

    def _root(self, folder):
        self.first = self.first or folder
        for one in (folder, self._package_root(folder)):
            if one not in self.roots:
                self.roots.append(one)

    @staticmethod
    def _package_root(folder):
        while os.path.exists(os.path.join(folder, "__init__.py")) and os.path.dirname(folder) != folder:
            folder = os.path.dirname(folder)
        return folder

    def take(self, path):
        """Read one file by its kind; a named file of no known kind is taken for Python or, by its first line, shell."""
        if os.path.realpath(path) in self.by_path:
            return
        data = self.files.bytes_of(path)
        if data is None:
            return
        kind = kind_of(path)
        if not kind:
            first = data[:80].split(b"\n")[0]
            kind = "shell" if first.startswith(b"#!") and b"sh" in first else "" if path.endswith(
                (".txt", ".in")) else "py"
            kind = kind or "requirements"
        if kind in ("py", "setup.py", "ipynb"):
            self._python(path, data, kind)
        elif kind in ("shell", "docker", "env"):
            self._shell(kind, path, text_of(data))
        elif kind in ("requirements", "pyproject", "setup.cfg", "conda"):
            self.other.append((kind, path, data, None))

    def _shell(self, kind, path, text):
        import src_shell  # its patterns cost a millisecond that a lone script need not pay

        if kind == "env":
            self.settings += src_shell.dotenv(path, text)
        else:
            read = src_shell.docker if kind == "docker" else src_shell.Script
            self._script(read(path, text), path)

    def _script(self, script, path):
        self.scripts.append(script)
        bases = [os.path.dirname(path), self.cwd]
        for name in script.programs:
            for base in bases:
                if os.path.isfile(os.path.join(base, name)):
                    self._started(os.path.normpath(os.path.join(base, name)), path)
                    break
        for module in script.modules:
            found = self.local(module, bases)
            if found:
                self._started(found, path)

    def _started(self, path, script):
        """A Python file that a script runs."""
        if script in self.main:
            self.main.add(path)
        self._root(os.path.dirname(path))
        self.take(path)

    def _python(self, path, data, kind):
        shell = []
        self.by_path[os.path.realpath(path)] = None
        try:
            if kind == "ipynb":
                data, shell = notebook(data)
            elif data.count(b",") > COMMAS:
                self.files.problem(path, "left out: a table of data, not a program")
                return
            tree = tree_of(data, path, self.version)
            scan = Scan(tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError, AttributeError, TypeError) as error:
            text, line = trouble(error, self.version)
            self.files.problem(path, text, line)
            return
        values = Values(scan, self.env, lambda name: self._neighbour(path, scan, name))
        self.by_path[os.path.realpath(path)] = values
        self._follow(path, tree)
        try:
            reader = Reader(path, tree, values)
        except (RecursionError, MemoryError) as error:
            self.files.problem(path, trouble(error, self.version)[0])
            return
        self.readers.append(reader)
        if kind == "setup.py":
            self.other.append((kind, path, tree, values))
        if shell:
            from src_shell import Script

            script = Script(path, "")
            for line, text in shell:
                script._line(line, text)
            self._script(script, path)

    def _follow(self, path, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for item in node.names:
                    self._take_module(item.name, path)
            elif isinstance(node, ast.ImportFrom):
                base = self.base_of(path, node.level)
                self._take_module(node.module or "", path, base)
                for item in node.names:
                    self._take_module((node.module + "." if node.module else "") + item.name, path, base)

    @staticmethod
    def base_of(path, level):
        """Folder from which a relative import starts, None for an absolute one."""
        folder = os.path.dirname(path)
        for _ in range(level - 1):
            folder = os.path.dirname(folder)
        return folder if level else None

    def _take_module(self, module, path, base=None):
        found = self.local(module, [base] if base else [*self.roots, os.path.dirname(path)])
        if found and found != path:
            self.take(found)

    def local(self, module, bases):
        """File of a local module below one of ``bases``, None when there is none."""
        parts = [part for part in module.split(".") if part]
        for base in bases:
            if not parts:
                found = [os.path.join(base, "__init__.py")]
            else:
                stem = os.path.join(base, *parts)
                found = [os.path.join(stem, "__init__.py"), stem + ".py"]
            for one in found:
                if os.path.isfile(one):
                    return os.path.normpath(one)
        return None

    def _neighbour(self, path, scan, name):
        """Where an imported local name is defined: ``(Values, variable)`` or ``(None, "")``."""
        if name in scan.relative:
            level, module, variable = scan.relative[name]
            found = self.local(module, [self.base_of(path, level)])
        else:
            module, _, variable = scan.aliases[name].rpartition(".")
            found = self.local(module, self.roots) if module else None
        other = self.by_path.get(os.path.realpath(found)) if found else None
        return (other, variable) if isinstance(other, Values) else (None, "")

    def folders_of(self, path):
        """Folders from which a file's absolute imports find neighbours: those of the programs that it belongs to."""
        return tuple(dict.fromkeys([*sorted(map(os.path.dirname, self.entries.get(path, ()))), *self.roots]))

    @staticmethod
    def is_local(module, bases):
        """Path of a neighbour of the program that serves a top-level import, None when there is none."""
        top = module.partition(".")[0]
        for base in bases:
            for tail in (os.path.join(top, "__init__.py"), top + ".py"):
                if os.path.isfile(os.path.join(base, tail)):
                    return os.path.join(base, tail)
        return None

    def is_folder(self, module, bases):
        """Is a dotted import a file in a neighbouring folder without ``__init__.py``? Any real package goes first."""
        return "." in module and self.local(module, bases) is not None

    # order of execution

    def _entries(self, by_path):
        """For each file the files that start programs it belongs to: those that nobody imports, and the named ones."""
        targets = {reader.path: self._targets(reader, by_path) for reader in self.readers}
        imported = {path for found in targets.values() for path in found}
        belongs = {}
        for start in targets:
            if start in imported and start not in self.main:
                continue
            queue = [start]
            while queue:
                path = queue.pop()
                if start not in belongs.setdefault(path, set()):
                    belongs[path].add(start)
                    queue += targets[path]
        self.starts = [path for path in targets if path not in imported]
        return belongs

    def _sure(self, by_path):
        """Files that what was named imports without a guard all the way; the others may never be asked for.

        Where no program was named and none lies at the top of the folder, each file that nobody imports is one.
        """
        reached, queue = set(), [path for path in self.main if path in by_path] or list(self.starts)
        while queue:
            path = queue.pop()
            if path not in reached and path in by_path:
                reached.add(path)
                queue += self._targets(by_path[path], by_path, certain=True)
        return reached

    def _order(self, by_path):
        """``after_import`` of every variable: which library had been imported when it was set."""
        done = set()
        for path in self.starts or list(by_path):
            self._run(by_path[path], by_path, [], done)

    def _target(self, reader, event):
        _, module, name, level, _ = event
        base = self.base_of(reader.path, level)
        bases = [base] if base else [*self.roots, os.path.dirname(reader.path)]
        return [self.local(one, bases) for one in (module, "%s.%s" % (module, name)) if one or level]

    def _targets(self, reader, by_path, certain=False):
        """Files of the program that one of them imports; ``certain``: where no guard or function stands around."""
        events = [("import", record["module"], record["name"], record["level"], None)
                  for record in reader.imports if not (certain and record["guarded"])]
        found = [path for event in events for path in self._target(reader, event)]
        return {path for path in found if path in by_path and path != reader.path}

    def _run(self, reader, by_path, libraries, done):
        """Module level first; what functions set comes after every module-level import."""
        if reader.path in done or len(done) > 500:
            return
        done.add(reader.path)
        late = []
        for event in reader.events:
            if event[4]:
                late.append(event)
            else:
                self._step(reader, event, by_path, libraries, done)
        inside = {}
        for event in late:
            own = inside.setdefault(event[4], list(libraries))
            self._step(reader, event, {}, own, done)

    def _step(self, reader, event, by_path, libraries, done):
        if event[0] == "env":
            watched = library_readers(event[1]["name"])
            event[1]["after_import"] = next((name for name in libraries if name in watched), "")
            return
        local = [by_path[path] for path in self._target(reader, event) if path in by_path]
        for other in local:
            self._run(other, by_path, libraries, done)
        top = event[1].partition(".")[0]
        if not event[3] and not local and top not in libraries:
            libraries.append(top)
