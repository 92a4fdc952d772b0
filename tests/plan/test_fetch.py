"""Files that are fetched again: once for all findings, and over a plain file that stands where a link belongs."""

import subprocess
import sys

from doctor.model import Finding, FixStep, Snapshot
from doctor.model.finding import Verdict
from doctor.plan.choose import Cure
from doctor.plan.constraints import World
from doctor.plan.files import exact
from doctor.plan.order import ordered
from doctor.plan.shell import Target, command

CLIENT = """
import os

def hf_hub_download(repo, name, force_download=False, **place):
    with open("blob", "w") as file:
        file.write("{}")
    if not os.path.exists(name):
        os.symlink("blob", name)
    return name

def snapshot_download(repo, **place):
    return "."
"""


def cure(rule, to):
    step = FixStep("download", "me/model", to, "safe", 1, (rule,))
    return Cure(Finding(rule, "x", "cache", "error", Verdict.HIT, 0.9, fix=(step,)), 1)


def test_one_download_for_two_findings():
    (step,), _ = ordered((cure("NET101", ""), cure("HFC107", "config.json")), World(Snapshot({}), ()))
    assert step.because == ("NET101", "HFC107")


def test_a_plain_file_in_the_place_of_a_link(tmp_path):
    (tmp_path / "huggingface_hub.py").write_text(CLIENT)
    (tmp_path / "config.json").write_text("../../blobs/0a10")
    step = FixStep("download", "me/model", "", "safe", 1, (), {"files": "config.json"})
    line = command(step, Target(python=sys.executable))
    subprocess.run(["bash", "-c", line], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=True)
    assert (tmp_path / "config.json").is_symlink()


def test_a_folder_that_bears_the_repositorys_name():
    rows = [{"repo": "openai/clip", "kind": "lfs-pointer", "path": "/p/openai/clip/model.safetensors", "asked": True}]
    step = FixStep("download", "openai/clip", "/p/openai/clip/model.safetensors", "safe", 1, ("HFC105",))
    made = exact(step, Snapshot({"hf.problems": rows}))
    assert made is not None
    assert (made.target, made.bound) == ("openai/clip", {"folder": "/p/openai/clip", "files": "model.safetensors"})
    rows[0]["path"] = "/hub/models--openai--clip/snapshots/0a/model.safetensors"
    cached = exact(step, Snapshot({"hf.problems": rows}))
    assert cached is not None
    assert cached.bound == {"files": "model.safetensors"}
