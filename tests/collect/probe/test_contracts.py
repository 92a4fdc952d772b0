"""Names that packages take from one another: what is missing for certain, and what nobody can tell."""

from __future__ import annotations

import textwrap
from pathlib import Path

import contracts
import pytest
from envmake import Env
from src_imports import Target


def walk(env: Env, user: str, library: dict[str, str], more: dict[str, str] | None = None) -> list[tuple[str, str, str]]:
    files = {"user/__init__.py": "from . import core\n", "user/core.py": user, **(more or {})}
    env.dist("user", "1.0", files={name: textwrap.dedent(body).encode() for name, body in files.items()})
    env.dist("lib", "2.0", files={f"lib/{name}": textwrap.dedent(body).encode() for name, body in library.items()})
    found = contracts.broken(Target([str(env.site)], [], "3.11.7"), ["user"])
    return [(row["module"], row["name"], Path(row["file"]).name) for row in found]


@pytest.mark.parametrize(
    "library",
    [
        {"__init__.py": "kept = 1\n"},
        {"__init__.py": "'''gone was here'''\nkept = 1  # gone\n"},
        {"__init__.py": "from .a import *\n", "a.py": "from other import gone\n__all__ = ['kept']\nkept = 1\n"},
        {"__init__.py": "def kept():\n    gone = 1\n    return gone\n"},
    ],
)
def test_a_name_that_is_gone(env: Env, library: dict[str, str]) -> None:
    assert walk(env, "from lib import kept, gone\n", library) == [("lib", "gone", "core.py")]


@pytest.mark.parametrize(
    "library",
    [
        {"__init__.py": "gone = 1\n"},
        {"__init__.py": "try:\n    from x import gone\nexcept ImportError:\n    gone = None\n"},
        {"__init__.py": "from .a import *\n", "a.py": "def gone():\n    pass\n"},
        {"__init__.py": "", "gone.py": ""},
        {"__init__.py": "", "gone.cpython-311-x86_64-linux-gnu.so": ""},
        {"__init__.py": "def __getattr__(name):\n    return 1\n"},
        {"__init__.py": "globals().update(all())\n"},
        {"__init__.py": "for one in ('gone',):\n    setattr(__import__('sys').modules[__name__], one, 1)\nimport sys\nsys.modules\n"},
        {"__init__.py": "with open('x') as gone:\n    pass\n"},
        {"__init__.py": "not python at all: gone\n"},
    ],
)
def test_a_name_that_is_there_or_may_be(env: Env, library: dict[str, str]) -> None:
    assert walk(env, "from lib import gone\n", library) == []


@pytest.mark.parametrize(
    "user",
    [
        "try:\n    from lib import gone\nexcept ImportError:\n    gone = None\n",
        "def later():\n    from lib import gone\n    return gone\n",
        "'''\nfrom lib import gone\n'''\n",
        "import sys\nsys.modules['lib'] = sys\nfrom lib import gone\n",
        "import lib\n\ndef later():\n    return lib.gone\n",
        "import lib\nlater = lambda: lib.gone\n",
    ],
)
def test_imports_that_need_not_fail(env: Env, user: str) -> None:
    assert walk(env, user, {"__init__.py": "kept = 1\n"}) == []


def test_a_module_that_is_gone(env: Env) -> None:
    assert walk(env, "from lib.old.deep import x\n", {"__init__.py": ""}) == [("lib.old.deep", "", "core.py")]


def test_the_base_of_a_class(env: Env) -> None:
    user = "import lib as l\n\nclass Mine(l.Gone):\n    pass\n"
    assert walk(env, user, {"__init__.py": "kept = 1\n"}) == [("lib", "Gone", "core.py")]


def test_only_what_an_import_would_read(env: Env) -> None:
    more = {"user/unused.py": "from lib import gone\n"}
    assert walk(env, "import os\n", {"__init__.py": "kept = 1\n"}, more) == []
