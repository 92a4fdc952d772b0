"""Every value that meets a command line reads back as exactly itself."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.model import FixStep
from doctor.plan.shell import Target, command, quote

BASH = shutil.which("bash")
# what a shell argument can hold; control and bidirectional characters are dropped by design
words = st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")), max_size=30)


@pytest.mark.skipif(BASH is None, reason="no bash here")
@settings(max_examples=60, deadline=None)
@given(st.lists(words.filter(lambda w: w != "~" and not w.startswith("~/")), min_size=1, max_size=20))
def test_bash_reads_the_same_words(values):
    line = "printf '%s\\0' " + " ".join(quote(value) for value in values)
    done = subprocess.run([BASH, "-c", line], capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == values


@pytest.mark.skipif(BASH is None, reason="no bash here")
def test_home_stays_home():
    done = subprocess.run([BASH, "-c", "echo " + quote("~/a b/$(id)")], capture_output=True, text=True, env={"HOME": "/h"}, check=True)
    assert done.stdout == "/h/a b/$(id)\n"


def test_control_characters_are_dropped():
    assert quote("a\x1b[31m\u202eb") == "'a[31mb'"


@given(words)
def test_powershell_quotes_are_closed(value):
    text = quote(value, "powershell")
    if text.startswith("'"):
        inner = text[1:-1].replace("''", "").replace("\u2018\u2018", "").replace("\u2019\u2019", "")
        inner = inner.replace("\u201a\u201a", "").replace("\u201b\u201b", "")
        assert not set(inner) & set("'\u2018\u2019\u201a\u201b")


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (FixStep("pin", "torchvision", "==0.20.1", "changes-env"), "python -m pip install torchvision==0.20.1"),
        (FixStep("pin", "numpy", ">=1.26,<2", "changes-env"), "python -m pip install 'numpy>=1.26,<2'"),
        (FixStep("unset_env", "http_proxy", "", "safe"), "unset http_proxy"),
        (FixStep("set_env", "HF_HOME", "~/my cache", "safe"), "export HF_HOME=\"$HOME\"/'my cache'"),
        (FixStep("set_env", "A;rm -rf /", "x", "safe"), ""),
        (FixStep("link", "openai/clip", "~/s n", "safe"), "mkdir -p -- openai && ln -sfn -- \"$HOME\"/'s n' openai/clip"),
        (FixStep("run", "rm -- {p}", "", "safe", 1, (), {"p": "$(id)"}), "rm -- '$(id)'"),
        (FixStep("advise", "nvidia-driver", "", "manual"), ""),
    ],
)
def test_commands(step, expected):
    assert command(step, Target()) == expected


def test_windows_and_uv():
    step = FixStep("pin", "numpy", "<2", "changes-env")
    assert command(step, Target("powershell", "C:\\Program Files\\py.exe")) == "& 'C:\\Program Files\\py.exe' -m pip install 'numpy<2'"
    assert command(step, Target("bash", "~/v/bin/python", "uv")) == "uv pip install --python \"$HOME\"/v/bin/python 'numpy<2'"


@pytest.mark.parametrize(
    ("kind", "target", "to"),
    [("pin", "-e.", "==1.0"), ("pin", "--index-url=http://x", ""), ("pin", "x @ http://x/y.whl", ""), ("pin", "torch", " @ http://x/y.whl"),
     ("pin", "torch", "==2.1 --pre"), ("reinstall", "-r/etc/passwd", ""), ("uninstall", "to\nrch", ""), ("reinstall", "", "")],
)  # fmt: skip
@pytest.mark.parametrize("installer", ["pip", "uv", "conda"])
def test_what_is_no_requirement_is_no_command(kind, target, to, installer):
    """The name may come from a text that somebody pasted or from a folder's name."""
    assert command(FixStep(kind, target, to, "changes-env"), Target(installer=installer)) == ""


@pytest.mark.parametrize("to", ["", "==2.1.0+cu121", ">=4.49,!=4.50", "<2", "~=3.1", "===1.0", "==2.*", ">=1.0, <3"])
def test_requirements_of_every_form(to):
    assert command(FixStep("pin", "huggingface-hub[hf_xet]", to, "changes-env"), Target()).endswith(quote("huggingface-hub[hf_xet]" + to))


CLIENT = """
import json, os
def snapshot_download(repo, ignore_patterns, local_dir=None):
    print(json.dumps([repo, ignore_patterns, local_dir]))
def hf_hub_download(repo, name, force_download, local_dir=None):
    print(json.dumps([repo, name, local_dir]))
    return os.path.join(os.path.dirname(__file__), "link")
"""
OTHERS = ["tf_model*", "flax_model*", "rust_model*"]


@pytest.mark.parametrize(
    ("bound", "said"),
    [
        ({}, [["a/b", OTHERS, None]]),
        ({"folder": "/m"}, [["a/b", OTHERS, "/m"]]),
        ({"folder": "/m", "files": "x.bin"}, [["a/b", "x.bin", "/m"]]),
        ({"files": "x"}, [["a/b", "x", None], ["a/b", OTHERS, None]]),
    ],
)
def test_weights_of_other_frameworks_are_not_fetched(tmp_path, bound, said):
    (tmp_path / "huggingface_hub.py").write_text(CLIENT)
    (tmp_path / "link").symlink_to("blob")
    line = command(FixStep("download", "a/b", "", "safe", 1, (), bound), Target(python=sys.executable))
    environ = {"PYTHONPATH": str(tmp_path), "PATH": os.defpath}
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, env=environ)
    assert [json.loads(row) for row in done.stdout.splitlines()] == said
