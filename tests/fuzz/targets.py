"""What is fuzzed: one function of bytes for each reader of strangers' data, with the few exceptions it may raise.

A target must end soon and raise nothing else. ``SEEDS`` are tiny valid inputs that a mutation starts from.
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

from probe_targets import PROBES, assembled, place
from probe_targets import Target as Row

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from doctor.collect import child, merge, smi  # noqa: E402
from doctor.collect.redact import Redactor  # noqa: E402
from doctor.commands import batch  # noqa: E402
from doctor.engine import store  # noqa: E402
from doctor.engine.evaluate import evaluate  # noqa: E402
from doctor.engine.load import parse  # noqa: E402
from doctor.errors import FitError, RuleError, SnapshotError  # noqa: E402
from doctor.fit import ggufmodel, judge, sources  # noqa: E402
from doctor.fit.shapes import Request  # noqa: E402
from doctor.ingest import archive, ingest, parts  # noqa: E402
from doctor.ingest.sheet import Sheet  # noqa: E402
from doctor.ingest.text import Text, clean, unwrap  # noqa: E402
from doctor.knowledge import index  # noqa: E402
from doctor.knowledge.derive import derive  # noqa: E402
from doctor.plan import startup  # noqa: E402
from doctor.plan.journal import Journal  # noqa: E402
from doctor.plan.shell import Target, quote  # noqa: E402
from doctor.report import jsonout, markdown, text  # noqa: E402
from doctor.report.build import Style, build  # noqa: E402


def text_report(data: bytes) -> None:
    """Pasted text: never raises, and no reader breaks."""
    assert not ingest([data]).unread


def redactor(data: bytes) -> None:
    """Free text: never raises, and the known names are gone.

    A second pass may take more of a noise text (what stood beside a placeholder now stands alone), never bring back.
    """
    text = Redactor("/home/somebody", "somebody", "somehost").text(data.decode("utf-8", "replace"))
    Redactor().text(text)
    assert "/home/somebody/" not in text


def snapshot(data: bytes) -> None:
    """An archive: SnapshotError only; what is read can be written and read again."""
    try:
        found = archive.loads(data)
    except SnapshotError:
        return
    assert archive.loads(archive.dump(found)).facts == found.facts


def rule(data: bytes) -> None:
    """A rule file: RuleError only."""
    try:
        parse("TOR101-made-up.toml", data.decode("utf-8", "replace"), "torch")
    except RuleError:
        return


def rule_lines(data: bytes) -> None:
    """A rule file put together from lines that rules have: RuleError only, also for its hostile patterns."""
    rule(assembled(data, _RULE_PIECES))


def nvidia_smi(data: bytes) -> None:
    """What nvidia-smi prints, as XML and as the pasted table: never raises."""
    smi.parse(data)
    smi.complaint("exit 9", data)


def report_lines(data: bytes) -> None:
    """Pasted text put together from lines that its readers look for: never raises."""
    ingest([assembled(data, _REPORT_PIECES)])


def _reader(read: parts.Reader) -> Callable[[bytes], None]:
    """One reader of pasted text alone, on lines that some reader looks for: never raises."""

    def target(data: bytes) -> None:
        sheet = Sheet()
        read(Text(unwrap(clean(assembled(data, _REPORT_PIECES)))), sheet)
        sheet.finish()

    return target


def diagnosis(data: bytes) -> None:
    """The whole way of a pasted text: no rule crashes, and no format shows a control character."""
    found = derive(ingest([assembled(data, _REPORT_PIECES)], redact=Redactor().text))
    corpus = store.load()
    report = build(evaluate(corpus.rules, found), found, corpus, Style("zh" if len(data) % 2 else "en", Target()))
    assert not report.crashed, report.crashed
    for body in (text.render(report), markdown.render(report), jsonout.render(report)):
        assert not STEERING.search(body), STEERING.search(body)


def batch_line(data: bytes) -> None:
    """A line of ``diagnose --batch``: never raises."""
    batch.item(data, "1")


def child_line(data: bytes) -> None:
    """What a probe child says, which may be any program that the user named: never raises, and can be stored."""
    for body in data.split(b"\n"):
        payload = child.read_line(b"n %08x %s" % (zlib.crc32(body), body), "n")
        if payload is None:
            continue
        facts = merge.Facts()
        name = payload.get("f")
        facts.add({name: payload.get("v")} if isinstance(name, str) else payload)
        facts.judge_driver()
        archive.dump(Redactor("/home/x", "x", "y").snapshot(facts.snapshot("live", "")))


def fit_config(data: bytes) -> None:
    """config.json and preprocessor_config.json, or the metadata of a GGUF file, of strangers: FitError only."""
    name, _, beside = assembled(data, _FIT_PIECES).partition(b"\n")
    try:
        config, pre = json.loads(name), json.loads(beside or b"null")
    except (ValueError, RecursionError):
        return
    if not isinstance(config, dict) or not isinstance(pre, dict | None):
        return
    rows = [["blk.0.attn_k.weight", 8, 4], ["v.x", 6, 3]]
    for load in (
        lambda: sources._from_files("x", sources.Found(config=config, pre=pre, tensors=[["a.b", "F16", [2, 3]]])),
        lambda: sources._from_gguf("x", sources.Found(gguf=[ggufmodel.File("x", config, rows)])),
    ):
        try:
            judge([load()], Request(), [])
        except FitError:
            continue


def index_page(data: bytes) -> None:
    """The page of a package index for ``rules refresh``: the errors that its caller turns into KnowledgeError."""
    for read in (index._from_json, index._from_html):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            read(data, "https://a/b/")


def journal(data: bytes) -> None:
    """A journal that was cut off or spoilt: never raises."""
    found = Journal(place("log", data, "journal").parent)
    found.lines()
    found.head()
    found.closed()


def startup_file(data: bytes) -> None:
    """A start-up file of a shell: what is not ours stays, ours is there once, and a second merge changes nothing."""
    body = assembled(data, _STARTUP_PIECES).decode("utf-8", "replace")
    once = startup.merged(body, {"HF_HOME": "~/a b"}, "bash")
    assert startup.merged(once, {"HF_HOME": "~/a b"}, "bash") == once
    assert "HF_HOME" in (startup.inside(once) or "")


def shell_word(data: bytes) -> None:
    """A quoted word is one word of the shell, whatever it holds."""
    value = data[:4096].decode("utf-8", "replace")  # shlex, which is not ours, takes quadratic time for one long word
    words = shlex.split(quote(value).replace('"$HOME"', "~"))
    assert len(words) == 1, (value, words)


STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_CORPUS = next((ROOT / "rules").glob("*/TOR101-*.toml")).read_bytes()
_RULE_PIECES = (
    *(line + b"\n" for line in dict.fromkeys(_CORPUS.splitlines()) if line),
    b"sign = [\n", b"]\n", b"  { log = '(a+)+b', weight = 0.5 },\n", b"  { log = '(a|a)*$' },\n", b"{", b"}", b"[", b"]", b"=", b'"', b"'",
    b"when = [{ any = [{ all = [{ not = { env = 'A' } }] }] }]\n", b"fix = [{ run = 'rm {x}', safety = 'safe' }]\n", b"1e999", b"nan", b"\n",
    b"when = [{ call = 'x' }]\n", b"when = [{ fact = 'os.name', is = 'linux' }]\n", b"version = '>=2,<'\n", b"weight = 2\n", b"[text.xx]\n",
)  # fmt: skip
_PASTED = [path.read_bytes() for path in sorted((ROOT / "fixtures" / "pasted").iterdir())]
_REPORT_PIECES = tuple(
    line + b"\n"
    for line in dict.fromkeys(
        [line for body in _PASTED for line in body.splitlines() if line.strip()][:84]
        + rb"""torch==2.1.2+cu118
