"""How the program ended, or what it hangs in: signals, exit codes, stuck progress, double loading, success."""

from __future__ import annotations

import re

from doctor.ingest.sheet import Sheet
from doctor.ingest.text import Text
from doctor.model.numbers import whole

_SIGNALS = {
    "segmentation fault": 11,
    "段错误": 11,
    "bus error": 7,
    "总线错误": 7,
    "floating point exception": 8,
    "浮点数例外": 8,
    "illegal instruction": 4,
    "非法指令": 4,
    "aborted": 6,
    "已放弃": 6,
    "已杀死": 9,
    "已终止": 15,
}
_ENDS = re.compile(
    (
        r"(?:[\w./~-]{0,120}(?:: line \d{1,7})?: {1,3}\d{1,9} |\[\d{1,4}\]\+? {0,4}\d{0,9} {0,4}"
        "|zsh: |bash: )?(?:Segmentation fault|Bus error|Floating point exception"
        "|Illegal instruction|Aborted|Killed|段错误|总线错误|浮点数例外|非法指令|已放弃|已杀死|已终止"
        "|killed|segmentation fault|illegal hardware instruction)(?:[ :(]|$)"
    ),
    re.IGNORECASE,
)
_CAUGHT = re.compile(
    r"Caught signal (\d{1,2})\b|Signal: \w{1,40} ?\((\d{1,2})\)|[Dd]ied with <Signals\.(\w{1,10}): (\d"
    r"{1,2})>|(?:killed|terminated|died) (?:by|from|with) signal:? ?(?:\w{1,10} ?\()?(\d{1,2})\b"
    r"|(?:got|to shutdown with) signal:? (\d{1,2})\b|Signal (\d{1,2}) \(SIG\w{1,8}\) received|SIG(?:KILL"
    r"|SEGV|ABRT|BUS|FPE|ILL)\b"
    r"|(K)illed? process \d{1,9}\b|(O)OMKilled\b(?!\"?: ?false)"
)
_NAMED = {"SIGKILL": 9, "SIGSEGV": 11, "SIGABRT": 6, "SIGBUS": 7, "SIGFPE": 8, "SIGILL": 4}
_STATUS = re.compile(
    r"(?:exit(?:ed)?(?: with)?(?: a)?(?: non-zero)?[ _]?(?:status|code)?|return[ _]?code)\"?[ :=(]{1,10}(-?\d{1,10})\b",
    re.IGNORECASE,
)
_SHARDS = re.compile(
    "(Loading (?:checkpoint shards|pipeline components|safetensors checkpoint shards"
    r"|weights)[^:]{0,60}):\s{0,4}(\d{1,3})% ?\|?[^\n]{0,200}?(\d{1,6})/(\d{1,6})"
)
_HEALTHY = (
    "application startup complete",
    "uvicorn running on",
    "running on local url",
    "output generated in",
    "success!",
    "is cuda available: true",
    "cuda available: true",
    "tokens/s",
    'http/1.1" 200',
    "generation throughput",
    "the model is loaded",
    "torch.cuda.is_available() true",
    "test passed",
    "result = pass",
)
_TROUBLE = (
    "traceback",
    "error",
    "failed",
    "fatal",
    "exception",
    "not found",
    "cannot",
    "could not load",
    "unable to",
    "killed",
    "segmentation fault",
    "out of memory",
    "undefined symbol",
    "错误",
    "失败",
    "mismatch",
    "incompatible",
    "not supported",
    "unsupported",
    "no such file",
    "denied",
    "refused",
    "timed out",
    "not compatible",
)
_STUCK_WORDS = (
    "stuck",
    "hang",
    "hangs",
    "hung",
    "freez",
    "no response",
    "not responding",
    "forever",
    "卡住",
    "卡在",
    "卡死",
    "没反应",
    "不动",
    "一直",
)
_STUCK = (
    ("downloading", ("downloading shards", "fetching ", "downloading ", "download", "resolving", "下载")),
    (
        "compiling",
        (
            "building extension module",
            "compiling",
            "ninja",
            "[1/",
            "using /root/.cache/torch_extensions",
            "torch_extensions",
            "cuda graph",
            "torch.compile",
            "building wheel",
        ),
    ),
    (
        "loading-shards",
        (
            "loading checkpoint shards",
            "loading pipeline components",
            "loading safetensors",
            "load model from",
            "loading model",
        ),
    ),
    ("cpu-vision", ("vision tower", "vision_tower", "preprocess", "image processor")),
    ("nccl", ("nccl", "rendezvous", "init_process_group", "barrier")),
)


