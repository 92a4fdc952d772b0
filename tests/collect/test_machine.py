"""Facts of the machine part, through its functions with made-up environments and folders."""

import os
import struct
import sys
from pathlib import Path

import pytest

PROBE = Path(__file__).parents[2] / "doctor" / "collect" / "probe"


@pytest.fixture(autouse=True)
def probe_path(monkeypatch):
    monkeypatch.syspath_prepend(str(PROBE))


def elf(machine, word=2):
    return b"\x7fELF" + bytes([word, 1, 1]) + b"\0" * 9 + struct.pack("<HH", 2, machine) + b"\0" * 40


def program(path, data=b"#!/bin/sh\n", mode=0o755):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    return str(path)


def test_why_not_names_what_is_wrong(tmp_path):
    import scout

    assert scout.why_not(program(tmp_path / "ok")) is None
    assert scout.why_not(str(tmp_path / "none")) == "missing"
    assert scout.why_not(str(tmp_path)) == "is a directory"
    assert scout.why_not(program(tmp_path / "plain", mode=0o644)) == "is not executable"
    assert scout.why_not(program(tmp_path / "empty", b"")) == "is empty"
    assert scout.why_not(program(tmp_path / "text", b"hello")) == "is neither a program nor a script"
    assert "another CPU" in scout.why_not(program(tmp_path / "mips", elf(8)))
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert scout.why_not(str(tmp_path / "link")) == "base-missing"


def test_only_absolute_path_entries_are_searched(tmp_path, monkeypatch):
    import scout

    program(tmp_path / "cwd" / "tool")
    good = program(tmp_path / "bin" / "tool")
    monkeypatch.chdir(tmp_path / "cwd")
    assert scout.find(("tool",), {"PATH": f":.:bin:{tmp_path}/bin"}) == (good, None)
    assert scout.find(("tool",), {"PATH": ":.:"}) == (None, None)


def test_a_runnable_program_is_preferred(tmp_path):
    import scout

    program(tmp_path / "a" / "tool", mode=0o644)
    good = program(tmp_path / "b" / "tool")
    assert scout.find(("tool",), {"PATH": f"{tmp_path}/a:{tmp_path}/b"}) == (good, None)
    assert scout.find(("tool",), {"PATH": f"{tmp_path}/a"}) == (f"{tmp_path}/a/tool", "is not executable")


