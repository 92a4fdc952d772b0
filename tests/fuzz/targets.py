"""What is fuzzed: one function of bytes for each reader of strangers' data, with the few exceptions it may raise.

A target must end soon and raise nothing else. ``SEEDS`` are tiny valid inputs that a mutation starts from.
"""

from __future__ import annotations

import shlex
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROBE = ROOT / "doctor" / "collect" / "probe"
for folder in (str(ROOT), str(PROBE)):
    if folder not in sys.path:
        sys.path.append(folder)

import elf  # noqa: E402 - a script of the probe folder
import metadata  # noqa: E402
import requirements  # noqa: E402
import weights  # noqa: E402

from doctor.collect import smi  # noqa: E402
from doctor.collect.redact import Redactor  # noqa: E402
from doctor.engine.load import parse  # noqa: E402
from doctor.errors import RuleError, SnapshotError  # noqa: E402
from doctor.ingest import archive, ingest  # noqa: E402
from doctor.plan.shell import quote  # noqa: E402

_SHM = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a file for each input: memory spares the disk
_FILE = Path(tempfile.mkdtemp(prefix="fuzz", dir=_SHM)) / "file"


def _stored(data: bytes, ending: str = "") -> str:
    path = _FILE.with_suffix(ending)
    path.write_bytes(data)
    return str(path)


def text_report(data: bytes) -> None:
    """Pasted text: never raises."""
    ingest([data])


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


def library(data: bytes) -> None:
    """A shared library: the errors of ``elf.TROUBLE`` only."""
    try:
        with elf.Elf(_stored(data)) as found:
            found.undefined()
            found.version_needs()
            found.version_names()
            elf.Exports(found).has("a", "b")
    except elf.TROUBLE:
        return


def safetensors(data: bytes) -> None:
    """A safetensors header: a problem in words, never an exception."""
    weights.check(_stored(data, ".safetensors"))


def gguf(data: bytes) -> None:
    """A GGUF header: the same."""
    weights.check(_stored(data, ".gguf"))


def checkpoint(data: bytes) -> None:
    """The end of a ZIP of torch.save: the same. Nothing is unpickled."""
    weights.check(_stored(data, ".bin"))


def package_metadata(data: bytes) -> None:
    """METADATA: never raises; its requirement lines raise ValueError only."""
    for line in metadata.parse(data).get("requires-dist", ()):
        try:
            _, spec, _ = requirements.split(line)
            requirements.satisfies("2.1.0+cu118", spec)
        except ValueError:
            continue


def nvidia_smi(data: bytes) -> None:
    """What nvidia-smi prints, as XML and as the pasted table: never raises."""
    smi.parse(data)
    smi.complaint("exit 9", data)


def shell_word(data: bytes) -> None:
    """A quoted word is one word of the shell, whatever it holds."""
    value = data.decode("utf-8", "replace")
    words = shlex.split(quote(value).replace('"$HOME"', "~"))
    assert len(words) == 1, (value, words)


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
_RULE = b"""id = "TOR101"
since = "0.1"
severity = "error"
[[applies]]
dist = "torch"
version = ">=2,<3"
[[sign]]
pattern = "no kernel image is available"
weight = 0.8
[text.en]
title = "a"
why = "b"
next = "c"
proof = "d"
[text.zh]
title = "a"
why = "b"
next = "c"
proof = "d"
"""
_HEADER = b'{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"__metadata__":{"format":"pt"}}'

TARGETS: dict[str, tuple[Callable[[bytes], None], tuple[bytes, ...]]] = {
    "text_report": (text_report, (_TEXT, b"Package Version\n------- -------\ntorch   2.1.2\n", b"\xff\xfet\x00o\x00")),
    "redactor": (redactor, (b"https://alice:pw123456@example.com/x Authorization: Bearer abcdefgh12345678", _TEXT)),
    "snapshot": (snapshot, (b'{"schema":"vlmdoctor.snapshot/1","source":"live","taken":null,"closed":["dist"],"facts":{"dist.torch":"2.1.0","gpus":[{"name":"a"}]},"unread":{}}',)),
    "rule": (rule, (_RULE,)),
    "library": (library, (b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0) + struct.pack("<IIQQQQQQ", 2, 4, 120, 120, 120, 64, 64, 8) + struct.pack("<8Q", 5, 120, 10, 16, 6, 120, 0, 0),)),
    "safetensors": (safetensors, (struct.pack("<Q", len(_HEADER)) + _HEADER + bytes(4),)),
    "gguf": (gguf, (b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + struct.pack("<Q", 1) + b"k" + struct.pack("<II", 4, 7) + struct.pack("<Q", 1) + b"t" + struct.pack("<IQIQ", 1, 4, 0, 0) + bytes(64),)),
    "checkpoint": (checkpoint, (b"PK\x03\x04" + bytes(26) + b"PK\x05\x06" + bytes(18),)),
    "package_metadata": (package_metadata, (b"Metadata-Version: 2.1\nName: a\nVersion: 1\nRequires-Dist: torch (>=2.0,<3) ; extra == 'x'\n\nbody",)),
    "nvidia_smi": (nvidia_smi, (_SMI, b"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.")),
    "shell_word": (shell_word, (b"~/a b", b"a'b\"c $(touch x) `y` ; | & \n")),
}  # fmt: skip
