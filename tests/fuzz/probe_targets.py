"""Targets of the probe's readers: what lies on the disk of a stranger. See targets.py.

Nearly all of these formats are text that a blind mutation breaks at once, so each file is put together from pieces:
a byte below 0x80 picks one of the pieces, the others stand for themselves. ``named`` chooses the file by the first byte.
"""

from __future__ import annotations

import struct
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROBE = ROOT / "doctor" / "collect" / "probe"
for folder in (str(ROOT), str(PROBE)):
    if folder not in sys.path:
        sys.path.append(folder)

import about  # noqa: E402 - scripts of the probe folder
import dists  # noqa: E402
import elf  # noqa: E402
import fitmodel  # noqa: E402
import hubcheck  # noqa: E402
import hublinks  # noqa: E402
import hubpaths  # noqa: E402
import hubresolve  # noqa: E402
import interp  # noqa: E402
import metadata  # noqa: E402
import modelcode  # noqa: E402
import paths  # noqa: E402
import pipconf  # noqa: E402
import records  # noqa: E402
import requirements  # noqa: E402
import source  # noqa: E402
import toolkits  # noqa: E402
import torchlib  # noqa: E402
import weights  # noqa: E402
from src_program import Program  # noqa: E402

_SHM = "/dev/shm" if Path("/dev/shm").is_dir() else None  # files for each input: memory spares the disk
_ROOM = Path(tempfile.mkdtemp(prefix="fuzz", dir=_SHM))
INFO = "torch-2.1.0.dist-info"


_THERE: dict[Path, Path] = {}  # folder -> the file that lies in it


def place(name: str, data: bytes, room: str = "plain") -> Path:
    """The only file of one of our folders."""
    path = _ROOM / room / name
    old = _THERE.get(path.parent)
    if old is None:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif old != path:
        old.unlink()
    _THERE[path.parent] = path
    path.write_bytes(data)
    return path


def assembled(data: bytes, pieces: Sequence[bytes]) -> bytes:
    """Pieces for bytes below 0x80; the others, less 0x80, as they are, so that every text can still be spelled."""
    return b"".join(pieces[byte % len(pieces)] if byte < 0x80 else bytes((byte - 0x80,)) for byte in data)


def named(data: bytes, names: Sequence[str]) -> tuple[str, bytes]:
    """A file name by the first byte, and the rest."""
    return names[data[0] % len(names)] if data else names[0], data[1:]


# shared libraries and weight files


def library(data: bytes) -> None:
    """A shared library: the errors of ``elf.TROUBLE`` only."""
    try:
        with elf.Elf(str(place("lib.so", data))) as found:
            found.undefined()
            found.version_needs()
            found.version_names()
            elf.Exports(found).has("a", "b")
    except elf.TROUBLE:
        return


def safetensors(data: bytes) -> None:
    """A safetensors header: a problem in words, never an exception."""
    weights.check(str(place("a.safetensors", data)))


def gguf(data: bytes) -> None:
    """A GGUF header, and its metadata as ``fit`` reads them: OSError and ``CutError`` only."""
    path = str(place("a.gguf", data))
    weights.check(path)
    try:
        fitmodel.gguf_keys(path)
    except (OSError, weights.CutError):
        return


def checkpoint(data: bytes) -> None:
    """The end of a ZIP of torch.save: a problem in words. Nothing is unpickled."""
    weights.check(str(place("a.bin", data)))


# installed distributions


def package_metadata(data: bytes) -> None:
    """METADATA: never raises; its requirement lines and markers raise ValueError only."""
    markers = requirements.Markers(requirements.environment("3.10.2", "cpython"))
    for line in metadata.parse(data).get("requires-dist", ()):
        try:
            _, spec, marker = requirements.split(line)
            requirements.satisfies("2.1.0+cu118", spec)
            markers(marker)
        except ValueError:
            continue


