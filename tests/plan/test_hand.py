"""What only a person can do, in the words of the distribution, the container, the scheduler."""

import pytest

from doctor.engine import store
from doctor.model import FixStep, Snapshot
from doctor.plan.hand import by_hand
from doctor.plan.make import plan
from doctor.plan.shell import Target
from doctor.report.plan import Style, render


def lines(what, **facts):
    found = by_hand(FixStep("advise", what, "", "manual"), Snapshot({"os.name": "linux", **{k.replace("__", "."): v for k, v in facts.items()}}))
    return (found.place, *found.lines) if found else None


@pytest.mark.parametrize(
    ("distro", "line"),
    [
        ("ubuntu", "sudo apt-get install -y build-essential"),
        ("rocky", "sudo dnf install -y gcc gcc-c++ make"),
        ("opensuse-leap", "sudo zypper install -y gcc gcc-c++ make"),
        ("arch", "sudo pacman -S --needed --noconfirm base-devel"),
        ("alpine", "sudo apk add build-base"),
    ],
)
def test_each_distribution_has_its_own_tool(distro, line):
    assert lines("build-essential", os__distro=distro)[-1] == line


def test_an_unknown_distribution_gets_no_guess():
    assert lines("build-essential", os__distro="nixos") is None
    assert lines("nvidia-driver", os__distro="nixos") is None
    assert lines("build-essential") is None


def test_root_needs_no_sudo():
    assert lines("git-lfs", os__distro="debian", host__root=True) == ("here", "apt-get update", "apt-get install -y git-lfs")


def test_headers_of_the_python_that_is_looked_at():
    assert lines("python3-dev", os__distro="ubuntu", python__version="3.12.3", python__base_prefix="/usr")[-1].endswith("python3.12-dev")
    assert lines("python3-dev", os__distro="ubuntu", python__version="3.12.3", python__base_prefix="/opt/py")[-1].endswith("python3-dev")


def test_numbers_of_this_machine():
    assert "nvidia-fabricmanager-550" in lines("nvidia-fabricmanager", os__distro="ubuntu", driver__branch=550)[1]
    assert lines("nvidia-fabricmanager", os__distro="ubuntu") is None
    assert lines("cuda-toolkit", os__distro="rhel", torch__cuda="12.4")[-1] == "sudo dnf install -y cuda-toolkit-12-4"


@pytest.mark.parametrize("what", ["nvidia-driver", "nvidia-container-toolkit", "reboot"])
def test_a_container_sends_to_its_host(what):
    assert lines(what, os__distro="ubuntu", host__container="docker") == ("host",)


def test_how_it_is_started():
    assert lines("--gpus all", host__container="podman")[1] == "podman run --device nvidia.com/gpu=all IMAGE"
    assert "emptyDir" in lines("shm", host__container="docker", host__kubernetes=True)[1]
    assert lines("--gres=gpu:1", host__slurm_tools=True)[1].startswith("sbatch")


def test_wsl_and_windows():
    assert lines("nvidia-driver", os__distro="ubuntu", host__wsl=2) == ("windows", "https://www.nvidia.com/drivers", "wsl --shutdown")
    assert lines("reboot", host__wsl=2) == ("windows", "wsl --shutdown")
    assert lines("vc-redist", os__name="windows")[1].startswith("winget install")


@pytest.mark.parametrize(("language", "words"), [("en", "Start the container with --shm-size"), ("zh", "启动容器时加 --shm-size")])
def test_the_plan_says_it_in_the_rules_own_words(language, words):
    snapshot = Snapshot({"os.name": "linux", "shm.size": 1 << 20, "host.container": "docker", "host.root": False})
    corpus = store.load()
    text = render(plan(snapshot, corpus.rules), Style(language, Target(), snapshot, corpus))
    assert words in text
    assert "    docker run --shm-size=8g IMAGE" in text.splitlines()
