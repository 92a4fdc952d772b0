"""PYTHONPATH and hooks of a sitecustomize belong to the patient: they must not get in our way."""

import os
import subprocess
import sys

import pytest

HOOK = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('click', 'packaging'):
            raise RuntimeError('hook')
sys.meta_path.insert(0, Finder())
"""


def start(folder, *words):
    env = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, "-m", "doctor", *words], capture_output=True, text=True, env=env, timeout=60, check=False)


@pytest.mark.parametrize("name", ["click", "packaging", "json", "uuid"])
def test_modules_on_pythonpath_do_not_shadow_ours(tmp_path, name):
    (tmp_path / f"{name}.py").write_text("raise SystemExit('shadowed')")
    done = start(tmp_path, "explain", "DRV102")
    assert done.returncode == 0, done.stderr


def test_import_hooks_of_a_sitecustomize_are_switched_off(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    done = start(tmp_path, "explain", "DRV102")
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell closes the streams")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(closed):
    line = f'"{sys.executable}" -m doctor explain DRV102 {closed}'
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
