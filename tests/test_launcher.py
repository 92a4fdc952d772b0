"""The plain command: a shell script that starts us isolated from the patient's variables (docs/decisions/0008)."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[1]
LAUNCHER = ROOT / "launchers" / "vlmdoctor"
SCRIPT = "import sys\nfrom doctor.start import run\nsys.exit(run())\n"
BLANKS = "#!/bin/sh\n'''exec' {quoted} \"$0\" \"$@\"\n' '''\n"
BASE = Path(sys.base_prefix, "bin", "python{}.{}".format(*sys.version_info))  # knows no package of ours
MOVED = "#!/usr/bin/env python3\n"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has vlmdoctor.cmd")


def install(folder, head=f"#!{sys.executable}\n"):
    """What an installer leaves in a folder for scripts."""
    folder.mkdir(parents=True)
    shutil.copy(LAUNCHER, folder / "vlmdoctor")
    (folder / "vlmdoctor-python").write_text(head + SCRIPT)
    (folder / "vlmdoctor-python").chmod(0o755)
    return folder / "vlmdoctor"


def call(*words, env=None, shell=()):
    given = {**os.environ, **(env or {})}
    return subprocess.run([*map(str, (*shell, *words))], capture_output=True, text=True, env=given, timeout=30, check=False)


def works(*words, **how):
    done = call(*words, "--version", **how)
    return done.returncode == 0 and done.stdout.startswith("vlmdoctor, version") and not done.stderr


@pytest.fixture
def patient(tmp_path):
    """A folder for PYTHONPATH whose code leaves a trace and ends the interpreter."""
    (tmp_path / "bad").mkdir()
    code = f"import os\nopen({str(tmp_path / 'ran')!r}, 'w').close()\nos.kill(os.getpid(), 9)\n"
    for name in ("sitecustomize", "click", "json"):
        (tmp_path / "bad" / f"{name}.py").write_text(code)
    return tmp_path / "bad"


def test_the_installed_file_can_be_run():
    assert LAUNCHER.stat().st_mode & stat.S_IXUSR
    assert LAUNCHER.read_bytes().startswith(b"#!/bin/sh\n")


def test_nothing_of_the_patient_runs(tmp_path, patient):
    launcher = install(tmp_path / "bin")
    hostile = {"PYTHONPATH": str(patient), "PYTHONHOME": "/nonexistent", "PYTHONINSPECT": "1", "PYTHONWARNINGS": "error", "PATH": ""}
    assert works(launcher, env=hostile)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("head", [BLANKS.format(quoted=f'"{sys.executable}"'), BLANKS.format(quoted=f"'{sys.executable}'"), BLANKS.format(quoted=sys.executable), f"#!{sys.executable} -s\n"])
def test_every_form_of_the_first_line_is_read(tmp_path, patient, head):
    assert works(install(tmp_path / "bin", head), env={"PYTHONPATH": str(patient)})
    assert not (tmp_path / "ran").exists()


def test_a_moved_environment_starts_itself(tmp_path):
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "path" / "python3").chmod(0o755)
    assert works(install(tmp_path / "bin", MOVED), env={"PATH": f"{tmp_path / 'path'}:/usr/bin:/bin"})


def test_folders_with_blanks_links_and_no_folder_at_all(tmp_path, patient, monkeypatch):
    launcher = install(tmp_path / "my 'own' $(touch x) bin")
    env = {"PYTHONPATH": str(patient)}
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "doc").symlink_to(Path("..") / launcher.parent.name / "vlmdoctor")
    (tmp_path / "links" / "again").symlink_to("doc")
    assert works(launcher, env=env)
    assert works(tmp_path / "links" / "again", env=env)
    monkeypatch.chdir(launcher.parent)
    assert works("vlmdoctor", shell=("/bin/sh", "-eu"), env=env)


def test_variables_stay_facts_for_the_doctor(tmp_path, patient):
    launcher = install(tmp_path / "bin")
    env = {"PYTHONPATH": str(patient), "PYTHONSTARTUP": "/a/start.py", "PYTHONNOUSERSITE": "1"}
    out = tmp_path / "snapshot.json"
    assert call(launcher, "collect", "-o", out, "--python", sys.executable, env=env).returncode == 0
    text = out.read_text(encoding="utf-8")
    assert all(f'"env.{name}"' in text for name in env)
    assert str(patient) in text
    assert not (tmp_path / "ran").exists()


def test_status_and_signals_are_the_programs_own(tmp_path):
    launcher = install(tmp_path / "bin")
    assert call(launcher, "frobnicate").returncode == 2
    with subprocess.Popen([launcher, "diagnose", "-"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        while b"python" not in Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")[0]:
            continue  # the shell becomes the interpreter: same process
        process.send_signal(signal.SIGTERM)
        process.stdin.close()
    assert process.returncode in (-signal.SIGTERM, 143)


def test_byte_code_is_written_only_if_ours_may_be(tmp_path):
    launcher = install(tmp_path / "bin", f"#!{tmp_path / 'python'}\n")
    (tmp_path / "python").write_text('#!/bin/sh\necho "$1 $2"\n')
    (tmp_path / "python").chmod(0o755)
    assert call(launcher, env={"PYTHONDONTWRITEBYTECODE": "1"}).stdout == "-I -B\n"
    assert call(launcher, env={"PYTHONDONTWRITEBYTECODE": ""}).stdout == "-I -c\n"


@pytest.mark.parametrize(("variables", "encoding"), [({"PYTHONIOENCODING": "gbk:strict"}, "gbk"), ({"PYTHONUTF8": "1"}, "utf-8"), ({"PYTHONIOENCODING": "no such", "LC_ALL": "C.UTF-8"}, "utf-8")])
def test_output_is_encoded_as_its_reader_asked(tmp_path, variables, encoding):
    launcher = install(tmp_path / "bin")
    plain = {"PYTHONIOENCODING": "", "PYTHONUTF8": "", "LC_ALL": "C"}
    done = subprocess.run([launcher, "explain", "DRV102", "--lang", "zh"], capture_output=True, env={**os.environ, **plain, **variables}, timeout=30, check=False)
    assert done.returncode == 0
    assert "显卡" in done.stdout.decode(encoding)


def bare_site(folder):
    """Our package and what --version needs in a folder."""
    folder.mkdir(parents=True)
    (folder / "doctor").symlink_to(ROOT / "doctor")
    (folder / "click").symlink_to(Path(click.__file__).parent)


def test_a_user_site_is_found_and_pythonpath_stays_out(tmp_path, patient, monkeypatch):
    """What ``pip install --user`` leaves: our package where only a start without -I looks."""
    monkeypatch.delenv("PYTHONUSERBASE", raising=False)
    bare_site(tmp_path / ".local" / "lib" / BASE.name / "site-packages")
    launcher = install(tmp_path / ".local" / "bin", f"#!{BASE}\n")
    assert works(launcher, env={"HOME": str(tmp_path), "PYTHONPATH": str(patient)})
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("variable", ["PYTHONPATH", "PYTHONUSERBASE"])
def test_a_package_that_only_a_variable_names_is_found(tmp_path, monkeypatch, variable):
    site = tmp_path / "lib" / BASE.name / "site-packages"
    bare_site(site)
    launcher = install(tmp_path / "bin", f"#!{BASE}\n")
    assert works(launcher, env={"HOME": "/nonexistent", variable: str(site if variable == "PYTHONPATH" else tmp_path)})
