"""Since and until which release a name can be imported from a module of transformers, huggingface_hub, accelerate."""

from __future__ import annotations

from doctor.knowledge import store, versions
from doctor.model.names import normalise
from doctor.model.patterns import compiled

# transformers exports at its top level what these modules define: of the second what it calls a cache, not its imports
_TOP_LEVEL = (("<auto maps>", ""), ("cache_utils", "Cache"))

# What follows the name of the family in the name of a class.
_PART = r"(Vision|Text|Audio|Speech|Q[Ff]ormer|Encoder)*(Model(WithProjection)?|Config|For[A-Z]\w+)$"

Span = tuple[str | None, str | None, tuple[tuple[str, str], ...]]


@store.memo
def _module(package: str, module: str) -> dict[str, str]:
    """``{name: "first..last but gaps"}`` of one module."""
    groups = store.rows("symbols").get(package, {}).get("modules", {}).get(module, {})
    return {name: code for code, names in groups.items() for name in names.split()}


def _decode(code: str) -> Span:
    span, _, gaps = code.partition(" but ")
    first, _, last = span.partition("..")
    parts = (each.partition("-") for each in gaps.split(",") if each)
    return first or None, last or None, tuple((low, high or low) for low, _, high in parts)


@store.memo
def split(dotted: str) -> tuple[str, str, str]:
    """``transformers.utils.hub.X`` -> ``("transformers", "utils.hub", "X")``; the distribution name is normalised."""
    top, _, rest = dotted.partition(".")
    module, _, name = rest.rpartition(".")
    return normalise(top), module or "__init__", name


@store.memo
def span(dotted: str) -> Span | None:
    """``(first release, last release, gaps)`` of ``package.module.name``.

    A None end means that the name reaches beyond the catalogued window on that side. A whole None: the name did
    not change in the window, or is not catalogued.
    """
    package, module, name = split(dotted)
    top_level = module == "__init__" and package == "transformers"
    modules = [each for each, part in _TOP_LEVEL if part in name] if top_level else [module]
    code = next((found for each in modules if (found := _module(package, each).get(name))), None)
    return None if code is None else _decode(code)


def since(dotted: str) -> str | None:
    """First release with the name; None when it is older than the window or not catalogued."""
    found = span(dotted)
    return found[0] if found else None


def until(dotted: str) -> str | None:
    """Last release with the name; None when it is still there or not catalogued."""
    found = span(dotted)
    return found[1] if found else None


@store.memo
def exists(dotted: str, version: str) -> bool | None:
    """Can ``package.module.name`` be imported from this release? None: not known."""
    found, here = span(dotted), versions.parse(versions.public(version))
    if found is None or here is None or not _in_window(split(dotted)[0], version):
        return None
    first, last = versions.parse(found[0]), versions.parse(found[1])
    if (first and here < first) or (last and here > last):
        return False
    return not any(_between(here_text, version) for here_text in found[2])


def _between(gap: tuple[str, str], version: str) -> bool:
    return versions.compare(version, gap[0]) in (0, 1) and versions.compare(version, gap[1]) in (0, -1)


def _in_window(package: str, version: str) -> bool:
    low, high = store.rows("symbols")[package]["window"]
    return versions.compare(version, low) in (0, 1) and versions.compare(version, high) in (0, -1)


@store.memo
def family_older(dotted: str, version: str) -> bool:
    """``version`` had the configuration of a model class already, so that the class may be older than its line here.

    A class enters the auto maps, the table's source for top-level names, at times long after it could be imported.
    """
    name = dotted.rpartition(".")[2]
    found = compiled(_PART).search(name)
    if dotted != f"transformers.{name}" or not found or not found.start():
        return False
    family = span(f"transformers.{name[: found.start()]}Config")
    return family is not None and (family[0] is None or versions.compare(version, family[0]) in (0, 1))


@store.memo
def nearest_with(dotted: str, version: str) -> str | None:
    """The release nearest to ``version`` from which the name can be imported."""
    package = split(dotted)[0]
    having = [v for v in versions.candidates(package) if exists(dotted, v)]
    order, here = versions.known(package), versions.parse(versions.public(version))
    if here is None or not having:
        return None
    place = sum(1 for v in order if (versions.parse(v) or here) < here)
    return min(having, key=lambda v: (abs(order.index(v) - place), -order.index(v)))
