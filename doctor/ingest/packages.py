"""Lists of installed packages: pip list, freeze, show, conda list, uv tree, and the [pip3] lines of reports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from doctor.ingest.sheet import LISTED, MENTIONED, SAID, VERSION, Sheet
from doctor.ingest.text import CUT, Text
from doctor.knowledge.conda import distribution
from doctor.model.names import normalise

_NAME = r"[A-Za-z][A-Za-z0-9._-]{0,79}"
_ROW = re.compile(
    rf"[ \t]{{0,8}}({_NAME})(?:[ \t]{{2,80}}|\t)({VERSION})(?:[ \t]{{1,80}}(\S{{1,400}}))?(?:[ \t]{{1,8"
    r"0}(\S{1,200}))?[ \t]*$"
)
_TIGHT_ROW = re.compile(rf"({_NAME}) ({VERSION})(?: {{1,40}}(\S{{1,80}}))?(?: {{1,40}}(\S{{1,80}}))?[ \t]*$")
_FREEZE = re.compile(rf"[ \t]{{0,8}}({_NAME})(?:\[[\w,-]{{1,60}}\])?[ ]?===?[ ]?({VERSION})[ \t]*(?:;.*|#.*)?$")
_TAGGED = re.compile(
    rf"\[(pip3?|conda|uv)\] ({_NAME})(?:==|[ \t]{{1,80}})({VERSION})(?:[ \t]{{1,80}}(\S{{1,80}}))?(?:[ "
    r"\t]{1,80}(\S{1,80}))?"
)
_TREE = re.compile(
    rf"[│├└─ \t|`+\\-]{{0,120}}({_NAME}) v({VERSION})(?: \(\*\)| \(extra: [\w, -]{{1,100}}\)"
    r"| \[[\w, -]{1,100}\]| \(group: [\w-]{1,60}\)){0,4}[ \t]*$"
)
_NAME_LINE = re.compile(rf"Name: ({_NAME})[ \t]*$")
_URL_ROW = re.compile(rf"({_NAME}) @ (\S{{1,600}})$")
_URL_VERSION = re.compile(rf"/[A-Za-z0-9._]{{1,80}}-({VERSION})-(?:py|cp)\d")

# libraries that conda alone has keep out of ``dist.*``, as do those of the table conda_names
_CONDA_ALONE = ("python", "cuda", "gcc")
_CONDA_PLACE = re.compile(r"# packages in environment at (\S.{0,300}?):\s*$")
_CONDA_BASE = re.compile(r"(?i)(?:ana|mini)?conda\d?|mini(?:forge|mamba)\d?|mamba(?:forge)?|micromamba")
_CONDA_ONLY = re.compile(
    "^_|^lib(?!rosa|cst|tmux)|^(?:ca-certificates|openssl|readline|sqlite"
    "|tk|xz|zlib|bzip2|ncurses|mkl|blas|intel-openmp|gcc_|gxx_|ld_impl|sysroot"
    "|cuda-|icu|zstd|lz4-c|gmp|mpfr)"
)
_CONDA_CUDA = re.compile(r"_cuda(?:_)?(\d{1,2})\.(\d)|(?:^|_)cuda(\d{2})(\d)(?=_|py|$)")
_CONDA_SHOWN = (
    "torch",
    "cuda",
    "cudnn",
    "nccl",
    "libstdcxx",
    "libgcc",
    "mkl",
    "python",
    "gcc",
    "gxx",
    "numpy",
    "openmp",
)
# A table of two columns may be anything; these names make it a list of packages.
_TELLING = frozenset(
    """
    torch torchvision torchaudio transformers tokenizers accelerate numpy peft bitsandbytes flash-attn
    xformers vllm deepspeed gradio gradio-client pydantic huggingface-hub triton diffusers safetensors pillow
    scipy protobuf sentencepiece timm setuptools pip wheel einops opencv-python sglang lmdeploy
    nvidia-cublas-cu12 datasets pandas requests urllib3 llava qwen-vl-utils certifi packaging pyyaml trl
    optimum autoawq auto-gptq torchao modelscope
