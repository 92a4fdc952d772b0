"""The managed block is one block, whatever was there and however often it is written."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.plan import startup

values = st.none() | st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
names = st.sampled_from(["HF_HOME", "http_proxy", "HF_ENDPOINT", "X"])


@given(st.text(alphabet="ab\n#=", max_size=30), st.dictionaries(names, values))
def test_writing_twice_is_writing_once(text, variables):
    once = startup.merged(text, variables, "bash")
    assert startup.merged(once, variables, "bash") == once
    assert once.startswith(text.rstrip("\n")) or not text.strip("\n")
    assert once.count(startup.BEGIN) == 1


def test_variables_of_earlier_plans_stay():
    text = startup.merged("", {"HF_HOME": "/data/hf", "A": "1"}, "bash")
    text = startup.merged(text, {"HF_HOME": "/new"}, "bash")
    assert startup.inside(text) == "export A=1\nexport HF_HOME=/new\n"


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_reads_the_block():
    text = startup.block({"V": "a 'b' $(id) \\", "W": None, "bad name": "x"}, "bash")
    done = subprocess.run(["bash", "-c", text + 'printf %s "$V"; printf %s "${W-gone}"'], capture_output=True, text=True, env={"W": "1"}, check=True)
    assert done.stdout == "a 'b' $(id) \\gone"


@pytest.mark.parametrize(
    ("shell", "line"),
    [("fish", "set -gx HF_HOME \"$HOME\"'/hf'"), ("powershell", "$env:HF_HOME = (Join-Path $HOME hf)"), ("zsh", 'export HF_HOME="$HOME"/hf')],
)
def test_each_shell_has_its_words(shell, line):
    assert startup.lines({"HF_HOME": "~/hf"}, shell) == [line]


@pytest.mark.parametrize(("program", "shell"), [("/usr/bin/zsh", "zsh"), ("C:\\Program Files\\pwsh.exe", "powershell"), ("", "bash"), ("/bin/fish", "fish")])
def test_shells_are_known_by_their_program(program, shell):
    assert startup.shell_of(program) == shell


def test_a_block_without_an_end_is_the_users_own():
    torn = f"{startup.BEGIN}\nexport HF_HOME=/mine\nalias ll='ls -l'\n"
    once = startup.merged(torn, {"HF_HOME": "/ours"}, "bash")
    assert once.startswith(torn)
    assert startup.merged(once, {"HF_HOME": "/ours"}, "bash") == once
