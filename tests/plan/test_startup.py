"""The managed block is one block, whatever was there and however often it is written."""

import shutil
import subprocess

import pytest
from hypothesis import given, settings
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


# what a variable can hold; control and bidirectional characters are dropped by design
texts = st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")), max_size=24)
PRINTS = {"bash": 'printf %s "$V"', "zsh": 'printf %s "$V"', "fish": 'printf %s "$V"', "dash": 'printf %s "$V"'}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "dash"])
def test_real_shells_read_any_value(shell):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")

    @settings(max_examples=15, deadline=None)
    @given(texts.filter(lambda value: not value.startswith("~")))
    def same(value):
        kind = "bash" if shell == "dash" else shell
        text = startup.merged("# mine\n", {"V": "old", "W": "1"}, kind)
        text = startup.merged(text, {"V": value}, kind)
        done = subprocess.run([shell, "-c", text + PRINTS[shell]], capture_output=True, check=True)
        assert done.stdout.decode() == value
        heads = [line.split("=")[0].split(" '")[0].split()[-1] for line in text.splitlines() if line[:1] not in ("#", "")]
        assert sorted(heads) == ["V", "W"]

    same()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_home_is_the_home_of_the_shell(shell):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    text = startup.block({"V": "~/a b", "H": "~"}, shell) + 'printf "%s:%s" "$V" "$H"'
    done = subprocess.run([shell, "-c", text], capture_output=True, check=True, env={"HOME": "/h", "PATH": "/usr/bin:/bin"})
    assert done.stdout.decode() == "/h/a b:/h"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_a_value_that_names_another_variable_is_not_taken_for_it(shell):
    text = startup.merged("", {"A": "/data/HF_HOME", "B": "x HF_HOME=1"}, shell)
    again = startup.merged(text, {"HF_HOME": None}, shell)
    assert startup.inside(text) in again


def test_powershell_takes_no_bare_word_for_a_command():
    assert startup.lines({"HF_ENDPOINT": "https://hf-mirror.com", "N": "0"}, "powershell") == ["$env:HF_ENDPOINT = 'https://hf-mirror.com'", "$env:N = '0'"]
