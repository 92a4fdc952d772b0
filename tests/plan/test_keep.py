"""Promises from words and files."""

import pytest

from doctor.plan.keep import read
from tests.plan.test_make import machine

HERE = machine({"torch": "2.5.1", "numpy": "1.26.4", "flash-attn": "2.6.3"})


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("torch", "torch"),
        ("torch==2.5.1", "torch"),
        ("Flash_Attn>=2  # a comment", "flash-attn"),
        ("numpy[extra] ~=1.26 ; python_version < '3.12'", "numpy"),
        ("torch @ file:///wheels/torch.whl", "torch"),
        ("-e git+https://github.com/a/b.git@abc#egg=flash_attn", "flash-attn"),
        ("  numpy == 1.26.4 --hash=sha256:0123", "numpy"),
    ],
)
def test_lines_of_requirements(line, name):
    kept = read([line], HERE)
    assert kept.names == {name}
    assert not kept.unknown
    assert not kept.other


@pytest.mark.parametrize("line", ["", "# torch", "-r other.txt", "--index-url https://mirror.example/simple", "https://x.example/torch-2.5.1.whl", "./torch"])
def test_lines_that_name_nothing(line):
    assert not read([line], HERE).names


def test_a_backslash_goes_on():
    assert read(["numpy==1.26.4 \\", "    --hash=sha256:0123 \\", "    --hash=sha256:4567", "torch"], HERE).names == {"numpy", "torch"}


def test_what_is_not_here_or_not_so_is_said():
    kept = read(["torch==2.1.0", "torchvison"], HERE)
    assert kept.unknown == ("torchvison",)
    assert kept.other == (("torch", "2.5.1", "==2.1.0"),)
    assert kept.names == {"torch", "torchvison"}


def test_a_pasted_report_without_a_listing_says_nothing_of_unknown_names():
    assert read(["torch"], HERE.__class__({})).unknown == ()
