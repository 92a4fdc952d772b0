"""The reader of shared libraries, on small ones made here and on damaged ones."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import elf
import pytest
from elfmake import library
from hypothesis import given, settings
from hypothesis import strategies as st

SAMPLE = library(
    needed=["libc10.so", "libcudart.so.12"],
    undefined=[b"_ZN3c103fooEv", b"memcpy"],
    defined=[b"init", b"_ZN2at3barEv"],
    runpath="$ORIGIN/../lib:/opt/lib",
    needs={"libc.so.6": ["GLIBC_2.14", "GLIBC_2.34"], "libstdc++.so.6": ["GLIBCXX_3.4.30"]},
    versions=["GLIBCXX_3.4.1", "GLIBCXX_3.4.2"],
)


@pytest.fixture
def sample(tmp_path: Path) -> str:
    path = tmp_path / "lib.so"
    path.write_bytes(SAMPLE)
    return str(path)


def test_names_are_read(sample: str) -> None:
    with elf.Elf(sample) as lib:
        assert lib.needed == ["libc10.so", "libcudart.so.12"]
        assert lib.runpath == ["$ORIGIN/../lib", "/opt/lib"]
        assert lib.undefined() == [b"_ZN3c103fooEv", b"memcpy"]
        assert lib.version_needs() == {"libc.so.6": ["GLIBC_2.14", "GLIBC_2.34"], "libstdc++.so.6": ["GLIBCXX_3.4.30"]}
        assert lib.version_names() == {"GLIBCXX_3.4.1", "GLIBCXX_3.4.2"}
        assert not lib.exec_stack


@pytest.mark.parametrize(("name", "there"), [(b"init", True), (b"_ZN2at3barEv", True), (b"memcpy", False), (b"", False)])
def test_exports_are_looked_up_by_hash(sample: str, name: bytes, there: bool) -> None:
    with elf.Elf(sample) as lib:
        assert elf.Exports(lib).has(name, elf.gnu_hash(name)) is there


def test_an_executable_stack_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(library(stack=7))
    with elf.Elf(str(path)) as lib:
        assert lib.exec_stack


def use(path: str) -> None:
    with elf.Elf(path) as lib:
        lib.undefined()
        lib.version_needs()
        lib.version_names()
        elf.Exports(lib).has(b"init", elf.gnu_hash(b"init"))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_damage_raises_one_error_or_none(tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]) -> None:
    data = bytearray(SAMPLE)
    for place, value in changes:
        data[place] = value
    path = tmp_path_factory.getbasetemp() / "damaged.so"
    path.write_bytes(data)
    began = time.process_time()
    with contextlib.suppress(*elf.TROUBLE):
        use(str(path))
    assert time.process_time() - began < 1


@pytest.mark.parametrize("cut", [0, 10, 63, 64, 200, len(SAMPLE) // 2, len(SAMPLE) - 1])
def test_a_cut_file_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.so"
    path.write_bytes(SAMPLE[:cut])
    with pytest.raises(elf.BadElfError) as caught:
        use(str(path))
    assert caught.value.truncated


def test_a_file_of_zeros_is_truncated_and_text_is_not(tmp_path: Path) -> None:
    zeros, text = tmp_path / "zeros.so", tmp_path / "text.so"
    zeros.write_bytes(bytes(5000))
    text.write_bytes(b"version https://git-lfs.github.com/spec/v1\n" * 9)
    for path, truncated in ((zeros, True), (text, False)):
        with pytest.raises(elf.BadElfError) as caught:
            elf.Elf(str(path))
        assert caught.value.truncated is truncated


def test_a_pipe_is_not_opened_for_reading(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(elf.BadElfError):
        elf.Elf(str(tmp_path / "pipe"))