Package                  Version
torch                    2.1.2+cu118
# packages in environment at /home/x/miniconda3:
pytorch   2.1.2  py3.10_cuda11.8_cudnn8.7.0_0  pytorch
name, driver_version, memory.total [MiB], memory.used [MiB]
NVIDIA L40S, 550.54.15, 46068 MiB, 4 MiB
<driver_version>550.54.15</driver_version>
During handling of the above exception, another exception occurred:
The above exception was the direct cause of the following exception:
Traceback (most recent call last):
  File "/home/x/a.py", line 3, in <module>
    import flash_attn
ImportError: /x/flash_attn_2_cuda.cpython-310-x86_64-linux-gnu.so: undefined symbol: _ZN3c104cuda9SetDeviceEi
torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 23.65 GiB total capacity; 22.1 GiB already allocated)
RuntimeError: CUDA error: no kernel image is available for execution on the device
ERROR: Could not find a version that satisfies the requirement torch==9 (from versions: 1.0, 2.0)
ERROR: pip's dependency resolver does not currently take into account all the packages that are installed.
$ pip install torch
Successfully installed torch-2.1.2 numpy-1.26.4
{"schema":"vlmdoctor.snapshot/1","facts":{"dist.torch":"2.1.0"},"unread":{}}
nvcc: NVIDIA (R) Cuda compiler driver
Cuda compilation tools, release 12.1, V12.1.105
Killed
Segmentation fault (core dumped)
  seen    dist.torch = 2.1.0