""".split()  # noqa: SIM905 - a list of words reads best as words
)
# What people list beside their packages.
_NO_PACKAGES = frozenset(
    {"cuda", "cudnn", "python", "driver", "nvidia", "gcc", "ubuntu", "os", "gpu", "version", "cudatoolkit"}
)
_LATE = tuple("uvwxyz")


def read(text: Text, sheet: Sheet) -> bool:
    """All lists in the text. True when one was found."""
    found = [
        _tagged(text, sheet),
        _columns(text, sheet),
        _freeze(text, sheet),
        _show(text, sheet),
        _tree(text, sheet),
        _as_json(text, sheet),
    ]
    return any(found)


def _tagged(text: Text, sheet: Sheet) -> bool:
    """``[pip3] numpy==1.26.4`` and ``[conda] numpy 1.26.4 pypi_0 pypi`` of collect_env."""
    for row in text.rows("[pip", "[conda", "[uv]", most=2000):
        match = _TAGGED.search(text.lines[row])
        if match and match.group(1) == "conda":
            _conda_row(match.group(2), match.group(3), match.group(4) or "", match.group(5) or "", sheet)
        elif match:
            sheet.dist(match.group(2), match.group(3))
    return False  # part of a report, no list of its own


def _blocks(text: Text) -> Iterator[tuple[int, list[re.Match[str]]]]:
    """Runs of rows that look like ``name   version``, with the row before the run."""
    run: list[re.Match[str]] = []
    start = -1
    conda = "conda" in text.low or "pypi_0" in text.low
    for row, line in enumerate(text.lines):
        match = None
        if line and ("  " in line or "\t" in line or run) and "." in line:
            match = _ROW.match(line) or (_TIGHT_ROW.match(line) if conda or run else None)
        if match:
            if not run:
                start = row
            run.append(match)
        elif run and line.strip():
            yield start - 1, run
            run = []
    if run:
        yield start - 1, run


def _columns(text: Text, sheet: Sheet) -> bool:
    """``pip list`` and ``conda list`` tables, with or without their header."""
    if "  " not in text.body and "\t" not in text.body:
        return False
    any_list = False
    for before, run in _blocks(text):
        head = _header(text.lines, before)
        names = {normalise(match.group(1)) for match in run}
        if head == "conda":
            _conda_place(text.lines[max(before - 4, 0) : before + 1], sheet)
        conda = head == "conda" or sum(
            (match.group(4) or match.group(3) or "") in _CHANNELS for match in run
        ) * 2 > len(run)
        if not head and not conda and not names & _TELLING:
            continue
        any_list = True
        rank = LISTED if head or conda or len(run) > 2 else SAID
        for match in run:
            _list_row(match, sheet, conda, rank)
        sheet.kind("conda-list" if conda else "pip-list")
        if head and _complete(text, names, conda):
            sheet.closed.add("dist")
    return any_list


_CHANNELS = frozenset(
    {"pypi", "conda-forge", "pytorch", "nvidia", "defaults", "main", "anaconda", "xformers", "pkgs/main"}
)


def _list_row(match: re.Match[str], sheet: Sheet, conda: bool, rank: int) -> None:
    name, found, third, fourth = match.group(1), match.group(2), match.group(3) or "", match.group(4) or ""
    if conda:
        _conda_row(name, found, third, fourth, sheet)
        return
    if name.lower() in _NO_PACKAGES:
        return
    sheet.dist(name, found, rank)
    if third.startswith(("/", "~")) or third[1:2] == ":":  # the column of editable installs
        sheet.add("dists", {"name": normalise(name), "version": found, "location": third, "editable": True})


def _header(lines: list[str], row: int) -> str:
    """``pip`` or ``conda`` when the lines above a run are the header of such a list."""
    for back in range(row, max(row - 3, -1), -1):
        words = lines[back].split()
        if words[:2] == ["Package", "Version"]:
            return "pip"
        if words[:3] in (["#", "Name", "Version"], ["Name", "Version", "Build"]):
            return "conda"
        if words and not all(word.strip("-") == "" for word in words) and words[0] != "#":
            return ""
    return ""


def _complete(text: Text, names: set[str], conda: bool) -> bool:
    """The list seems whole: it holds pip itself and reaches the end of the alphabet."""
    if CUT in text.body or "..." in text.body or "grep" in text.low or "findstr" in text.low:
        return False
    ordered = sorted(names)
    if len(ordered) < 4:
        return not conda and "pip" in names and ordered[-1] >= "pip"
    return "pip" in names and ordered[-1].startswith(_LATE)


def _conda_row(name: str, found: str, build: str, channel: str, sheet: Sheet) -> None:
    """One row of ``conda list``; the build string tells CUDA or CPU, and who owns the files: conda, or pip (pypi)."""
    mine = build != "pypi_0" and channel != "pypi"
    alone = name in _CONDA_ALONE or (mine and _CONDA_ONLY.search(name) is not None)
    pip_name = "" if alone else distribution(name)
    shown = any(word in name for word in _CONDA_SHOWN)
    if mine and (pip_name or shown):
        _conda_owned(name, found, build, channel, pip_name, sheet)
    elif pip_name:
        sheet.replaced(normalise(pip_name))
    if shown and build != "pypi_0":
        table = sheet.facts.setdefault("conda.packages", {})
        if len(table) < 300:
            table[name] = " ".join(part for part in (found, build, channel) if part)
    if name == "python" and build != "pypi_0":
        sheet.put("python.version", found)
        sheet.put("python.kind", "conda")
    if not pip_name or (mine and normalise(pip_name) in sheet.by_pip):
        return
    sheet.dist(pip_name, found)
    if name == "pytorch":
        _conda_torch(build, sheet)
    elif name == "torchvision" and build != "pypi_0":
        sheet.put("torchvision.build", "cpu" if "cpu" in build else "cuda")


def _conda_owned(name: str, found: str, build: str, channel: str, pip_name: str, sheet: Sheet) -> None:
    """The record of a package; a list names the channel only where it is not the default one."""
    dist = normalise(pip_name) if pip_name else ""
    row = {"package": name, "version": found, "build": build, "channel": channel or "defaults", "dist": dist}
    sheet.add("conda.owned", {**row, "there": dist not in sheet.by_pip or not dist, "needs": []}, most=1000)


def _conda_place(above: list[str], sheet: Sheet) -> None:
    """``# packages in environment at /opt/conda/envs/llava:``."""
    found = next((match for line in above if (match := _CONDA_PLACE.match(line))), None)
    if found is None:
        return
    parts = found[1].replace("\\", "/").rstrip("/").split("/")
    inside = len(parts) > 1 and parts[-2] == "envs"
    base = not inside and _CONDA_BASE.fullmatch(parts[-1]) is not None
    sheet.put("conda.env", "base" if base else parts[-1])
    sheet.put("conda.base", base)
    sheet.put("python.kind", "conda")