def test_a_folder_may_be_named_without_a_slash_a_file_may_not(tmp_path, monkeypatch):
    import scout

    python = program(tmp_path / ".venv" / "bin" / "python")
    program(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert scout.read_target({"target": ".venv", "env": {"PATH": "/nowhere"}})["_target"]["executable"] == python
    assert scout.read_target({"target": "mine", "env": {"PATH": "/nowhere"}})["_target"]["why"] == "missing"
    on_path = program(tmp_path / "bin" / ".venv")
    assert (
        scout.read_target({"target": ".venv", "env": {"PATH": f"{tmp_path}/bin"}})["_target"]["executable"] == on_path
    )


def test_target_by_folder_by_name_and_missing(tmp_path):
    import scout

    python = program(tmp_path / "env" / "bin" / "python")
    (tmp_path / "env" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    env = {"PATH": f"{tmp_path}/env/bin"}
    found = {"_target": {"executable": python, "prefix": f"{tmp_path}/env", "why": None, "script": True}}
    assert scout.read_target({"target": f"{tmp_path}/env", "env": env}) == found
    assert scout.read_target({"target": "python", "env": env}) == found
    assert scout.read_target({"target": "?", "env": env}) == found
    gone = scout.read_target({"target": f"{tmp_path}/gone/bin/python", "env": env})["_target"]
    assert (gone["why"], gone["prefix"]) == ("missing", None)
    assert scout.read_target({"target": None, "env": env}) == {"_target": None}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="a rule for root")
def test_root_runs_nothing_from_folders_of_everybody(tmp_path):
    import scout

    tool = program(tmp_path / "open" / "nvidia-smi")
    (tmp_path / "open").chmod(0o777)
    assert scout.unsafe_folder(tool) == str(tmp_path / "open")
    assert "others may write" in scout.read_smi({"env": {"PATH": f"{tmp_path}/open"}})["_smi"]["why"]


@pytest.mark.parametrize(
    ("value", "entries", "problem"),
    [
        (None, None, None),
        ("0,1", ["0", "1"], None),
        ("", [], "empty"),
        ("-1", [], "invalid"),
        ("1,x,2", ["1"], "invalid"),
        ("0, 2", ["0", "2"], None),
        ("1gpu,2", ["1", "2"], None),
        ("0,0", [], "duplicate"),
        ("GPU-aa,GPU-bb", ["GPU-aa", "GPU-bb"], None),
        ("GPU-aa,1", ["GPU-aa"], "invalid"),
        ("NoDevFiles", [], "invalid"),
    ],
)
def test_visible_devices_as_the_driver_reads_them(value, entries, problem):
    import visible

    assert visible.parse(value) == (entries, problem)


def test_overrides_of_the_loader(tmp_path):
    import loader

    for name in ("libcudart.so.12.4.127", "libcudnn.so.8.9.2", "libstdc++.so.6.0.28", "libfoo.so.1", "libnccl.so"):
        program(tmp_path / "lib" / name, b"x")
    (tmp_path / "lib" / "libcudart.so.12").symlink_to("libcudart.so.12.4.127")
    (tmp_path / "lib" / "libstdc++.so.6").symlink_to("libstdc++.so.6.0.28")
    program(tmp_path / "later" / "libcudart.so.12.1.105", b"x")
    program(tmp_path / "stubs" / "libcuda.so", b"x")
    env = {"LD_LIBRARY_PATH": f"{tmp_path}/lib:{tmp_path}/later::{tmp_path}/stubs:/nonexistent"}
    records = loader.read_overrides({"env": env, "deadline": 2.0})["ld.overrides"]
    found = {(r["soname"], r["version"], r["via"]) for r in records}
    assert found == {
        ("libcudart", "12.4.127", "LD_LIBRARY_PATH"),
        ("libcudnn", "8.9.2", "LD_LIBRARY_PATH"),
        ("libstdc++", "6.0.28", "LD_LIBRARY_PATH"),
        ("libcuda", None, "stubs"),
    }
    assert next(r for r in records if r["soname"] == "libstdc++")["glibcxx"] == "3.4.28"
    assert loader.read_lists({"env": env})["ld.library_path"][2] == "."


def test_glibcxx_from_the_bytes_when_the_name_says_nothing(tmp_path):
    import loader

    path = program(tmp_path / "libstdc++.so.6", b"\0GLIBCXX_3.4.9\0GLIBCXX_3.4.29\0GLIBCXX_3.4\0GLIBCXX_DEBUG\0")
    assert loader.glibcxx(path) == "3.4.29"


def test_disks_have_a_record_a_role(tmp_path):
    import disks

    env = {"HOME": str(tmp_path), "HF_HOME": "~/hf", "TMPDIR": str(tmp_path / "gone")}
    records = {r["role"]: r for r in disks.read_disks({"env": env, "cwd": str(tmp_path), "deadline": 3.0})["disks"]}
    assert records["hf_home"]["path"] == f"{tmp_path}/hf"
    assert records["hf_cache"]["path"] == f"{tmp_path}/hf/hub"
    assert (records["tmp"]["exists"], records["home"]["exists"]) == (False, True)
    assert records["cwd"]["free"] > 0
    assert records["root"]["system"] is True


def test_mount_of_is_decided_by_name():
    import disks

    table = [("/", "ext4", []), ("/data", "nfs4", []), ("/data/fast", "xfs", [])]
    assert disks.mount_of("/data/fast/x", table)[1] == "xfs"
    assert disks.mount_of("/database", table)[1] == "ext4"
    assert all(map(disks.on_network, ("nfs", "nfs4", "smb3", "fuse.sshfs", "fuse.alluxio-fuse")))
    assert not any(map(disks.on_network, ("ext4", "overlay", "fuse", "fuse.ntfs")))


def test_one_dead_path_costs_one_answer():
    import threading

    import apart

    never = threading.Event()
    answers, errors = apart.ask(["good", "dead", "bad"], lambda k: {"good": 1}[k] if k != "dead" else never.wait(5), 0.3)
    never.set()
    assert answers == {"good": 1}
    assert "no answer" in errors["dead"]
    assert "KeyError" in errors["bad"]


def test_calls_take_turns_and_go_on_behind_those_that_hang():
    import threading

    import wire

    never, done, threads = threading.Event(), [], set()

    def call(number):
        threads.add(threading.get_ident())
        if number in (3, 5):
            never.wait(10)
        done.append(number)

    turns = wire.Turns([lambda number=number: call(number) for number in range(20)])
    turns.start()
    assert not turns.wait(1.0)
    assert done == [0, 1, 2, 4, *range(6, 20)]
    assert len(threads) == 3
    never.set()
    assert turns.wait(5.0)
    assert wire.Turns(()).wait(0)


def test_a_folder_that_does_not_answer_costs_a_thread_and_is_not_asked_again(monkeypatch):
    import threading

    import paths

    monkeypatch.setattr(paths, "WAIT", 0.1)
    monkeypatch.setattr(paths, "_SLOW", [])
    never, threads = threading.Event(), []

    def call(path):
        threads.append(threading.get_ident())
        if path == "/dead":
            never.wait(10)
        if path == "/refused":
            raise PermissionError(13, "no")
        return path

    assert [paths.bounded(call, path) for path in ("/a", "/b")] == ["/a", "/b"]
    for path in ("/dead", "/dead/below"):
        with pytest.raises(paths.SilentError):
            paths.bounded(call, path)
    with pytest.raises(PermissionError):
        paths.bounded(call, "/refused")
    with pytest.raises(OSError, match="null"):
        paths.bounded(os.stat, "/a\0b")
    assert paths.bounded(call, "/c") == "/c"
    never.set()
    assert len(threads) == 5
    assert len(set(threads)) == 2


def test_a_fact_that_is_too_long_costs_itself_only(monkeypatch):
    import wire

    from doctor.collect.child import read_line

    monkeypatch.setattr(wire, "LINE_CAP", 100)
    ours, theirs = os.pipe()
    wire.Wire(theirs, "n").facts({"short": 1, "long": "x" * 200, "last": [2]})
    os.close(theirs)
    with os.fdopen(ours, "rb") as stream:
        said = [read_line(line.rstrip(b"\n"), "n") for line in stream]
    assert said == [{"f": "short", "v": 1}, {"u": "long", "why": "more than 100 bytes"}, {"f": "last", "v": [2]}]


@pytest.mark.parametrize(
    ("env", "encoding"),
    [({"LANG": "zh_CN.GBK"}, "gbk"), ({"LANG": "en_US.UTF-8"}, "utf-8"), ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, "ascii"), ({}, "ascii")],
)
@pytest.mark.skipif(sys.platform != "linux", reason="names of Linux locales")
def test_locale_encoding(env, encoding):
    import host

    assert host.locale_encoding(env) == encoding


