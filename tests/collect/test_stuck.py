"""What a silent program does, by two looks at /proc."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.collect import stuck
from doctor.collect.stuck import Look, judge

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc")


def after(**more):
    return judge(Look(0.0), Look(1.0, names={"python"}, **more))


def test_what_moves_tells_the_kind():
    assert after(cpu=2.0).kind == "computing"
    assert after(read=50 << 20, files={"/m/model-00001-of-00003.safetensors"}).what == "model-00001-of-00003.safetensors"
    assert after(read=50 << 20).kind == "loading-shards"
    assert after(arrived=5 << 20, files={"/c/blobs/abc.incomplete"}).kind == "downloading"
    assert after(arrived=5 << 20, cpu=2.0).kind == "computing"
    assert after(blocked=1).kind == "disk-wait"
    assert after().kind == "waiting"
    assert judge(Look(0.0), Look(1.0, names={"python", "nvcc", "cicc"})).what == "cicc, nvcc"


def test_only_what_a_rule_explains_becomes_a_fact():
    assert stuck.facts(after(read=50 << 20)) == {"log.stuck": "loading-shards"}
    assert stuck.facts(after()) == stuck.facts(None) == {}


@needs_proc
def test_a_busy_grandchild_is_seen():
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'], timeout=20)"
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        kinds = [found.kind for _ in range(6) if (found := stuck.look_twice(process.pid))]
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert "computing" in kinds


@needs_proc
def test_a_process_that_has_ended_is_nothing():
    process = subprocess.Popen(["true"])
    process.wait()
    assert stuck.look_twice(process.pid) is None


@needs_proc
def test_an_open_weight_file_is_named(tmp_path):
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"x")
    process = subprocess.Popen(["sh", "-c", f"exec 5<'{weights}'; echo on; sleep 20"], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"on\n"
    found = stuck.look(process.pid)
    process.kill()
    process.communicate()
    assert any(name.endswith("model.safetensors") for name in found.files)
