"""Versions, specifiers, markers and requirement lines (PEP 440 and 508), enough to say what ``pip check`` says.

The target may lack ``packaging`` and ours may not be imported there. tests/ hold this against ``packaging``.
Anything malformed raises ValueError; the callers then keep silent about that line.
"""
import operator
import os
import re
import sys

from patterns import compiled, whole

_VERSION = (
    r"(?ia)v?(?:(\d+)!)?(\d+(?:\.\d+)*)"
    r"(?:[-_.]?(alpha|beta|preview|pre|rc|a|b|c)[-_.]?(\d*))?"
    r"(?:-(\d+)|([-_.]?(?:post|rev|r)[-_.]?)(\d*))?"
    r"(?:[-_.]?(dev)[-_.]?(\d*))?"
    r"(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$"
)
_CLAUSE = r"\s*(===|==|~=|!=|<=|>=|<|>)\s*([^\s,;]+)\s*$"
_LINE = r"(?s)\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*(.*)$"
_TOKEN = r"\s*(\(|\)|'[^']*'|\"[^\"]*\"|===|==|~=|!=|<=|>=|<|>|[A-Za-z_][A-Za-z0-9_.]*)"
_PHASES = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_MARKS = ("===", "==", "~=", "!=", "<=", ">=", "<", ">", "in", "not in")  # of an environment marker
_VERSION_KEYS = ("python_version", "python_full_version", "implementation_version", "platform_release")
_RUNS = r"[-_.]+"
DEPTH = 40  # nested parentheses of a marker; nobody writes more than three

_LOWEST, _HIGHEST = (-1, 0), (9, 0)


class Version(object):
    """``public`` orders by PEP 440 without the local part; ``local`` is a tuple or ``None``."""

    __slots__ = ("base", "dev", "epoch", "local", "post", "pre", "public", "release")

    def __init__(self, text):
        found = compiled(_VERSION).match(text.strip())
        if not found or len(text) > 200:
            raise ValueError("not a version: %.60r" % text)
        epoch, release, phase, number, dash, post, post_number, dev, dev_number, local = found.groups()
        self.epoch = int(epoch or 0)
        self.release = tuple(int(part) for part in release.split("."))
        self.pre = (_PHASES[phase.lower()], int(number or 0)) if phase else None
        self.post = int(dash or post_number or 0) if dash or post else None
        self.dev = int(dev_number or 0) if dev else None
        self.local = _local(local) if local else None
        self.base = (self.epoch, _strip(self.release))
        self.public = self.base + (self._phase(), -1 if self.post is None else self.post, self._dev())

    def _phase(self):
        if self.pre is None:
            return _LOWEST if self.post is None and self.dev is not None else _HIGHEST
        return self.pre

    def _dev(self):
        return float("inf") if self.dev is None else self.dev

    def full(self):
        """Sort key with the local part."""
        return self.public + ((0,) if self.local is None else (1, self.local),)

    def early(self):
        """A pre-release or development release."""
        return self.pre is not None or self.dev is not None


def _strip(release):
    end = len(release)
    while end > 1 and release[end - 1] == 0:
        end -= 1
    return release[:end]


def _local(text):
    parts = re.split(r"[-_.]", text.lower())
    return tuple((-1, part) if whole(part) is None else (whole(part), "") for part in parts)


_PARSED = {}


def version(text):
    """``Version(text)``, remembered: the same few versions are asked again and again."""
    if text not in _PARSED:
        _PARSED[text] = Version(text)
    return _PARSED[text]


def _prefix(have, text):
    """``==text.*``: epoch and leading numbers agree."""
    want = version(text)
    if (want.pre, want.post, want.dev, want.local) != (None, None, None, None):
        raise ValueError("no wildcard after %r" % text)
    if have.epoch != want.epoch:
        return False
    padded = have.release + (0,) * max(0, len(want.release) - len(have.release))
    return padded[: len(want.release)] == want.release


def _compatible(have, text):
    want = version(text)
    if len(want.release) < 2 or want.local is not None:
        raise ValueError("~= needs two numbers: %r" % text)
    head = "%d!%s" % (want.epoch, ".".join(str(part) for part in want.release[:-1]))
    return have.public >= want.public and _prefix(have, head)


def _equal(have, text):
    want = version(text)
    return have.public == want.public if want.local is None else have.full() == want.full()


def _order(mark, have, text):
    want = version(text)
    if want.local is not None:
        raise ValueError("no local part after %s: %r" % (mark, text))
    if mark == "<" and not want.early():  # <1.0 leaves out 1.0rc1 and 1.0.dev0
        phase = _LOWEST if want.post is None else _HIGHEST
        return have.public < want.base + (phase, -1 if want.post is None else want.post, 0)
    if mark == ">" and want.post is None and want.dev is None:  # >1.0 leaves out 1.0.post1
        family = have.base == want.base and have.pre == want.pre
        return have.public > want.public and not family
    return _OPERATORS[mark](have.public, want.public)


def holds(mark, wanted, found):
    """One clause: ``holds(">=", "1.17", "1.26.4")``. Raises ValueError for what is no version or no clause."""
    if mark == "===":
        return wanted.lower() == found.lower()
    have = version(found)
    if mark in ("==", "!="):
        same = _prefix(have, wanted[:-2]) if wanted.endswith(".*") else _equal(have, wanted)
        return same == (mark == "==")
    return _compatible(have, wanted) if mark == "~=" else _order(mark, have, wanted)


