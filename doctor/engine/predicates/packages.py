"""Predicates about installed packages and what they need of each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from doctor.engine.scope import Scope
from doctor.knowledge import abi, versions, wheels
from doctor.model.patterns import compiled
from doctor.model.rule import Clause

_LABELLED = r"requirement (?P<bare>torch==(?P<torch>[\d.]{3,12}))\+(?P<variant>cu\d{2,3}|cpu)\b"
_CUDA_SUFFIX = r"^(nvidia-[a-z0-9-]+)-cu(\d\d)$"

# Names that numpy removed; sources: release notes of 1.24, migration guide of 2.0. bool and long came back in 2.0.
_GONE_124 = frozenset(("float", "int", "object", "str", "complex", "typeDict"))
_GONE_124_ONLY = frozenset(("bool", "long"))
_GONE_2_TEXT = """
float_ complex_ string_ unicode_ cfloat longfloat singlecomplex clongfloat longcomplex Inf Infinity NaN infty PINF NINF
PZERO NZERO product cumproduct sometrue alltrue asfarray find_common_type cast source lookfor who msort mat issubclass_
issubsctype obj2sctype sctype2char sctypes maximum_sctype nbytes safe_eval set_string_function recfromcsv recfromtxt
round_ issctype geterrobj seterrobj disp deprecate compat
"""
_GONE_2 = frozenset(_GONE_2_TEXT.split())


def labelled_torch_exists(scope: Scope, _clause: Clause) -> bool | None:
    """The +cuXXX build of torch that pip did not find is on PyTorch's own index. Binds bare, wheels (its address)."""
    found = scope.case.log.search(_LABELLED, ("requirement torch==",)) if scope.case.log is not None else None
    if found is None:
        return None if scope.case.log is None else False
    if wheels.has_variant(found[1]["torch"], found[1]["variant"]):
        scope.bind("bare", found[1]["bare"])
        scope.bind("wheels", wheels.index_url(found[1]["variant"]))
        return True
    return False


def numpy_name_removed(scope: Scope, _clause: Clause) -> bool | None:
    """The program uses a name that the installed numpy no longer has. Binds name."""
    known, names = scope.snapshot.look("src.names")
    numpy = versions.parse(str(scope.get("dist.numpy", bind="numpy")[1] or ""))
    if not known or numpy is None:
        scope.miss("src.names")
        return None
    gone = set(_GONE_124 if numpy.release >= (1, 24) else ()) | set(_GONE_2 if numpy.major >= 2 else ())
    gone |= set(_GONE_124_ONLY if (1, 24) <= numpy.release < (2,) else ())
    used = sorted(name for name in names or () if name.startswith("numpy.") and name[6:] in gone)
    if used:
        scope.bind("name", ", ".join(used))
        scope.see("src.names", used)
    return bool(used)


def numpy_abi_broken(scope: Scope, clause: Clause) -> bool | None:
    """An installed extension was compiled for numpy 1 and numpy 2 is installed.

    ``only`` or ``skip``: lists of distributions. Binds package, package.version and want (first fitting releases).
    """
    known, numpy = scope.get("dist.numpy", bind="numpy")
    if not known or numpy is None:
        return None if not known else False
    major = versions.parse(numpy)
    if major is not None and major.major < 2:
        return False
    python = scope.snapshot.get("python.version")
    tag = wheels.python_tag(python) if python else None
    answer: bool | None = False
    for name in clause.get("only") or [n for n in abi.compiled() if n not in clause.get("skip", ())]:
        listed, version = scope.snapshot.look(f"dist.{name}")
        loads = abi.loads(name, version, numpy, tag) if version else True
        if loads is False:
            scope.get(f"dist.{name}", bind="package.version")
            scope.bind("package", name)
            first = abi.first_for_numpy2(name)
            if first:
                scope.bind("want", f">={first}")
            return True
        if not listed or (loads is None and clause.get("only")):
            answer = None
    return answer


def has_text(scope: Scope, _clause: Clause) -> bool:
    """A text was given; a machine without one answers no."""
    return scope.case.log is not None