def _conda_torch(build: str, sheet: Sheet) -> None:
    """``py3.8_cpu_0``, ``py3.9_cuda11.3_cudnn8.2.0_0``, ``cuda118_py310h...``."""
    sheet.put("torch.package", "conda")
    cuda = _CONDA_CUDA.search(build)
    if cuda:
        sheet.put("torch.build", "cuda")
        sheet.put("torch.cuda", f"{cuda.group(1) or cuda.group(3)}.{cuda.group(2) or cuda.group(4)}")
    elif "cpu" in build:
        sheet.put("torch.build", "cpu")
        sheet.put("torch.cuda", None)


def _freeze(text: Text, sheet: Sheet) -> bool:
    """``name==version`` lines: measured when pip freeze printed them, else only mentioned."""
    rows = [(row, match) for row in text.rows("==", most=3000) if (match := _FREEZE.match(text.lines[row]))]
    by_tool = text.has("pip freeze", "--format=freeze", "uv pip freeze") or len(rows) > 40
    for _, match in rows:
        sheet.dist(
            match.group(1), match.group(2), LISTED if by_tool else MENTIONED if text.has("requirements.txt") else SAID
        )
    for row in text.rows(" @ file:", " @ http", " @ git+", most=500):
        match = _URL_ROW.match(text.lines[row].strip())
        found = _URL_VERSION.search(match.group(2)) if match else None
        if match and found:
            sheet.dist(match.group(1), found.group(1))
    if len(rows) > 2 or (rows and by_tool):
        sheet.kind("pip-freeze")
    return bool(rows)


def _show(text: Text, sheet: Sheet) -> bool:
    """``pip show``: Name, Version, Location."""
    seen = False
    for row in text.rows("name: ", most=300):
        match = _NAME_LINE.match(text.lines[row].strip())
        below = text.lines[row + 1].strip() if row + 1 < len(text.lines) else ""
        if not match or not below.startswith("Version: "):
            continue
        seen = True
        found = re.match(VERSION, below[9:])
        if found:
            sheet.dist(match.group(1), found.group())
            _show_rest(text.lines[row + 2 : row + 14], normalise(match.group(1)), found.group(), sheet)
    if seen:
        sheet.kind("pip-show")
    return seen


def _show_rest(lines: list[str], name: str, found: str, sheet: Sheet) -> None:
    record = {"name": name, "version": found}
    for line in lines:
        key, _, value = line.strip().partition(": ")
        if key == "Name":
            break
        if key == "Location" and value:
            record["location"] = value
        elif key == "Editable project location" and value:
            record["editable"] = True  # type: ignore[assignment]
    if len(record) > 2:
        sheet.add("dists", record)


def _tree(text: Text, sheet: Sheet) -> bool:
    """``uv tree``."""
    seen = False
    for row in text.rows("── ", most=3000):
        match = _TREE.match(text.lines[row])
        if match:
            sheet.dist(match.group(1), match.group(2))
            seen = True
    if seen:
        sheet.kind("uv-tree")
    return seen


def _as_json(text: Text, sheet: Sheet) -> bool:
    """``pip list --format=json``: one line."""
    for row in text.rows('[{"name":', '[{"name" :', most=3):
        line = text.lines[row].strip()
        try:
            items = json.loads(line)
        except (ValueError, RecursionError):
            continue
        for item in items if isinstance(items, list) else ():
            if (
                isinstance(item, dict)
                and isinstance(item.get("name"), str)
                and re.fullmatch(VERSION, str(item.get("version")))
            ):
                sheet.dist(item["name"][:80], str(item["version"]))
        sheet.kind("pip-list")
        return True
    return False
