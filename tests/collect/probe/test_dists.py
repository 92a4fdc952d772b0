"""Distributions, damaged metadata, duplicates, leftovers, unmet requirements."""

from __future__ import annotations

import os
from pathlib import Path

import damage
import dists
import metadata
import paths
import pytest
import records
import shadows
from envmake import Env


def test_versions_by_normalised_name(env: Env) -> None:
    env.dist("Foo.Bar_baz", "1.0")
    env.dist("torch", "2.1.0+cu118")
    assert dists.read_versions(env.ctx()) == {"dist.foo-bar-baz": "1.0", "dist.torch": "2.1.0+cu118"}


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ("numpy-1.26.4.dist-info", ("numpy", "1.26.4")),
        ("foo-1.0_post1.dist-info", ("foo", "1.0-post1")),
        ("python_apt-2.4.0.egg-info", ("python_apt", "2.4.0")),
        ("llava-1.2.2.post1-py3.10.egg-info", ("llava", "1.2.2.post1")),
        ("llava.egg-info", ("llava", None)),
        ("old-name-1.0.dist-info", ("old-name", "1.0")),
    ],
)
def test_folder_names_are_split(entry: str, wanted: tuple[str, str | None]) -> None:
    assert metadata.split_folder(entry) == wanted


def test_a_leftover_is_no_distribution(env: Env) -> None:
    env.dist("numpy", "1.26.4")
    for name in ("~umpy", "~umpy-1.24.0.dist-info"):
        (env.site / name).mkdir()
    ctx = env.ctx()
    assert dists.read_versions(ctx) == {"dist.numpy": "1.26.4"}
    assert {record["name"] for record in dists.read_leftovers(ctx)["python.leftovers"]} == {"numpy"}


def test_a_leftover_on_pythonpath(env: Env, tmp_path: Path) -> None:
    (tmp_path / "more" / "~umpy-1.0.dist-info").mkdir(parents=True)
    env.dist("numpy", "1.26.4")
    ctx = env.ctx(env={"PYTHONPATH": str(tmp_path / "more")})
    assert dists.read_versions(ctx) == {"dist.numpy": "1.26.4"}
    assert [record["name"] for record in dists.read_leftovers(ctx)["python.leftovers"]] == ["numpy"]


