"""collect() on this machine and with broken targets."""

import os
import sys
import time
from pathlib import Path

import pytest

from doctor.collect import live, network
from doctor.collect.live import Request, choose, collect
from doctor.collect.merge import Facts
from doctor.model.facts import find

pytestmark = pytest.mark.skipif(os.name != "posix", reason="scripts as interpreters")


@pytest.fixture(scope="module", autouse=True)
def private_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="module")
def own():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CONDA_PREFIX", raising=False)
        patch.setenv("VIRTUAL_ENV", sys.prefix)
        patch.setenv("HF_TOKEN", "made-up-value-77")
        patch.setenv("OMP_NUM_THREADS", "8\r")
        return collect(Request(timeout=8.0))


def test_own_interpreter_and_machine(own):
    assert own.facts["python.version"].startswith("{}.{}".format(*sys.version_info))
    assert own.facts["os.name"] == sys.platform.rstrip("2")
    assert own.facts["cpu.count"] >= 1
    assert own.source == "live"
    assert own.taken.endswith("+00:00")
    assert {"env", "dist"} <= own.closed


def test_every_fact_is_in_the_catalogue_and_of_its_type(own):
    assert [name for name in own.facts if find(name) is None] == []
    assert not [name for name in own.facts if name in own.unread]


def test_environment_is_an_allow_list_without_secrets(own):
    assert own.facts["env.HF_TOKEN"] == "set"
    assert own.facts["env_odd"] == [{"name": "OMP_NUM_THREADS", "problem": "carriage-return"}]
    assert "made-up-value-77" not in repr(own)


def test_cache_folder_without_a_usable_variable():
    assert live.cache_folder({"XDG_CACHE_HOME": "relative"}) == str(Path.home() / ".cache" / "vlmdoctor")


def test_folders_of_the_scripts():
    assert live.script_folders(("a.py", "sub/b.py", "sub/c.py", "requirements.txt", "project")) == [
        str(Path.cwd()),
        str(Path.cwd() / "sub"),
    ]


def test_own_home_is_written_as_tilde(own):
    assert str(Path.home()) + "/" not in repr(own)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("exit 0", "not-python"),
        ("echo 'Unknown option: -I' >&2; exit 2", "not-python"),
        ("kill -SEGV $$", "crashed"),
        ("sleep 60", "hangs"),
        ("exec yes", "not-python"),
    ],
)
def test_broken_interpreters_cost_only_their_own_facts(tmp_path, text, word):
    began = time.monotonic()
    snapshot = collect(Request(python=script(tmp_path / "bin" / "python", text), timeout=1.5))
    assert snapshot.facts["python.broken"] == word
    assert "python.version" in snapshot.unread
    assert snapshot.facts["os.name"]
    assert snapshot.facts["disks"]
    assert time.monotonic() - began < 4


def test_missing_interpreter_and_base(tmp_path):
    assert collect(Request(python=str(tmp_path / "gone"), timeout=3)).facts["python.broken"] == "missing"
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to("/nonexistent/python3.11")
    (folder / "pyvenv.cfg").write_text("home = /nonexistent\nversion = 3.11.4\n")
    package = folder / "lib" / "python3.11" / "site-packages" / "torch-2.1.2.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.1.2\n")
    snapshot = collect(Request(python=str(folder), timeout=5))
    assert snapshot.facts["python.broken"] == "base-missing"
    assert snapshot.facts["dist.torch"] == "2.1.2"  # read from the files alone


def test_target_is_chosen_in_order(monkeypatch):
    monkeypatch.setattr(live, "isolated_tool", lambda: False)
    monkeypatch.setattr(live, "bare_venv", lambda: False)
    assert choose(Request(python="/p"), {"VIRTUAL_ENV": "/v"}).asked == "/p"
    assert choose(Request(), {"VIRTUAL_ENV": "/v", "CONDA_PREFIX": "/c"}).asked == "/v"
    assert choose(Request(), {"CONDA_PREFIX": "/c"}).by == "CONDA_PREFIX"
    assert choose(Request(), {"VIRTUAL_ENV": sys.prefix}).asked is None
    assert choose(Request(), {}).asked is None
    monkeypatch.setattr(live, "bare_venv", lambda: True)
    assert choose(Request(), {}).asked == "?"
    monkeypatch.setattr(live, "isolated_tool", lambda: True)
    assert choose(Request(), {}).asked == "?"


