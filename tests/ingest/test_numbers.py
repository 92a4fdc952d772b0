"""Digits that are no numbers, and numbers that no number can be."""

import pytest

from doctor import cli
from doctor.errors import place
from doctor.ingest import ingest, parts
from doctor.ingest.sheet import Sheet
from doctor.ingest.text import Text
from doctor.model.numbers import whole

SMI = """| N/A   30C    P0    30W /  70W |   {0}MiB / 15360MiB |      0%      Default |
name, memory.total [MiB], index
Tesla T4, {0} MiB, {0}
"""
PASTES = (
    "CPU(s): {0}\nCUDA version: {0}r.1\nCUDA runtime version: {0}.{0}\nNvidia driver version: {0}.10\n",
    "nvidia-cublas=={0}rc.1\nnvidia-cuda-runtime==1r.2\ntorch=={0}\nPackage    Version\n---------- -------\ntorch      {0}.1\n",
    "Collecting environment information...\nPyTorch version: 2.1\nCUDA version: 1r.1\nGPU 0: {0}\n",
    "exit code: {0}\nexitcode: -{0}\nKilled signal {0}\nProcess finished with exit code {0} (interrupted by signal {0}:SIGKILL)\n",
    "               total        used        free\nMem:  {0}  {0}  {0}  {0}  {0}  {0}\nTried to allocate {0} MiB. GPU {0} has\n",
    SMI,
)


@pytest.mark.parametrize("number", ["²", "①", "٣", "1²", "9" * 5000, "1r"])
@pytest.mark.parametrize("paste", PASTES)
def test_no_reader_breaks(paste, number):
    assert not ingest([paste.format(number)]).unread


def test_whole_numbers():
    assert [whole(text) for text in ("12", 7, "²", "-1", "1.0", "", None, "9" * 19)] == [12, 7, *[None] * 6]


def _broken(_text, _sheet):
    raise KeyError("secret of the paste")


def test_a_reader_that_breaks_costs_its_own_facts(monkeypatch):
    monkeypatch.setattr(parts, "READERS", (_broken, *parts.READERS))
    sheet = Sheet()
    parts.read_all(Text("torch==2.1.2+cu118"), sheet)
    assert sheet.facts["dist.torch"] == "2.1.2+cu118"
    assert list(sheet.unread.values()) == [place(KeyError()) + " in ingest/parts.py, line " + sheet.unread["part.test_numbers"].split()[-1]]


def test_a_defect_is_told_without_a_traceback(monkeypatch, capsys):
    monkeypatch.delenv("VLMDOCTOR_DEBUG", raising=False)
    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: _broken(None, None))
    with pytest.raises(SystemExit) as done:
        cli.main(["check"])
    told = capsys.readouterr().err
    assert done.value.code == 3
    assert "KeyError" in told
    assert "secret" not in told
    monkeypatch.setenv("VLMDOCTOR_DEBUG", "1")
    with pytest.raises(KeyError):
        cli.main(["check"])