def test_a_folder_that_does_not_answer_is_named(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    env.dist("numpy", "1.26.4")
    ctx = env.ctx(env={"PYTHONPATH": "/net/site"})
    monkeypatch.setattr(paths, "_SLOW", ["/net"])
    facts = dists.read_versions(ctx)
    assert facts["dist.numpy"] == "1.26.4"
    assert "no answer from the file system" in facts["_silent"]["python.path./net/site"]
    with pytest.raises(OSError, match="could not be listed"):
        dists.check_complete(ctx)


def test_wrong_bytes_and_missing_metadata(env: Env) -> None:
    env.dist("latin", "1.0", metadata=b"Name: latin\nVersion: 1.0\nAuthor: Andr\xe9\nRequires-Dist: gone\n\n")
    env.dist("empty", "2.0", metadata=b"")
    (env.dist("lost", "3.0") / "METADATA").unlink()
    ctx = env.ctx()
    assert dists.read_versions(ctx) == {"dist.latin": "1.0", "dist.empty": "2.0", "dist.lost": "3.0"}
    found = {record["name"]: record["problem"] for record in damage.read_corrupt(ctx)["python.corrupt"]}
    assert found == {"empty": "metadata-empty", "lost": "metadata-missing"}
    assert [record["needs"] for record in dists.unmet(ctx)["python.unmet"]] == ["gone"]


@pytest.mark.parametrize(("installer", "problems"), [("pip", ["record-missing"]), ("uv", ["record-missing"]), ("conda", [])])
def test_record_missing(env: Env, installer: str, problems: list[str]) -> None:
    (env.dist("tokenizers", "0.19.1", installer=installer) / "RECORD").unlink()
    assert [record["problem"] for record in damage.read_corrupt(env.ctx())["python.corrupt"]] == problems


def test_files_gone_and_empty(env: Env) -> None:
    env.dist("foo", "1.0", files={"foo/__init__.py": b"x", "foo/a.py": b"a", "foo/b.so": b"b", "foo/tests/t.py": b"t"})
    (env.site / "foo/b.so").unlink()
    (env.site / "foo/tests/t.py").unlink()
    (env.site / "foo/__init__.py").write_bytes(b"")
    found = {record["problem"]: record for record in damage.read_corrupt(env.ctx())["python.corrupt"]}
    assert found["files-missing"]["path"].endswith("foo/b.so")
    assert found["files-missing"]["count"] == 1
    assert found["files-empty"]["path"].endswith("foo/__init__.py")


def test_another_release_unpacked_over_a_package(env: Env) -> None:
    ours = {f"foo/{name}": b"x = 1\n" for name in ("__init__.py", "a/__init__.py", "b/__init__.py", "c/__init__.py")}
    env.dist("foo", "2.0", files=ours)
    env.dist("bar", "1.0", files={f"bar/{name.partition('/')[2]}": data for name, data in ours.items()})
    for name in ours:
        (env.site / name).write_bytes(b"version = 1\n")
    (env.site / "bar" / "__init__.py").write_bytes(b"patched = 1\n")
    found = {row["problem"]: row for row in damage.read_corrupt(env.ctx())["python.corrupt"]}
    assert list(found) == ["files-changed"]
    assert (found["files-changed"]["name"], found["files-changed"]["count"]) == ("foo", 4)
    assert found["files-changed"]["path"].endswith("foo/__init__.py")


def test_code_that_nothing_records(env: Env) -> None:
    env.dist("bar", "1.0", requires=("foo>=1,<2", "gone>=3"))
    (env.site / "foo").mkdir()
    (env.site / "foo" / "__init__.py").write_bytes(b"")
    (row,) = damage.read_corrupt(env.ctx())["python.corrupt"]
    assert (row["name"], row["problem"], row["want"]) == ("foo", "metadata-gone", ">=1,<2")


def test_code_of_a_pth_file_comes_first(env: Env, tmp_path: Path) -> None:
    other = tmp_path / "other"
    env.dist("foo", "1.0", files={"foo/__init__.py": b""}, site=other)
    env.dist("foo", "2.0", files={"foo/__init__.py": b""})
    (env.site / "base.pth").write_text(f"import sys; sys.path.insert(0, '{other}')\n")
    (row,) = shadows.read(env.ctx())["python.shadows"]
    assert (row["module"], row["where"], row["by"]) == ("foo", "pth", str(env.site / "base.pth"))
    assert dists.read_versions(env.ctx())["dist.foo"] == "1.0"
    (env.site / "base.pth").write_text(f"import sys; sys.path.append('{other}')\n")
    assert shadows.read(env.ctx())["python.shadows"] == []


def test_duplicates_and_the_one_that_wins(env: Env) -> None:
    env.dist("tokenizers", "0.22.2", files={"tokenizers/__init__.py": b"x"})
    env.dist("Tokenizers", "0.19.1", files={"tokenizers/old.py": b"x"})
    (env.site / "tokenizers/old.py").unlink()
    ctx = env.ctx()
    (record,) = dists.read_duplicates(ctx)["python.duplicates"]
    assert sorted(record["versions"]) == ["0.19.1", "0.22.2"]
    first = next(name for name in __import__("os").listdir(env.site) if name.endswith(".dist-info"))
    assert dists.read_versions(ctx)["dist.tokenizers"] in first
    assert damage.read_corrupt(ctx)["python.corrupt"] == []  # the stale record's files are another version's


def test_unmet_ignores_extras_and_foreign_markers(env: Env) -> None:
    lines = ('b>=2; extra == "dev"', "c<1; sys_platform == 'win32'", "d>=2", "gone", "e (<2,>=1)", "f @ file:///x", "bad~~1")
    env.dist("a", "1.0", requires=lines)
    env.dist("d", "1.9")
    env.dist("e", "1.5")
    env.dist("f", "1")
    found = [(r["needs"], r["spec"], r["found"]) for r in dists.unmet(env.ctx())["python.unmet"]]
    assert found == [("d", ">=2", "1.9"), ("gone", "", None)]


def test_editable_install_whose_folder_moved(env: Env, tmp_path: Path) -> None:
    for name, there in (("here", True), ("moved", False)):
        folder = env.dist(name, "1.0")
        project = tmp_path / f"{name}-project"
        if there:
            project.mkdir()
        url = f'{{"url": "file://{project}", "dir_info": {{"editable": true}}}}'
        (folder / "direct_url.json").write_text(url)
        (env.site / f"__editable__.{name}-1.0.pth").write_text(f"{project}\n")
    found = {record["name"]: record["target_exists"] for record in dists.read_records(env.ctx())["dists"]}
    assert found == {"here": True, "moved": False}


def test_where_a_moved_project_lies_now(env: Env, tmp_path: Path) -> None:
    folder = env.dist("llava", "1.2")
    (folder / "direct_url.json").write_text(f'{{"url": "file://{tmp_path}/home/LLaVA", "dir_info": {{"editable": true}}}}')
    work, new = tmp_path / "box" / "work", tmp_path / "box" / "data" / "LLaVA"
    for place, name in ((new, "LLaVA"), (tmp_path / "box" / "other", "llava-next"), (work, "mine")):
        place.mkdir(parents=True)
        (place / "pyproject.toml").write_text(f'[build-system]\nrequires = ["x"]\n\n[project]\nname = "{name}"\n')
    ctx = {**env.ctx(), "cwd": str(work)}
    assert dists.read_records(ctx)["dists"][0]["moved_to"] == str(new)
    second = tmp_path / "box" / "copy"
    second.mkdir()
    (second / "setup.py").write_text("from setuptools import setup\nsetup(name='llava')\n")
    paths._LISTINGS.clear()
    assert "moved_to" not in dists.read_records({**env.ctx(), "cwd": str(work)})["dists"][0]


def test_editable_finder_and_egg_link(env: Env, tmp_path: Path) -> None:
    env.dist("lisa", "1.0")
    (env.site / "__editable___lisa_1_0_finder.py").write_text(f"MAPPING = {{'lisa': '{tmp_path}/gone/lisa'}}\n")
    (env.site / "llava.egg-link").write_text(f"{tmp_path}/gone\n.")
    found = {record["name"]: record for record in dists.read_records(env.ctx())["dists"]}
    assert found["lisa"]["target_exists"] is False
    assert found["llava"]["target_exists"] is False
    assert "dist.llava" not in dists.read_versions(env.ctx())


def test_source_has_no_user_info(env: Env) -> None:
    folder = env.dist("clip", "1.0")
    (folder / "direct_url.json").write_text('{"url": "https://me:tok@example.org/CLIP.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}')
    (record,) = dists.read_records(env.ctx())["dists"]
    assert record["source"] == "git+https://example.org/CLIP.git@abc"


def test_pth_lines_are_read_and_never_run(env: Env, tmp_path: Path) -> None:
    extra = tmp_path / "checkout"
    env.dist("extra", "1.0", site=extra)
    (env.site / "a.pth").write_text(f"import os; os.mkdir('{tmp_path}/ran')\n{extra}\n# comment\n/nowhere\n")
    assert dists.read_versions(env.ctx()) == {"dist.extra": "1.0"}
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_cannot_be_listed_leaves_the_family_open(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    import paths

    def deny(path: str, trusted: bool = False) -> list[str]:
        raise PermissionError(13, "denied", path)

    monkeypatch.setattr(paths, "names", deny)
    with pytest.raises(OSError, match="could not be listed"):
        dists.check_complete(env.ctx())


def test_overlaps_and_foreign_modules(env: Env) -> None:
    env.dist("opencv-python", "4.10.0.84", files={"cv2/__init__.py": b"x"})
    env.dist("opencv-python-headless", "4.10.0.84", files={"cv2/__init__.py": b"x"})
    env.dist("nvidia-nccl-cu11", "2.19.3", files={"nvidia/__init__.py": b"", "nvidia/nccl/lib/libnccl.so.2": b"x"})
    env.dist("nvidia-nccl-cu12", "2.21.5", files={"nvidia/__init__.py": b"", "nvidia/nccl/lib/libnccl.so.2": b"x"})
    env.dist("clip", "0.2.0", files={"clip/__init__.py": b"x"})
    ctx = env.ctx()
    found = {(record["a"], record["b"], record["module"]) for record in damage.read_overlaps(ctx)["python.overlaps"]}
    assert {frozenset(one[:2]) for one in found} == {
        frozenset(("opencv-python", "opencv-python-headless")),
        frozenset(("nvidia-nccl-cu11", "nvidia-nccl-cu12")),
    }
    assert [record["module"] for record in damage.read_foreign(ctx)["python.foreign"]] == ["clip"]


def test_requirements_are_kept_until_a_metadata_file_or_a_version_changes(env: Env, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "WORTH", 0)
    folder = env.dist("app", "1.0", requires=("lib>=2", "gone", "extra-only; extra == 'all'"))
    env.dist("lib", "1.0")

    def seen() -> list[tuple[str, str | None]]:
        paths._LISTINGS.clear()
        ctx = env.ctx(cache=str(tmp_path / "cache"))
        found = [(row["needs"], row["found"]) for row in dists.unmet(ctx)["python.unmet"]]
        assert "extra-only" not in repr(dists.read_requires(ctx))
        dists.store(ctx).save()
        return found

    assert seen() == [("lib", "1.0"), ("gone", None)]
    monkeypatch.setattr(metadata, "parse", None)  # nothing is read again ...
    monkeypatch.setattr(dists, "_problem", None)
    assert seen() == [("lib", "1.0"), ("gone", None)]
    monkeypatch.undo()
    monkeypatch.setattr(records, "WORTH", 0)
    (env.site / "lib-1.0.dist-info").rename(env.site / "lib-2.0.dist-info")  # ... but for another version beside it
    assert seen() == [("gone", None)]
    body = (folder / "METADATA").read_bytes()
    (folder / "METADATA").write_bytes(body.replace(b"lib>=2", b"lib>=3"))
    os.utime(folder / "METADATA", ns=(1, 1))
    assert seen() == [("lib", "2.0"), ("gone", None)]
    (folder / "METADATA").write_bytes(body + b"x")  # of another size
    os.utime(folder / "METADATA", ns=(1, 1))
    assert seen() == [("gone", None)]
    (folder / "METADATA").unlink()
    assert seen() == []


def test_summaries_are_kept_in_the_cache(env: Env, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "WORTH", 0)
    env.dist("foo", "1.0", files={"foo/__init__.py": b"x", "foo/a.py": b"a"})
    ctx = env.ctx(cache=str(tmp_path / "cache"))
    assert damage.read_corrupt(ctx)["python.corrupt"] == []
    damage.read_extensions(ctx)
    (file,) = (tmp_path / "cache").iterdir()
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    file.write_text(file.read_text().replace('"gone":0', '"gone":7').replace('"first_gone":null', '"first_gone":"foo/z.py"'))
    assert damage.read_corrupt(env.ctx(cache=str(tmp_path / "cache")))["python.corrupt"][0]["count"] == 7
    paths._SETS.clear()
    paths._LISTINGS.clear()
    (env.site / "foo/a.py").unlink()  # the folder's time changes, the kept answer is void
    assert damage.read_corrupt(env.ctx(cache=str(tmp_path / "cache")))["python.corrupt"][0]["count"] == 1
    file.write_text("{ broken")
    assert damage.read_corrupt(env.ctx(cache=str(tmp_path / "cache")))["python.corrupt"][0]["count"] == 1


def test_what_was_cheap_is_not_written(env: Env, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "WORTH", 1000)
    env.dist("foo", "1.0", files={"foo/__init__.py": b"x"})
    ctx = env.ctx(cache=str(tmp_path / "cache"))
    damage.read_corrupt(ctx)
    damage.read_extensions(ctx)
    assert not (tmp_path / "cache").exists()


def test_hostile_metadata_costs_nothing(env: Env) -> None:
    import time

    (env.dist("pipe", "1.0") / "METADATA").unlink()
    os.mkfifo(env.site / "pipe-1.0.dist-info" / "METADATA")
    (env.dist("loop", "1.0") / "RECORD").unlink()
    (env.site / "loop-1.0.dist-info" / "RECORD").symlink_to("RECORD")
    env.dist("huge", "1.0", metadata=b"Name: huge\nVersion: 1.0\n" + b"Requires-Dist: a; " + b"(" * 5_000_000)
    env.dist("deep", "1.0", requires=("a; " + "(" * 3000 + "os_name == 'x'" + ")" * 3000, "b; " + "os_name == 'x' or " * 9000))
    began = time.process_time()
    ctx = env.ctx()
    assert {"dist.pipe", "dist.loop", "dist.huge", "dist.deep"} <= set(dists.read_versions(ctx))
    assert dists.unmet(ctx)["python.unmet"] == []
    damage.read_corrupt(ctx)
    assert time.process_time() - began < 2
