"""Plain specifiers are judged as ``packaging`` judges them."""

from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from doctor.knowledge import plainspec, ranges, versions

numbers = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
tails = st.sampled_from(["", "", "", "+cu118", "+cpu", ".post1", "rc1", ".dev3", "a0"])
parts = st.builds("{}{}{}{}".format, st.sampled_from(["==", "!=", "<=", ">=", "<", ">", "~=", "==="]), st.sampled_from(["", " "]), numbers, st.sampled_from(["", "", "", ".*", "rc1", "+cpu", ".post2"]))


@given(st.lists(parts, max_size=3).map(",".join), st.builds("{}{}".format, numbers, tails))
def test_same_answer_as_packaging(specifier, version):
    try:
        wanted = SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except InvalidSpecifier:
        wanted = None
    assert versions.accepts(specifier, version) == wanted


@given(numbers, numbers, st.sampled_from([">=", "<", "==", "!=", "<=", ">"]))
def test_the_plain_way_takes_the_plain_ones(bound, version, operator):
    assert plainspec.accepts(operator + bound, Version(version)) is not None


@given(st.lists(parts, max_size=2).map(",".join), st.sampled_from(["", " "]))
def test_requirement_lines_read_without_packaging(specifier, space):
    try:
        wanted = Requirement(f"torch{space}{specifier}").specifier
    except InvalidRequirement:
        wanted = None
    found = ranges.pick([f"torch{space}{specifier}"], "torch")
    assert (None if found is None else SpecifierSet(found)) == wanted
