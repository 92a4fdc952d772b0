"""Signatures: the literal filter never hides a match, and bad patterns are refused."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.engine.load import load_dir
from doctor.engine.signs import Log, literals_of

SIGNS = [s for item in load_dir(Path(__file__).parents[2] / "rules") for s in item.rule.signs]


@given(
    st.lists(st.text(alphabet="abcdef: \t", max_size=12), max_size=6),
    st.sampled_from(["abc", "a.{0,3}bcd", "(?:abc|def)e"]),
)
def test_the_filter_hides_nothing(lines, pattern):
    found = Log(lines).search(pattern, literals_of(pattern)) if _has(pattern) else None
    plain = next((row for row, line in enumerate(lines) if re.search(pattern, line)), None)
    assert (found[0] if found else None) == plain


def _has(pattern):
    return bool(literals_of(pattern))


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", ".*", "ab", "x{1,}y{1,}z{1,}w{1,}abcd", r"(abcd)\1", r"[\w-]+ wants abcd", r"(?P<a>\S{1,90}) abcd"],
)
def test_bad_patterns_are_refused(pattern):
    with pytest.raises(ValueError, match=r"repeat|literal|references"):
        literals_of(pattern)


def test_lines_that_come_again_keep_their_numbers():
    log = Log(["a word", "a word", "other word", "a word", "last word 7"])
    row, match = log.search(r"word (\d)", ("word",))
    assert (row, match.group(1)) == (4, "7")


def test_every_sign_is_fast_on_bait():
    """Long lines made of the pattern's own words must not make any sign slow."""
    slow = []
    for sign in SIGNS:
        bait = (sign.literals[0] + " '/a-b_c.d:0 ") * 400
        log = Log([f"{bait} {number}" for number in range(30)])
        began = time.process_time()
        log.search(sign.pattern, sign.literals)
        spent = time.process_time() - began
        if spent > 0.5:
            slow.append((sign.pattern, spent))
    assert not slow
