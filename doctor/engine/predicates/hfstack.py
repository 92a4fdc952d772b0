"""Predicates about transformers, the hub, and the packages that import names from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from doctor.engine.predicates import loads
from doctor.engine.scope import Scope
from doctor.knowledge import models, pairs, ranges, store, symbols, versions, wheels
from doctor.model.names import normalise
from doctor.model.patterns import compiled
from doctor.model.rule import Clause

Name = tuple[str, str, str]  # module, name, where it was seen: program, model, text

_CANNOT = r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'"
_LACKS = r"module '(?P<module>transformers|huggingface_hub)' has no attribute '(?P<name>\w+)'"
_UNKNOWN_TYPE = r"has model type `(?P<type>[\w.-]+)` but Transformers does not recogni[sz]e"
_KEY_ERROR = r"^KeyError: '(?P<type>[a-z][a-z0-9_-]{2,40})'$"
_MODEL_CLASS = (
    r"(ForConditionalGeneration|ForCausalLM|ForImageTextToText|Processor|ProcessorFast|Config|Model|PreTrainedModel"
    r"|Tokenizer|TokenizerFast)$"
)


def model_type_too_new(scope: Scope, _clause: Clause) -> bool | None:
    """The model type asked for appears in transformers only after the installed release. Binds type, first, last."""
    known, model_type = scope.get("model.type")
    if not known:
        model_type = _type_in_text(scope)
    if model_type is None:
        return False if known else None
    if known and scope.known("model.remote_code") and not models.known(model_type):
        return False
    if known and loads.type_unread(scope):
        return False
    first = models.since(model_type)
    if first is None:
        return None if not models.outside(model_type) else False
    scope.bind("type", model_type)
    scope.bind("first", first)
    there, version = scope.get("dist.transformers", bind="transformers")
    if not version:
        return False if there else None
    _bind_near(scope, models.nearest_supporting(model_type, version))
    supported = models.supports(model_type, version)
    return None if supported is None else not supported and versions.compare(version, first) == -1


def _type_in_text(scope: Scope) -> str | None:
    found = _first_match(scope, _UNKNOWN_TYPE, "does not recogni")
    if found:
        return found["type"]
    found = _first_match(scope, _KEY_ERROR, "keyerror")
    return found["type"] if found and models.known(found["type"]) else None


def _bind_near(scope: Scope, near: str | None) -> None:
    if near:
        scope.bind("near", near)


def _first_match(scope: Scope, pattern: str, literal: str) -> dict[str, str] | None:
    if scope.case.log is None:
        return None
    found = scope.case.log.search(pattern, (literal,))
    return found[1].groupdict() if found else None


def model_type_of_a_project(scope: Scope, _clause: Clause) -> bool | None:
    """The model type lives in a project's package, neither in transformers nor in remote code. Binds needs, native."""
    known, model_type = scope.get("model.type")
    if not known:
        model_type = _type_in_text(scope)
    if model_type is None:
        return False if known else None
    scope.bind("type", model_type)
    row = models.outside(model_type)
    if row is None or "trust_remote_code" in row["needs"]:
        return False
    scope.bind("needs", row["needs"])
    if "native_alternative" in row:
        scope.bind("native", row["native_alternative"])
    return None if not known else not scope.known("model.remote_code")


def name_not_yet(scope: Scope, clause: Clause) -> bool | None:
    """A name that the program imports appears only after the installed release. Options package, match, skip, of."""
    return _names(scope, clause, _not_yet)


def name_gone(scope: Scope, clause: Clause) -> bool | None:
    """A name that the program imports left before the installed release. Options package, match, skip, of."""
    return _names(scope, clause, _gone)


def _names(scope: Scope, clause: Clause, test: Callable[[Scope, str, str | None], bool | None]) -> bool | None:
    """The first name for which ``test`` holds; None when a name is not catalogued or nothing is known."""
    package = clause.get("package", "transformers")
    known, version = scope.get(f"dist.{normalise(package)}", bind=normalise(package))
    if known and version is None:
        return False
    answer: bool | None = None if _blind(scope) else False
    for module, name, where in _asked(scope, clause):
        if module.split(".")[0] != package:
            continue
        held = test(scope, symbol(module, name), version) if version or where == "text" else None
        if held:
            scope.see("import", f"{module}.{name} ({where})")
            scope.bind("name", name)
            scope.bind("module", module)
            return True
        if held is None and (where == "text" or version is None):  # names that never changed are not in the table
            answer = None
    return answer


def _blind(scope: Scope) -> bool:
    """Nothing is known about what the program imports."""
    names = ("src.imports", "model.imports")
    unknown = [name for name in names if not scope.snapshot.look(name)[0]]
    text = _first_match(scope, _CANNOT, "cannot import name") or _first_match(scope, _LACKS, "has no attribute")
    if len(unknown) == len(names) and not text:
        scope.miss("src.imports")
        return True
    return False


