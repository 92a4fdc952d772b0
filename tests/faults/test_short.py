"""A short slice of what goes wrong on real machines: each time a whole report, the right finding or the right reason."""

import os
import signal
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc")
HOSTILE = "\x1b]0;owned\x07[red]$(touch pwned)`id`"


def whole(seen):
    """Ended by itself, left nobody behind, and knows what has nothing to do with the fault."""
    assert seen.status == 0, seen.noise
    assert not seen.orphans
    assert "mem.total" in seen.facts
    return seen


def test_nothing_wrong(patient):
    seen = whole(patient.look())
    assert (seen.facts["driver.version"], seen.facts["gpus"][0]["total"]) == ("550.54.14", 24 << 30)
    assert not seen.rules & {"DRV101", "DRV111", "DRV118", "DRV142", "PYE407"}


@pytest.mark.parametrize(
    ("double", "rule"),
    [("nvmlInit=18", "DRV111"), ("nvmlInit=4", "DRV118"), ("nvmlInit=999", "DRV118"), ("nvmlDeviceGetHandleByIndex=15", "DRV142"), ("nvmlDeviceGetHandleByIndex=999;nvmlErrorString=segv", "DRV142")],
)
def test_errors_of_the_driver_are_findings(patient, double, rule):
    patient.env["DOUBLE"] = double
    assert rule in whole(patient.look()).rules


@pytest.mark.parametrize(("double", "reason"), [("nvmlInit=segv", "signal 11"), ("load=segv", "signal 11"), ("nvmlInit=exit", "ended with status 0"), ("nvmlInit=hang", "no answer"), ("load=hang", "no answer")])
def test_a_library_that_ends_or_stops_costs_its_own_facts(patient, double, reason):
    patient.env["DOUBLE"] = double
    seen = whole(patient.look(timeout=3.0 if "hang" in double else 10.0))
    assert reason in seen.unread["part.nvml"]
    assert "gpus" not in seen.facts
    assert not seen.rules & {"DRV101", "DRV102"}, "silence is not absence"


@pytest.mark.parametrize("double", ["nvmlDeviceGetMemoryInfo=segv", "nvmlShutdown=hang", "nvmlInit=noise", "load=noise"])
def test_what_was_read_before_is_kept(patient, double):
    patient.env["DOUBLE"] = double
    seen = whole(patient.look())
    assert seen.facts["driver.version"] == "550.54.14"
    assert seen.facts["gpus"][0]["name"] == "NVIDIA GeForce RTX 3090"


@pytest.mark.parametrize("content", [b"", b"not a library\n" * 50, b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x03\0\xb7\0" + b"\0" * 200])
def test_a_file_that_is_no_library_is_told_from_none(patient, content):
    (patient.root / "lib" / "libnvidia-ml.so.1").write_bytes(content)
    seen = whole(patient.look())
    assert "DRV118" in seen.rules
    assert "cannot be loaded" in seen.facts["driver.nvml_error"]


def test_hostile_names_do_nothing(patient):
    patient.env["DOUBLE_NAME"] = HOSTILE
    (patient.root / "cwd" / "nvidia-smi").write_text("#!/bin/sh\n: > pwned\n")
    (patient.root / "cwd" / "nvidia-smi").chmod(0o755)
    (patient.root / "bin" / "nvidia-smi").unlink()
    patient.env["PATH"] = ":" + patient.env["PATH"]
    patient.env["HF_HOME"] = str(patient.root / "home" / HOSTILE)
    seen = whole(patient.look())
    assert seen.facts["gpus"][0]["name"] == HOSTILE


@pytest.mark.parametrize("body", ["sleep 600", "trap '' TERM INT HUP; while :; do sleep 600; done", "exec yes", "sleep 600 & echo; exit 0", "kill -STOP $$"])
def test_nvidia_smi_may_do_what_it_likes(patient, body):
    (patient.root / "lib" / "libnvidia-ml.so.1").unlink()
    patient.smi(body)
    seen = whole(patient.look(timeout=3.0))
    assert "gpus" not in seen.facts or not seen.facts["gpus"]


@pytest.mark.parametrize(
    "code",
    ["import time; time.sleep(600)", "import os; os.kill(os.getpid(), 9)", "import ctypes; ctypes.string_at(0)", "import sys; sys.stdout.write('x' * 50_000_000)",
     "import subprocess; subprocess.Popen(['sleep', '600'])", "import os; os._exit(0)", "raise SystemExit(0)"],
)  # fmt: skip
def test_code_of_the_patient_does_not_run(patient, code):
    patient.site("sitecustomize.py", code)
    seen = whole(patient.look())
    assert "python.version" in seen.facts


@pytest.mark.parametrize(("body", "rule"), [("exit 0", "PYE407"), ("printf '{\"schema\": 1'", "PYE407"), ("kill -SEGV $$", "PYE407"), ("exec yes", "PYE407")])
def test_an_interpreter_that_is_none(patient, body, rule):
    patient.python = str(patient.script("bin/python-of-mine", body + "\n"))
    seen = whole(patient.look())
    assert rule in seen.rules
    assert "python.version" in seen.unread


@pytest.mark.parametrize("kind", ["missing", "empty", "fifo", "folder", "latin"])
def test_damaged_metadata_names_one_package(patient, kind):
    path = patient.site("torch-2.0.1.dist-info/METADATA", b"" if kind == "empty" else b"Name: torch\nVersion: 2.0.1\nAuthor: \xe9\xff\n")
    if kind in ("missing", "fifo", "folder"):
        path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    if kind == "folder":
        path.mkdir()
    seen = whole(patient.look())
    assert seen.facts["dist.torch"] == "2.0.1"
    assert "PYE202" in seen.rules


@pytest.mark.parametrize("change", [{"HOME": None}, {"HOME": "/nonexistent"}, {"PATH": ""}, {"PATH": None}, {"TMPDIR": "/nonexistent"}, {"LC_ALL": "xx_YY.KOI7"}, {"COLUMNS": "-5"}, {"PYTHONHOME": "/nonexistent"}])
def test_an_odd_environment_changes_little(patient, change):
    for name, value in change.items():
        patient.env.pop(name, None)
        if value is not None:
            patient.env[name] = value
    assert whole(patient.look()).facts["driver.version"] == "550.54.14"


@pytest.mark.parametrize(("number", "statuses"), [(signal.SIGTERM, (-15, 143)), (signal.SIGINT, (-2, 130)), (signal.SIGHUP, (-1, 129))])
def test_a_signal_ends_all_of_it(patient, number, statuses):
    patient.env["DOUBLE"] = "nvmlInit=hang"
    patient.smi("sleep 600")
    seen = patient.look(timeout=20.0, signal_after=(number, 3.0))
    assert seen.status in statuses
    assert not seen.orphans
