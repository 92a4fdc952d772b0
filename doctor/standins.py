"""Imports click without the modules that it loads for what no command here has.

click imports ``inspect`` (with ``ast``, ``dis``, ``tokenize``) to clean help texts, ``uuid`` (with ``platform``) and
``datetime`` for parameters of these types, ``gettext`` for translations that it does not bring: half of its import and
a tenth of a whole check. While click is imported, small modules stand in their places. Whatever else is asked of one
comes from the real module, then and later, so another release of click only costs the time again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any


class StandIn(ModuleType):
    """A module with a few names of the real one, which is imported when another name is asked for."""

    def __init__(self, name: str, names: dict[str, Any]) -> None:
        super().__init__(name)
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system asks for __path__
            raise AttributeError(name)
        self.leave()
        return getattr(import_module(self.__name__), name)

    def leave(self) -> None:
        """From now on the real module is what an import finds."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]


def load_click() -> None:
    """Import click the light way, unless it is there already."""
    if "click" in sys.modules:
        return
    modules = [StandIn(name, names) for name, names in _NAMES.items() if name not in sys.modules]
    sys.modules.update({module.__name__: module for module in modules})
    try:
        import_module("click")
    finally:
        for module in modules:
            module.leave()


def clean(text: str) -> str:
    """``inspect.cleandoc``: a docstring without its indentation and the empty lines around it."""
    first, *others = text.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in others if line.strip()), default=0)
    return "\n".join([first.lstrip(), *(line[margin:] for line in others)]).strip("\n")


def _is_function(value: Any) -> bool:
    return isinstance(value, FunctionType)


def _same(message: str) -> str:
    return message


def _one_or_more(one: str, more: str, count: int) -> str:
    return one if count == 1 else more


class _Unused:
    """Names the type of a parameter that no command has."""


_NAMES: dict[str, dict[str, Callable[..., Any]]] = {
    "inspect": {"cleandoc": clean, "isfunction": _is_function},
    "uuid": {"UUID": _Unused},
    "datetime": {"datetime": _Unused},
    "gettext": {"gettext": _same, "ngettext": _one_or_more},
}