_INFO = (
    "RECORD", "direct_url.json", "pyvenv.cfg", "version.json", "version.txt", "version.py", "pip", "entry.pth", "METADATA",
)  # fmt: skip
_INFO_PIECES = (
    b"torch/__init__.py,sha256=aa,12\n", b"torch/lib/libc10.so,,\n", b"nvidia/cublas/lib/libcublas.so.12,,3\n", b",", b"/",
    b"../", b'"', b"\n", b'{"url": "file:///a b", "dir_info": {"editable": true}}', b"{", b"}", b'"url":', b'"vcs_info":',
    b'{"vcs": "git", "commit_id": 3}', b"[", b"]", b"null", b"1", b"home = /usr", b"version = 3.10.", b"=", b"#!/usr/bin/python",
    b"__version__ = '2.1'", b"cuda: Optional[str] = None", b"'", b"import os; ", b"/tmp/../", b'{"cuda": {"version": "12"}}',
    b"Name: a\n", b"Requires-Dist: torch (>=2)\n", b" ; extra == 'x'\n", b"Version: 1.0.0\n",
)  # fmt: skip


def package_files(data: bytes) -> None:
    """RECORD, direct_url.json, pyvenv.cfg, version files, first lines of scripts: never raises."""
    name, rest = named(data, _INFO)
    body = assembled(rest, _INFO_PIECES)
    path = place(f"{INFO}/{name}", body, "site")
    store = records.Store(None, "")
    dist = metadata.Dist("torch", "2.1.0", INFO, folder=str(_ROOM / "site"), where="site", kind="dist-info", store=store)
    folder = str(path.parent)
    dist.head()
    records.summary(dist, store)
    dists._direct(paths.text(str(path)))
    interp.read_cfg(str(path))
    about.shebang(str(path))
    toolkits.version_of(folder)
    torchlib.version_file(folder)
    metadata.split_folder(body.decode("utf-8", "replace"))


_PIP_PIECES = (
    b"[global]\n", b"[install]\n", b"[", b"]", b"index-url = https://u:p@h/simple\n", b"extra-index-url=\n", b"    https://a\n",
    b"#", b";", b"=", b":", b"\n", b" ", b"\t", b"no-deps", b"\x00", b"proxy: http://a b\n", b"timeout = 60\n",
)  # fmt: skip


def pip_settings(data: bytes) -> None:
    """A pip.conf: never raises; only options that an install reads come back."""
    found = pipconf.options(assembled(data, _PIP_PIECES).decode("utf-8", "replace"))
    assert all(key in pipconf.KEYS for key, _ in found)


# programs


