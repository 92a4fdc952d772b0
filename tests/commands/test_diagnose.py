"""Pasted texts to answers: one, several, many; what is said when nothing is found."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from doctor.commands.diagnose import command

OOM = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 24.00 GiB of "
    "which 1.00 GiB is free. Including non-PyTorch memory, this process has 20.00 GiB memory in use. Of the allocated "
    "memory 18.00 GiB is allocated by PyTorch, and 1.00 GiB is reserved by PyTorch but unallocated."
)
NO_KERNEL = "RuntimeError: CUDA error: no kernel image is available for execution on the device"


@pytest.fixture
def run(monkeypatch):
    """Call the command as a user does; gives exit code and standard output."""
    monkeypatch.setenv("LANG", "C.UTF-8")

    def call(*words, text=None):
        result = CliRunner().invoke(command, list(words), input=text, standalone_mode=False)
        assert result.exception is None, result.exception
        return result.return_value, result.stdout

    return call


def findings(run, text, *words):
    return json.loads(run("-", "--format", "json", *words, text=text)[1])["findings"]


def test_an_error_is_named_and_the_exit_code_is_one(run):
    code, body = run("-", text="ImportError: libGL.so.1: cannot open shared object file: No such file or directory\n")
    assert code == 1
    assert "% sure" in body
    assert "libGL.so.1" in body.splitlines()[0] + body.splitlines()[1]


def test_a_healthy_text_says_what_it_does_not_show(run):
    code, body = run("-", text="Successfully installed transformers-4.49.0\n")
    assert code == 0
    assert body.startswith("Nothing wrong seen here. Not visible in this text:")


def test_an_unknown_error_is_not_called_healthy(run):
    code, body = run("-", text="Traceback (most recent call last):\nZebraError: stripes are gone\n")
    assert code == 0
    assert body.startswith("An error is there that no rule knows: ZebraError: stripes are gone")


def test_memory_is_split_into_who_held_it(run):
    body = " ".join(run("-", text=OOM)[1].split())
    for part in ("2.0 GiB asked for", "18.0 GiB in tensors", "1.0 GiB held by its allocator", "3.0 GiB held by other"):
        assert part in body


def test_rivals_of_one_line_come_with_the_command_that_settles_it(run):
    found = findings(run, NO_KERNEL)
    assert found[0]["confirm"]
    assert {item["beside"] for item in found[1:] if item["beside"]} == {found[0]["id"]}
    assert [item["confidence"] for item in found] == sorted((item["confidence"] for item in found), reverse=True)


def test_windows_paths_give_powershell(run):
    text = (
        'File "C:\\Users\\u\\venv\\lib\\site-packages\\transformers\\utils\\hub.py", line 1\n'
        "ValueError: Fast download using 'hf_transfer' is enabled (HF_HUB_ENABLE_HF_TRANSFER=1) but 'hf_transfer' package is "
        "not available in your environment.\n"
    )
    commands = [step["command"] for step in findings(run, text)[0]["fix"]]
    assert not any(command.startswith("export ") for command in commands)
    assert "```powershell" in run("-", "--format", "markdown", text=text)[1]


def test_several_files_are_one_case(run, tmp_path):
    (tmp_path / "a").write_text(NO_KERNEL, encoding="utf-8")
    (tmp_path / "b").write_text("PyTorch version: 2.5.1+cu121\nGPU 0: NVIDIA GeForce RTX 5090\n", encoding="utf-8")
    found = json.loads(run(str(tmp_path / "a"), str(tmp_path / "b"), "--format", "json")[1])["findings"]
    assert found[0]["slug"] == "gpu-arch-too-new-for-build"


def test_the_markdown_reply_is_inert(run):
    body = run("-", "--format", "markdown", text="@all <img src=x> [a](http://x)\n" + NO_KERNEL + " @all `x`\n")[1]
    prose = [line for line in body.splitlines() if not line.startswith(("-", "`", "    "))]
    assert not any("@all" in line.replace("\\@all", "") for line in prose)


def test_a_batch_of_lines(run, tmp_path):
    path = tmp_path / "many.jsonl"
    lines = [{"id": "one", "text": NO_KERNEL}, {"number": 2, "body": "thank you"}, {"id": "three"}]
    path.write_text("\n".join([*map(json.dumps, lines), '"libGL.so.1"', "not json"]), encoding="utf-8")
    code, body = run("--batch", str(path))
    rows = [json.loads(line) for line in body.splitlines()]
    assert [row["name"] for row in rows] == ["one", "2", "three", "4", "5"]
    assert rows[0]["findings"]
    assert rows[1]["findings"] == []
    assert [("error" in row) for row in rows] == [False, False, True, False, True]
    assert code == 3


def test_a_batch_of_files_into_a_file(run, tmp_path):
    source = tmp_path / "in"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "a.txt").write_text(NO_KERNEL, encoding="utf-8")
    (source / "b.txt").write_bytes("你好".encode("gbk"))
    out = tmp_path / "out.jsonl"
    code, body = run("--batch", str(source), "-o", str(out), "--fail-on", "never")
    assert (code, body) == (0, "")
    assert [json.loads(line)["name"] for line in out.read_text(encoding="utf-8").splitlines()] == [
        "b.txt",
        "deep/a.txt",
    ]


def test_a_batch_answers_as_single_reports_do(run, tmp_path):
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps(OOM), encoding="utf-8")
    assert json.loads(run("--batch", str(path))[1])["findings"] == findings(run, OOM)


@pytest.mark.parametrize("words", [[], ["x", "--batch", "y"], ["--batch", "missing.jsonl"], ["missing.txt"]])
def test_wrong_usage(words):
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 2
