"""The program the user wants to run: calls, variables, repositories, options, names."""

import json
import os
import subprocess
import sys
from pathlib import Path

import program as part
import pytest
import source
import src_quick

PROBE = Path(__file__).parents[3] / "doctor" / "collect" / "probe"


def facts(tmp_path, files, what=None, **more):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    ctx = {"what": what or [next(iter(files))], "cwd": str(tmp_path), "env": {}, "deadline": 8.0, **more}
    found = {}
    for group in part.GROUPS:
        found.update(group.read(ctx))
    return found


def program(tmp_path, text, **more):
    return facts(tmp_path, {"demo.py": text}, **more)


def calls(found, method):
    return [record for record in found["src.calls"] if record["method"] == method]


def ids(found):
    return {record["id"] for record in found["src.repos"]}


LOAD = "from transformers import AutoModelForCausalLM as M, BitsAndBytesConfig\n"


def test_nothing_named_says_so():
    found = part.GROUPS[0].read({"what": []})
    assert found["?src.calls"] == part.NOTHING
    assert "src.calls" not in found


def test_quantised_model_that_is_moved(tmp_path):
    found = program(tmp_path, LOAD + "m = M.from_pretrained('a/b', load_in_4bit=True)\nm = m.eval().cuda()\n")
    (moved,) = calls(found, "cuda")
    assert moved["quantised"]
    assert moved["model"] == "a/b"
    assert moved["on"] == "transformers.AutoModelForCausalLM.from_pretrained"


@pytest.mark.parametrize("text", [
    "c = BitsAndBytesConfig(load_in_8bit=True)\nm = M.from_pretrained('a/b', quantization_config=c)\nm.half()\n",
    "k = dict(load_in_4bit=True)\nm = M.from_pretrained('a/b', **k)\nm.half()\n",
    "class A:\n def __init__(self):\n  self.m = M.from_pretrained('a/b', load_in_4bit=True)\n  self.m.half()\n",
])
def test_quantised_by_other_spellings(tmp_path, text):
    assert calls(program(tmp_path, LOAD + text), "half")[0]["quantised"]


@pytest.mark.parametrize("text", [
    "if four:\n m = M.from_pretrained('a/b', load_in_4bit=True)\nelse:\n m = M.from_pretrained('a/b')\n m.half()\n",
    "k = {}\nif four:\n k['load_in_4bit'] = True\nm = M.from_pretrained('a/b', **k)\nm.half()\n",
    "m = M.from_pretrained('a/b', load_in_4bit=False)\nm.half()\n",
    "m = M.from_pretrained('a/b', load_in_4bit=True)\nm = other()\nm.half()\n",
])
def test_not_surely_quantised(tmp_path, text):
    assert not calls(program(tmp_path, LOAD + text), "half")[0]["quantised"]


def test_dispatched_model(tmp_path):
    found = program(tmp_path, LOAD + "M.from_pretrained('a/b', device_map='auto').to('cuda')\n")
    assert calls(found, "to")[0]["dispatched"]
    whole = program(tmp_path, LOAD + "M.from_pretrained('a/b', device_map='cuda:0').to('cuda')\n")
    assert not calls(whole, "to")[0]["dispatched"]


def test_same_weights_twice(tmp_path):
    found = program(tmp_path, LOAD + "ID = 'a/b'\nx = M.from_pretrained(ID)\ny = M.from_pretrained('a/b')\n")
    assert [record["again"] for record in calls(found, "from_pretrained")] == [False, True]


@pytest.mark.parametrize("text", [
    "if x:\n a = M.from_pretrained('a/b')\nelse:\n a = M.from_pretrained('a/b', device_map='auto')\n",
    "try:\n a = M.from_pretrained('a/b')\nexcept OSError:\n pass\nb = M.from_pretrained('a/c')\n",
    "from transformers import AutoTokenizer as T\na = T.from_pretrained('a/b')\nb = M.from_pretrained('a/b')\n",
    "def load():\n return M.from_pretrained('a/b')\nif __name__ == '__main__':\n load()\n",
    "import functools\n@functools.lru_cache\ndef load():\n return M.from_pretrained('a/b')\nload()\nload()\n",
])
def test_not_twice(tmp_path, text):
    assert not any(record["again"] for record in program(tmp_path, LOAD + text)["src.calls"])


def test_model_owning_class_made_twice(tmp_path):
    text = "class Bot:\n def __init__(self, tag='a/b'):\n  self.m = M.from_pretrained(tag)\nx = Bot()\ny = Bot()\n"
    assert calls(program(tmp_path, LOAD + text), "Bot")[0]["again"]


def test_programs_of_one_folder_are_not_mixed_up(tmp_path):
    one = LOAD + "M.from_pretrained('a/b')\n"
    found = facts(tmp_path, {"one.py": one, "two.py": one, "eval/three.py": one.replace("a/b", "c/d")}, ["."])
    assert not any(record["again"] for record in found["src.calls"])
    assert {record["id"]: record["entry"] for record in found["src.repos"]} == {"a/b": True, "c/d": False}