477 rules looked at , 3 found
(APIServer pid=1) INFO 01-01 00:00:00 [x.py:1] a
export CUDA_VISIBLE_DEVICES=0
OSError: We couldn't connect to 'https://huggingface.co' to load this file
```
> quoted | cell | cell
 10%|#         | 1/10 [00:00<00:01,  1.00it/s]
libcudart.so.11.0 => not found
AssertionError: Torch not compiled with CUDA enabled
\xe6\x98\xbe\xe5\xad\x98 8G, python 3.10""".splitlines()
    )
)
_FIT_PIECES = (
    b'{"model_type": "qwen2_vl", ', b'{"model_type": "llava", ', b'{"model_type": "internvl_chat", ', b'{"model_type": ', b'"x": 1}', b"}", b", ", b"\n", b"{",
    b"[", b"]", b'"text_config": {', b'"vision_config": {', b'"llm_config": {', b"1", b"0", b"-3", b"1e300", b"null", b'"x"', b"[1, 2]", b"true", b"64",
    *(b'"%s": ' % key for key in b"""hidden_size num_hidden_layers num_attention_heads vocab_size intermediate_size torch_dtype quantization_config patch_size
    image_size rope_scaling head_dim num_key_value_heads architectures mm_vision_tower version min_pixels max_pixels size crop_size general.architecture
    llama.block_count llama.embedding_length llama.attention.head_count llama.attention.head_count_kv llama.vocab_size llama.feed_forward_length
    clip.vision.patch_size clip.vision.image_size clip.vision.embedding_length split.count clip.projector_type quant_method bits""".split()),
    b'"llama"', b'"clip"', b'"awq"', b'{"quant_method": "awq", "bits": 4}', b'"bfloat16"', b'{"longest_edge": 3}', b"99999999999", b"0.5",
)  # fmt: skip
_STARTUP_PIECES = (
    b"# >>> vlmdoctor >>>\n", b"# <<< vlmdoctor <<<\n", b"# <<< vlmdoctor <<<", b"export HF_HOME=/x\n", b"export A='b\n", b"unset HF_HOME\n", b"\n", b"\r\n", b"\\g<0>",
    b"\\1", b"x", b"export HF_HOME_OLD=1\n",
)  # fmt: skip
_ORDER = bytes(range(128))
_CHILD = b'{"f": "gpus", "v": [{"name": "NVIDIA L40S", "total": 1}]}\n{"dist.torch": "2.1", "gpu.count": 2, "cuda.visible": ["3"], "hf.hub_cache": "/home/x/y", "host.user": "x"}'
_PAGE = b'{"files": [{"filename": "a-1.0-py3-none-any.whl", "url": "a-1.0-py3-none-any.whl", "yanked": "x", "core-metadata": {}}]}'


_SMI = b"""<?xml version="1.0" ?><nvidia_smi_log><driver_version>550.54.15</driver_version><cuda_version>12.4</cuda_version>
<attached_gpus>1</attached_gpus><gpu id="00000000:01:00.0"><product_name>NVIDIA L40S</product_name><fb_memory_usage>
<total>46068 MiB</total><used>4 MiB</used><free>45589 MiB</free></fb_memory_usage></gpu></nvidia_smi_log>"""
_TEXT = b"""Traceback (most recent call last):
  File "/root/chat.py", line 3, in <module>
    import torch
ImportError: libcudart.so.11.0: cannot open shared object file: No such file or directory
torch==2.1.2+cu118
| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4 |
"""
TARGETS: dict[str, Row] = {
    "text_report": (text_report, (_TEXT, *_PASTED, b"Package Version\n------- -------\ntorch   2.1.2\n", b"\xff\xfet\x00o\x00")),
    "report_lines": (report_lines, (_ORDER, _ORDER[::-1])),
    **{f"read_{read.__module__.rpartition('.')[2]}": (_reader(read), (_ORDER, _ORDER[::-1])) for read in parts.READERS},
    "diagnosis": (diagnosis, (_ORDER, _ORDER[40:], _ORDER[84:])),
    "redactor": (redactor, (b"https://alice:pw123456@example.com/x Authorization: Bearer abcdefgh12345678", _TEXT)),
    "snapshot": (snapshot, (b'{"schema":"vlmdoctor.snapshot/1","source":"live","taken":null,"closed":["dist"],"facts":{"dist.torch":"2.1.0","gpus":[{"name":"a"}]},"unread":{}}',)),
    "rule": (rule, (_CORPUS,)),
    "rule_lines": (rule_lines, (_ORDER,)),
    "nvidia_smi": (nvidia_smi, (_SMI, b"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.")),
    "batch_line": (batch_line, (b'{"text": "a", "id": 3}', b'"a"')),
    "child_line": (child_line, (_CHILD,)),
    "fit_config": (fit_config, (b"\x00\x17\x16\x06\x18\x0e\x06\x04", b"\x08\x2a\x37\x06\x2b\x0e\x05\x07\x08\x05")),
    "index_page": (index_page, (_PAGE, b'<a href="a-1.0.tar.gz#sha256=b" data-yanked data-requires-python="&gt;=3">a</a>')),
    "journal": (journal, (b'{"op": "begin", "prefix": "/x"}\n{"op": "closed"}\n3\n{"op"',)),
    "startup_file": (startup_file, (_ORDER, b"\x00\x03\x01")),
    "shell_word": (shell_word, (b"~/a b", b"a'b\"c $(touch x) `y` ; | & \n")),
    **PROBES,
}  # fmt: skip
