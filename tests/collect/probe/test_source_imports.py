"""Who serves an import in the target."""

import pytest
import src_known
from src_imports import Target, is_stdlib, wanted
from test_source import facts


def tree(base, *paths, **contents):
    for path in paths:
        target = base / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(contents.get(path, ""))
    return str(base)


@pytest.fixture
def site(tmp_path):
    return tree(
        tmp_path / "site", "torch/__init__.py", "torch/nn/__init__.py", "torch-2.5.1+cu124.dist-info/METADATA",
        "cv2/__init__.py", "opencv_python_headless-4.10.0.dist-info/METADATA", "_cffi.cpython-311-x86_64-linux-gnu.so",
        "google/protobuf/__init__.py", "protobuf-4.25.0.dist-info/METADATA", "six.py", "six-1.16.0-py3.8.egg-info/PKG-INFO",
        "~umpy/__init__.py", "odd/__init__.py", "Odd_Name-1.0.dist-info/RECORD", "setuptools/__init__.py",
        "setuptools-70.0.dist-info/METADATA",
        **{"Odd_Name-1.0.dist-info/RECORD": "odd/__init__.py,,\n"})


@pytest.mark.parametrize(("module", "where", "dist"), [
    ("torch", "site", "torch"), ("torch.nn", "site", "torch"), ("cv2", "site", "opencv-python-headless"),
    ("_cffi", "site", None), ("google.protobuf", "site", "protobuf"), ("google.genai", "", None), ("os.path", "stdlib", None),
    ("six.moves", "site", "six"), ("numpy", "", None), ("odd", "site", "odd-name"), ("distutils.util", "site", "setuptools"),
    ("imp", "", None),
])
def test_served(site, module, where, dist):
    assert Target([site], [], "3.12.1").served(module)[:2] == (where, dist)


def test_distributions(site):
    assert Target([site], [], "3.12.1").dists() == {
        "torch": "2.5.1+cu124", "opencv-python-headless": "4.10.0", "protobuf": "4.25.0", "six": "1.16.0", "odd-name": "1.0",
        "setuptools": "70.0"}


@pytest.mark.parametrize(("module", "answer"), [
    ("torch", None), ("torch.nn", True), ("torch._six", False), ("torch.nn.gone", False),
])
def test_submodule(site, module, answer):
    world = Target([site], [], "3.12.1")
    assert world.has_submodule(world.served(module)[2], module) is answer


def test_pythonpath_goes_before_everything(site, tmp_path):
    extra = tree(tmp_path / "extra", "torch.py", "json.py")
    world = Target([site], [extra], "3.11.0")
    assert world.served("torch")[0] == "path"
    assert world.served("json")[0] == "path"


def test_editable_installs(site, tmp_path):
    tree(tmp_path / "repo", "llava/__init__.py", "flat.py")
    base = tmp_path / "site"
    (base / "__editable__.llava-1.2.pth").write_text("import __editable___llava_1_2_finder; __editable___x.install()\n")
    (base / "__editable___llava_1_2_finder.py").write_text(
        f"MAPPING: dict[str, str] = {{'llava': {str(tmp_path / 'repo' / 'llava')!r}, 'moved': '/gone/moved'}}\n"
        "NAMESPACES: dict[str, list[str]] = {}\n")
    (base / "easy-install.pth").write_text(f"# x\n{tmp_path / 'repo'}\nimport os; os.system('touch {tmp_path}/ran')\n")
    world = Target([str(base)], [], "3.11.0")
    assert world.served("llava")[0] == "site"
    assert world.served("flat")[0] == "site"
    assert world.served("moved")[0] == ""
    (base / "easy-install.pth").unlink()
    assert Target([str(base)], [], "3.11.0").served("llava")[0] == "editable"
    assert not (tmp_path / "ran").exists()


def test_standard_library_of_the_target():
    assert is_stdlib("imp", 11)
    assert not is_stdlib("imp", 12)
    assert not is_stdlib("tomllib", 10)
    assert is_stdlib("cgi", 12)
    assert not is_stdlib("torch", 11)


