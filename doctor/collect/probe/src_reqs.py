"""Requirements that a project declares, and whether the target meets them.

Read: requirements files (``-r`` and ``-c`` followed), pyproject (PEP 621 and Poetry), setup.cfg, setup.py by its syntax
tree, environment.yml by a small reader of its own, and the ``pip install`` lines that scripts hold.
"""
import ast
import os
import re
import sys

import requirements
from patterns import compiled
from src_scan import text_of
from src_values import clean

LINE = (
    r"^([A-Za-z0-9][\w.-]*)\s*(\[[^\]]*\])?\s*"
    r"(@\s*\S+|\(?\s*(?:===|==|!=|~=|<=|>=|<|>)[^;#]*)?\s*(?:;\s*(.*))?$"
)
URL = r"^(?:-e\s+|--editable[ =])?((?:git|hg|svn)\+\S+|https?://\S+|file:\S+)"
EGG = r"#(?:.*&)?egg=([A-Za-z0-9][\w.-]*)"
WHEEL = r"/([A-Za-z0-9_.]+)-(\d[^-/]*)-[^/]*\.whl"
LINE_CAP = 2000
OPTION = r"^(--?[\w-]+)[ =]?\s*(.*)$"


def meets(version, spec):
    """Does ``version`` satisfy ``spec``? None when one of them cannot be read."""
    try:
        return requirements.satisfies(version, spec.replace("*", "") if spec.strip() == "*" else spec)
    except ValueError:
        return None


def caret(spec):
    """Poetry's ``^1.2`` and ``~1.2`` as ordinary clauses; a bare version as ``==``; anything else unchanged."""
    spec = spec.strip()
    found = re.match(r"^([\^~])\s*(\d{1,18}(?:\.\d{1,18})*)$", spec)
    if not found:
        return "==" + spec if spec[:1].isdigit() else spec
    parts = [int(part) for part in found.group(2).split(".")]
    if found.group(1) == "~":
        place = min(1, len(parts) - 1)
    else:
        place = next((i for i, part in enumerate(parts) if part), len(parts) - 1)
    upper = parts[:place] + [parts[place] + 1]
    return ">=%s,<%s" % (found.group(2), ".".join(map(str, upper)))