def symbol(module: str, name: str) -> str:
    """Dotted name as the symbol table lists it; the auto classes are listed where they are defined."""
    if module in ("transformers", "transformers.models.auto") and name.startswith("AutoModel"):
        return f"transformers.models.auto.modeling_auto.{name}"
    return f"{module}.{name}"


def _asked(scope: Scope, clause: Clause) -> Iterator[Name]:
    of = clause.get("of", ("program", "text"))
    match, skip = clause.get("match", ""), clause.get("skip")
    for module, name, where in _seen(scope):
        if where in of and compiled(match).search(name) and not (skip and compiled(skip).search(name)):
            yield module, name, where


def _seen(scope: Scope) -> Iterator[Name]:
    for pattern, literal in ((_CANNOT, "cannot import name"), (_LACKS, "has no attribute")):
        found = _first_match(scope, pattern, literal)
        if found:
            yield found["module"], found["name"], "text"
    for fact, where in (("src.imports", "program"), ("model.imports", "model")):
        for row in scope.snapshot.get(fact) or ():
            if row.get("name") and not row.get("guarded"):
                yield str(row["module"]), str(row["name"]), where


def _not_yet(scope: Scope, dotted: str, version: str | None) -> bool | None:
    span = symbols.span(dotted)
    if span is None:
        return None
    first, last, _ = span
    if first is None:
        return False
    scope.bind("first", first)
    if version is None:
        return True if last is None else None
    _bind_near(scope, symbols.nearest_with(dotted, version))
    return None if symbols.family_older(dotted, version) else _before(version, first)


def _before(version: str, first: str) -> bool | None:
    """Older than ``first``; a development build of ``first`` may have it already."""
    here, there = versions.parse(version), versions.parse(first)
    if here is None or there is None:
        return None
    if here.is_prerelease and here.release[:2] == there.release[:2]:
        return False
    return here < there


def _gone(scope: Scope, dotted: str, version: str | None) -> bool | None:
    span = symbols.span(dotted)
    if span is None or dotted.endswith("ImageProcessorFast"):  # kept as aliases after they left the maps
        return None
    first, last, _ = span
    if last is None:
        return False
    scope.bind("last", last)
    if version is None:
        return True if first is None else None
    _bind_near(scope, symbols.nearest_with(dotted, version))
    return versions.compare(version, last) == 1


def name_should_be_there(scope: Scope, _clause: Clause) -> bool | None:
    """The text misses a name or package that the listed installation has: another interpreter ran."""
    found = _first_match(scope, _CANNOT, "cannot import name")
    if found is None:
        return False
    dotted = symbol(found["module"], found["name"])
    package = normalise(found["module"].split(".")[0])
    version = scope.known(f"dist.{package}")
    span = symbols.span(dotted)
    if version is None or span is None:
        return None
    scope.bind("name", found["name"])
    scope.bind("package", package)
    scope.bind("version", version)
    first, last, _ = span
    late = first is not None and _before(version, first)
    return not late and not (last and versions.compare(version, last) == 1)


def model_class_not_yet(scope: Scope, clause: Clause) -> bool | None:
    """A model class that the program imports came with a later transformers. Binds name, first, near."""
    return _names(scope, {**clause, "match": clause.get("match", _MODEL_CLASS)}, _not_yet)


def imports_broken(scope: Scope, clause: Clause) -> bool | None:
    """An installed package imports names that the installed ``of`` lacks. Options of, lib, but, same_major.

    With ``same_major`` only where a release of the package's own major number fits.

    Binds lib, lib_version, of, of_version, name, keep (the release of lib that fits).
    """
    of = clause["of"]
    version = scope.known(f"dist.{of}")
    if version is None:
        return False if scope.snapshot.look(f"dist.{of}")[0] else None
    every = [lib for lib in store.rows("import_contracts") if lib not in clause.get("but", ())]
    libs = [clause["lib"]] if "lib" in clause else every
    unknown = False
    for lib in libs:
        known, have = scope.snapshot.look(f"dist.{lib}")
        unknown = unknown or not known
        if have and ranges.imports_from(lib, have, of, version) is False:
            if clause.get("same_major") and not _stays(have, ranges.nearest_accepting(lib, have, of, version)):
                continue
            _bind_contract(scope, lib, have, of, version)
            return True
    return None if unknown else False


def _stays(have: str, keep: str | None) -> bool:
    here, there = versions.parse(have), versions.parse(keep)
    return here is not None and there is not None and here.major == there.major


def _bind_contract(scope: Scope, lib: str, have: str, of: str, version: str) -> None:
    scope.see(f"dist.{lib}", have)
    keep = ranges.nearest_accepting(lib, have, of, version)
    other = ranges.newest_accepted(lib, have, of)
    names = {"lib": lib, "lib_version": have, "of": of, "of_version": version, "keep": keep, "other": other}
    missing = next((n for n in ranges.because(lib, have, of) if not symbols.exists(n, version)), None)
    for key, value in {**names, "name": missing}.items():
        if value:
            scope.bind(key, value)


