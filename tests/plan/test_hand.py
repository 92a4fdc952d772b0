"""What only a person can do, in the words of the distribution, the container, the scheduler."""

import json

import pytest

from doctor.commands.fix import Shown, rendered
from doctor.engine import store
from doctor.ingest import ingest
from doctor.model import FixStep, Snapshot
from doctor.plan.hand import AsRoot, as_root, by_hand
from doctor.plan.make import plan
from doctor.plan.shell import Target
from doctor.report.plan import Style, render


def lines(what, **facts):
    found = by_hand(
        FixStep("advise", what, "", "manual"),
        Snapshot({"os.name": "linux", **{k.replace("__", "."): v for k, v in facts.items()}}),
    )
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


@pytest.mark.parametrize(
    ("distro", "version", "package"),
    [("ubuntu", "3.12.3", "python3.12-dev"), ("fedora", "3.13.1", "python3.13-devel"), ("opensuse-leap", "3.11.9", "python311-devel"), ("alpine", "3.12.0", "python3-dev"), ("arch", "3.13.0", "python")],
)  # fmt: skip
def test_headers_have_another_name_in_each(distro, version, package):
    assert (
        lines("python3-dev", os__distro=distro, python__version=version, python__base_prefix="/usr")[-1].split()[-1]
        == package
    )


def test_an_unknown_distribution_gets_no_guess():
    assert lines("build-essential", os__distro="nixos") is None
    assert lines("nvidia-driver", os__distro="nixos") is None
    assert lines("build-essential") is None


def test_root_needs_no_sudo():
    assert lines("git-lfs", os__distro="debian", host__root=True) == (
        "here",
        "apt-get update",
        "apt-get install -y git-lfs",
    )


def test_headers_of_the_python_that_is_looked_at():
    assert lines("python3-dev", os__distro="ubuntu", python__version="3.12.3", python__base_prefix="/usr")[-1].endswith(
        "python3.12-dev"
    )
    assert lines("python3-dev", os__distro="ubuntu", python__version="3.12.3", python__base_prefix="/opt/py")[
        -1
    ].endswith("python3-dev")


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
    assert lines("nvidia-driver", os__distro="ubuntu", host__wsl=2) == (
        "windows",
        "https://www.nvidia.com/drivers",
        "wsl --shutdown",
    )
    assert lines("reboot", host__wsl=2) == ("windows", "wsl --shutdown")
    assert lines("vc-redist", os__name="windows")[1].startswith("winget install")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Start the container with --shm-size"), ("zh", "启动容器时加 --shm-size")]
)
def test_the_plan_says_it_in_the_rules_own_words(language, words):
    snapshot = Snapshot({"os.name": "linux", "shm.size": 1 << 20, "host.container": "docker", "host.root": False})
    corpus = store.load()
    text = render(plan(snapshot, corpus.rules), Style(language, Target(), snapshot, corpus))
    assert words in text
    assert "    docker run --shm-size=8g IMAGE" in text.splitlines()


SLIM = {
    "os.name": "linux", "os.distro": "debian", "tool.cc": None, "tool.cxx": None, "python.include": False, "python.version": "3.11.2",
    "python.base_prefix": "/usr", "src.requirements": [{"name": "pycocotools", "spec": "", "met": False}], "dist.numpy": "1.26.4",
}  # fmt: skip
LINE = "apt-get update && apt-get install -y build-essential python3.11-dev"


def script_of(**facts):
    snapshot = Snapshot({**SLIM, **{k.replace("__", "."): v for k, v in facts.items()}})
    shown = Shown(plan(snapshot, store.load().rules), snapshot, Target(), None)
    return rendered(shown, "sh", False, "en")


def test_a_script_of_roots_installs_packages_of_the_distribution_first():
    text = script_of(host__root=True)
    assert LINE in text.splitlines()
    assert text.index("no undo takes it back") < text.index(LINE)
    assert "# cures PYE601 missing-compiler (to be confirmed by a new check)" in text.splitlines()
    assert "By hand" not in text


def test_a_script_of_anybody_else_names_each_line_once():
    text = script_of(host__root=False)
    assert text.count("# sudo apt-get update") == 1
    assert "# sudo apt-get install -y python3.11-dev" in text.splitlines()
    assert LINE not in text


def test_an_unknown_package_manager_leaves_advice():
    assert "apt-get" not in [
        line.split()[0] for line in script_of(host__root=True, os__distro="nixos").splitlines() if line
    ]


def test_a_script_of_roots_mounts():
    text = script_of(host__root=True, shm__size=1 << 19, shm__mounted=True)
    assert "mount -o remount,size=1g /dev/shm" in text.splitlines()
    assert "# docker run --shm-size=8g IMAGE" not in text


def test_an_application_leaves_both_to_the_user():
    made = plan(Snapshot({**SLIM, "host.root": True, "shm.size": 1 << 19}), store.load().rules)
    assert not [step for step in made.steps if step.kind == "run"]


def test_what_comes_from_elsewhere_is_only_said():
    step = FixStep("advise", "cuda-toolkit", "", "manual")
    assert as_root([step], Snapshot({"host.root": True, "os.distro": "ubuntu", "torch.cuda": "12.4"})) == AsRoot()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("pycocotools/_mask.c:45:10: fatal error: Python.h: No such file or directory", ["python3-dev"]),
        ("RuntimeError: Failed to find C compiler. Please specify via CC environment variable.", ["build-essential"]),
        ("error: command 'gcc' failed: No such file or directory", ["build-essential"]),
        ("error: Microsoft Visual C++ 14.0 or greater is required. Get it with Build Tools", ["build-essential"]),
        ("CMake Error: CMAKE_C_COMPILER not set, after EnableLanguage", ["build-essential"]),
    ],
)
def test_a_text_asks_for_what_it_misses_and_no_more(line, wanted):
    made = plan(ingest([line.encode()]), store.load().rules)
    assert [step.target for step in made.advice if step.target in ("build-essential", "python3-dev", "cmake")] == wanted


def test_lines_by_hand_are_json_too():
    snapshot = Snapshot({**SLIM, "host.root": False})
    shown = Shown(plan(snapshot, store.load().rules), snapshot, Target(), None)
    hands = [step["hand"] for step in json.loads(rendered(shown, "json", False, "en"))["advice"]]
    assert {"place": "here", "lines": ["sudo apt-get update", "sudo apt-get install -y python3.11-dev"]} in hands
