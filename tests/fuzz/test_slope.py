"""Time grows with the size of the text, whatever it is made of: structured bait for the readers, near misses for signs.

A blind mutation seldom finds what makes a pattern slow. These texts are built for it: openings without an end, endless
runs of what a pattern repeats, and for every sign of the rules a text that matches all of it but its last part.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from doctor.collect.redact import Redactor
from doctor.engine.load import load_dir
from doctor.engine.signs import TRIES, WINDOW, sre_constants, sre_parse
from doctor.ingest import ingest

LARGE = int(os.environ.get("FUZZ_BAIT", "20000"))  # characters of the smaller text
TIMES = 4  # how much larger the other one is
STEEPEST = 9  # a quadratic reader needs 16 times as long for it
NOISE = 0.06  # seconds of CPU below which nothing is measured

FRAME = '  File "/home/a/b.py", line 3, in f\n    g(x)\n'
CHAIN = "\nDuring handling of the above exception, another exception occurred:\n\n"
BAIT = {
    "nested tracebacks": "Traceback (most recent call last):\n" + FRAME + "ValueError: a" + CHAIN,
    "tracebacks without an end": "Traceback (most recent call last):\n" + FRAME,
    "frames": FRAME,
    "one long line": "word ",
    "one long word": "a",
    "equals": "a=",
    "double equals": "torch==",
    "versions": "1.2.3.4.",
    "opening brackets": "([{<",
    "closing brackets": ")]}>",
    "quotes": "\"'`",
    "backslashes": "\\",
    "escapes": "\x1b[31m\x1b]8;;",
    "cut escapes": "\x1b[",
    "fences": "```\n",
    "tags": "<b><pre class='x' ",
    "links": "[a](https://localhost:1/",
    "entities": "&lt;&amp",
    "progress": " 10%|##        | 1/10 [00:01<00:09,  1.0it/s]\r",
    "boxes": "│ a │ b │\n",
    "quoted lines": "> > > a\n",
    "pip list": "torch-x    2.1.2\n",
    "pip freeze": "torch==2.1.2 ; python_version < '3.9'\n",
    "conda list": "pytorch  2.1.2  py3.10_cuda11.8_cudnn8.7.0_0  pytorch\n",
    "smi table": "| 30%   40C    P8    20W / 350W |    500MiB / 24576MiB |      0%      Default |\n",
    "smi csv": "NVIDIA L40S, 550.54.15, 46068 MiB, 4 MiB\n",
    "smi xml": '<gpu id="1"><product_name>a</product_name><fb_memory_usage>',
    "our own json": '{"schema":"vlmdoctor.snapshot/1","facts":{"a":[',
    "our own report": "ERROR  TOR101  a\n  seen    dist.torch = 2.1\n1 rules looked at x\n",
    "key and value": "PyTorch version: 2.1\n",
    "shell prompts": "$ pip install torch && python a.py \\\n",
    "memory": "Tried to allocate 2.00 GiB (GPU 0; 23.65 GiB total capacity; ",
    "missing libraries": "libcudart.so.11.0: cannot open shared object file ",
    "symbols": "undefined symbol: _ZN3c10",
    "blank lines": "\n",
    "blanks": " ",
    "tabs": "a\t",
    "not text": "\ufffd\u202e\u200b",
    "chinese": "显存不足：",
    "logins": "https://a:b",
    "mails": "a.b@",
    "homes": "/home/a",
    "key blocks": "-----BEGIN RSA PRIVATE KEY-----\n",
    "key block lines": "-----BEGIN RSA PRIVATE KEY-----\nAbc1" + "Ab1/" * 16 + "\n",
    "names of secrets": "my_token_key_secret_",
    "secrets": "token: 'abc\\\n",
    "nested secrets": "key=(token=[secret={",
    "pairs": "name: TOKEN, value: ",
    "tables": "TOKEN    | a\n",
    "options": "mysql -u a -p b login -k ",
    "headers": "authorization: digest a=b, ",
    "addresses": "10.1.1.1.",
    "shares": "\\\\server\\a ",
    "hosts": "host-1.a.b. user@host-1:~$ ",
    "long tokens": "Ab1" * 12 + " ",
    "arguments": "'token', token('",
    "echoes": "echo a | b | ",
    "processes": "maojun    41234 99.1  3.2 ",
    "listings": "drwxr-xr-x 5 maojun  ",
    "queues": "4431 gpu train maojun R  ",
    "statements": "the token is (the key → ",
    "chinese passwords": "密码的密钥口令：令牌 是",
    "commands": "curl -u a -U b mysql -u mc alias set a ",
    "scripts": "expect password: send(",
    "users": "chpasswd:\n  root:a\n",
    "here-strings": "sudo token <<< ",
    "known again": "password: Ab1@ad#x\n",
}  # fmt: skip


def _cost(work: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    work(text)
    return time.process_time() - began


def _steepness(work: Callable[[str], object], piece: str) -> float:
    small = (piece * (LARGE // len(piece) + 1))[:LARGE]
    large = (piece * (TIMES * LARGE // len(piece) + 1))[: TIMES * LARGE]
    work(small)  # patterns are compiled
    return _cost(work, large) / max(_cost(work, small), NOISE)


@pytest.mark.parametrize("name", BAIT)
def test_pasted_text(name: str) -> None:
    assert _steepness(lambda text: ingest([text]), BAIT[name]) < STEEPEST


@pytest.mark.parametrize("name", BAIT)
def test_redaction(name: str) -> None:
    assert _steepness(lambda text: Redactor("/home/somebody", "somebody", "box-7").text(text), BAIT[name]) < STEEPEST


SIGNS = [(item.rule.slug, sign) for item in load_dir(Path(__file__).parents[2] / "rules") for sign in item.rule.signs]
SLOWEST = 0.004  # seconds of CPU of one pattern on one line: all TRIES lines then take a tenth of a second


def near_misses(pattern: str) -> Iterator[str]:
    """Beginnings of a match, each with its last repeat drawn out, which then does not go on."""
    text = ""
    for part in sre_parse.parse(pattern):
        text += _sample(part, 3)
        op, arg = part
        if op in (sre_constants.MAX_REPEAT, sre_constants.MIN_REPEAT):
            yield text + "".join(_sample(inner, 1) for inner in arg[2]) * 200
    yield text[:-1] or "a"


def _sample(part: Any, most: int) -> str:
    """A text that the part matches, as far as that is easily said."""
    op, arg = part
    if op is sre_constants.LITERAL:
        return chr(arg)
    if op in (sre_constants.MAX_REPEAT, sre_constants.MIN_REPEAT):
        return "".join(_sample(inner, most) for inner in arg[2]) * max(
            arg[0], min(most, arg[1] if arg[1] is not sre_constants.MAXREPEAT else most)
        )
    if op is sre_constants.SUBPATTERN:
        return "".join(_sample(inner, most) for inner in arg[3])
    if op is sre_constants.BRANCH:
        return "".join(_sample(inner, most) for inner in arg[1][0])
    if op is sre_constants.IN:
        return _member(arg)
    return "a" if op in (sre_constants.ANY, sre_constants.NOT_LITERAL) else ""


def _member(items: Any) -> str:
    first = items[0]
    if first[0] is sre_constants.LITERAL:
        return chr(first[1])
    if first[0] is sre_constants.RANGE:
        return chr(first[1][0])
    if first[0] is sre_constants.CATEGORY:
        return (
            {"digit": "7", "space": " ", "word": "a"}.get(str(first[1]).lower().rpartition("_")[2], "a")
            if "NOT" not in str(first[1])
            else "a"
        )
    return "a"


def lines_of(miss: str, literal: str) -> Iterator[str]:
    """The near miss over a whole window, behind and before the word without which the sign would not be tried."""
    room = WINDOW - len(literal) - 1
    text = (miss * (room // max(1, len(miss)) + 1))[:room]
    yield f"{text} {literal}"
    yield f"{literal} {text}"


def test_no_sign_is_slow_on_what_it_nearly_matches() -> None:
    slow = []
    for slug, sign in SIGNS:
        search = re.compile(sign.pattern).search
        for line in (
            line for miss in near_misses(sign.pattern) for word in sign.literals[:3] for line in lines_of(miss, word)
        ):
            spent = _cost(search, line)
            if spent > SLOWEST:
                spent = min(_cost(search, line) for _ in range(4))
            if spent > SLOWEST:
                slow.append((slug, sign.pattern, line[:60], spent * TRIES))
    assert not slow