_PYTHON_PIECES = (
    b"import torch\n", b"import os, sys\n", b"from transformers import AutoModel\n", b"from . import x\n", b"\n",
    b"try:\n    import flash_attn\nexcept ImportError:\n    pass\n", b"os.environ['CUDA_VISIBLE_DEVICES'] = '0'\n",
    b"os.environ.setdefault('HF_HOME', x)\n", b"m = AutoModel.from_pretrained(", b"'Qwen/Qwen2-VL-7B'", b", torch_dtype=torch.float16",
    b", device_map='auto'", b")\n", b"(", b")", b"[", b"]", b"{", b"}", b"x", b" = ", b"1", b"'a'", b"f'{x}/{y}'", b"**x", b"*x",
    b", ", b": ", b"def f(a, b='c'):\n    return a\n", b"class A:\n    b = 'c'\n", b"if __name__ == '__main__':\n    ",
    b"p.add_argument('--model', default='a/b')\n", b"a = p.parse_args()\n", b"a.model", b"x + y", b"os.path.join(x, 'b')",
    b"lambda x: x", b"x if y else z", b"for x in [1, 2]:\n    ", b"with open(x) as y:\n    ", b"#", b'"""', b"\\", b"\t", b"    ",
    b"x.y.z(", b"@torch.no_grad()\n", b"async def g():\n    await f()\n", b"print 'a'\n", b"match x:\n    case 1: pass\n", b"%",
    b".format(x)", b"subprocess.run(['pip', 'install', 'torch'])\n", b"setup(install_requires=['torch>=2', x], python_requires='>=3')\n",
)  # fmt: skip
_SHELL_PIECES = (
    b"export HF_HOME=/a/b\n", b"pip install torch==2.1.0 'x>=1' -r r.txt\n", b"python -m llava.serve.cli --model-path a/b\n",
    b"FROM nvidia/cuda:12.1\n", b"RUN ", b"ENV A=b C d\n", b"ARG X\n", b"&& ", b"|| ", b"; ", b"\\\n", b"\n", b"'", b'"', b"$", b"`",
    b"$(", b")", b"A=b ", b"unset ", b"conda activate x\n", b"hf download a/b --local-dir c\n", b"ln -s a b\n", b"--model ", b"#", b" ",
    b"vllm serve a/b --port 8000\n", b'[ "[\\"x\\"]" ]', b"then ", b"= ", b"(", b"declare -x ", b"HF_TOKEN=hf_x ",
)  # fmt: skip
_PROJECT_PIECES = (
    b"torch==2.1.0\n", b"torch>=2,<3 ; python_version < '3.9'\n", b"-r other.txt\n", b"--extra-index-url https://a/b\n", b"-e git+https://a/b#egg=c\n",
    b"x[y] @ https://a/x-1.0-py3-none-any.whl\n", b"\n", b"[project]\n", b'dependencies = ["torch>=2", 3]\n', b"[tool.poetry.dependencies]\n",
    b'torch = "^2.1"\n', b'requires-python = ">=3.8"\n', b"[options]\n", b"install_requires =\n", b"    torch\n", b"dependencies:\n",
    b"  - python=3.10\n", b"  - pip:\n", b"    - torch\n", b"- conda-forge::x==1=b\n", b"=", b"[", b"]", b"(", b")", b'"', b"'", b"#", b";", b"-",
    b" ", b"\\", b",", b"~=", b"*", b"^", b"name = {version = 3}\n", b"\t",
)  # fmt: skip


def _read(name: str, body: bytes) -> None:
    path = place(name, body, "program")
    found = Program([str(path)], str(path.parent), {"HOME": "/home/x"}, "3.9.1", lambda: False)
    ctx = {"what": [str(path)], "_program": found, "_where": ((), (), "3.9.1")}
    for group in (source.read_program, source.read_project, source.read_requirements, source.read_imports):
        group(ctx)


def program(data: bytes) -> None:
    """A Python file or notebook: never raises, whatever the syntax tree holds."""
    name, rest = named(data, ("a.py", "a.py", "a.py", "a.ipynb", "setup.py"))
    body = assembled(rest, _PYTHON_PIECES)
    if name == "a.ipynb":
        body = b'{"cells": [{"cell_type": "code", "source": ["%%bash\\n", ' + body[:40] + b'"!pip install torch\\n"]}]}'
    _read(name, body)


def script(data: bytes) -> None:
    """A shell script, Dockerfile or .env file: never raises."""
    name, rest = named(data, ("a.sh", "Dockerfile", ".env"))
    body = assembled(rest, _SHELL_PIECES)
    _read(name, body)
    list(hublinks._links(body.decode("utf-8", "replace"), "/x"))


def project(data: bytes) -> None:
    """Requirement files, pyproject.toml, setup.cfg, environment.yml: never raises."""
    name, rest = named(data, ("requirements.txt", "pyproject.toml", "setup.cfg", "environment.yml"))
    _read(name, assembled(rest, _PROJECT_PIECES))


# model folders


_MODEL = (
    "config.json", "tokenizer_config.json", "tokenizer.json", "preprocessor_config.json", "generation_config.json", "processor_config.json",
    "model.safetensors.index.json", "adapter_config.json", "modeling_x.py", "chat_template.json", "params.json",
)  # fmt: skip
_MODEL_PIECES = (
    b"{", b"}", b"[", b"]", b",", b":", b'"model_type":', b'"qwen2_vl"', b'"architectures":', b'["A", 3]', b'"auto_map":',
    b'{"AutoModel": "modeling_x.B", "AutoConfig": ["a", null]}', b'"text_config":', b'"quantization_config":', b'{"quant_method": 3}',
    b'"rope_scaling":', b'{"type": ["x"]}', b'"torch_dtype":', b'"weight_map":', b'{"a.b": "model-00001-of-00002.safetensors", "c": "../x"}',
    b'"hidden_size":', b"-1", b"1e400", b"null", b"true", b'""', b'"\\ud800"', b'"vision_config":', b'"transformers_version":', b'"4.1"',
    b'"chat_template":', b'"tokenizer_class":', b'"model":', b'{"merges": [["a", "b"]]}', b'"_name_or_path":', b'"/x/y"', b'"base_model_name_or_path":',
    b'"processor_class":', b"from .y import z\n", b"import einops\n", b"99999999999999999999", b"NaN", b" ", b"\n",
)  # fmt: skip


