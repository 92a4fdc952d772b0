"""Tracebacks of every console."""

import pytest

PLAIN = """Traceback (most recent call last):
  File "/home/me/run.py", line 3, in <module>
    main()
  File "/home/me/env/lib/python3.10/site-packages/torch/cuda/__init__.py", line 293, in _lazy_init
    raise AssertionError("Torch not compiled with CUDA enabled")
AssertionError: Torch not compiled with CUDA enabled
"""


def only(found):
    assert len(found["log.exceptions"]) == 1
    return found["log.exceptions"][0]


def test_plain_traceback(facts):
    found = facts(PLAIN)
    assert only(found) == {
        "type": "AssertionError",
        "message": "Torch not compiled with CUDA enabled",
        "line": 6,
        "chained": "",
    }
    assert found["log.raised_by"] == "torch"
    assert found["log.called_by"] == "/home/me/run.py"
    assert found["python.version"] == "3.10"
    assert found["python.prefix"] == "/home/me/env"
    assert found["torch.build"] == "cpu"
    assert found["log.frames"][-1] == {
        "file": "/home/me/env/lib/python3.10/site-packages/torch/cuda/__init__.py",
        "line": 293,
        "function": "_lazy_init",
        "library": "torch",
    }


@pytest.mark.parametrize(
    "prefix",
    [
        "[rank0]: ",
        "(EngineCore_0 pid=1234) ",
        "(EngineCore pid=1234) ",
        "(RayWorkerWrapper pid=77, ip=10.0.0.2) ",
        "2025-10-30T21:54:45.622419515Z ",
        "2025-10-30T21:54:45.622419515Z stderr F ",
        "Oct 30 21:54:45 box python[412]: ",
        "worker-1  | ",
        "ERROR 02-21 04:43:51 [core.py:500] ",
        "ERROR 02-21 04:43:51 engine.py:366] ",
        "2024-01-02 10:11:12 | ERROR | stderr | ",
        "> ",
        "> > ",
        "[default0]:",
        "│ ",
    ],
)
def test_prefixed_traceback(facts, prefix):
    found = facts("".join(prefix + line + "\n" for line in PLAIN.splitlines()))
    assert only(found)["type"] == "AssertionError"
    assert only(found)["line"] == 6
    assert found["log.raised_by"] == "torch"
    assert len(found["log.frames"]) == 2


def test_root_of_a_lazy_import_comes_first(pasted):
    found = pasted("chained_import.txt")
    kinds = [(e["type"], e["chained"]) for e in found["log.exceptions"]]
    assert kinds == [("ImportError", ""), ("RuntimeError", "embedded")]
    assert found["log.raised_by"] == "flash_attn"
    assert found["log.called_by"] == "/srv/demo/chat.py"
    problem = found["ext.problems"][0]
    assert (problem["dist"], problem["library"]) == ("flash-attn", "torch")


def test_quoted_cause_without_its_traceback(facts):
    found = facts(
        "RuntimeError: Failed to import transformers.models.clip.modeling_clip because of the following error "
        "(look up to see its traceback):\nNo module named 'triton.ops'\n"
    )
    first, second = found["log.exceptions"]
    assert (first["type"], first["message"]) == ("ModuleNotFoundError", "No module named 'triton.ops'")
    assert (second["type"], second["chained"]) == ("RuntimeError", "embedded")


@pytest.mark.parametrize(
    ("marker", "kind"),
    [
        ("The above exception was the direct cause of the following exception:", "cause"),
        ("During handling of the above exception, another exception occurred:", "context"),
    ],
)
def test_chains(facts, marker, kind):
    found = facts(f"KeyError: 'qwen3_vl'\n\n{marker}\n\nValueError: The checkpoint has model type `qwen3_vl`\n")
    assert [(e["type"], e["chained"]) for e in found["log.exceptions"]] == [("KeyError", ""), ("ValueError", kind)]


def test_jupyter(facts):
    found = facts(
        "ImportError                               Traceback (most recent call last)\nCell In[3], line 1\n----> 1 import torch\n\n"
        "File ~/env/lib/python3.9/site-packages/torch/__init__.py:237\n    235     if x:\n\n"
        "ImportError: libcudart.so.12: cannot open shared object file: No such file or directory\n"
    )
    assert only(found)["type"] == "ImportError"
    assert found["log.raised_by"] == "torch"
    assert found["ext.problems"] == [{"dist": "torch", "problem": "missing-library", "library": "libcudart.so.12"}]
    assert found["host.notebook"] == "jupyter"


def test_ansi_and_lost_escape_bytes(facts):
    found = facts("\x1b[0;31mRuntimeError\x1b[0m: CUDA error: invalid device ordinal\n")
    assert only(found)["message"] == "CUDA error: invalid device ordinal"
    found = facts("[0;31mRuntimeError[0m: CUDA error: invalid device ordinal\n")
    assert only(found)["type"] == "RuntimeError"


