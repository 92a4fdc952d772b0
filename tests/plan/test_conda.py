"""A plan per owner: what conda installed is moved by conda, the rest by pip, in one plan."""

import shlex

import pytest

from doctor.errors import ApplyError
from doctor.ingest import ingest
from doctor.model import FixStep
from doctor.plan.apply import Place, acts
from doctor.plan.conda import Conda
from doctor.plan.make import plan
from doctor.plan.order import arranged
from doctor.plan.refuse import refusal
from doctor.plan.script import install, render
from doctor.plan.shell import Target, command
from tests.plan.test_make import RULES, machine, moves

FORGE, TORCHS = "conda-forge/linux-64", "pytorch/linux-64"
CARD = {"gpus": [{"index": 0, "name": "NVIDIA GeForce RTX 3090", "cc": "8.6"}], "gpu.present": True, "driver.version": "550.54.14"}
PREFIX = "/opt/conda/envs/llava"


def row(dist, version, package="", channel=FORGE, build="py311_0", needs=(), there=True):
    name = package or dist
    return {"package": name, "version": version, "build": build, "channel": channel, "dist": dist, "there": there, "needs": list(needs)}


def conda_machine(by_pip=(), rows=(), **facts):
    """An environment of conda; ``rows`` are its records, ``by_pip`` what pip brought."""
    mine = {each["dist"]: each["version"] for each in rows if each["dist"] and each["there"]}
    base = {
        "python__kind": "conda", "python__prefix": PREFIX, "conda__env": "llava", "conda__base": False, "conda__frozen": False,
        "conda__owned": list(rows), "conda__packages": {}, "conda__exe": "/opt/conda/condabin/conda", "conda__root": "/opt/conda",
    }  # fmt: skip
    return machine({**mine, **dict(by_pip)}, **{**base, **facts})


def lines(made, snapshot, shell="bash"):
    target = Target.of(snapshot)._replace(shell=shell)
    return [line for each in made.installs for line in install(each, target)]


NUMPY2 = row("numpy", "2.1.3")
TORCH21 = row("torch", "2.1.2", "pytorch", TORCHS, "py3.11_cuda12.1_cudnn8.9.2_0", needs=("mkl", "pytorch-cuda"))
CUDA121 = row("", "12.1", "pytorch-cuda", TORCHS, "ha16c6d3_5")


def test_what_conda_owns_is_moved_by_conda():
    """numpy 2 beside a torch that was built for numpy 1."""
    snapshot = conda_machine({"torch": "2.1.2", "pillow": "10.4.0"}, [NUMPY2])
    made = plan(snapshot, RULES)
    assert moves(made) == {"numpy": "1.26.4"}
    assert made.moves[0].by == "conda"
    assert made.goals[0].proof == "simulated"
    (line,) = lines(made, snapshot)
    assert line == f"/opt/conda/condabin/conda install -y -p {PREFIX} -c conda-forge numpy=1.26.4"
    assert not any("pip install" in line for line in render(made, Target.of(snapshot)).splitlines() if not line.startswith("#"))


def test_what_pip_brought_into_it_stays_with_pip():
    snapshot = conda_machine({"torch": "2.5.1", "torchvision": "0.15.2"}, [row("numpy", "1.26.4"), row("pillow", "10.4.0"), row("zstandard", "0.22.0")])
    made = plan(snapshot, RULES)
    assert moves(made) == {"torchvision": "0.20.1"}
    assert [each.by for each in made.installs] == ["pip"]
    assert {"zstandard==0.22.0", "numpy==1.26.4", "pillow==10.4.0"} <= set(made.installs[0].limits) or made.installs[0].alone


def test_both_in_one_plan_conda_first():
    snapshot = conda_machine({"torch": "2.1.2", "torchvision": "0.20.1", "transformers": "4.49.0"}, [NUMPY2])
    made = plan(snapshot, RULES)
    assert moves(made) == {"numpy": "1.26.4", "torchvision": "0.16.2"}
    assert [each.by for each in made.installs] == ["conda", "pip"]
    text = render(made, Target.of(snapshot))
    assert text.index("conda install") < text.index("-m pip install")


def test_a_promise_is_named_in_condas_call():
    snapshot = conda_machine({"torch": "2.1.2"}, [NUMPY2, row("scipy", "1.14.1"), row("attrs", "24.2.0")])
    made = plan(snapshot, RULES, frozenset({"attrs"}))
    assert "attrs=24.2.0" in made.installs[0].limits
    assert "attrs=24.2.0" in shlex.split(lines(made, snapshot)[0])


def test_torch_of_the_pytorch_channel_moves_with_its_cuda():
    """torchvision of another release: torch stays, and conda's own companions are asked for by their names."""
    rows = [TORCH21, CUDA121, row("torchvision", "0.15.2", channel=TORCHS, needs=("pytorch",)), row("numpy", "1.26.4")]
    snapshot = conda_machine((), rows, torch__package="conda", torch__cuda="12.1", torch__build="cuda")
    made = plan(snapshot, RULES)
    assert moves(made)["torchvision"] == "0.16.2"
    words = shlex.split(lines(made, snapshot)[0])
    assert "torchvision=0.16.2" in words
    assert "pytorch=2.1.2" in words  # what must stay, in conda's name
    assert words.count("-c") == 2
    assert {"pytorch", "nvidia"} == {words[at + 1] for at, word in enumerate(words) if word == "-c"}


