"""Requirement files, install commands and shell scripts."""

import pytest
import src_reqs
import src_shell
from test_source import facts

HAVE = {"torch": "2.1.0+cu121", "numpy": "1.26.4", "packaging": "24.0", "click": "8.1.7", "foo": "1.0"}


@pytest.fixture
def site(tmp_path):
    base = tmp_path / "site"
    for name, version in HAVE.items():
        (base / f"{name}-{version}.dist-info").mkdir(parents=True)
    return [str(base)]


def read(tmp_path, site, files):
    return facts(tmp_path, files, site=site, python_version="3.11.4")


def met(found):
    return {(record["name"], record["spec"]): record["met"] for record in found["src.requirements"]}


def test_requirements_file(tmp_path, site):
    found = read(tmp_path, site, {"requirements.txt": """
# comment
--extra-index-url https://user:pw@download.pytorch.org/whl/cu121
-r base.txt
-c limits.txt
torch==2.1.0
torch==2.1.0+cu118 ; python_version >= "3.8"
pywin32; sys_platform == "win32"
transformers @ git+https://github.com/huggingface/transformers@main
git+https://github.com/a/b.git#egg=foo
https://example.org/flash_attn-2.5.8+cu12-cp311-cp311-linux_x86_64.whl
packaging[x] ~= 23.0   # why
Click==8.*
gone>=1 --no-build-isolation
odd; nonsense == 1
./local
""", "base.txt": "numpy<2\n-r requirements.txt\n", "limits.txt": "numpy==1.25.0\npandas<2\n"})
    answer = met(found)
    assert answer == {
        ("numpy", "<2"): True, ("numpy", "==1.25.0"): False, ("pandas", "<2"): None, ("torch", "==2.1.0"): True,
        ("torch", "==2.1.0+cu118"): False, ("transformers", "@ git+https://github.com/huggingface/transformers@main"): False,
        ("foo", "@ git+https://github.com/a/b.git#egg=foo"): True, ("packaging", "~=23.0"): False, ("Click", "==8.*"): True,
        ("flash-attn", "@ https://example.org/flash_attn-2.5.8+cu12-cp311-cp311-linux_x86_64.whl"): False,
        ("gone", ">=1"): False, ("odd", ""): None,
    }
    assert [record["text"] for record in found["src.shell"]] == [
        "--extra-index-url https://download.pytorch.org/whl/cu121"]
    assert found["src.requirements"][-1]["line"] == 15


def test_project_files(tmp_path, site):
    found = facts(tmp_path, {
        "pyproject.toml": '[project]\nrequires-python = ">=3.12"\ndependencies = ["torch==2.1.2", "x; extra == \'dev\'"]\n'
                          '[tool.poetry.dependencies]\npython = "^3.8"\nclick = "^8.1"\nfoo = {version = "~0.9"}\n',
        "setup.cfg": "[options]\npython_requires = >=3.7\ninstall_requires =\n    numpy>=2\n    click\nzip_safe = no\n",
        "setup.py": "from setuptools import setup\nDEPS = ['foo>1']\nsetup(install_requires=DEPS, python_requires='<3.11')\n",
        "environment.yml": "name: x\ndependencies:\n  - python=3.10\n  - conda-forge::numpy=1.26\n  - cudatoolkit=11.8\n"
                           "  - pip:\n    - click>=9\nvariables:\n  A: b\n",
    }, ["."], site=site, python_version="3.11.4")
    assert met(found) == {
        ("python", ">=3.12"): False, ("torch", "==2.1.2"): False, ("python", ">=3.8,<4"): True, ("click", ">=8.1,<9"): True,
        ("foo", ">=0.9,<0.10"): False, ("python", ">=3.7"): True, ("numpy", ">=2"): False, ("click", ""): True,
        ("foo", ">1"): False, ("python", "<3.11"): False, ("python", "==3.10.*"): False, ("numpy", "==1.26.*"): True,
        ("click", ">=9"): False,
    }