class Requirements(object):
    """Collects records. ``dists`` is ``{normalised name: version}`` of the target, None when it is not known."""

    def __init__(self, files, dists, version):
        self.files = files
        self.dists = dists
        self.version = version
        self._markers = None
        self.records = []
        self.options = []  # (text, file, line)

    def holds(self, marker):
        """Value of an environment marker, None when it cannot be read."""
        if self._markers is None:
            version = self.version or "%d.%d.%d" % sys.version_info[:3]
            self._markers = requirements.Markers(requirements.environment(version, "cpython"))
        try:
            return self._markers(marker)
        except ValueError:
            return None

    def add(self, name, spec, path, line, marker="", *, optional=False):
        """One requirement; left out when its marker says that it is not for this target."""
        holds = self.holds(marker) if marker else True
        if holds is False:
            return
        known = None if self.dists is None else self.dists.get(re.sub(r"[-_.]+", "-", name).lower(), "")
        met = None
        if known is not None and holds:
            met = meets(known, spec) if known and not spec.startswith("@") else bool(known)
            if optional and not known:
                met = None
        self.records.append({"name": name, "spec": clean(spec), "file": path, "line": line, "met": met,
                             "found": known or None})

    def line(self, text, path, number, optional=False):
        """One line in the style of a requirements file; no real one is longer than ``LINE_CAP`` characters."""
        text = " ".join(text[:LINE_CAP].split())
        text = re.sub(r"(^|\s)#(?!egg=).*$", "", text).strip()
        if not text.startswith("-"):
            text = re.sub(r"\s--[a-z].*$", "", text)  # --hash, --no-build-isolation and other options of one line
        text = text.rstrip("\\ ")
        url = compiled(URL).match(text)
        if url:
            egg, wheel = compiled(EGG).search(text), compiled(WHEEL).search(text)
            if egg or wheel:
                name = egg.group(1) if egg else wheel.group(1).replace("_", "-")
                self.add(name, "@ " + url.group(1), path, number)
            return
        if text.startswith("-"):
            self._option(text, path, number)
            return
        found = compiled(LINE).match(text)
        if found:
            spec = (found.group(3) or "").strip().strip("()").replace(" ", "")
            self.add(found.group(1), spec.replace("@", "@ ", 1), path, number, found.group(4) or "", optional=optional)

    def _option(self, text, path, number):
        found = compiled(OPTION).match(text)
        if found and found.group(1) in ("-r", "--requirement", "-c", "--constraint"):
            target = os.path.join(os.path.dirname(path), found.group(2).strip())
            self.file(target, optional=found.group(1) in ("-c", "--constraint"))
        elif found:
            self.options.append({"text": clean(text), "file": path, "line": number})

    def file(self, path, optional=False):
        """A requirements or constraints file."""
        from src_walk import text_of as decoded

        data = self.files.bytes_of(path)
        for number, line in enumerate(decoded(data).splitlines() if data else (), 1):
            self.line(line, path, number, optional)

    def pyproject(self, path, data):
        """PEP 621 and Poetry tables of a pyproject.toml."""
        try:
            table = _toml(data)
        except (ValueError, ImportError) as error:
            self.files.problem(path, "%s: %s" % ("unreadable" if isinstance(error, ImportError) else "syntax", error))
            return
        text = data.decode("utf-8", "replace").splitlines()
        project, poetry = table.get("project") or {}, (table.get("tool") or {}).get("poetry") or {}
        for line in project.get("dependencies") or ():
            self.line(str(line), path, _where(text, str(line)))
        self.python(project.get("requires-python"), path, _where(text, "requires-python"))
        for name, spec in (poetry.get("dependencies") or {}).items():
            spec = spec.get("version", "") if isinstance(spec, dict) else spec
            spec = caret(spec) if isinstance(spec, str) else ""
            if name == "python":
                self.python(spec, path, _where(text, "python"))
            else:
                self.add(name, spec, path, _where(text, name))

    def python(self, spec, path, line):
        """The project's own demand on Python, as a requirement named ``python``."""
        if not isinstance(spec, str) or not spec:
            return
        met = meets(self.version, spec) if self.version else None
        self.records.append({"name": "python", "spec": spec, "file": path, "line": line, "met": met,
                             "found": self.version})

    def setup_cfg(self, path, data):
        """``install_requires`` and ``python_requires`` of a setup.cfg."""
        inside = False
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            name, mark, value = line.partition("=")
            if line[:1].strip():
                inside = bool(mark) and name.strip() == "install_requires"
                if name.strip() == "python_requires":
                    self.python(value.strip(), path, number)
                line = value
            if inside and line.strip():
                self.line(line, path, number)

    def setup_py(self, path, tree, values):
        """Literal ``install_requires`` and ``python_requires`` of a setup() call."""
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, (ast.Name, ast.Attribute)):
                continue
            if (getattr(node.func, "id", "") or getattr(node.func, "attr", "")) != "setup":
                continue
            for keyword in node.keywords:
                if keyword.arg == "install_requires":
                    for one in (values.options(keyword.value) or [[]])[0]:
                        if isinstance(one, str):
                            self.line(one, path, keyword.value.lineno)
                elif keyword.arg == "python_requires":
                    self.python(text_of(keyword.value), path, keyword.value.lineno)

    def conda(self, path, text):
        """``dependencies`` of an environment.yml; conda's names are taken for the distributions' own."""
        inside = pip = False
        for number, line in enumerate(text.splitlines(), 1):
            bare = line.split(" #")[0].strip()
            if line[:1].strip() and not bare.startswith("-"):
                inside, pip = bare.startswith("dependencies"), False
            elif inside and bare.startswith("- pip:"):
                pip = True
            elif inside and bare.startswith("-"):
                word = bare[1:].strip().strip("'\"")
                if pip and not line.startswith(("- ", "  - ")):
                    self.line(word, path, number)
                else:
                    pip = False
                    self._conda_word(word, path, number)

    def _conda_word(self, word, path, number):
        found = re.match(r"^(?:[\w.-]+::)?([\w.-]+)\s*(==?|[<>!~]=?)?\s*([^=\s]*)", word)
        if not found:
            return
        name, operator, version = found.groups()
        names = {"pytorch": "torch", "python": "python"}
        spec = "" if not version else "==" + version + ".*" if operator == "=" and "*" not in version else \
            ("==" if operator == "=" else operator or "") + version
        if names.get(name) == "python":
            self.python(spec, path, number)
        elif name not in ("pip", "cudatoolkit", "pytorch-cuda", "cuda-toolkit"):
            self.add(names.get(name, name), spec, path, number)


def _where(lines, text):
    return next((number for number, line in enumerate(lines, 1) if text in line), None)


def _toml(data):
    """Parse TOML; on Python 3.10 by the tomli that lies beside our own package."""
    try:
        import tomllib
    except ImportError:
        here = os.path.dirname(os.path.abspath(__file__))
        beside = os.path.dirname(os.path.dirname(os.path.dirname(here)))
        if beside not in sys.path:
            sys.path.append(beside)
        import tomli as tomllib
    return tomllib.loads(data.decode("utf-8"))
