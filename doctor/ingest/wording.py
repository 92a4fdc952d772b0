"""Versions that programs name in their messages: "found huggingface-hub==1.1.2", "compiled for CUDA 11.8"."""

from __future__ import annotations

import re
from collections.abc import Callable

from doctor.ingest.aliases import PACKAGES
from doctor.ingest.sheet import MENTIONED, SAID, VERSION, Sheet, cuda_of_tag
from doctor.ingest.text import Text

_NAME = r"[A-Za-z][\w.-]{0,60}"
Reader = Callable[[re.Match[str], Sheet], None]


def _dist(match: re.Match[str], sheet: Sheet) -> None:
    name = match.group(1).lower().replace("_", "-")
    sheet.dist(PACKAGES.get(name, name), match.group(2), SAID)


def _torch(match: re.Match[str], sheet: Sheet) -> None:
    sheet.dist("torch", match.group(1), SAID)


def _numpy(match: re.Match[str], sheet: Sheet) -> None:
    sheet.dist("numpy", match.group(1), SAID)


def _cuda_pair(match: re.Match[str], sheet: Sheet) -> None:
    """Torchvision's check: which CUDA each of the two was compiled with."""
    sheet.put("torch.cuda", match.group(1), SAID)
    sheet.put("torchvision.cuda", match.group(2), SAID)


def _nvcc_now(match: re.Match[str], sheet: Sheet) -> None:
    sheet.put("cuda.nvcc", match.group(1), SAID)


def _torch_cuda(match: re.Match[str], sheet: Sheet) -> None:
    sheet.put("torch.cuda", match.group(1), SAID)


def _old_driver(match: re.Match[str], sheet: Sheet) -> None:
    """``found version 11040``: thousands are the major number, tens the minor one."""
    number = int(match.group(1))
    sheet.put("driver.cuda", f"{number // 1000}.{number % 1000 // 10}", SAID)
    sheet.put("gpu.present", True, SAID)


def _capability(match: re.Match[str], sheet: Sheet) -> None:
    """Torch names the card and its compute capability when the build has no code for it."""
    digits = match.group(2)
    _card(match.group(1).strip(), f"{digits[:-1]}.{digits[-1]}", sheet)


def _triton_card(match: re.Match[str], sheet: Sheet) -> None:
    _card(match.group(1).strip(), match.group(2), sheet)


def _lone_card(match: re.Match[str], sheet: Sheet) -> None:
    """A line that is only the name of a card."""
    if not sheet.facts.get("gpus") and any(letter.isdigit() for letter in match.group(1)):
        sheet.put("gpus", [{"index": 0, "name": match.group(1).strip()}], MENTIONED)


def _card(name: str, capability: str, sheet: Sheet) -> None:
    gpus = sheet.facts.get("gpus")
    for gpu in gpus or ():
        if gpu["name"].rstrip(". ") in name:
            gpu["cc"] = capability
    if not gpus:
        sheet.put("gpus", [{"index": 0, "name": name, "cc": capability}], SAID)


def _arch_list(match: re.Match[str], sheet: Sheet) -> None:
    found = re.findall(r"(?:sm|compute)_\d{2,3}[a-z]?", match.group(1))
    if found:
        sheet.put("torch.arch_list", found, SAID)


def _bnb_detected(match: re.Match[str], sheet: Sheet) -> None:
    sheet.put("torch.cuda", cuda_of_tag(match.group(1)), MENTIONED)


def _glibc(match: re.Match[str], sheet: Sheet) -> None:
    sheet.put("libc.name", "glibc", SAID)
    sheet.put("libc.version", match.group(1), SAID)


def _no_cuda_build(_: re.Match[str], sheet: Sheet) -> None:
    sheet.put("torch.build", "cpu", SAID)
    sheet.put("torch.cuda", None, SAID)


def _built_torch(match: re.Match[str], sheet: Sheet) -> None:
    """xformers: "(you have 2.3.0+cu118)"."""
    found = match.group(1)
    if "." in found:
        sheet.dist("torch", found, SAID)


def _python(match: re.Match[str], sheet: Sheet) -> None:
    sheet.put("python.version", match.group(1), SAID)


def _absent(match: re.Match[str], sheet: Sheet) -> None:
    name = match.group(1).lower().replace("_", "-")
    key = "dist." + PACKAGES.get(name, name)
    if not sheet.facts.get(key):
        sheet.dist(PACKAGES.get(name, name), None, SAID)


def _kernel_module(match: re.Match[str], sheet: Sheet) -> None:
    sheet.put("driver.kernel_module", match.group(1), SAID)