def test_hanging_nvidia_smi_is_not_a_missing_gpu(tmp_path, monkeypatch):
    tool = script(tmp_path / "nvidia-smi", "trap '' TERM; while :; do sleep 60; done")
    monkeypatch.setenv("PATH", str(Path(tool).parent) + ":/usr/bin:/bin")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "none"))
    seen = []
    snapshot = collect(Request(timeout=1.5), progress=lambda part, state: seen.append((part, state)))
    if any(os.path.exists(sign) for sign in live.DRIVER_SIGNS):  # noqa: PTH110 - as the code does
        pytest.skip("a real driver answers here")
    assert "no answer" in snapshot.facts["driver.smi_error"]
    assert ("nvidia-smi", "started") in seen


def test_what_nvidia_smi_says_counts_where_nvml_cannot_be_loaded(tmp_path, monkeypatch):
    tool = script(tmp_path / "nvidia-smi", "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18")
    monkeypatch.setenv("PATH", str(Path(tool).parent) + ":/usr/bin:/bin")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "none"))
    snapshot = collect(Request(timeout=5))
    if any(os.path.exists(sign) for sign in live.DRIVER_SIGNS):  # noqa: PTH110 - as the code does
        pytest.skip("a real driver answers here")
    assert snapshot.facts["driver.nvml_error"] == "NVML_ERROR_LIB_RM_VERSION_MISMATCH"
    assert "gpu.count" not in snapshot.facts  # not known, and so not none


def test_values_of_a_wrong_type_are_not_believed():
    facts = Facts()
    facts.add({"python.version": 3, "python.bits": True, "disks": ["x"], "unlisted": 1, "os.name": None})
    assert facts.known == {"os.name": None}
    assert set(facts.unread) == {"python.version", "python.bits", "disks"}


def test_nvml_errors_mean_absent_or_unread():
    facts = Facts()
    facts.add({"driver.nvml_error": "NVML_ERROR_DRIVER_NOT_LOADED"})
    facts.judge_driver()
    assert facts.known["gpu.count"] == 0
    facts = Facts()
    facts.add({"driver.nvml_error": "NVML_ERROR_LIB_RM_VERSION_MISMATCH"})
    facts.judge_driver()
    assert "gpu.count" not in facts.known
    assert "MISMATCH" in facts.unread["gpu.count"]


def test_an_index_without_a_gpu_ends_the_visible_list():
    facts = Facts()
    facts.add({"driver.version": "550.54", "gpu.count": 2, "cuda.visible": ["1", "2", "0"]})
    facts.judge_driver()
    assert facts.known["cuda.visible"] == ["1"]
    assert facts.known["cuda.visible_problem"] == "invalid"
    assert facts.known["gpu.present"] is True


def test_a_venv_made_for_the_doctor_is_not_the_patient(tmp_path, monkeypatch):
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(site)])
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert live.bare_venv()
    (site / "torch").mkdir()
    assert not live.bare_venv()
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert not live.bare_venv()


def test_a_mirror_on_this_machine_that_does_not_run():
    assert network.dead_here("http://127.0.0.1:9/simple", [22, 80])
    assert not network.dead_here("http://127.0.0.1:80/simple", [22, 80])
    assert not network.dead_here("http://127.0.0.1:9/simple", None)
    assert not network.dead_here("https://mirror.example/simple", [22])
    assert not network.dead_here("http://127.0.0.1:port/", [22])
    assert not network.dead_here(None, [22])


def test_an_interpreter_that_answers_is_not_broken():
    assert collect(Request(python=sys.executable)).look("python.broken") == (True, None)
