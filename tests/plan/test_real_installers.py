"""A real pip and a real uv, killed in the middle of an upgrade; undo brings back every file and what ``pip freeze`` says."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.plan.killed import picture

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="/proc")]
ROUNDS = 6  # places at which the installer is struck
CODE = """
import sys
from doctor.model import Snapshot
from doctor.model.plan import Install, Plan
from doctor.plan.apply import apply
from doctor.plan.journal import newest
from doctor.plan.shell import Target
from doctor.plan.undo import sweep, undo
what, prefix, site, tool = sys.argv[1:]
if what == "undo":
    sweep()
    undo(newest())
else:
    snapshot = Snapshot({"python.prefix": prefix, "python.site": [site], "python.executable": prefix + "/bin/python"})
    plan = Plan((), (), (), (Install(("mover==2.0",), True),), (), (), ())
    apply(plan, snapshot, Target("bash", prefix + "/bin/python", tool), False, print)
"""


def wheel(folder, version):
    """``mover``: 300 modules, a script and a data file."""
    folder.mkdir(exist_ok=True)
    info = f"mover-{version}.dist-info"
    files = {f"mover/m{number}.py": f"N = {number}, {version!r}\n" for number in range(300)}
    files |= {"mover/__init__.py": f"__version__ = {version!r}\n", f"mover-{version}.data/data/share/mover/table.txt": version}
    files |= {f"{info}/METADATA": f"Metadata-Version: 2.1\nName: mover\nVersion: {version}\n", f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    files |= {f"{info}/entry_points.txt": "[console_scripts]\nmover = mover:main\n"}
    with zipfile.ZipFile(folder / f"mover-{version}-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"]))


@pytest.fixture
def place(tmp_path):
    """An environment with ``mover`` 1.0, and the variables under which nobody asks a network."""
    wheels = tmp_path / "wheels"
    for version in ("1.0", "2.0"):
        wheel(wheels, version)
    env = {
        "HOME": str(tmp_path), "PATH": os.environ["PATH"], "XDG_STATE_HOME": str(tmp_path / "state"), "PIP_NO_INDEX": "1", "SHELL": "/bin/sh",
        "PIP_FIND_LINKS": str(wheels), "UV_OFFLINE": "1", "UV_FIND_LINKS": str(wheels), "UV_CACHE_DIR": str(tmp_path / "cache"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(Path(__file__).parents[2]),
    }  # fmt: skip
    plain = {name: value for name, value in env.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "kept"], env=plain, check=True)
    subprocess.run([tmp_path / "kept/bin/python", "-m", "pip", "-q", "install", "mover==1.0"], env=plain, check=True)
    return tmp_path, env, plain


def doctor(place, what, tool):
    root, env, _ = place
    (site,) = (root / "env/lib").glob("python3*/site-packages")
    return subprocess.Popen([sys.executable, "-c", CODE, what, root / "env", site, tool], env=env, stdout=subprocess.DEVNULL, start_new_session=True)


def changes(root):
    (site,) = (root / "env/lib").glob("python3*/site-packages")
    inside = sum(1 for _ in (site / "mover").iterdir()) if (site / "mover").is_dir() else -1
    return sorted(entry.name for entry in site.iterdir()), inside // 100


def struck(place, tool, at):
    """Kill the doctor at the ``at``-th change that is seen; the installer goes on until undo ends it. False: too late."""
    child, last, seen = doctor(place, "fix", tool), changes(place[0]), 0
    while child.poll() is None:
        now = changes(place[0])
        if now != last:
            last, seen = now, seen + 1
            if seen == at:
                os.kill(child.pid, signal.SIGKILL)
                child.wait()
                return True
    return False


def untouched(root, plain, before, frozen):
    """Every file is there as it was, what RECORD files name as well, and pip says the same."""
    assert picture(root / "env") == before
    assert subprocess.run(freeze(root), env=plain, capture_output=True, check=True).stdout == frozen
    for record in (root / "env/lib").glob("python3*/site-packages/*.dist-info/RECORD"):
        rows = [row[0] for row in csv.reader(record.read_text().splitlines()) if row]
        assert all((record.parents[1] / name).exists() for name in rows if not name.endswith(".pyc"))


def freeze(root):
    return [root / "env/bin/python", "-m", "pip", "freeze", "--all"]


def fresh(root, plain):
    shutil.rmtree(root / "env", ignore_errors=True)
    shutil.copytree(root / "kept", root / "env", symlinks=True)
    return picture(root / "env"), subprocess.run(freeze(root), env=plain, capture_output=True, check=True).stdout


def test_the_doctor_is_killed_while_pip_works(place):
    root, _, plain = place
    hits = 0
    for at in range(1, ROUNDS + 1):
        before, frozen = fresh(root, plain)
        if not struck(place, "pip", at):
            break
        hits += 1
        assert doctor(place, "undo", "pip").wait() == 0
        untouched(root, plain, before, frozen)
    assert hits > 0


def test_uv_is_killed_at_its_work(place):
    """A failed step: the doctor itself takes back what uv has left behind."""
    root, env, plain = place
    real = shutil.which("uv")
    if real is None:
        pytest.skip("no uv")
    (root / "path").mkdir()
    (root / "path/uv").write_text(f'#!/bin/sh\nexec timeout -s KILL "$DELAY" {real} "$@"\n')
    (root / "path/uv").chmod(0o755)
    env["PATH"] = f"{root / 'path'}:{env['PATH']}"
    ends = set()
    for delay in (0.1, 0.5, 60):
        before, frozen = fresh(root, plain)
        env["DELAY"] = str(delay)
        status = doctor(place, "fix", "uv").wait()
        ends.add(status == 0)
        if status == 0:
            break
        untouched(root, plain, before, frozen)
    assert ends == {True, False}