# (words of which one must be in the line, pattern, reader). Patterns start at a literal or are bounded.
_TABLE: tuple[tuple[tuple[str, ...], re.Pattern[str], Reader], ...] = tuple(
    (words, re.compile(pattern), reader)
    for words, pattern, reader in (
        (("found ",), rf"found ({_NAME})={{2,3}}({VERSION})", _dist),
        (("you have ",), rf"you have ({_NAME})[ =]=?=?({VERSION})(?: which is incompatible)?", _dist),
        (
            ("is required but found", "required but found"),
            rf"\b({_NAME}) ?[<>=!~]=? ?[\d.]{{1,20}} is required but found ({VERSION})",
            _dist,
        ),
        (
            ("(found ",),
            (
                rf"(?:upgrade to|requires|Requires|need|needs) ({_NAME}) ?[<>=!~]=? ?[\w.+]{{1,30}} \((?:found"
                rf"|you have) ({VERSION})\)"
            ),
            _dist,
        ),
        (
            ("found ", "got ", "have "),
            (
                rf"requires? (?:a )?({_NAME}) ?[<>=!~]=? ?[\w.+]{{1,30}},? (?:but )?(?:found"
                f"|got|have|you have) ({VERSION})"
            ),
            _dist,
        ),
        (("installed version of",), rf"installed version of ({_NAME}) (?:is|\() ?({VERSION})", _dist),
        (("your version",), rf"[Yy]our version of ({_NAME}) is ({VERSION})", _dist),
        (("current version",), rf"[Cc]urrent ({_NAME}) version (?:is |: )?({VERSION})", _dist),
        (("found existing installation",), rf"Found existing installation: ({_NAME}) ({VERSION})", _dist),
        (
            ("numpy",),
            rf"^NumPy ({VERSION}) as it may crash|cannot be run in NumPy ({VERSION})",
            lambda m, s: s.dist("numpy", m.group(1) or m.group(2), SAID),
        ),
        (
            ("for this version of scipy",),
            rf"and <[\d.]{{1,20}} is required for this version of SciPy \(detected version ({VERSION})",
            _numpy,
        ),
        (
            ("torchvision has cuda version",),
            r"PyTorch has CUDA Version=(\d{1,2}\.\d{1,2}) and torchvision has CUDA Version=(\d{1,2}\.\d{1,2})",
            _cuda_pair,
        ),
        (("detected cuda version",), r"detected CUDA version \((\d{1,2}\.\d{1,2})\)", _nvcc_now),
        (("pytorch (",), r"PyTorch \((\d{1,2}\.\d{1,2})\)", _torch_cuda),
        (("is too old",), r"too old \(found version (\d{4,6})\)", _old_driver),
        (
            ("with cuda capability",),
            r"((?:NVIDIA |GeForce |Tesla |Quadro )?[\w][\w +/.-]{0,60}?) with CUDA capability sm_(\d{2,3})",
            _capability,
        ),
        (
            ("too old to be supported by the triton",),
            r"Found ([\w +/.-]{1,60}?) which is too old .{0,200}capability (\d{1,2}\.\d)",
            _triton_card,
        ),
        (
            ("gpu has compute capability",),
            r"Your ([\w +/.-]{1,60}?) GPU has compute capability (\d{1,2}\.\d)",
            _triton_card,
        ),
        (
            ("compute capability",),
            r"Device \d{1,2}: (\S.{0,60}?), compute capability (\d{1,2}\.\d)",  # llama.cpp
            _triton_card,
        ),
        (
            ("nvidia", "tesla", "geforce"),
            r"^ {0,4}((?:NVIDIA|Nvidia|Tesla|GeForce) (?:GeForce|RTX|GTX|Tesla|[AHLBTVP]|TITAN|Quadro)[\w -]{1,40})$",
            _lone_card,
        ),
        (
            ("supports cuda capabilities", "capabilities sm_"),
            r"supports CUDA capabilities ((?:(?:sm|compute)_\d{2,3}[a-z]? ?){1,40})",
            _arch_list,
        ),
        (("'sm_", "'compute_"), r"\[((?:'(?:sm|compute)_\d{2,3}[a-z]?',? ?){2,40})\]", _arch_list),  # get_arch_list()
        (("cuda setup: detected cuda version",), r"Detected CUDA version (\d{2,3})\b", _bnb_detected),
        (
            ("gnu libc", "glibc"),
            r"\((?:Ubuntu |Debian )?(?:GNU libc|GLIBC|Ubuntu GLIBC)[^)]{0,60}\) (\d\.\d{1,3})",
            _glibc,
        ),
        (("not compiled with cuda enabled",), r"Torch not compiled with CUDA enabled", _no_cuda_build),
        (
            ("pytorch", "(you have"),
            rf"PyTorch {{1,4}}{VERSION} with CUDA \w{{1,10}} \(you have ({VERSION})\)",
            _built_torch,
        ),
        (("python",), r"Python {1,4}[\d.]{1,12} \(you have (\d\.[\d.]{1,8})\)", _python),
        (
            ("sys.version_info(",),
            r"sys\.version_info\(major=(\d), minor=(\d{1,2})",
            lambda m, s: s.put("python.version", f"{m.group(1)}.{m.group(2)}", SAID),
        ),
        (
            ("no package metadata was found", "no module named", "packagenotfounderror"),
            (
                "(?:No package metadata was found for|PackageNotFoundError:) (?:No package metadata was found for"
                f" )?({_NAME})$"
            ),
            _absent,
        ),
        (
            ("kernel module", "nvrm version"),
            (
                "(?:NVRM version: NVIDIA UNIX .{0,60}Kernel Module|kernel version|kernel module(?: version)?:?)  "
                r"?(\d{3}\.[\d.]{1,10})"
            ),
            _kernel_module,
        ),
        (
            ("nvml library version",),
            r"NVML library version: (\d{3}\.\d{1,4})",
            lambda m, s: s.put("driver.libcuda", m.group(1), SAID),
        ),
        (
            ("dynamo is not supported on python",),
            r"not supported on Python (\d\.\d{1,2})",
            lambda m, s: s.put("python.version", m.group(1), MENTIONED),
        ),
        (("torch.__version__",), rf"torch\.__version__ {{0,3}}[=:)]{{1,3}} {{0,3}}['\"]?({VERSION})", _torch),
        (
            ("vllm engine", "llm engine (v", "vllm api server version"),
            rf"(?:LLM engine \(v|API server version )({VERSION})",
            lambda m, s: s.dist("vllm", m.group(1), SAID),
        ),
    )
)


def read(text: Text, sheet: Sheet) -> bool:
    """Every message of the table."""
    for words, pattern, reader in _TABLE:
        for row in text.rows(*words, most=12):
            match = pattern.search(text.lines[row][:4096])
            if match:
                reader(match, sheet)
    return False
