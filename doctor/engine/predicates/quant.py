"""Predicates about quantisation back ends and attention kernels: which compiled release fits the installed torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from doctor.engine.scope import Scope
from doctor.knowledge import cuda, libraries, ranges, versions, wheels
from doctor.model.patterns import compiled
from doctor.model.rule import Clause

# From this release on bitsandbytes takes the nearest library of the same CUDA major; source: its cextension.py.
_NEAREST_SINCE = "0.50.0"
_TORCH_TAG = r"torch-?(\d+)\.?(\d+)"  # 2.5.8+cu122torch2.3cxx11abifalse, 0.3.2+cu121.torch2.5.0
_ABI_TAG = r"(?i)cxx11abi(true|false)"
_BNB_KEYS = ("load_in_4bit", "load_in_8bit")


def _calls(scope: Scope) -> list[Mapping[str, Any]] | None:
    """The recorded calls of the program; None where no program is known."""
    known, calls = scope.snapshot.look("src.calls")
    return list(calls or ()) if known else None


def _asks_bnb(call: Mapping[str, Any]) -> bool:
    """The call loads, or configures a load, in 4 or 8 bit by bitsandbytes."""
    keywords = call.get("keywords") or {}
    if any(keywords.get(key) is True for key in _BNB_KEYS):
        return True
    return call.get("quantised") is True and call.get("method") == "from_pretrained"


def _bnb_by_facts(scope: Scope) -> bool | None:
    """What the program and the model say; None where one of them is not known and the other does not ask."""
    calls = _calls(scope)
    for call in calls or ():
        if _asks_bnb(call):
            scope.bind("at", f"{call.get('file') or ''}:{call.get('line') or ''}".strip(":"))
            scope.see("src.calls", {key: call.get(key) for key in ("name", "file", "line")})
            return True
    known, method = scope.snapshot.look("model.quant")
    if method == "bitsandbytes":
        scope.see("model.quant", method)
        scope.bind("at", str(scope.snapshot.get("model.asked", "config.json")))
        return True
    return False if calls is not None and known else None


def bnb_asked(scope: Scope, _clause: Clause) -> bool | None:
    """The program or the model's config.json asks for 4 or 8 bit by bitsandbytes. Binds at."""
    found = _bnb_by_facts(scope)
    if found is None:
        scope.miss("src.calls")
    return found


def bnb_in_play(scope: Scope, _clause: Clause) -> bool:
    """The program uses bitsandbytes. Also true where no program is known: the installation is judged as it stands."""
    imports = scope.snapshot.get("src.imports") or ()
    if any(str(row.get("module") or "").partition(".")[0] == "bitsandbytes" for row in imports):
        return True
    return _bnb_by_facts(scope) is True or _calls(scope) is None


def bnb_lacks_cuda(scope: Scope, _clause: Clause) -> bool | None:
    """No library of the installed bitsandbytes serves torch's CUDA version. Binds have, cuda and want."""
    known, version = scope.get("dist.bitsandbytes", bind="bitsandbytes")
    built, torch_cuda = scope.get("torch.cuda")
    listed, have = scope.snapshot.look("bnb.cuda_binaries")
    if not known or not built or not listed:
        scope.miss("bnb.cuda_binaries")
        return None
    if version is None or torch_cuda is None or have is None:
        return False
    wanted = ".".join(str(torch_cuda).split(".")[:2])
    served = wanted in have
    if not served and versions.compare(version, _NEAREST_SINCE) in (0, 1):
        served = any(each.partition(".")[0] == wanted.partition(".")[0] for each in have)
    scope.see("bnb.cuda_binaries", have)
    scope.bind("cuda", wanted)
    scope.bind("have", ", ".join(have) or "-")
    near = [each for each in have if each.partition(".")[0] == wanted.partition(".")[0]]
    if near and not served:
        scope.bind("digits", near[-1].replace(".", ""))
    scope.later(lambda: _bind_bnb(scope, wanted))
    return not served


def bnb_for_torch(scope: Scope, _clause: Clause) -> bool:
    """Binds want, a bitsandbytes for the installed torch and its CUDA; always true, for rules that install it."""
    scope.later(lambda: _bnb_for_torch(scope))
    return True