def test_another_torch_of_the_channel_is_asked_with_its_lane():
    rows = [row("torch", "2.5.1", "pytorch", TORCHS, "py3.11_cuda12.4_cudnn9_0"), row("", "12.4", "pytorch-cuda", TORCHS), row("numpy", "1.26.4")]
    facts = {**CARD, "driver.version": "515.105.01", "torch.cuda": "12.4", "torch.package": "conda", "torch.build": "cuda"}
    snapshot = conda_machine((), rows).with_facts(facts)
    made = plan(snapshot, RULES)
    words = shlex.split(lines(made, snapshot)[0])
    assert "pytorch=2.5.1" in words
    assert "pytorch-cuda=11.8" in words
    assert not any("+cu118" in word for word in words)


def test_conda_forge_tells_its_build_by_the_build_string():
    rows = [row("torch", "2.5.1", "pytorch", FORGE, "cpu_mkl_py311_h1"), row("numpy", "1.26.4")]
    facts = {**CARD, "torch.package": "conda", "torch.build": "cpu", "torch.cuda": None, "os.name": "linux"}
    made = plan(conda_machine((), rows).with_facts(facts), RULES)
    assert "pytorch=2.5.1=*cuda*" in lines(made, conda_machine((), rows))[0].replace("'", "")


def test_a_build_without_cuda_loses_its_mark_first():
    rows = [row("torch", "2.5.1", "pytorch", TORCHS, "py3.11_cpu_0"), row("", "2.0", "cpuonly", TORCHS, "0"), row("numpy", "1.26.4")]
    facts = {**CARD, "torch.package": "conda", "torch.build": "cpu", "torch.cuda": None, "os.name": "linux"}
    snapshot = conda_machine((), rows).with_facts(facts)
    made = plan(snapshot, RULES)
    text = [line for line in render(made, Target.of(snapshot)).splitlines() if "condabin/conda" in line]
    record = f"{PREFIX}/conda-meta/cpuonly-2.0-0.json"  # a second run finds it gone
    assert text[0] == f"if [ -e {record} ] || [ -L {record} ]; then /opt/conda/condabin/conda remove -y -p {PREFIX} cpuonly; fi"
    assert "pytorch-cuda=12.4" in text[1]


def ended(extra=()):
    """A card that needs a torch newer than the channel's last one."""
    rows = [
        row("torch", "2.5.1", "pytorch", TORCHS, "py3.11_cuda12.4_cudnn9_0", needs=("pytorch-cuda", "mkl")),
        row("", "12.4", "pytorch-cuda", TORCHS), row("torchvision", "0.20.1", channel=TORCHS, needs=("pytorch",)),
        row("accelerate", "1.2.0", needs=("pytorch", "numpy")), row("numpy", "1.26.4"), *extra,
    ]  # fmt: skip
    facts = {"gpus": [{"index": 0, "name": "NVIDIA GeForce RTX 5090", "cc": "12.0"}], "gpu.present": True, "driver.version": "576.02"}
    facts |= {"torch.package": "conda", "torch.build": "cuda", "torch.cuda": "12.4", "torch.arch_list": ["sm_80", "sm_90"]}
    return conda_machine((), rows).with_facts(facts)


def test_where_the_channel_has_ended_wheels_take_over():
    """conda clears its books first, with all that it would take away beside; that comes back from pip at its version."""
    snapshot = ended()
    made = plan(snapshot, RULES)
    assert moves(made)["torch"].startswith("2.7.")
    assert moves(made)["accelerate"] == "1.2.0"
    assert {move.by for move in made.moves} == {"pip"}
    text = [line for line in render(made, Target.of(snapshot)).splitlines() if not line.startswith("#")]
    remove = next(line for line in text if "conda remove" in line)
    assert remove.endswith(f"remove -y -p {PREFIX} pytorch accelerate torchvision pytorch-cuda; fi")
    pip = next(line for line in text if "-m pip install" in line)
    assert text.index(remove) < text.index(pip)
    assert {"accelerate==1.2.0"} < set(made.installs[0].requirements)
    assert not made.unconfirmed


