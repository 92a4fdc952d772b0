"""Both languages say the same things."""

import string

from doctor.words import WORDS


def holes(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_same_keys_and_holes():
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    for key, english in WORDS["en"].items():
        assert holes(english) == holes(WORDS["zh"][key]), key