def test_wanted_names():
    assert wanted("PIL.Image") == "pillow"
    assert wanted("google.protobuf.message") == "protobuf"
    assert wanted("hf_transfer") == "hf-transfer"
    assert all(name == name.lower() and "_" not in name for name in src_known.WANT.values())


def test_imports_of_a_program(site, tmp_path):
    found = facts(tmp_path, {"demo.py": """
import torch, utils.tools, model.net, copy, datasets, os
from PIL import Image
try:
    import flash_attn
except ImportError:
    flash_attn = None
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import pandas
def f():
    import einops
try:
    import xformers
finally:
    pass
""", "utils/__init__.py": "", "utils/tools.py": "from . import more\n", "utils/more.py": "import timm\n",
        "model/net.py": "import torch\n", "copy.py": "", "os.py": "", "datasets/readme.txt": ""},
        site=[site], python_version="3.11.0")
    records = {record["module"]: record for record in found["src.imports"]}
    where = {module: record["where"] for module, record in records.items()}
    assert where["torch"] == "site"
    assert (where["utils.tools"], where["model.net"], where["copy"], where["os"]) == ("local", "local", "local", "stdlib")
    assert [m for m, record in records.items() if not record["resolves"]] == [
        "timm", "datasets", "PIL", "flash_attn", "pandas", "einops", "xformers"]
    assert [m for m, record in records.items() if record["guarded"]] == ["flash_attn", "pandas", "einops"]
    assert (records["PIL"]["want"], records["PIL"]["name"]) == ("pillow", "Image")


def test_unknown_target_leaves_the_question_open(tmp_path):
    records = {r["module"]: r for r in facts(tmp_path, {"demo.py": "import torch, json\n"})["src.imports"]}
    assert "resolves" not in records["torch"]
    assert records["json"]["resolves"]


def test_target_by_its_interpreter(tmp_path, monkeypatch):
    prefix = tmp_path / "venv"
    tree(prefix, "pyvenv.cfg", "lib/python3.9/site-packages/torch/__init__.py",
         **{"pyvenv.cfg": "home = /usr/bin\nversion = 3.9.18\n"})
    (prefix / "bin").mkdir()
    (prefix / "bin" / "python").write_text("")
    found = facts(tmp_path, {"demo.py": "import torch, numpy, tomllib\n"}, target=str(prefix / "bin" / "python"))
    assert {record["module"]: record["resolves"] for record in found["src.imports"]} == {
        "torch": True, "numpy": False, "tomllib": False}


def test_interpreter_without_known_folders(tmp_path):
    (tmp_path / "python").write_text("")
    found = facts(tmp_path, {"demo.py": "import torch\n"}, target=str(tmp_path / "python"))
    assert "resolves" not in found["src.imports"][0]


def test_pythonpath_of_the_user(site, tmp_path):
    tree(tmp_path / "extra", "numpy/__init__.py")
    found = facts(tmp_path, {"demo.py": "import numpy\n"}, site=[site], env={"PYTHONPATH": "extra:"})
    assert found["src.imports"][0]["where"] == "path"


@pytest.mark.parametrize("test", [
    "sys.version_info < (3, 11)", "is_flash_attn_2_available()", "importlib.util.find_spec('x')", "sys.platform == 'win32'",
    "platform.system() == 'Windows'",
])
def test_imports_for_some_machines_only(tmp_path, test):
    found = facts(tmp_path, {"demo.py": f"if {test}:\n import one\nelse:\n import two\nimport three\n"})
    assert [record["guarded"] for record in found["src.imports"]] == [True, True, False]


def test_scripts_of_a_subfolder_find_their_neighbours(tmp_path, site):
    found = facts(tmp_path, {"main.py": "import torch, near\n", "tools/run.py": "import near, gone\n",
                             "tools/near.py": "import torch\n"}, ["."], site=[site])
    assert {(record["module"], record["entry"]): record["where"] for record in found["src.imports"]} == {
        ("torch", True): "site", ("near", True): "", ("gone", False): ""}
    alone = facts(tmp_path, {"tools/run.py": "import near\n"}, ["tools/run.py"], site=[site])
    assert {record["module"]: record["where"] for record in alone["src.imports"]} == {"torch": "site", "near": "local"}
