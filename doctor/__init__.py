"""vlmdoctor: an environment doctor for vision-language models. Importing this package stays free."""

from __future__ import annotations

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """``doctor.fit(model, gpu)`` asks :mod:`doctor.fit`, which is imported when it is first named."""
    if name != "fit":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module("doctor.fit")
