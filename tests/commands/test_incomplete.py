"""A check that could not read an essential part has not found that nothing is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from doctor.cli import group

HEALTHY = Path(__file__).parents[2] / "fixtures" / "machines" / "healthy-qwen-h100" / "snapshot.json"
BUSY = "no answer in 4.0 s"
# What a machine leaves that was too busy: (family of facts that is gone, part that did not answer, area that is named).
SILENT = [
    (("os.",), "machine", "the machine itself"),
    (("driver.", "gpu", "cuda.", "mig."), "nvml", "the GPUs"),
    (("python.", "dist.", "torch."), "pyenv", "the Python version, the list of packages"),
]

Judge = Callable[..., Result]


@pytest.fixture
def judged(tmp_path: Path) -> Judge:
    def run(
        families: tuple[str, ...], part: str, *words: str, extra: Mapping[str, Any] = {}, unread: Mapping[str, Any] = {}
    ) -> Result:
        body: dict[str, Any] = json.loads(HEALTHY.read_text(encoding="utf-8"))
        body["facts"] = {name: value for name, value in body["facts"].items() if not name.startswith(families)}
        body["facts"].update(extra)
        body["closed"] = [name for name in body["closed"] if not f"{name}.".startswith(families)]
        body["unread"] = {f"part.{part}": BUSY, **unread}
        (tmp_path / "s.json").write_text(json.dumps(body), encoding="utf-8")
        return CliRunner().invoke(
            group, ["check", "--snapshot", str(tmp_path / "s.json"), *words], standalone_mode=False
        )

    return run


@pytest.mark.parametrize(("families", "part", "area"), SILENT)
def test_the_check_says_what_is_missing_and_why(judged: Judge, families: tuple[str, ...], part: str, area: str) -> None:
    done = judged(families, part)
    said = " ".join(done.output.split())
    assert done.return_value == 3
    assert said.startswith("This check is incomplete:")
    assert area in said.partition("could not be read")[0]
    assert BUSY in said
    assert "--timeout 20" in said
    assert "Nothing wrong found." not in said


def test_gpus_of_which_nothing_is_known_are_not_read(judged: Judge) -> None:
    """Some virtual GPUs answer every question with "not supported"."""
    done = judged(
        ("gpus",),
        "none",
        "--format",
        "json",
        extra={"gpus": [{"index": 0}]},
        unread={"gpus.0.name": "NVML_ERROR_NOT_SUPPORTED"},
    )
    assert json.loads(done.output)["unseen"] == [{"area": "the GPUs", "why": "NVML_ERROR_NOT_SUPPORTED"}]


def test_silence_is_not_called_no_gpu(judged: Judge) -> None:
    done = judged(SILENT[1][0], "nvml", extra={"gpu.present": False}, unread={"gpus": BUSY})
    assert "No NVIDIA GPU here" not in done.output


def test_json_names_the_parts(judged: Judge) -> None:
    unseen = json.loads(judged(*SILENT[1][:2], "--format", "json").output)["unseen"]
    assert {"area": "the GPUs", "why": BUSY} in unseen


def test_a_finding_comes_first_and_never_means_never(judged: Judge) -> None:
    assert judged((*SILENT[1][0], "dist.transformers"), "nvml", "--fail-on", "never").return_value == 0
    assert judged(SILENT[1][0], "nvml", "--fail-on", "note").return_value in (1, 3)


def test_rules_that_need_nothing_of_it_are_complete(judged: Judge) -> None:
    assert judged(SILENT[1][0], "nvml", "--only", "TOR101").return_value == 0


def test_nothing_to_do_is_no_answer_either(judged: Judge, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(judged(*SILENT[2][:2], "--format", "json").output, encoding="utf-8")
    done = CliRunner().invoke(group, ["fix", "--dry-run", "--report", str(tmp_path / "r.json")], standalone_mode=False)
    assert done.return_value == 3
    assert "incomplete" in done.stderr