def model_folder(data: bytes) -> None:
    """A model folder with one hostile file: never raises, and no link or name leads out of it."""
    name, rest = named(data, _MODEL)
    body = assembled(rest, _MODEL_PIECES)
    path = place(name, body, "model")
    found = hubcheck.Judged(str(path.parent))
    found.facts()
    found.whole()
    modelcode.imports(found.items, lambda _: None)
    assert all(".." not in str(row["path"]).split("/") for row in found.problems)


def model_name(data: bytes) -> None:
    """A model's name, or a variable that decides where caches are: never raises."""
    text = data.decode("utf-8", "replace").replace("\0", "")
    hubresolve.resolve(text, str(_ROOM), str(_ROOM))
    layout = hubpaths.Layout({"HF_HOME": text, "HF_ENDPOINT": text, "HF_TOKEN": text}, "/home/x", "/x")
    layout.absolute(layout.hub_cache)
    hubpaths.value_problem(text)
    hubpaths.path_problem(text, text)
    hubpaths.endpoint_problem(text)
    hubpaths.token_problem(text, (1, 0))


Target = tuple[Callable[[bytes], None], tuple[bytes, ...]]
_HEADER = b'{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"__metadata__":{"format":"pt"}}'
_ELF = (
    b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    + struct.pack("<IIQQQQQQ", 2, 4, 120, 120, 120, 64, 64, 8) + struct.pack("<8Q", 5, 120, 10, 16, 6, 120, 0, 0)
)  # fmt: skip
_GGUF = (
    b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + struct.pack("<Q", 1) + b"k" + struct.pack("<II", 4, 7)
    + struct.pack("<Q", 1) + b"t" + struct.pack("<IQIQ", 1, 4, 0, 0) + bytes(64)
)  # fmt: skip
_METADATA = b"Metadata-Version: 2.1\nName: a\nVersion: 1\nRequires-Dist: torch (>=2.0,<3) ; extra == 'x' and python_version < '3.9'\n\nbody"


def _every(pieces: Sequence[bytes], kinds: int = 1) -> tuple[bytes, ...]:
    """Seeds of an assembled format: each piece once, in order and backwards, in each kind of file."""
    order = bytes(range(len(pieces)))
    return tuple(bytes((kind,)) + some for kind in range(kinds) for some in (order, order[::-1]))


PROBES: dict[str, Target] = {
    "library": (library, (_ELF,)),
    "safetensors": (safetensors, (struct.pack("<Q", len(_HEADER)) + _HEADER + bytes(4),)),
    "gguf": (gguf, (_GGUF,)),
    "checkpoint": (checkpoint, (b"PK\x03\x04" + bytes(26) + b"PK\x05\x06" + bytes(18),)),
    "package_metadata": (package_metadata, (_METADATA,)),
    "package_files": (package_files, _every(_INFO_PIECES, len(_INFO))),
    "pip_settings": (pip_settings, _every(_PIP_PIECES)),
    "program": (program, _every(_PYTHON_PIECES, 5)),
    "script": (script, _every(_SHELL_PIECES, 3)),
    "project": (project, _every(_PROJECT_PIECES, 4)),
    "model_folder": (model_folder, _every(_MODEL_PIECES, len(_MODEL))),
    "model_name": (model_name, (b"~/a/b", b"Qwen/Qwen2-VL-7B-Instruct", b"https://u:p@host:70000/x/", b"$HOME/%2e%2e")),
}