def test_scopes(tmp_path):
    found = program(tmp_path, """
import torch, asyncio
from fastapi import FastAPI
app = FastAPI()
@app.post("/x")
async def handler(file):
    for i in range(3):
        torch.cuda.empty_cache()
    return open(f"/tmp/{file.filename}")
@torch.no_grad()
def quiet():
    model.generate(1)
def loud():
    model.generate(2)
    with torch.inference_mode():
        model.generate(3)
try:
    input("? ")
except EOFError:
    pass
if __name__ == "__main__":
    app.launch(server_name="0.0.0.0", share=True)
""")
    (cache,) = calls(found, "empty_cache")
    assert (cache["in_loop"], cache["in_async"], cache["in_handler"], cache["scope"]) == (True, True, True, "handler")
    assert calls(found, "open")[0]["args"] == ["/tmp/{file.filename}"]
    assert [record["no_grad"] for record in calls(found, "generate")] == [True, False, True]
    assert calls(found, "input")[0]["handles"] == ["EOFError"]
    (launch,) = calls(found, "launch")
    assert (launch["scope"], launch["keywords"]) == ("__main__", {"server_name": "0.0.0.0", "share": True})


def test_image_that_is_converted_or_not(tmp_path):
    found = program(tmp_path, "from PIL import Image\na = Image.open('x')\nb = Image.open('y').convert('RGB')\nuse(a)\n")
    assert [record["then"] for record in calls(found, "open")] == [["use"], ["convert"]]


def test_dtype_by_name_and_unknown_values(tmp_path):
    text = "import torch\nM.from_pretrained('a/b', torch_dtype=torch.float16, revision=f())\n"
    (load,) = calls(program(tmp_path, LOAD + text), "from_pretrained")
    assert load["keywords"] == {"torch_dtype": "torch.float16", "revision": None}


def test_names_through_aliases(tmp_path):
    found = program(tmp_path, """
import numpy as np
from PIL import Image, ImageDraw
from collections import Mapping
import torch._six
np.float(1); Image.ANTIALIAS
ImageDraw.Draw(Image.new("RGB", (1, 1))).textsize("x")
""")
    names = set(found["src.names"])
    assert {"numpy.float", "PIL.Image.ANTIALIAS", "collections.Mapping", "torch._six"} <= names
    assert "PIL.ImageDraw.Draw().textsize" in names


def test_repositories(tmp_path):
    found = program(tmp_path, """
import os, argparse
from transformers import pipeline, AutoProcessor
from vllm import LLM
from datasets import load_dataset
p = argparse.ArgumentParser()
p.add_argument("--version", default="xinlai/LISA-13B-llama2-v1")
p.add_argument("--out", default="runs/one")
args = p.parse_args()
ORG = "Qwen"
MODEL_ID = os.environ.get("MODEL", f"{ORG}/Qwen2-VL-7B-Instruct")
AutoProcessor.from_pretrained(args.version)
pipeline("image-to-text", model=MODEL_ID)
LLM("llava-hf/llava-1.5-7b-hf")
load_dataset("lmms-lab/MME")
CKPT = os.path.join("/root/autodl-tmp", "clip")
AutoProcessor.from_pretrained(CKPT)
image = "image/png"
""")
    kinds = {record["id"]: (record["kind"], record["default"]) for record in found["src.repos"]}
    assert kinds == {
        "xinlai/LISA-13B-llama2-v1": ("repo", True), "Qwen/Qwen2-VL-7B-Instruct": ("repo", False),
        "llava-hf/llava-1.5-7b-hf": ("repo", False), "lmms-lab/MME": ("dataset", False),
        "/root/autodl-tmp/clip": ("path", False), "/root/autodl-tmp": ("path", False),
    }
    assert {"flag": "--out", "default": "runs/one", "file": str(tmp_path / "demo.py"), "line": 8} in found["src.argparse"]


def test_repository_from_the_environment_and_from_a_neighbour(tmp_path):
    files = {"demo.py": "from conf import NAME\nimport os\n" + LOAD
             + "M.from_pretrained(NAME)\nM.from_pretrained(os.getenv('WHO', 'a/b'))\n",
             "conf.py": "NAME = 'openbmb/MiniCPM-V-2_6'\n"}
    assert ids(facts(tmp_path, files, env={"WHO": "x/y"})) == {"openbmb/MiniCPM-V-2_6", "x/y"}


def test_local_folder_is_a_path(tmp_path):
    (tmp_path / "openai" / "clip").mkdir(parents=True)
    (record,) = program(tmp_path, LOAD + "M.from_pretrained('openai/clip')\n")["src.repos"]
    assert (record["kind"], record["cached"]) == ("path", True)


def test_quick_repos_share_the_reading(tmp_path):
    (tmp_path / "demo.py").write_text(LOAD + "M.from_pretrained('a/b')\n")
    ctx = {"what": ["demo.py"], "cwd": str(tmp_path), "env": {}}
    assert src_quick.repos(ctx) == ["a/b"]
    assert source.program(ctx) is source.program(ctx)
    assert src_quick.repos({"what": []}) == []