def below_floor(scope: Scope, clause: Clause) -> bool | None:
    """The installed ``of`` is older than transformers checks for at run time. Binds floor."""
    of = clause["of"]
    release = scope.known("dist.transformers")
    floor = floor_of(release, of) if release else None
    if floor:
        scope.bind("floor", floor)
    known, have = scope.get(f"dist.{of}", bind=of)
    if release is None or not have:
        return False if known and scope.snapshot.look("dist.transformers")[0] else None
    if floor is None:
        return None if floor_row(release) is None else False
    scope.later(lambda: scope.bind("older", older_with_floor(release, of, have) or ""))
    return versions.compare(have, floor) == -1


def floor_row(release: str) -> Mapping[str, Any] | None:
    """Run-time minimums that one transformers release checks, by package; None when it is not catalogued."""
    row = store.rows("transformers")["releases"].get(versions.public(release))
    return None if row is None else row.get("min", {})


def floor_of(release: str, of: str) -> str | None:
    """The minimum of ``of`` that this transformers release checks at run time."""
    found = (floor_row(release) or {}).get(of)
    return str(found) if found else None


def older_with_floor(release: str, of: str, have: str) -> str | None:
    """The newest transformers below ``release`` that still takes ``of`` at ``have``."""
    for candidate in versions.candidates("transformers", f"<{versions.public(release)}"):
        floor = floor_of(candidate, of)
        if floor and versions.compare(have, floor) in (0, 1):
            return candidate
    return None


def python_below_model_floor(scope: Scope, _clause: Clause) -> bool | None:
    """Every transformers that knows the model type asks for a newer Python. Binds type, first, needs_python."""
    model_type, python = scope.known("model.type"), scope.known("python.version")
    if model_type is None or python is None:
        return None
    first = models.since(model_type)
    if first is None:
        return None if not models.outside(model_type) else False
    scope.bind("type", model_type)
    scope.bind("first", first)
    needs = [wheels.needs_python("transformers", v) for v in versions.candidates("transformers", f">={first}")]
    if not needs or None in needs:
        return None
    scope.bind("needs_python", needs[-1])
    return not any(versions.accepts(str(each), python) for each in needs)


def requirement_unmet(scope: Scope, clause: Clause) -> bool | None:
    """An installed distribution asks for another ``needs``. Options needs, dist (any). Binds by, spec, found."""
    needs, by = clause["needs"], clause.get("dist")
    if not scope.snapshot.look(f"dist.{needs}")[0] or (by and not scope.snapshot.look(f"dist.{by}")[0]):
        scope.miss(f"dist.{needs}")
        return None
    known, rows = scope.snapshot.look("python.unmet")
    if not known:
        scope.miss("python.unmet")
        return None
    for row in rows or ():
        if row.get("needs") == needs and by in (None, row.get("dist")):
            scope.see("python.unmet", row)
            for key, name in (("dist", "by"), ("version", "by_version"), ("spec", "spec"), ("found", "found")):
                if row.get(key) is not None:
                    scope.bind(name, row[key])
            return True
    return False


def torchvision_for_torch(scope: Scope, _clause: Clause) -> bool | None:
    """Binds want, the torchvision release made for the installed torch; always true, for rules that install it."""
    torch = scope.known("dist.torch")
    want = pairs.partner(torch, "torchvision") if torch else None
    if want:
        scope.bind("want", f"=={want}")
    return True


def image_text_model(scope: Scope, _clause: Clause) -> bool | None:
    """The model asked for takes images (by its type or its class names)."""
    model_type, classes = scope.known("model.type"), scope.known("model.architectures")
    if model_type is None and classes is None:
        return None
    if model_type and (models.image_text_class(model_type) or models.outside(model_type)):
        return True
    return any(re.search(r"ConditionalGeneration|Llava|VL|Vision|Chat", str(each)) for each in classes or ())


def model_type_native(scope: Scope, _clause: Clause) -> bool | None:
    """The installed transformers has its own class for the model type, so the repository's code is not needed."""
    model_type, version = scope.known("model.type"), scope.known("dist.transformers")
    if model_type is None or version is None:
        return None
    return models.supports(model_type, version) if models.known(model_type) else False


def saved_by_older_major(scope: Scope, _clause: Clause) -> bool | None:
    """The model was saved with an older major release of transformers than the one that is installed."""
    saved, version = scope.known("model.saved_with"), scope.known("dist.transformers")
    old, new = versions.parse(saved), versions.parse(version)
    return None if old is None or new is None else old.major < new.major


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "below_floor": below_floor,
    "image_text_model": image_text_model,
    "imports_broken": imports_broken,
    "model_class_not_yet": model_class_not_yet,
    "model_type_of_a_project": model_type_of_a_project,
    "model_type_too_new": model_type_too_new,
    "model_type_native": model_type_native,
    "name_gone": name_gone,
    "name_not_yet": name_not_yet,
    "name_should_be_there": name_should_be_there,
    "python_below_model_floor": python_below_model_floor,
    "requirement_unmet": requirement_unmet,
    "saved_by_older_major": saved_by_older_major,
    "torchvision_for_torch": torchvision_for_torch,
}