def test_a_promise_stops_the_hand_over():
    made = plan(ended(), RULES, frozenset({"torch"}))
    assert "torch" not in moves(made)
    assert not any(step.to == "conda" for step in made.steps)


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (FixStep("pin", "numpy", "<2", "changes-env"), "conda install -y -n llava -c conda-forge 'numpy<2'"),
        (FixStep("pin", "numpy", "===1.26.4", "changes-env"), "conda install -y -n llava -c conda-forge numpy==1.26.4"),
        (FixStep("reinstall", "numpy", "==2.1.3", "changes-env"), "conda install -y -n llava --force-reinstall -c conda-forge numpy=2.1.3=py311_0"),
        (FixStep("uninstall", "numpy", "", "changes-env"), "conda remove -y -n llava numpy"),
        (FixStep("uninstall", "scipy", "conda", "manual"), "conda remove -y -n llava --force scipy"),
        (FixStep("uninstall", "scipy", "", "changes-env"), "python -m pip uninstall -y scipy"),
        (FixStep("pin", "timm", "==1.0.9", "changes-env"), "python -m pip install timm==1.0.9"),
        (FixStep("pin", "libstdcxx-ng", ">=13", "changes-env"), "conda install -y -n llava 'libstdcxx-ng>=13'"),
    ],
)
def test_single_steps_in_the_words_of_the_owner(step, line):
    """In a text of another machine the environment goes by its name."""
    snapshot = conda_machine({"timm": "0.6.0"}, [NUMPY2, row("scipy", "1.11", there=False)])._replace(source="pasted")
    assert command(step, Target.of(snapshot)) == line


def test_pip_is_never_asked_for_condas_own_libraries():
    assert command(FixStep("pin", "libstdcxx-ng", "", "changes-env"), Target()) == ""
    assert command(FixStep("pin", "mkl", "<2024.1", "changes-env"), Target()) == ""


def test_values_are_quoted_in_powershell_too():
    snapshot = conda_machine((), [row("torch", "2.5.1", "pytorch", build="cuda")]).with_facts({"python.prefix": "C:\\my envs\\llava", "conda.exe": "C:\\conda dir\\conda.exe"})
    line = command(FixStep("pin", "torch", "<2.6", "changes-env"), Target.of(snapshot)._replace(shell="powershell"))
    assert line == "& 'C:\\conda dir\\conda.exe' install -y -p 'C:\\my envs\\llava' -c conda-forge 'torch<2.6'".replace("torch<", "pytorch<")


def test_the_base_environment_of_conda_is_left_alone():
    snapshot = conda_machine({"torch": "2.1.2"}, [NUMPY2], conda__base=True, conda__env="base", python__free_env="vlm-2")
    found = refusal(plan(snapshot, RULES), snapshot, Target.of(snapshot))
    assert found.why == "base"
    assert found.lines[0] == "/opt/conda/condabin/conda create -y -n vlm-2 python=3.11 pip"
    assert found.lines[1].startswith('vlmdoctor fix --python "$(')


def test_what_pip_brought_into_the_base_environment_may_move():
    snapshot = conda_machine({"torch": "2.5.1", "torchvision": "0.15.2", "numpy": "1.26.4", "pillow": "10.4.0"}, [row("requests", "2.32.0")], conda__base=True)
    made = plan(snapshot, RULES)
    assert moves(made) == {"torchvision": "0.20.1"}
    assert refusal(made, snapshot, Target.of(snapshot)) is None


def test_a_frozen_environment_is_left_alone():
    snapshot = conda_machine({"torch": "2.5.1", "torchvision": "0.15.2", "numpy": "1.26.4"}, [], conda__frozen=True)
    assert refusal(plan(snapshot, RULES), snapshot, Target.of(snapshot)).why == "frozen"


def test_an_environment_without_pip_gets_one_first():
    snapshot = conda_machine({"torch": "2.5.1", "torchvision": "0.15.2"}, [row("numpy", "1.26.4")], python__installer="conda")
    made = plan(snapshot, RULES)
    assert made.installs[0].requirements == ("pip",)
    assert [each.by for each in made.installs] == ["conda", "pip"]


def test_what_conda_takes_away_beside():
    env = Conda.of(ended())
    assert [each.package for each in env.dependents("pytorch")] == ["accelerate", "torchvision"]


def test_a_pasted_list_plans_for_its_owner():
    text = (
        "# packages in environment at /home/me/miniconda3/envs/llava:\n#\n# Name                    Version                   Build  Channel\n"
        "numpy                     2.1.3           py311h5f9d8c6_0    conda-forge\npython                    3.11.7      h955ad1f_1\n"
        "pytorch                   2.1.2           py3.11_cuda12.1_cudnn8.9.2_0    pytorch\ntransformers              4.37.2                   pypi_0    pypi\n"
    )
    snapshot = ingest([text])
    made = plan(snapshot, RULES)
    assert moves(made)["numpy"] == "1.26.4"
    script = render(made, Target.of(snapshot))
    assert "conda install -y -n llava -c conda-forge numpy=1.26.4" in script
    assert "pip install" not in script


def test_the_order_of_doing_is_one():
    kinds = [each.kind if isinstance(each, FixStep) else each.by for each in arranged(plan(ended(), RULES))]
    assert kinds == ["uninstall", "pip"]


def test_conda_is_not_let_loose_on_an_environment_that_is_not_known():
    """What cannot be put by is not changed."""
    snapshot = conda_machine({"torch": "2.1.2"}, [NUMPY2]).with_facts({"python.prefix": None})
    with pytest.raises(ApplyError, match="not known"):
        list(acts(plan(snapshot, RULES), Target.of(snapshot), Place.of(snapshot, {}), allow=False))
