"""Faults of mounts, of the kernel and of the disk; they need root and Linux and are skipped elsewhere."""

import os
import shutil
import sys

import pytest
from patient import dead_mount
from test_short import whole

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="root on Linux"),
]


@pytest.fixture
def dead(tmp_path):
    try:
        with dead_mount(tmp_path / "dead") as folder:
            yield folder
    except OSError as error:
        pytest.skip(f"no FUSE here: {error}")


def inside(patient, script):
    """Our command in a mount name space of its own, after ``script``."""
    path = patient.script("inside", f'set -e\nmount --make-rprivate /\n{script}\nexec "$@"\n')
    patient.around = ("unshare", "-m", str(path))


def test_a_dead_mount_on_path(patient, dead):
    patient.env["PATH"] = f"{dead}/bin:" + patient.env["PATH"]
    seen = whole(patient.look(timeout=4.0))
    assert seen.facts["driver.version"] == "550.54.14"
    assert "tool.cc" not in seen.facts
    assert any("no answer" in reason for reason in seen.unread.values())


def test_a_dead_mount_on_pythonpath(patient, dead):
    patient.env["PYTHONPATH"] = f"{dead}/site"
    seen = whole(patient.look())
    assert "no answer" in seen.unread[f"python.path.{dead}/site"]
    assert "python.version" in seen.facts


def test_a_dead_mount_below_the_cache(patient, dead):
    patient.env["HF_HOME"] = f"{dead}/hf"
    seen = whole(patient.look(timeout=4.0))
    assert "hf.cache_size" in seen.unread
    assert "driver.version" in seen.facts


def test_an_interpreter_on_a_dead_mount(patient, dead):
    patient.python = f"{dead}/bin/python"
    seen = whole(patient.look(timeout=4.0))
    assert "dead mount" in seen.unread["python.version"]


def test_a_program_that_cannot_be_killed(patient, dead):
    (patient.root / "lib" / "libnvidia-ml.so.1").unlink()
    patient.smi(f"exec cat {dead}/x")
    whole(patient.look(timeout=4.0))


@pytest.mark.parametrize("place", ["/proc", "/sys", "/sys/module"])
def test_a_system_without_its_tables(patient, place):
    inside(patient, f"mount -t tmpfs none {place}")
    seen = patient.look()
    assert seen.status == 0, seen.noise
    assert seen.facts["driver.version"] == "550.54.14"


def test_a_home_that_cannot_be_written(patient):
    home = patient.root / "home"
    inside(patient, f"mount -o bind {home} {home}; mount -o remount,bind,ro {home}")
    assert "HFC109" in whole(patient.look()).rules


def test_a_disk_that_fails_while_the_cache_is_listed(patient):
    if not shutil.which("strace"):
        pytest.skip("no strace")
    cache = patient.root / "home" / ".cache" / "huggingface" / "hub"
    (cache / "models--o--m").mkdir(parents=True)
    patient.around = ("strace", "-f", "-o", "/dev/null", "-P", str(cache), "-e", "trace=getdents64", "-e", "inject=getdents64:error=EIO")
    assert "Input/output error" in whole(patient.look()).unread["hf.cache_size"]


def test_no_connection_is_opened(patient, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("no strace")
    patient.env.update(https_proxy="http://alice:secret@10.255.255.1:3128", HF_ENDPOINT="https://mirror.example.com")
    patient.around = ("strace", "-f", "-qq", "-o", str(tmp_path / "calls"), "-e", "trace=connect,sendto")
    whole(patient.look(timeout=20.0))
    assert "AF_INET" not in (tmp_path / "calls").read_text()


def test_ten_thousand_distributions(patient):
    for number in range(10_000):
        patient.site(f"p{number:05}-1.0.dist-info/METADATA", f"Name: p{number:05}\nVersion: 1.0\n")
    seen = whole(patient.look())
    assert seen.facts["dist.p09999"] == "1.0"
