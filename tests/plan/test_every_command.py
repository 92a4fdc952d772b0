"""Whatever a hole is filled with, a command of a rule or of a step has the same words; read by a real bash, and by the
rules of PowerShell's own manual (about_Quoting_Rules, about_Parsing): no PowerShell runs where the tests do.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.engine.evaluate import HOLE
from doctor.engine.load import load_dir
from doctor.model import FixStep
from doctor.model.plan import Install, Move, Plan
from doctor.plan.script import render
from doctor.plan.shell import Target, command, quote

BASH = shutil.which("bash")
FIXES = [(item.rule.id, spec) for item in load_dir(Path(__file__).parents[2] / "rules") for spec in item.rule.fix]
TEMPLATES = [(rule, spec.target) for rule, spec in FIXES if spec.kind == "run" and HOLE.search(spec.target)]
KINDS = ("pin", "uninstall", "reinstall", "set_env", "unset_env", "link", "move", "delete", "download")
MARK = "plain-word"
BUILTINS = ("source", "export", "unset", "ulimit", "eval", "exec", "cd")  # of a shell; their words count as well
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
    body = "command_not_found_handle() { printf 'W%s\\0' \"$@\"; printf 'E\\0'; }\n"
    body += "".join(f'{name}() {{ command_not_found_handle {name} "$@"; }}\n' for name in BUILTINS)
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


def test_a_value_that_is_a_name_in_a_template_runs_nothing() -> None:
    """The variable's name was once put between double quotes, where its own quotes protect nothing."""
    (template,) = [template for rule, template in TEMPLATES if rule == "PYE604"]
    assert "touch" not in [words[0] for words in argv([filled(template, "HF_$(touch x)", Target())]) if words]
    assert filled(template, "HF_TOKEN", Target()).startswith('export HF_TOKEN="$(printenv HF_TOKEN | ')


# PowerShell


def powershell(line: str) -> list[str]:
    """The words of a line by about_Parsing and about_Quoting_Rules: every operator and bracket is a word of its own.

    A string in single quotes (any of five characters, doubled ones inside being one) is what it says. One in double
    quotes is expanded, so that only texts of ours may stand in it; neither may a bare word hold what is expanded.
    """
    found: list[str] = []
    word: str | None = None
    at = 0
    while at < len(line):
        char = line[at]
        if char in SINGLE:
            text, at = single(line, at + 1)
            word = (word or "") + text
        elif char in DOUBLE:
            text, _, rest = line[at + 1 :].partition('"')
            assert not set(text) & set("`$" + DOUBLE) or text == "$HOME", line
            word, at = (word or "") + text, len(line) - len(rest)
        elif char.isspace() or char in ";(){}|,":
            found += [word] if word is not None else []
            found += [] if char.isspace() else [char]
            word, at = None, at + 1
        else:
            assert char not in "`<>" or line[at - 1 : at + 1] == "2>", line
            assert char not in "@#" or word, line
            word, at = (word or "") + char, at + 1
    return found + ([word] if word is not None else [])


SINGLE, DOUBLE = "'\u2018\u2019\u201a\u201b", '"\u201c\u201d\u201e'


def single(line: str, at: int) -> tuple[str, int]:
    """What a string in single quotes says, and where it ends."""
    text = ""
    while True:
        assert at < len(line), f"an open quote: {line}"
        if line[at] not in SINGLE:
            text, at = text + line[at], at + 1
        elif line[at + 1 : at + 2] and line[at + 1] in SINGLE:
            text, at = text + line[at + 1], at + 2
        else:
            return text, at + 1


def same_words(hostile: str, plain: str, value: str) -> None:
    """Both lines have the same words, but for the value in the place of the mark."""
    assert bool(hostile) == bool(plain)
    assert powershell(hostile) == [word.replace(MARK, value) for word in powershell(plain)], (hostile, plain)


@settings(max_examples=200, deadline=None)
@given(values)
def test_powershell_reads_the_same_words_of_every_step(value: str) -> None:
    value = "_".join(re.sub("[\t]", " ", value).splitlines()) or "_"
    for python in ("python", "C:\\Program Files\\py.exe", f"C:\\{value}\\py.exe"):
        target = Target("powershell", python)
        for one, other in zip(steps(value), steps(MARK), strict=True):
            hostile, plain = command(one, target), command(other, target)
            if hostile and plain:  # what is no name of a package or of a variable has no command
                same_words(hostile, plain, value)


@settings(max_examples=100, deadline=None)
@given(values)
def test_powershell_reads_the_same_words_of_every_template(value: str) -> None:
    value = re.sub("[\t\n]", " ", value)
    target = Target("powershell", "python")
    for _, template in TEMPLATES:
        same_words(filled(template, value, target), filled(template, MARK, target), value)


@settings(max_examples=100, deadline=None)
@given(values.filter(bool))
def test_powershell_reads_the_same_words_of_a_script(value: str) -> None:
    value = re.sub("[\t\n]", " ", value)
    target = Target("powershell", "python")
    pairs = [render(whole(text), target, allow=True, note=text, tail=[text]).split("\n") for text in (value, MARK)]
    for one, other in zip(*[[line for line in lines if not line.startswith("#")] for lines in pairs], strict=True):
        same_words(one, other, value)


def whole(value: str) -> Plan:
    """A plan that has a step of each kind whose values may be anything, and a call of the installer."""
    kinds = ("link", "move", "delete", "download")
    made = [FixStep(kind, value, value, "safe", 1, ("TOR101",)) for kind in kinds]
    made.append(FixStep("set_env", "HF_HOME", value, "safe", 1, ("TOR101",)))
    installs = (Install((value,), limits=(value,), index=value),)
    return Plan((), (), (Move(value, value, value, value),), installs, tuple(made), (), ())


@given(values.filter(lambda value: "\n" not in value))
def test_powershell_reads_one_word(value: str) -> None:
    assert powershell(quote(value, "powershell")) == [value]


def test_no_template_of_a_posix_shell_is_shown_to_powershell() -> None:
    target = Target("powershell", "python")
    for rule, spec in FIXES:
        if spec.kind == "run":
            line = filled(spec.target, "x", target)
            assert not re.search(r"&&|\|\||\$\(|\$\{|^(export|sudo|rm|mkdir|source) ", line), rule
