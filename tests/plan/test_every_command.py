"""Whatever a hole is filled with, a command of a rule or of a step has the same words; read by a real bash, and by the
rules of PowerShell's own manual (about_Quoting_Rules, about_Parsing): no PowerShell runs where the tests do.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.engine.evaluate import HOLE
from doctor.engine.load import load_dir
from doctor.model import FixStep
from doctor.plan.shell import Target, command, quote

BASH = shutil.which("bash")
FIXES = [(item.rule.id, spec) for item in load_dir(Path(__file__).parents[2] / "rules") for spec in item.rule.fix]
TEMPLATES = [(rule, spec.target) for rule, spec in FIXES if spec.kind == "run" and HOLE.search(spec.target)]
KINDS = ("pin", "uninstall", "reinstall", "set_env", "unset_env", "link", "move", "delete", "download")
MARK = "plain-word"
HOSTILE = (
    "$(id)", "`id`", "a'b", 'a"b', "a;b", "a && b", "a|b", ">x", "<x", "*", "?", "[a]", "{a,b}", "!x", "\\", "a\\'b", "a\nb", "", " ", "é", "“x”", "‘x’", "‛x‚", "#x", "=x", "%PATH%",
    "$HOME", "${IFS}", "a b", "~root", "@x", "@(x)", "&", "(x)", "$env:A", "--%", ",", "a,b", "`$x", "\u2028", "x\u2014y", "a\tb", "1>2",
)  # fmt: skip
# what a shell's word can hold; control and direction characters are dropped by design, a leading hyphen is refused
words = st.text(
    alphabet=st.characters(min_codepoint=32, exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")), max_size=20
)
values = (st.sampled_from(HOSTILE) | words).filter(lambda word: word != "~" and not word.startswith(("~/", "-")))


def filled(template: str, value: str, target: Target) -> str:
    """The command of a rule's template with one value in every hole."""
    holes = {name: value for name, _ in HOLE.findall(template)}
    return command(FixStep("run", template, "", "safe", 1, (), holes), target)


def steps(value: str) -> list[FixStep]:
    """A step of each kind, its target and its other value being ``value``."""
    bound = {"folder": value, "files": value.replace("\n", " ")}
    return [
        *(FixStep(kind, value, value, "safe") for kind in KINDS),
        FixStep("download", value, "", "safe", 1, (), bound),
    ]


def argv(lines: list[str]) -> list[list[str]]:
    """What each line would start, in its words: a restricted bash that finds no program and may write nothing."""
    body = "command_not_found_handle() { printf 'W%s\\0' \"$@\"; printf 'E\\0'; }\nsource() { command_not_found_handle source \"$@\"; }\n"
    body += "".join(f"printf 'L%s\\0' {number}\n{line}\n" for number, line in enumerate(lines))
    done = subprocess.run(
        [BASH, "-r", "-c", body], capture_output=True, env={"PATH": "/nowhere", "HOME": "/h"}, check=False
    )
    found: list[list[str]] = []
    for piece in done.stdout.decode().split("\0")[:-1]:
        if piece[0] == "L":
            found.append([])
        else:
            found[-1].append(piece)
    assert len(found) == len(lines), done.stderr.decode()
    return found


@pytest.mark.skipif(BASH is None, reason="no bash here")
@settings(max_examples=60, deadline=None)
@given(values)
def test_bash_reads_the_same_words_of_every_template(value: str) -> None:
    plain = [filled(template, MARK, Target()) for _, template in TEMPLATES]
    hostile = [filled(template, value, Target()) for _, template in TEMPLATES]
    for one, other, (rule, _) in zip(argv(plain), argv(hostile), TEMPLATES, strict=True):
        assert [word.replace(MARK, value) for word in one] == other, rule


@pytest.mark.skipif(BASH is None, reason="no bash here")
@settings(max_examples=60, deadline=None)
@given(values)
def test_bash_reads_the_same_words_of_every_step(value: str) -> None:
    # names of files are lines; a link makes the folder above it, so that a path has one word more
    value = "_".join(value.splitlines()).replace("/", "_") or "_"
    pairs = [
        (command(one, Target("bash", "p" + value)), command(other, Target("bash", "p" + MARK)))
        for one, other in zip(steps(value), steps(MARK), strict=True)
    ]
    pairs = [pair for pair in pairs if all(pair)]
    assert len(pairs) >= 4
    hostile, plain = argv([one for one, _ in pairs]), argv([other for _, other in pairs])
    for one, other in zip(hostile, plain, strict=True):
        assert one == [word.replace(MARK, value) for word in other]


def test_nothing_that_begins_with_a_hyphen_becomes_an_option() -> None:
    for rule, template in TEMPLATES:
        assert filled(template, "--reference=/etc/shadow", Target()) == "", rule
    for kind in ("pin", "uninstall", "reinstall"):
        assert command(FixStep(kind, "--index-url=http://x", "", "safe"), Target()) == ""


# PowerShell


def powershell(line: str) -> Iterator[str]:
    """The words of a line: bare ones, and strings in single quotes of any of the five kinds, doubled ones inside being one."""
    quotes, word, at, inside = "'\u2018\u2019\u201a\u201b", "", 0, False
    started = False
    while at < len(line):
        char = line[at]
        if char in quotes:
            doubled = inside and at + 1 < len(line) and line[at + 1] in quotes
            word += line[at + 1] if doubled else ""
            inside = inside if doubled else not inside
            at += 1 + doubled
            started = True
            continue
        if inside:
            word += char
        elif char.isspace() or char in ";(){}":
            if started:
                yield word
            word, started = "", False
        else:
            assert char not in '`"<>|' or "$HOME" in line or "2>" in line, (line, char)
            word, started = word + char, True
        at += 1
    assert not inside, line
    if started:
        yield word


@settings(max_examples=300, deadline=None)
@given(values)
def test_powershell_reads_the_same_words_of_every_step(value: str) -> None:
    value = re.sub("[\n\t]", " ", value)
    for step in steps(value):
        line = command(step, Target("powershell", "python"))
        if line and value.strip():
            assert any(value in word for word in powershell(line)), (line, value)


@given(values.filter(lambda value: "\n" not in value))
def test_powershell_reads_one_word(value: str) -> None:
    assert list(powershell(quote(value, "powershell"))) == [value]
