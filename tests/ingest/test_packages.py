"""Lists of packages."""

import json

from doctor.ingest import ingest

PIP = """Package            Version      Editable project location
------------------ ------------ -------------------------
accelerate         1.6.0
flash_attn         2.7.4.post1
llava              1.2.2.post1  /home/me/LLaVA
numpy              1.26.4
pip                24.0
torch              2.4.0+cu121
torchvision        0.19.0+cpu
urllib3            2.2.1
wheel              0.43.0
"""


def test_pip_list(facts):
    found = facts(PIP)
    assert found["dist.flash-attn"] == "2.7.4.post1"
    assert found["torch.cuda"] == "12.1"
    assert found["torchvision.build"] == "cpu"
    assert found["dists"] == [
        {"name": "llava", "version": "1.2.2.post1", "location": "/home/me/LLaVA", "editable": True}
    ]
    assert "pip-list" in found["log.kind"]


def test_only_a_whole_list_closes_the_family():
    assert ingest([PIP]).closed == {"dist"}
    assert ingest([PIP]).look("dist.vllm") == (True, None)
    assert ingest([PIP.partition("pip  ")[0]]).closed == frozenset()  # cut off
    assert ingest(["$ pip list | grep t\n" + PIP]).closed == frozenset()
    assert ingest(["\n".join(PIP.split("\n")[2:])]).closed == frozenset()  # no header


def test_list_without_header(facts):
    assert (
        facts("vllm                      0.6.1                    pypi_0    pypi\ntorch   2.4.0  pypi_0 pypi\n")[
            "dist.vllm"
        ]
        == "0.6.1"
    )


def test_a_table_of_other_things_is_no_list(facts):
    found = facts("epoch    1.0\nloss     0.123\naccuracy   0.95\n")
    assert not [name for name in found if name.startswith("dist.")]


def test_conda_list(facts):
    found = facts(
        "# packages in environment at /opt/conda:\n#\n# Name                    Version                   Build  Channel\n"
        "libstdcxx-ng              11.2.0               h1234567_1    conda-forge\nnumpy                     1.26.4           py310h5f9d8c6_0\n"
        "python                    3.10.14              h955ad1f_1\npytorch                   2.1.2           py3.10_cuda12.1_cudnn8.9.2_0    pytorch\n"
        "torchvision               0.16.2              py310_cu121    pytorch\ntransformers              4.37.2                   pypi_0    pypi\n"
    )
    assert found["dist.torch"] == "2.1.2"
    assert found["torch.cuda"] == "12.1"
    assert found["torch.package"] == "conda"
    assert found["python.version"] == "3.10.14"
    assert found["conda.packages"]["libstdcxx-ng"] == "11.2.0 h1234567_1 conda-forge"
    assert "dist.libstdcxx-ng" not in found
    assert "dist.python" not in found


def test_who_owns_what_survives_a_conda_list(facts):
    found = facts(
        "# packages in environment at /home/me/miniconda3/envs/llava:\n#\n# Name                    Version                   Build  Channel\n"
        "libstdcxx-ng              11.2.0               h1234567_1    conda-forge\nnumpy                     1.26.4           py310h5f9d8c6_0\n"
        "python                    3.10.14              h955ad1f_1\npytorch                   2.1.2           py3.10_cuda12.1_cudnn8.9.2_0    pytorch\n"
        "py-opencv                 4.10.0           qt6_py310h_0    conda-forge\nhuggingface_hub           0.20.3   pyhd8ed1ab_0    conda-forge\n"
        "torch                     2.2.0                    pypi_0    pypi\ntransformers              4.37.2                   pypi_0    pypi\n"
    )
    rows = {row["dist"] or row["package"]: row for row in found["conda.owned"]}
    assert found["conda.env"] == "llava"
    assert found["conda.base"] is False
    assert found["dist.torch"] == "2.2.0"  # what pip has put over conda's
    assert (rows["torch"]["package"], rows["torch"]["version"], rows["torch"]["there"]) == ("pytorch", "2.1.2", False)
    assert (rows["numpy"]["channel"], rows["numpy"]["build"], rows["numpy"]["there"]) == ("defaults", "py310h5f9d8c6_0", True)
    assert rows["opencv-python"]["package"] == "py-opencv"
    assert rows["huggingface-hub"]["package"] == "huggingface_hub"
    assert rows["libstdcxx-ng"]["dist"] == ""
    assert "transformers" not in rows


def test_the_base_environment_of_conda(facts):
    head = "# packages in environment at C:\\Users\\me\\miniconda3:\n#\n# Name  Version  Build  Channel\nnumpy   1.26.4   py311h_0  conda-forge\nscipy   1.11.0   py311h_0  conda-forge\n"
    assert facts(head)["conda.base"]
    assert facts(head)["conda.env"] == "base"


def test_conda_cpu_build(facts):
    found = facts(
        "pytorch                   1.11.0              py3.8_cpu_0    pytorch\ntorchaudio  0.11.0  py38_cpu  pytorch\n"
    )
    assert found["torch.build"] == "cpu"
    assert found["torch.cuda"] is None


