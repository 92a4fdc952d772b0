"""The probe's version arithmetic against the reference library."""

from __future__ import annotations

import pytest
import requirements
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker, default_environment
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

numbers = st.integers(0, 12).map(str)
releases = st.lists(numbers, min_size=1, max_size=4).map(".".join)
pres = st.sampled_from(["", "a1", "b2", "rc1", ".rc.3", "-alpha", "c0", "preview4"])
posts = st.sampled_from(["", ".post1", "-2", "rev3", ".post0", ".post"])
devs = st.sampled_from(["", ".dev0", "dev3", "-dev"])
locals_ = st.sampled_from(["", "+cu118", "+cu12.1", "+1", "+abc.2", "+cpu-x"])
epochs = st.sampled_from(["", "", "", "1!"])


@st.composite
def versions(draw: st.DrawFn) -> str:
    return draw(epochs) + draw(releases) + draw(pres) + draw(posts) + draw(devs) + draw(locals_)


@st.composite
def clauses(draw: st.DrawFn) -> str:
    mark = draw(st.sampled_from(["==", "!=", "<=", ">=", "<", ">", "~=", "==="]))
    text = draw(versions())
    if mark in ("==", "!=") and draw(st.booleans()):
        text = draw(epochs) + draw(releases) + draw(pres) + draw(posts) + ".*"
    return mark + text


@settings(max_examples=600, deadline=None)
@given(versions(), versions())
def test_order_is_the_reference_order(first: str, second: str) -> None:
    ours = requirements.version(first).full() < requirements.version(second).full()
    assert ours == (Version(first) < Version(second))


@settings(max_examples=1500, deadline=None)
@given(versions(), st.lists(clauses(), min_size=1, max_size=3).map(",".join))
def test_specifiers_agree_with_the_reference(found: str, spec: str) -> None:
    try:
        wanted = SpecifierSet(spec)
    except InvalidSpecifier:
        return
    assert requirements.satisfies(found, spec) == wanted.contains(found, prereleases=True)


VARIABLES = sorted(default_environment())
texts = st.sampled_from(
    ["linux", "win32", "3.8", "3.11", "3.9.1", "x86_64", "CPython", "posix", "Linux", "5.1", "", "cpython"]
)
names = st.sampled_from([*VARIABLES, "extra"])
marks = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in", "~=", "==="])


@st.composite
def markers(draw: st.DrawFn, depth: int = 0) -> str:
    if depth < 3 and draw(st.booleans()):
        left, right = draw(markers(depth + 1)), draw(markers(depth + 1))
        joined = f"{left} {draw(st.sampled_from(['and', 'or']))} {right}"
        return f"({joined})" if draw(st.booleans()) else joined
    name, text = draw(names), draw(texts)
    sides = (name, f'"{text}"') if draw(st.booleans()) else (f"'{text}'", name)
    return f"{sides[0]} {draw(marks)} {sides[1]}"


@settings(max_examples=800, deadline=None)
@given(markers())
def test_markers_agree_with_the_reference(text: str) -> None:
    environment = {**default_environment(), "extra": ""}
    try:
        wanted = Marker(text).evaluate(environment)
    except Exception:  # noqa: BLE001 - the reference refuses an operator on text; so may we
        return
    assert requirements.Markers(environment)(text) == wanted


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("numpy", ("numpy", "", "")),
        ("numpy>=1.17,<2 ; python_version<'3.9'", ("numpy", ">=1.17,<2", "python_version<'3.9'")),
        ("tokenizers (>=0.14,<0.19)", ("tokenizers", ">=0.14,<0.19", "")),
        ("uvicorn [standard] >= 0.1", ("uvicorn", ">= 0.1", "")),
        ("clip @ git+https://example.org/CLIP.git ; os_name == 'posix'", ("clip", "@", "os_name == 'posix'")),
    ],
)
def test_lines_are_split(line: str, wanted: tuple[str, str, str]) -> None:
    assert requirements.split(line) == wanted


@pytest.mark.parametrize("text", ["", "abc", "1..2", "1" * 300, "1.0+", "v", "١.٢"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        requirements.Version(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100 + "os_name == 'x'" + ")" * 100,
        "os_name",
        "os_name == 'x' and",
        "a == 'b'",
        "os_name not x 'y'",
        "python_version not < '3.9'",
        "python_version os_name '3'",
    ],
)
def test_malformed_markers_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        requirements.Markers(requirements.environment("3.11.1", "cpython"))(text)


def test_variables_of_this_interpreter_match_the_reference() -> None:
    import platform

    ours = requirements.environment(platform.python_version(), "cpython")
    assert {key: ours[key] for key in VARIABLES} == {key: default_environment()[key] for key in VARIABLES}