def test_cgroup_quota_and_limits():
    import hardware

    assert hardware._quota(["200000 100000", "max 100000", "50000 100000"]) == 0.5
    assert hardware._quota(["-1 100000"]) is None
    assert hardware._number("9223372036854771712\n") is None
    assert list(hardware._upwards("/r", "/a/b")) == ["/r/a/b", "/r/a", "/r"]


def test_toolkit_versions(tmp_path):
    import toolkits

    (tmp_path / "version.json").write_text('{"cuda": {"version": "12.4.1"}}')
    assert toolkits.version_of(str(tmp_path)) == "12.4.1"
    (tmp_path / "version.json").write_text("[" * 100_000)
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "cuda.h").write_text("#define CUDA_VERSION 11070\n")
    assert toolkits.version_of(str(tmp_path)) == "11.7"


def test_nvcc_behind_a_script(tmp_path):
    import toolkits

    real = program(tmp_path / "cuda-12.1" / "bin" / "nvcc")
    program(tmp_path / "bin" / "nvcc", f'#!/bin/sh\nexec {real} "$@"\n'.encode())
    facts = toolkits.read_toolkits({"env": {"PATH": f"{tmp_path}/bin"}})
    assert (facts["cuda.nvcc"], facts["cuda.home"]) == ("12.1", f"{tmp_path}/cuda-12.1")