def test_pytest(facts):
    found = facts(
        "torch/library.py:440: in inner\n    handle()\nE   RuntimeError: operator torchvision::nms does not exist\n"
    )
    assert only(found)["message"] == "operator torchvision::nms does not exist"
    assert found["log.raised_by"] == "torch"


def test_windows_frames(facts):
    found = facts(
        '  File "C:\\Users\\u\\app.py", line 1, in <module>\n    import torch\n'
        '  File "C:\\Users\\u\\Python312\\Lib\\site-packages\\torch\\__init__.py", line 148, in <module>\n    raise err\n'
        "OSError: [WinError 126] The specified module could not be found."
    )
    assert found["os.name"] == "windows"
    assert found["python.version"] == "3.12"
    assert found["log.raised_by"] == "torch"


def test_message_over_several_lines_is_joined(facts):
    found = facts(
        "RuntimeError:\nThe detected CUDA version (11.8) mismatches the version that was used to compile\nPyTorch (12.1).\n"
    )
    assert (
        only(found)["message"]
        == "The detected CUDA version (11.8) mismatches the version that was used to compile PyTorch (12.1)."
    )
    assert found["log.lines"][0].endswith("compile PyTorch (12.1).")
    assert found["log.lines"][2] == "PyTorch (12.1)."
    assert found["cuda.nvcc"] == "11.8"
    assert found["torch.cuda"] == "12.1"


def test_error_line_alone_and_without_its_class(facts):
    assert only(facts("valueerror: loading x requires you to execute"))["type"] == "ValueError"
    assert only(facts("No module named 'triton.ops'"))["type"] == "ModuleNotFoundError"
    assert only(facts("torch.OutOfMemoryError: CUDA out of memory."))["type"] == "torch.OutOfMemoryError"


def test_class_whose_name_ends_unusually(facts):
    found = facts('Traceback (most recent call last):\n  File "a.py", line 1, in f\n    go()\nqueue.Whatever: oh\n')
    assert only(found)["type"] == "queue.Whatever"


def test_ranks_that_repeat_an_error_count_once(facts):
    assert only(facts("".join(f"[rank{i}]: ValueError: bad\n" for i in range(8))))["message"] == "bad"


def test_warnings_are_no_exceptions(facts):
    assert "log.exceptions" not in facts(
        "/x/site-packages/a/b.py:3: UserWarning: careful\n  warnings.warn(\nFutureWarning: later\n"
    )


def test_colab_links_and_curly_quotes(facts):
    found = facts(
        "[/usr/local/lib/python3.11/dist-packages/vllm/utils.py](https://localhost:8080/#) in inner(*args, **kwargs)\n-> 1161             return fn()\n\nValueError: no\n"
    )
    assert found["log.raised_by"] == "vllm"
    found = facts(
        "Traceback (most recent call last):\nFile “/e/lib/python3.10/site-packages/vllm/v1/engine/core.py”, line 699, in run\nx = 1\nValueError: no\n"
    )
    assert found["log.raised_by"] == "vllm"


def test_vllm_engine_core(facts):
    lead = "(EngineCore_DP0 pid=59619) ERROR 10-15 08:32:29 [core.py:708] "
    found = facts(
        "".join(lead + line + "\n" for line in PLAIN.splitlines())
        + "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.\n"
    )
    assert [e["type"] for e in found["log.exceptions"]] == ["AssertionError", "RuntimeError"]


def test_rich_box(facts):
    found = facts(
        "╭───────────────── Traceback (most recent call last) ─────────────────╮\n│ /data/me/swift/trainers/__init__.py:10 in <module>                  │\n"
        "│ /opt/lib/python3.10/site-packages/peft/tuners/lora.py:42 in forward  │\n╰─────────────────────────────────────────────────────────────────────╯\n"
        "ModuleNotFoundError: No module named 'modelscope'\n"
    )
    assert only(found)["type"] == "ModuleNotFoundError"
    assert (found["log.raised_by"], found["log.called_by"]) == ("peft", "/data/me/swift/trainers/__init__.py")


def test_ray_quotes_the_root(facts):
    found = facts(
        'ray.exceptions.RayTaskError(ValueError): ray::Worker.run() (pid=2012)\n  File "/opt/lib/python3.10/site-packages/vllm/w.py", line 1, in f\n    x\nValueError: bad\n'
    )
    assert [(e["type"], e["chained"]) for e in found["log.exceptions"]] == [
        ("ValueError", ""),
        ("ray.exceptions.RayTaskError(ValueError)", "embedded"),
    ]