def test_unknown_target(tmp_path):
    assert met(facts(tmp_path, {"requirements.txt": "torch\n"})) == {("torch", ""): None}


def test_dockerfile(tmp_path, site):
    found = read(tmp_path, site, {"Dockerfile": """FROM nvidia/cuda:12.1.0-runtime
ENV HF_HOME=/data/hf HF_HUB_OFFLINE=1
ENV OLD style
RUN apt-get update && pip install torch==2.0.0 'numpy>=1' --index-url https://x/y \\
    && pip install -r requirements.txt
CMD ["python", "app.py"]
"""})
    assert met(found) == {("torch", "==2.0.0"): False, ("numpy", ">=1"): True}
    assert {record["name"]: record["value"] for record in found["src.env"]} == {
        "HF_HOME": "/data/hf", "HF_HUB_OFFLINE": "1", "OLD": "style"}
    assert [record["line"] for record in found["src.shell"]] == [1, 4, 6]


def test_shell_script(tmp_path):
    found = facts(tmp_path, {"run.sh": """#!/bin/bash
# export NO=1
export PYTORCH_CUDA_ALLOC_CONF=max_split_size_mb:128
export PYTORCH_CUDA_ALLOC_CONF="expandable_segments:True" HF_TOKEN=hf_%s
unset HF_ENDPOINT
local_only=1
SNAP=$(ls -d $HF_HOME/snapshots/* | head -n1)
IFS=',' read -ra x
CUDA_VISIBLE_DEVICES=7 python -m llava.serve.cli --model-path liuhaotian/llava-v1.5-7b --device cuda:7
vllm serve Qwen/Qwen2-VL-7B-Instruct --port 8000 && vllm serve $MODEL
echo done
""" % ("a" * 30)})
    assert [(record["name"], record["value"]) for record in found["src.env"]] == [
        ("PYTORCH_CUDA_ALLOC_CONF", "max_split_size_mb:128"), ("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True"),
        ("HF_TOKEN", "<secret>"), ("HF_ENDPOINT", None), ("CUDA_VISIBLE_DEVICES", "7")]
    assert [record["id"] for record in found["src.repos"]] == ["liuhaotian/llava-v1.5-7b", "Qwen/Qwen2-VL-7B-Instruct"]
    assert [record["line"] for record in found["src.shell"]] == [3, 4, 5, 7, 9, 10]
    assert "aaaa" not in str(found)
    assert found["src.project"] == "llava"


def test_dotenv(tmp_path):
    found = facts(tmp_path, {".env": "# x\nexport HF_ENDPOINT='https://hf-mirror.com' # y\nOPENAI_API_KEY=abcdefgh\nbad line\n"})
    assert [(record["name"], record["value"]) for record in found["src.env"]] == [
        ("HF_ENDPOINT", "https://hf-mirror.com"), ("OPENAI_API_KEY", "<secret>")]


@pytest.mark.parametrize(("line", "words"), [
    ("pip install -U torch==2.1.0 torchvision -i https://x/y", ["torch==2.1.0", "torchvision"]),
    ("python3 -m pip install 'transformers>=4.37,<5' \"accelerate\"", ["transformers>=4.37,<5", "accelerate"]),
    ("uv pip install -r requirements.txt peft", ["-r requirements.txt", "peft"]),
    ("/opt/venv/bin/pip3 install -e . --no-deps x", ["x"]), ("pip uninstall -y torch", []), ("echo pip", []),
])
def test_install_words(line, words):
    assert src_shell.installed(line) == words


@pytest.mark.parametrize(("spec", "plain"), [
    ("^1.2", ">=1.2,<2"), ("^0.3.1", ">=0.3.1,<0.4"), ("~1.2.3", ">=1.2.3,<1.3"), ("~1", ">=1,<2"), ("1.0", "==1.0"),
    (">=2", ">=2"), ("*", "*"), ("^0", ">=0,<1"),
])
def test_poetry_carets(spec, plain):
    assert src_reqs.caret(spec) == plain