def _bnb_for_torch(scope: Scope) -> None:
    torch_cuda = scope.snapshot.get("torch.cuda")
    torch_cuda = torch_cuda or cuda.variant_cuda(versions.local(str(scope.snapshot.get("dist.torch", ""))))
    if torch_cuda:
        _bind_bnb(scope, ".".join(str(torch_cuda).split(".")[:2]))
    elif scope.snapshot.get("dist.torch"):
        _newest_for_torch(scope, "bitsandbytes", "")


def _bind_bnb(scope: Scope, wanted: str) -> None:
    where = wheels.platform(scope.snapshot.get("os.name"), scope.snapshot.get("os.arch")) or "linux_x86_64"
    found = libraries.bnb_for(wanted, scope.snapshot.get("dist.torch"), where)
    if found:
        scope.bind("want", f"=={found}")


def bnb_override_bad(scope: Scope, _clause: Clause) -> bool | None:
    """BNB_CUDA_VERSION names a library that is not shipped or one of another CUDA major than torch's."""
    digits = str(scope.known("env.BNB_CUDA_VERSION") or "")
    have, torch_cuda = scope.known("bnb.cuda_binaries"), scope.known("torch.cuda")
    if not re.fullmatch(r"\d{2,4}", digits):
        return True
    if not have or not torch_cuda:
        return None
    asked = f"{digits[:-1]}.{digits[-1]}"
    return asked not in have or asked.partition(".")[0] != str(torch_cuda).partition(".")[0]


def release_for_torch(scope: Scope, clause: Clause) -> bool:
    """Binds want, the newest release of ``of`` (within ``spec``) that takes the installed torch; always true."""
    scope.later(lambda: _newest_for_torch(scope, clause["of"], clause.get("spec", "")))
    return True


def newest_refuses_torch(scope: Scope, clause: Clause) -> bool | None:
    """The newest ``of``, which a bare `pip install` takes, refuses the installed torch. Binds newest."""
    newest, torch = versions.newest(clause["of"]), scope.known("dist.torch")
    if not newest or torch is None:
        return None
    scope.bind("newest", newest)
    accepted = ranges.accepts(clause["of"], newest, "torch", torch)
    return None if accepted is None else not accepted


def _newest_for_torch(scope: Scope, of: str, spec: str) -> None:
    torch = scope.snapshot.get("dist.torch") or scope.snapshot.get("torch.version")
    if not torch:
        return
    for candidate in versions.candidates(of, spec):
        if ranges.accepts(of, candidate, "torch", torch):
            scope.bind("want", f"=={candidate}")
            return


def built_for_other_torch(scope: Scope, clause: Clause) -> bool | None:
    """The local part of ``of``'s version names another torch minor or C++ ABI than is installed. Binds built."""
    known, version = scope.get(f"dist.{clause['of']}", bind=clause["of"])
    if not known or version is None:
        return None if not known else False
    label = versions.local(version)
    other = _other_torch(scope, label)
    return True if other else _other_abi(scope, label) or other


def _other_torch(scope: Scope, label: str) -> bool | None:
    tag = compiled(_TORCH_TAG).search(label)
    if not tag:
        return False
    torch = versions.parse(str(scope.known("dist.torch") or ""))
    if torch is None:
        return None
    scope.bind("built", f"torch {tag.group(1)}.{tag.group(2)}")
    return (torch.major, torch.minor) != (int(tag.group(1)), int(tag.group(2)))


def _other_abi(scope: Scope, label: str) -> bool:
    tag = compiled(_ABI_TAG).search(label)
    abi = scope.known("torch.cxx11_abi") if tag else None
    if tag is None or abi is None:
        return False
    scope.bind("built", f"cxx11abi={tag.group(1).upper()}")
    return bool((tag.group(1).lower() == "true") != abi)


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "bnb_asked": bnb_asked,
    "bnb_in_play": bnb_in_play,
    "bnb_lacks_cuda": bnb_lacks_cuda,
    "bnb_for_torch": bnb_for_torch,
    "bnb_override_bad": bnb_override_bad,
    "newest_refuses_torch": newest_refuses_torch,
    "release_for_torch": release_for_torch,
    "built_for_other_torch": built_for_other_torch,
}
