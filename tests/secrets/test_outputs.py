"""Every secret of the corpora in the places that a live run reads: no command shows one, in no format, nor the journal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from test_corpora import PATIENT, SECRETS, _all, _leaks

LINES = [case.text for case in SECRETS if "\n" not in case.text and "\0" not in case.text]
TOLD = ("HF_ENDPOINT", "HF_HOME", "PIP_INDEX_URL", "https_proxy", "no_proxy", "VLLM_API_KEY", "NCCL_SOCKET_IFNAME")
ADDRESSES = ("host", "ip", "id", "home", "user", "email", "mac")  # an endpoint is told with its host


SET = [line for line in LINES if re.match(r"[A-Za-z_]+=\S+$", line)]
WORD = "kEstrel41Lamp"  # no pattern knows it for a password: its place does
PROGRAM = f"""
import argparse, os
from transformers import AutoModel
os.environ["DB_PASSWORD"] = "{WORD}"
p = argparse.ArgumentParser()
p.add_argument("--api-key", default="{WORD}")
p.add_argument("--password", default="{WORD}")
AutoModel.from_pretrained("a/b", token="{WORD}", password="{WORD}")
demo.launch(auth=("admin", "{WORD}"), server_name="0.0.0.0")
demo.launch(auth=[("admin", "{WORD}")])
login(token="{WORD}")
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user whose files and program are full of secrets."""
    home = tmp_path_factory.mktemp("home")
    lines = "\n".join(LINES)
    files = {
        ".config/pip/pip.conf": "[global]\n" + "\n".join(f"index-url = {line}" for line in LINES if "://" in line),
        ".netrc": lines,
        ".cache/huggingface/token": LINES[0],
        "w/a.py": "import torch\n" + "\n".join(f"x{n} = {line!r}" for n, line in enumerate(LINES)) + PROGRAM,
        "w/a.sh": "#!/bin/sh\n" + lines + "\npython a.py\n",
        "w/Dockerfile": "FROM python:3.10\n"
        + "\n".join([*(f"RUN {line}" for line in LINES), *(f"ENV {line}" for line in SET)]),
        "w/.env": "\n".join(SET),
        "w/requirements.txt": "torch==2.1.2\n" + lines,
        "w/m/config.json": json.dumps({"model_type": "llava", "_name_or_path": LINES[3], "x": LINES}),
        "w/all.txt": _all(),
    }
    for name, body in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    return home


def run(home: Path, *words: str, told: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    """The command as a shell starts it, its environment full of secrets too."""
    env = {f"X_{n}": line for n, line in enumerate(LINES)} | {f"HF_X_{n}": line for n, line in enumerate(LINES)}
    env |= {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "XDG_STATE_HOME": str(home / "state"),
        **told,
    }
    command = [sys.executable, "-m", "doctor", *words]
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", timeout=120, env=env, cwd=home / "w", check=False
    )


WHAT = ("a.py", "a.sh", "Dockerfile", ".env", "requirements.txt", "--model", "m", "--timeout", "60")


@pytest.mark.skipif(os.name == "nt", reason="POSIX shells and paths")
@pytest.mark.parametrize(
    "words",
    [
        ("collect", *WHAT), ("check", *WHAT), ("check", *WHAT, "--format", "markdown", "--lang", "zh"),
        *(("fix", "--dry-run", *WHAT, "--format", form) for form in ("text", "sh", "powershell", "json")),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_machine_full_of_secrets(home: Path, words: tuple[str, ...]) -> None:
    done = run(home, *words)
    assert "Traceback (most" not in done.stderr
    assert done.returncode in (0, 1)
    assert len(done.stdout) > 40
    assert _leaks(done.stdout + done.stderr) == []
    assert WORD not in done.stdout + done.stderr


@pytest.mark.skipif(os.name == "nt", reason="POSIX shells and paths")
@pytest.mark.parametrize("turn", range(3))
def test_variables_whose_values_are_told(home: Path, turn: int) -> None:
    """Each of these variables holds another secret."""
    cases = [case for case in SECRETS if case.text in LINES and "://" in case.text and case.kind not in ADDRESSES]
    chosen = (cases[turn * len(TOLD) :] + cases)[: len(TOLD)]
    done = run(
        home, "collect", "--timeout", "60", told={name: case.text for name, case in zip(TOLD, chosen, strict=True)}
    )
    assert done.returncode == 0, done.stderr
    assert [case for case in chosen if case.verdict(done.stdout) == "leak"] == []


@pytest.mark.skipif(os.name == "nt", reason="cat")
@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_run_shows_the_command_its_own_output_and_nothing_more(home: Path, form: str) -> None:
    """What the command itself prints passes through; the diagnosis, in a file or below it, is redacted."""
    out = home / f"report.{form}"
    done = run(
        home, "run", "--format", form, "-o", str(out), "--timeout", "60", "--", "sh", "-c", "cat all.txt; exit 1"
    )
    assert done.returncode == 1
    assert _leaks(out.read_text(encoding="utf-8")) == []
    told = run(home, "run", "--format", form, "--timeout", "60", "--", "sh", "-c", "cat all.txt; exit 1")
    assert PATIENT.splitlines()[0] in told.stdout
    assert _leaks(told.stderr) == []


def test_a_batch(home: Path) -> None:
    """One report a line."""
    lines = home / "batch.jsonl"
    lines.write_text("\n".join(json.dumps({"id": n, "text": PATIENT + case.text}) for n, case in enumerate(SECRETS)))
    assert _leaks(run(home, "diagnose", "--batch", str(lines)).stdout) == []


@pytest.mark.skipif(os.name == "nt", reason="the installer is a shell script")
@pytest.mark.parametrize("asked", ["exit 0", "cat {home}/w/all.txt; exit 1"])
def test_an_installer_that_prints_them(home: Path, asked: str) -> None:
    """What it says when it is asked, or when it fails, and what the journal keeps of it."""
    python = home / "venv" / "bin" / "python"
    (home / "venv" / "lib" / "python3.11" / "site-packages").mkdir(parents=True, exist_ok=True)
    python.parent.mkdir(exist_ok=True)
    does = f'case "$*" in *--dry-run*) {asked};; esac\ncat {home}/w/all.txt\nexit 1\n'
    python.write_text("#!/bin/sh\n" + does.replace("{home}", str(home)))
    python.chmod(0o755)
    facts = {
        "os.name": "linux", "os.arch": "x86_64", "python.version": "3.11.7", "python.installer": "pip", "python.writable": True,
        "dist.torch": "2.5.1", "dist.torchvision": "0.15.2", "dist.numpy": "1.26.4", "python.prefix": str(home / "venv"),
        "python.executable": str(python), "python.site": [str(home / "venv" / "lib" / "python3.11" / "site-packages")],
    }  # fmt: skip
    report = {"schema": "vlmdoctor.report/1", "source": "live", "snapshot": facts, "closed": ["env"]}
    (home / "r.json").write_text(json.dumps(report))
    done = run(home, "fix", "--yes", "--report", str(home / "r.json"))
    assert done.returncode in (1, 3)
    written = "".join(path.read_text(errors="replace") for path in (home / "state").rglob("*") if path.is_file())
    assert _leaks(done.stdout + done.stderr + written) == []