def read(text: Text, sheet: Sheet) -> bool:
    """Ends, hangs, double loads and success."""
    _signal(text, sheet)
    _status(text, sheet)
    _double(text, sheet)
    _stuck(text, sheet)
    return False


def _signal(text: Text, sheet: Sheet) -> None:
    for row in text.rows("killed", "aborted", *_SIGNALS, "illegal hardware instruction", most=6):
        line = text.lines[row].strip()
        if _ENDS.match(line) and len(line) < 300:
            low = line.lower()
            number = next((number for words, number in _SIGNALS.items() if words in low), 4 if "illegal" in low else 9)
            sheet.put("log.exit_signal", number)
    for row in text.rows(
        "signal",
        "kill process",
        "killed process",
        "oomkilled",
        "sigkill",
        "sigsegv",
        "sigabrt",
        "sigbus",
        "sigfpe",
        "sigill",
        most=12,
    ):
        match = _CAUGHT.search(text.lines[row])
        if match:
            digits = [group for group in match.groups() if whole(group) is not None]
            named = next((n for name, n in _NAMED.items() if name in match.group()), 0)
            number = int(digits[-1]) if digits else 9 if "ill" in match.group() else named
            if 0 < number < 65:
                sheet.put("log.exit_signal", number)


def _status(text: Text, sheet: Sheet) -> None:
    for row in text.rows("exit", "returncode", "return code", most=20):
        match = _STATUS.search(text.lines[row])
        if not match:
            continue
        status = int(match.group(1))
        if status in (3221225477, -1073741819):  # 0xC0000005, access violation
            sheet.put("log.exit_signal", 11)
        elif 128 < status < 128 + 32 or -32 < status < 0:
            sheet.put("log.exit_signal", status - 128 if status > 0 else -status)
        if -4_294_967_296 < status < 4_294_967_296:
            sheet.put("log.exit_status", status)


def _double(text: Text, sheet: Sheet) -> None:
    """The same shards loaded to the end twice by one process; ranks that load side by side are not counted."""
    ends: dict[tuple[str, str], int] = {}
    last: dict[tuple[str, str], int] = {}
    for row in text.rows("loading checkpoint shards", "loading safetensors checkpoint", "loading weights", most=200):
        match = _SHARDS.search(text.lines[row])
        if match and match.group(2) == "100" and match.group(3) == match.group(4):
            key = (match.group(1)[:30], match.group(4))
            between = text.lines[last[key] + 1 : row] if key in last else ["first"]
            ends[key] = ends.get(key, 0) + any(line.strip() for line in between)  # a bar prints its end twice
            last[key] = row
    if ends and not text.has("[rank1]", "rank 1", "local_rank", "world_size", "world size"):
        sheet.put("log.double_load", max(ends.values()) == 2)


def _stuck(text: Text, sheet: Sheet) -> None:
    if not text.has(*_STUCK_WORDS) or sheet.facts.get("log.exceptions"):
        return
    what = next((name for name, words in _STUCK if text.has(*words)), "")
    if what:
        sheet.put("log.stuck", what)


def judge_health(text: Text, sheet: Sheet) -> None:
    """``log.healthy``: a sign of success and no sign of trouble; False when something failed; else not known."""
    if sheet.facts.get("log.exceptions") or sheet.facts.get("log.oom") or sheet.facts.get("log.exit_signal"):
        sheet.put("log.healthy", False)
    elif (sheet.facts.get("log.cuda_available") or text.has(*_HEALTHY)) and not text.has(*_TROUBLE):
        sheet.put("log.healthy", True)