def nvidia_wheels_bad(scope: Scope, clause: Clause) -> bool | None:
    """An nvidia wheel that torch pins is ``missing`` or of another version (``kind = "wrong"``).

    Binds package, want, found of the first one, package2, want2 ... of the others, and packages (all of them).
    """
    known, rows = scope.snapshot.look("python.nvidia_pins")
    if not known:
        scope.miss("python.nvidia_pins")
        return None
    bad = [row for row in rows or () if not row.get("ok") and _pin_is(scope, row, clause["kind"])]
    for number, row in enumerate(bad, start=1):
        tail = "" if number == 1 else str(number)
        scope.bind(f"package{tail}", row["name"])
        scope.bind(f"want{tail}", row["want"])
    if bad:
        scope.bind("found", bad[0].get("found") or "-")
        scope.bind("packages", ", ".join(str(row["name"]) for row in bad))
        scope.see("python.nvidia_pins", [f"{row['name']}{row['want']}: {row.get('found')}" for row in bad])
        return True
    listed = all(
        row.get("ok") or row.get("found") or scope.snapshot.look(f"dist.{row['name']}")[0] for row in rows or ()
    )
    return False if listed else None


def _pin_is(scope: Scope, row: dict[str, Any], kind: str) -> bool:
    """A wheel counts as missing only where its absence is known."""
    if row.get("found"):
        return kind == "wrong"
    return kind == "missing" and scope.snapshot.look(f"dist.{row['name']}") == (True, None)


def nvidia_wheels_of_two_majors(scope: Scope, _clause: Clause) -> bool | None:
    """One nvidia library is installed for two CUDA majors into the same folder. Binds stale, keep, keep.version."""
    found: dict[str, list[str]] = {}
    for name in scope.snapshot.dists():
        match = compiled(_CUDA_SUFFIX).match(name)
        if match:
            found.setdefault(match[1], []).append(match[2])
    double = {base: majors for base, majors in sorted(found.items()) if len(majors) > 1}
    if not double:
        return False if "dist" in scope.snapshot.closed else None
    base, majors = next(iter(double.items()))
    scope.see("python.nvidia_wheels", [f"{name}-cu{major}" for name, all_ in double.items() for major in sorted(all_)])
    cuda = str(scope.snapshot.get("torch.cuda", ""))
    ours = cuda.partition(".")[0] if cuda.partition(".")[0] in majors else max(majors)
    for number, (name, all_) in enumerate(double.items(), start=1):
        for stale in (major for major in all_ if major != ours):
            scope.bind(f"stale{'' if number == 1 else number}", f"{name}-cu{stale}")
    keep = f"{base}-cu{ours}"
    scope.bind("keep", keep)
    scope.bind("keep.version", scope.snapshot.get(f"dist.{keep}"))
    return True


def torch_has_no_wheel(scope: Scope, _clause: Clause) -> bool | None:
    """A torch that the program's requirements pin has no wheel for this Python. Binds wanted."""
    return pinned_wheel_missing(scope, {"names": ("torch",)})


def pinned_wheel_missing(scope: Scope, clause: Clause) -> bool | None:
    """One of ``names`` is pinned by the program to a release without a wheel for this Python. Binds package, wanted."""
    known, rows = scope.snapshot.look("src.requirements")
    tag = wheels.python_tag(str(scope.known("python.version") or ""))
    where = wheels.platform(scope.known("os.name"), scope.known("os.arch"))
    if not known or not tag or not where:
        scope.miss("src.requirements")
        return None
    for row in rows or ():
        pinned = re.fullmatch(r"==\s*([0-9][0-9.]*)(?:\+\w+)?", str(row.get("spec") or "").strip())
        if row.get("name") not in clause["names"] or row.get("met") or not pinned:
            continue
        if wheels.has_wheel(row["name"], pinned[1], tag, where) is False:
            scope.bind("package", row["name"])
            scope.bind("wanted", pinned[1])
            return True
    return False


def python_at_least(scope: Scope, clause: Clause) -> bool:
    """The target Python is known to be ``version`` or newer (not known counts as no)."""
    order = versions.compare(str(scope.known("python.version") or ""), clause["version"])
    return order is not None and order >= 0


def glibc_below_torch_wheel(scope: Scope, _clause: Clause) -> bool | None:
    """The system's glibc is older than the manylinux tag of the installed torch's default wheel asks for."""
    torch, libc = scope.known("dist.torch"), scope.known("libc.version")
    where = wheels.platform(scope.known("os.name"), scope.known("os.arch"))
    floor = wheels.glibc_floor(torch, where) if torch and where else None
    if not floor or not libc or scope.known("libc.name") != "glibc":
        return None if not (torch and libc and where) else False
    return versions.compare(libc, floor) == -1