def test_a_library_named_by_its_major_alone_tells_its_release(tmp_path):
    import loader

    wheel = tmp_path / "site-packages"
    library = wheel / "nvidia" / "cublas" / "lib" / "libcublas.so.12"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"\x7fELF")
    (wheel / "nvidia_cublas_cu12-12.1.3.1.dist-info").mkdir()
    (wheel / "nvidia_cuda_runtime_cu12-12.4.127.dist-info").mkdir()
    assert loader.describe(str(library), "LD_LIBRARY_PATH")["version"] == "12.1.3.1"
    linker = tmp_path / "lib" / "libnvJitLink.so.12"
    linker.parent.mkdir()
    linker.write_bytes(b"\x7fELF\0__nvJitLinkComplete_12_0\0__nvJitLinkComplete_12_10\0__nvJitLinkCreate_12_4\0")
    assert loader.describe(str(linker), "LD_LIBRARY_PATH")["version"] == "12.10"
    plain = tmp_path / "lib" / "libcudart.so.12"
    plain.write_bytes(b"\x7fELF")
    assert loader.describe(str(plain), "LD_LIBRARY_PATH")["version"] == "12"


def test_paths_that_variables_name(tmp_path):
    import named

    program(tmp_path / "bin" / "cc")
    (tmp_path / "ca.pem").write_text("x")
    (tmp_path / "file").write_text("x")
    env = {
        "PATH": str(tmp_path / "bin"),
        "CC": "cc -O2",
        "CXX": "g++-9",
        "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        "REQUESTS_CA_BUNDLE": str(tmp_path / "gone.pem"),
        "CURL_CA_BUNDLE": "",
        "TORCH_HOME": str(tmp_path / "file" / "torch"),
        "NUMBA_CACHE_DIR": str(tmp_path / "new" / "numba"),
    }
    found = named.read_named({"env": env, "cwd": str(tmp_path), "deadline": 3.0})["env_paths"]
    assert {row["name"]: row["problem"] for row in found} == {
        "CXX": "missing",
        "REQUESTS_CA_BUNDLE": "missing",
        "TORCH_HOME": "not-a-folder",
    }
    bare = {"env": {"TMPDIR": str(tmp_path)}, "cwd": "", "deadline": 3.0}
    assert named.read_named(bare) == {"env_paths": []}
    (tmp_path / "gradio").write_text("x")
    (row,) = named.read_named(bare)["env_paths"]
    assert (row["name"], row["kind"], row["problem"]) == ("GRADIO_TEMP_DIR", "default", "not-a-folder")


def test_the_limit_of_file_size_is_read():
    import hardware

    assert "limit.fsize" in hardware.read_limits({})


def test_interfaces_are_read_where_a_variable_names_one():
    import host

    assert "?host.interfaces" in host.read_interfaces({"env": {}})
    if sys.platform == "linux":
        assert "lo" in host.read_interfaces({"env": {"NCCL_SOCKET_IFNAME": "ib0"}})["host.interfaces"]