def test_variables_and_what_was_imported_before(tmp_path):
    files = {"demo.py": """
import os
os.environ["HF_HOME"] = "/data/hf"
import util
os.environ.setdefault("HF_HUB_OFFLINE", "0")
os.environ["PYTORCH_CUDA_ALLOC_CONF"] = "a:1"
from transformers import AutoModel
os.environ.update({"HF_ENDPOINT": "https://u:p@mirror"}, HF_TOKEN="hf_" + "a" * 30)
def late():
    os.environ["CUDA_VISIBLE_DEVICES"] = "1"
""", "util.py": "import torch\n"}
    found = {record["name"]: (record["value"], record["after_import"]) for record in facts(tmp_path, files)["src.env"]}
    assert found["HF_HOME"] == ("/data/hf", "")
    assert found["HF_HUB_OFFLINE"] == ("0", "")
    assert found["PYTORCH_CUDA_ALLOC_CONF"] == ("a:1", "torch")
    assert found["HF_ENDPOINT"] == ("https://mirror", "transformers")
    assert found["CUDA_VISIBLE_DEVICES"] == ("1", "torch")
    assert "aaaa" not in str(found["HF_TOKEN"])


def test_secrets_are_told_but_not_kept(tmp_path):
    token, key = "hf_" + "Q" * 34, "sk-" + "Z" * 40
    found = program(tmp_path, f"""
from huggingface_hub import login
from openai import OpenAI
API_TOKEN = "{token}"
login(token="{token}")
OpenAI(api_key="{key}", base_url="http://user:hunter2@localhost:8000/v1")
OpenAI(api_key="EMPTY")
password = "correct horse"
import os
os.environ["OPENAI_API_KEY"] = "plain-secret-value"
""")
    text = json.dumps(found)
    assert not any(word in text for word in (token, key, "hunter2", "correct horse", "plain-secret"))
    assert len(calls(found, "<secret>")) == 4
    assert calls(found, "OpenAI")[1]["keywords"] == {"api_key": "EMPTY"}


def test_project_by_its_files(tmp_path):
    assert facts(tmp_path / "a", {"chat.py": "", "model/LISA.py": ""})["src.project"] == "lisa"
    assert program(tmp_path / "b", "from llava.model.builder import load_pretrained_model\n")["src.project"] == "llava"
    assert program(tmp_path / "c", "import torch\n")["src.project"] is None


def test_script_that_starts_a_program(tmp_path):
    found = facts(tmp_path, {"run.sh": "cd x\npython -u demo.py --x 1\n", "demo.py": LOAD + "M.from_pretrained('a/b')\n"})
    assert ids(found) == {"a/b"}
    assert [record["text"] for record in found["src.shell"]] == ["cd x", "python -u demo.py --x 1"]


def test_notebook(tmp_path):
    cells = [["%env HF_HOME=/data\n", "!pip install -q transformers==4.37\n", "import torch\n", "for i in x:\n", "    !ls"],
             "%%bash\nexport A=1\n", "input()"]
    book = {"cells": [{"cell_type": "code", "source": source_} for source_ in cells] + [{"cell_type": "markdown"}]}
    found = facts(tmp_path, {"n.ipynb": json.dumps(book)})
    assert {record["name"]: record["value"] for record in found["src.env"]} == {"HF_HOME": "/data", "A": "1"}
    assert [record["name"] for record in found["src.requirements"]] == ["transformers"]
    assert calls(found, "input")
    assert not found["src.errors"]


def asked_for(found):
    return {record["name"] for record in found["src.requirements"]}


def test_what_the_project_of_a_program_asks_for(tmp_path, monkeypatch):
    files = {"requirements.txt": "torch==2.0.1\n", "pyproject.toml": '[project]\nname = "a"\ndependencies = ["einops"]\n'}
    inner = {"llava/__init__.py": "", "llava/serve/__init__.py": "", "llava/serve/cli.py": "import torch\n"}
    assert asked_for(facts(tmp_path / "a", {**files, "demo.py": "import torch\n"}, what=["demo.py"])) == {"torch", "einops"}
    assert asked_for(facts(tmp_path / "b", {**files, **inner}, what=["llava/serve/cli.py"])) == {"torch", "einops"}
    monkeypatch.setenv("HOME", str(tmp_path / "c"))
    assert asked_for(facts(tmp_path / "c", {**files, "demo.py": "import torch\n"}, what=["demo.py"])) == set()


def test_as_a_child(tmp_path):
    (tmp_path / "demo.py").write_text("import nothere_\ninput()\n")
    settings = {"nonce": "n", "what": ["demo.py"], "cwd": str(tmp_path), "site": [str(tmp_path)], "python_version": "3.9.1"}
    done = subprocess.run([sys.executable, "-I", "-S", "-B", str(PROBE), "program", json.dumps(settings)],
                          capture_output=True, text=True, timeout=60, check=True, env=dict(os.environ))
    found = [json.loads(line.split(" ", 2)[2]) for line in done.stdout.splitlines()]
    assert found[-1] == {"end": True}
    assert not [record for record in found if "u" in record]
    assert {name for record in found[:-1] for name in record["facts"]} == {name for group in part.GROUPS for name in group.names}