def numpy_below_need(scope: Scope, _clause: Clause) -> bool | None:
    """The numpy is older than an installed package states in its metadata. Binds package, spec, numpy.

    OpenCV states numpy 2 and, compiled with its headers, runs on numpy 1 as well.
    """
    return lower_bound_unmet(scope, {"needs": "numpy", "but": "opencv-"})


def lower_bound_unmet(scope: Scope, clause: Clause) -> bool | None:
    """The distribution ``needs`` is older than an installed package asks. Binds package, spec and the found version.

    ``but``: beginning of the names of packages that do not count.
    """
    known, rows = scope.snapshot.look("python.unmet")
    if not known:
        scope.miss("python.unmet")
        return None
    for row in rows or ():
        if clause.get("but") and str(row.get("dist")).startswith(clause["but"]):
            continue
        if row.get("needs") == clause["needs"] and row.get("found") and _too_old(str(row["spec"]), str(row["found"])):
            scope.bind("package", row["dist"])
            scope.bind("spec", row["spec"])
            scope.bind(clause["needs"], row["found"])
            scope.see("python.unmet", row)
            return True
    return False


def protobuf_code_newer(scope: Scope, _clause: Clause) -> bool | None:
    """Generated code was made for a newer protobuf than the installed one. Binds package, file, gencode, protobuf."""
    known, rows = scope.snapshot.look("python.protobuf_code")
    listed, runtime = scope.get("dist.protobuf", bind="protobuf")
    if not known or (rows and not listed):
        scope.miss("python.protobuf_code")
        return None
    for row in rows or ():
        if runtime and versions.compare(str(runtime), str(row["version"])) == -1:
            scope.see("python.protobuf_code", row)
            scope.bind("package", row["dist"])
            scope.bind("file", row["file"])
            scope.bind("gencode", row["version"])
            return True
    return False


def _too_old(spec: str, found: str) -> bool:
    """The lower bound of ``spec`` is above ``found``."""
    wanted = versions.spec(spec)
    lower = [part.version for part in wanted or () if part.operator in (">=", ">", "~=", "==")]
    return any(versions.compare(found, low.removesuffix(".*")) == -1 for low in lower)


def triton_not_of_torch(scope: Scope, _clause: Clause) -> bool | None:
    """The triton is installed in another version than torch's metadata pins. Binds want, triton."""
    known, rows = scope.snapshot.look("python.unmet")
    if not known:
        scope.miss("python.unmet")
        return None
    for row in rows or ():
        if row.get("dist") == "torch" and row.get("needs") == "triton" and row.get("found"):
            scope.bind("want", row["spec"])
            scope.bind("triton", row["found"])
            scope.see("python.unmet", row)
            return True
    return False


def yanked_release(scope: Scope, _clause: Clause) -> bool | None:
    """A catalogued distribution is installed in a withdrawn release. Binds dist, version, near."""
    installed = {n: v for n, v in scope.snapshot.dists().items() if n in versions.packages()}
    if not installed:
        return None
    for name, version in sorted(installed.items()):
        if versions.yanked(name, version):
            scope.see(f"dist.{name}", version)
            scope.bind("dist", name)
            scope.bind("version", version)
            near = versions.newest(name, _patch(version)) or versions.nearest(name, version)
            if near:
                scope.bind("near", near)
            return True
    return False


def _patch(version: str) -> str:
    found = versions.parse(version)
    return f">{versions.public(version)},=={found.major}.{found.minor}.*" if found else ""


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "labelled_torch_exists": labelled_torch_exists,
    "numpy_name_removed": numpy_name_removed,
    "numpy_abi_broken": numpy_abi_broken,
    "has_text": has_text,
    "nvidia_wheels_bad": nvidia_wheels_bad,
    "nvidia_wheels_of_two_majors": nvidia_wheels_of_two_majors,
    "torch_has_no_wheel": torch_has_no_wheel,
    "glibc_below_torch_wheel": glibc_below_torch_wheel,
    "numpy_below_need": numpy_below_need,
    "lower_bound_unmet": lower_bound_unmet,
    "pinned_wheel_missing": pinned_wheel_missing,
    "protobuf_code_newer": protobuf_code_newer,
    "python_at_least": python_at_least,
    "yanked_release": yanked_release,
    "triton_not_of_torch": triton_not_of_torch,
}
