"""conda's own books, read as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import conda
import pytest
from condamake import Conda
from envmake import Env


@pytest.fixture
def made(tmp_path: Path) -> Conda:
    return Conda(tmp_path)


def owned(env: Conda, **more: Any) -> dict[str, dict[str, Any]]:
    return {row["dist"] or row["package"]: row for row in conda.read(env.ctx(**more))["conda.owned"]}


def test_who_owns_what(made: Conda) -> None:
    made.python_package("pytorch", "2.5.1", "torch", build="py3.11_cuda12.4_cudnn9.1.0_0", channel="pytorch", needs=("python >=3.11,<3.12.0a0", "pytorch-cuda >=12.4,<12.5", "mkl=2023.*"))
    made.package("pytorch-cuda", "12.4", "hc786d27_7", "pytorch")
    made.package("zlib", "1.3.1", files=("lib/libz.so",))
    made.dist("transformers", "4.49.0")
    rows = owned(made)
    assert rows["torch"] == {
        "package": "pytorch", "version": "2.5.1", "build": "py3.11_cuda12.4_cudnn9.1.0_0", "channel": "pytorch/linux-64",
        "needs": ["mkl", "python", "pytorch-cuda"], "dist": "torch", "there": True,
    }  # fmt: skip
    assert rows["pytorch-cuda"]["dist"] == ""
    assert not {"transformers", "zlib"} & rows.keys()


def test_no_token_no_user(made: Conda) -> None:
    made.python_package("numpy", "1.26.4")
    (made.home / ".condarc").write_text("channels:\n  - https://me:secret@conda.example/t/to-ken-123/private\n  - conda-forge # ours\n")
    text = repr(conda.read(made.ctx()))
    assert "secret" not in text
    assert "to-ken" not in text
    assert conda.read(made.ctx())["conda.channels"] == ["https://conda.example/private", "conda-forge"]


def test_what_pip_has_put_over_it_is_no_longer_there(made: Conda) -> None:
    made.python_package("numpy", "1.26.4")
    made.python_package("pillow", "10.4.0")
    made.python_package("scipy", "1.13.0", installer="pip")  # built with pip, but conda's
    (made.site / "numpy-1.26.4.dist-info" / "METADATA").unlink()
    (made.site / "numpy-1.26.4.dist-info").rename(made.site / "numpy-2.0.0.dist-info")
    info = made.site / "pillow-10.4.0.dist-info"  # the same release, installed by pip
    (info / "INSTALLER").write_text("pip\n")
    (info / "RECORD").write_text("PIL/__init__.py,,\n")
    rows = owned(made)
    assert [rows[name]["there"] for name in ("numpy", "pillow", "scipy")] == [False, False, True]


def test_an_egg_info_of_the_pytorch_channel(made: Conda) -> None:
    (made.site / "torch-2.1.0-py3.11.egg-info").mkdir()
    (made.site / "torch-2.1.0-py3.11.egg-info" / "PKG-INFO").write_text("Name: torch\nVersion: 2.1.0\n")
    made.package("pytorch", "2.1.0", files=("lib/python3.11/site-packages/torch-2.1.0-py3.11.egg-info/PKG-INFO",))
    assert owned(made)["torch"]["there"]


def test_which_environment_this_is(made: Conda, tmp_path: Path) -> None:
    facts = conda.read(made.ctx())
    assert (facts["conda.env"], facts["conda.base"], facts["conda.root"]) == ("llava", False, str(made.root))
    assert facts["conda.exe"] == str(made.root / "condabin" / "conda")
    assert not facts["conda.frozen"]
    (tmp_path / "b").mkdir()
    base = Conda(tmp_path / "b", "base")
    facts = conda.read(base.ctx())
    assert (facts["conda.env"], facts["conda.base"]) == ("base", True)


def test_an_environment_elsewhere_is_told_by_the_active_conda(tmp_path: Path) -> None:
    made = Conda(tmp_path)
    apart = tmp_path / "work" / "env"
    apart.parent.mkdir()
    made.prefix.rename(apart)
    made.prefix = apart
    facts = conda.read(made.ctx(env={"CONDA_EXE": str(made.root / "condabin" / "conda"), "CONDA_PREFIX": str(apart), "CONDA_DEFAULT_ENV": str(apart)}))
    assert facts["conda.root"] == str(made.root)
    assert not facts["conda.base"]
    assert conda.read(made.ctx())["conda.root"] is None


def test_pins_and_history(made: Conda) -> None:
    (made.meta / "pinned").write_text("# mine\nnumpy 1.26.*\n\n")
    (made.meta / "frozen").write_text("")
    (made.meta / "history").write_text(
        "==> 2025-01-01 10:00:00 <==\n# cmd: /opt/conda/bin/conda create -n llava python=3.11\n# conda version: 24.9.2\n"
        "+defaults/linux-64::zlib-1.2.13-h5eee18b_1\n# update specs: ['python=3.11']\n"
        "==> 2025-01-02 10:00:00 <==\n# update specs: [\"pytorch::pytorch=2.1\", 'numpy']\n# update specs: ['numpy=1.26']\n"
    )
    facts = conda.read(made.ctx())
    assert facts["conda.pinned"] == ["numpy 1.26.*"]
    assert facts["conda.frozen"]
    assert facts["conda.specs"] == ["python=3.11", "pytorch::pytorch=2.1", "numpy=1.26"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("channels: [conda-forge, defaults]\n", ["conda-forge", "defaults"]),
        ("channels:\n- pytorch\n- 'nvidia'\nssl_verify: true\n", ["pytorch", "nvidia"]),
        ("channel_priority: strict\n", []),
        ("channels:\n", []),
    ],
)
def test_channels(made: Conda, text: str, found: list[str]) -> None:
    (made.root / ".condarc").write_text(text)
    assert conda.read(made.ctx())["conda.channels"] == found


def test_broken_records_are_no_trouble(made: Conda) -> None:
    (made.meta / "numpy-1.26.4-py311_0.json").write_bytes(b'{"channel": "\xff\xfe", "depends": [1, {"x"], "files": [')
    (made.meta / "x-1-0.json").mkdir()
    (made.meta / "pip-24.0-x.json").symlink_to("/dev/zero")
    assert owned(made)["numpy"]["needs"] == []


def test_no_conda_environment(env: Env) -> None:
    facts = conda.read(env.ctx(env={"CONDA_DEFAULT_ENV": "base"}))
    assert facts.pop("conda.env") == "base"
    assert set(facts.values()) == {None}


def test_a_name_that_is_free(made: Conda) -> None:
    assert conda.read_free(made.ctx()) == {"python.free_env": "vlm"}
    (made.home / "venvs" / "vlm").mkdir(parents=True)
    (made.root / "envs" / "vlm-2").mkdir()
    import paths

    paths._LISTINGS.clear()
    assert conda.read_free(made.ctx()) == {"python.free_env": "vlm-3"}