def test_freeze_and_direct_urls(facts):
    found = facts(
        "$ pip freeze\ntorch==2.3.0+cu118\ntransformers==4.41.2\n"
        "flash-attn @ https://example.invalid/flash_attn-2.5.8-cp310-cp310-linux_x86_64.whl\n"
    )
    assert found["dist.torch"] == "2.3.0+cu118"
    assert found["dist.flash-attn"] == "2.5.8"


def test_show(facts):
    found = facts(
        "Name: transformers\nVersion: 4.48.2\nSummary: x\nLocation: /usr/local/lib/python3.10/dist-packages\nRequires: a\n---\nName: peft\nVersion: 0.10.0\n"
    )
    assert found["dist.transformers"] == "4.48.2"
    assert found["dist.peft"] == "0.10.0"
    assert found["dists"][0]["location"].endswith("dist-packages")


def test_uv_tree_and_uv_install(facts):
    found = facts(
        "demo v0.1.0\n├── torch v2.5.1\n│   ├── numpy v2.1.3\n│   └── sympy v1.13.1 (*)\n└── gradio v4.44.1 (extra: ui)\n"
    )
    assert found["dist.numpy"] == "2.1.3"
    assert found["dist.gradio"] == "4.44.1"
    assert facts("Installed 2 packages in 3ms\n - torch==2.4.0\n + torch==2.5.1\n")["dist.torch"] == "2.5.1"


def test_json(facts):
    assert (
        facts(json.dumps([{"name": "torch", "version": "2.1.0"}, {"name": "x", "version": {}}]))["dist.torch"]
        == "2.1.0"
    )


def test_nvidia_wheels(facts):
    found = facts(
        "[pip3] nvidia-nccl-cu11==2.14.3\n[pip3] nvidia-nccl-cu12==2.27.3\n[pip3] nvidia-cublas==13.0.0.19\n[pip3] nvidia-ml-py==12.575.51\n"
    )
    assert {(w["lib"], w["major"]) for w in found["python.nvidia_wheels"]} == {
        ("nccl", 11),
        ("nccl", 12),
        ("cublas", 13),
    }


def test_pip_check_and_resolver(facts):
    found = facts(
        "vllm 0.6.1 requires torch==2.4.0, but you have torch 2.5.1+cu124 which is incompatible.\n"
        "foo 1.0 requires bar<2,>=1, which is not installed.\nold 1.0 has requirement numpy<2, but you'll have numpy 2.0.1 which is incompatible.\n"
    )
    assert found["python.unmet"] == [
        {"dist": "vllm", "version": "0.6.1", "needs": "torch", "spec": "==2.4.0", "found": "2.5.1+cu124"},
        {"dist": "foo", "version": "1.0", "needs": "bar", "spec": "<2,>=1", "found": None},
        {"dist": "old", "version": "1.0", "needs": "numpy", "spec": "<2", "found": "2.0.1"},
    ]
    assert found["dist.bar"] is None


def test_pip_install_log(facts):
    found = facts(
        "Requirement already satisfied: numpy in /x/lib/python3.10/site-packages (from torch) (1.26.0)\n"
        "Found existing installation: torch 2.1.0\nSuccessfully uninstalled torch-2.1.0\n"
        "Successfully installed torch-2.5.1 flash-attn-2.7.0.post2\n"
    )
    assert found["dist.numpy"] == "1.26.0"
    assert found["dist.torch"] == "2.5.1"
    assert found["dist.flash-attn"] == "2.7.0.post2"


def test_what_the_resolver_did_not_find(facts):
    found = facts(
        "ERROR: Could not find a version that satisfies the requirement torch==2.0.1 (from versions: none)\nERROR: No matching distribution found for torch==2.0.1\n"
    )
    assert found["log.not_found"] == [{"name": "torch", "spec": "==2.0.1"}]


def test_wheels(facts):
    found = facts(
        "ERROR: flash_attn-2.5.8+cu122torch2.3cxx11abiFALSE-cp310-cp310-linux_x86_64.whl is not a supported wheel on this platform."
    )
    assert found["log.wheels"] == [
        {
            "name": "flash-attn",
            "version": "2.5.8+cu122torch2.3cxx11abiFALSE",
            "python": "cp310",
            "abi": "cp310",
            "platform": "linux_x86_64",
        }
    ]
    assert "python.version" not in found


def test_uv_resolver(facts):
    found = facts(
        "Using Python 3.11.13 environment at: .venv\n  × No solution found when resolving dependencies:\n  ╰─▶ Because there is no version of torch==2.7.0+cu126 and your project depends on\n"
        "      torch==2.7.0+cu126, we can conclude that your project's requirements are unsatisfiable.\n"
    )
    assert found["log.not_found"] == [{"name": "torch", "spec": "==2.7.0+cu126"}]
    assert found["python.version"] == "3.11.13"
    assert "depends on torch==2.7.0+cu126" in found["log.lines"][2]
