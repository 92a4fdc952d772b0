"""Every variable that the doctor knows has a value that no program expects: nothing breaks, nothing is executed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAME = re.compile(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"')
STARTS = ("VIRTUAL_ENV", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONHOME", "VLMDOCTOR_DEBUG")  # whether anything runs at all
ODD = ("²", "9" * 5000, "\udcff\udcfe", "$(touch PWNED)`touch PWNED`;touch PWNED", "-1", "\x1b[31m[bold]{torch}%s", "http://[::1", "\n=\n")


def names():
    texts = [path.read_text(encoding="utf-8") for kind in ("doctor/**/*.py", "rules/**/*.toml") for path in sorted(ROOT.glob(kind))]
    return sorted({name for text in texts for name in NAME.findall(text)} - set(STARTS))


@pytest.mark.parametrize("value", ODD, ids=lambda text: ascii(text)[:12])
@pytest.mark.skipif(sys.platform == "win32", reason="bytes as values")
def test_a_check_among_odd_variables(tmp_path, value):
    odd = dict.fromkeys(names(), value.encode("utf-8", "surrogateescape"))
    env = {**odd, "PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "VLMDOCTOR_DEBUG": "1", "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "doctor", "check", "--format", "json"]
    done = subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, 1, 3), done.stderr
    assert b"Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert not report["crashed"]
    assert not [why for why in report["unread"].values() if "Error: " in why]
    assert not (tmp_path / "PWNED").exists()