_CLAUSES = {}


def clauses(spec):
    """``[(operator, version)]`` of ``>=1.0,<2``; an empty text has none."""
    if spec not in _CLAUSES:
        found = []
        for part in spec.split(","):
            if part.strip():
                clause = compiled(_CLAUSE).match(part)
                if not clause:
                    raise ValueError("not a specifier: %.60r" % part)
                found.append(clause.groups())
        _CLAUSES[spec] = found
    return _CLAUSES[spec]


def satisfies(found, spec):
    """Does version ``found`` meet ``spec``? Pre-releases count, as for ``pip check``."""
    return all(holds(mark, wanted, found) for mark, wanted in clauses(spec))


def split(line):
    """``(name, spec, marker)`` of a requirement line; a direct reference has the spec ``@``."""
    found = compiled(_LINE).match(line)
    if not found:
        raise ValueError("not a requirement: %.60r" % line)
    name, _, rest = found.groups()
    if rest.startswith("@"):
        parts = re.split(r"\s;", rest, maxsplit=1)
        return name, "@", parts[1].strip() if len(parts) > 1 else ""
    spec, _, marker = rest.partition(";")
    spec = spec.strip()
    if spec.startswith("(") and spec.endswith(")"):
        spec = spec[1:-1].strip()
    return name, spec, marker.strip()


class Markers(object):
    """Evaluates environment markers for one interpreter; ``extra`` is always empty."""

    def __init__(self, environment):
        self.environment = environment
        self._known = {}

    def __call__(self, text):
        """The marker's truth; an empty one is true. Raises ValueError when it is malformed."""
        if text not in self._known:
            self._known[text] = self._evaluate(text) if text else True
        return self._known[text]

    def _evaluate(self, text):
        tokens, place = [], 0
        while place < len(text.rstrip()):
            found = compiled(_TOKEN).match(text, place)
            if not found or len(tokens) > 4000:
                raise ValueError("not a marker: %.60r" % text)
            tokens.append(found.group(1))
            place = found.end()
        tokens.reverse()
        value = self._any(tokens, 0)
        if tokens:
            raise ValueError("not a marker: %.60r" % text)
        return value

    def _any(self, tokens, depth):
        value = self._all(tokens, depth)
        while tokens and tokens[-1] == "or":
            tokens.pop()
            value = self._all(tokens, depth) or value
        return value

    def _all(self, tokens, depth):
        value = self._one(tokens, depth)
        while tokens and tokens[-1] == "and":
            tokens.pop()
            value = self._one(tokens, depth) and value
        return value

    def _one(self, tokens, depth):
        if depth > DEPTH or len(tokens) < 3:
            raise ValueError("malformed marker")
        if tokens[-1] == "(":
            tokens.pop()
            value = self._any(tokens, depth + 1)
            if not tokens or tokens.pop() != ")":
                raise ValueError("unbalanced marker")
            return value
        left, mark = tokens.pop(), tokens.pop()
        if mark == "not":
            mark = "not " + tokens.pop()
        if mark not in _MARKS or not tokens:
            raise ValueError("malformed marker")
        return self._compare(left, mark, tokens.pop())

    def _value(self, token):
        if token[0] in "'\"":
            return None, token[1:-1]
        key = token.replace(".", "_")
        key = "platform_python_implementation" if key == "python_implementation" else key
        if key not in self.environment:
            raise ValueError("unknown variable %.40r" % token)
        return key, self.environment[key]

    def _compare(self, left, mark, right):
        left_key, have = self._value(left)
        right_key, want = self._value(right)
        key = left_key or right_key
        if key == "extra":
            have, want = compiled(_RUNS).sub("-", have).lower(), compiled(_RUNS).sub("-", want).lower()
        if mark == "in":
            return have in want
        if mark == "not in":
            return have not in want
        if key in _VERSION_KEYS:
            try:
                holds(mark, want, "0")
            except ValueError:
                return _as_text(mark, have, want)  # PEP 508: what is no version is compared as text
            return compiled(_VERSION).match(have) is not None and holds(mark, want, have)
        return _as_text(mark, have, want)


def _as_text(mark, have, want):
    """Texts have no order: ``<=`` and ``>=`` mean equal, ``<`` and ``>`` are never true."""
    if mark in ("==", "===", "<=", ">="):
        return have == want
    if mark == "!=":
        return have != want
    if mark in ("<", ">"):
        return False
    raise ValueError("%s does not compare texts" % mark)


def environment(python, implementation):
    """The marker variables of an interpreter on this machine. ``python`` is its full version."""
    short = ".".join(python.split(".")[:2])
    name = {"cpython": "CPython", "pypy": "PyPy"}.get(implementation, implementation)
    found = {
        "os_name": os.name, "sys_platform": sys.platform, "python_version": short, "python_full_version": python,
        "implementation_name": implementation, "implementation_version": python,
        "platform_python_implementation": name, "extra": "",
    }
    if hasattr(os, "uname"):
        system = os.uname()
        found.update(platform_machine=system.machine, platform_release=system.release,
                     platform_system=system.sysname, platform_version=system.version)
    else:
        import platform

        found.update(platform_machine=platform.machine(), platform_release=platform.release(),
                     platform_system=platform.system(), platform_version=platform.version())
    return found
