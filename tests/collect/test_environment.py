"""Odd values of variables: numbers that are none, words that are not among the choices."""

import pytest

from doctor.collect.environment import read


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("GRADIO_SERVER_PORT", "0.0.0.0:7860", "not-a-number"),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "30s", "not-a-number"),
        ("TORCH_LOGS", "verbose", "not-a-choice"),
        ("TORCH_LOGS", "+dynamo,DEBUG", "not-a-choice"),
        ("TORCH_LOGS", "+dynamo,aot,torch.fx", None),
        ("TORCH_DISTRIBUTED_DEBUG", "1", "not-a-choice"),
        ("TORCH_DISTRIBUTED_DEBUG", "detail", None),
        ("PYTHONHASHSEED", "yes", "not-a-choice"),
        ("PYTHONHASHSEED", "0", None),
        ("PYTHONUTF8", "on", "not-a-choice"),
        ("PYTHONIOENCODING", "uft-8", "not-a-choice"),
        ("PYTHONIOENCODING", "utf-8:replace", None),
        ("PYTHONIOENCODING", ":replace", None),
        ("ACCELERATE_MIXED_PRECISION", "no", None),
        ("DS_ACCELERATOR", "cpu", None),
        ("DS_ACCELERATOR", "gpu", "not-a-choice"),
    ],
)
def test_values_that_a_program_refuses(name: str, value: str, problem: str | None) -> None:
    assert [row["problem"] for row in read({name: value})["env_odd"]] == ([problem] if problem else [])
