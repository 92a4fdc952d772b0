"""The part ``hub`` as a whole: facts about caches and the model asked for."""

from __future__ import annotations

import json
import os
import shutil
import stat
import threading
import time
from pathlib import Path

import hub
import hublinks
import hubmake
import hubmodel
import hubresolve
import hubroots
import pytest


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A home, a working folder and a data disk; no usual place of this machine is looked at."""
    monkeypatch.setattr(hubroots, "BASES", ())
    for name in ("home", "work", "data"):
        (tmp_path / name).mkdir()
    return tmp_path


def read(place, model=None, env=None, repos=(), versions=("huggingface_hub-0.36.0", "transformers-4.57.1"), deadline=8.0, **more):
    site = place / "site"
    shutil.rmtree(site, ignore_errors=True)
    for name in versions:
        (site / f"{name}.dist-info").mkdir(parents=True)
    env = {"HOME": str(place / "home"), **(env or {})}
    ctx = {"env": env, "home": str(place / "home"), "cwd": str(place / "work"), "model": model, "repos": list(repos),
           "site": [str(site)], "deadline": deadline, **more}
    facts = {}
    for group in hub.GROUPS:
        got = group.read(ctx)
        assert {name.lstrip("?") for name in got} == set(group.names)
        facts.update(got)
    json.dumps(facts)
    return facts


def cached(place, files=None, repo_id="o/m", root="home/.cache/huggingface/hub", **more):
    return hubmake.cache_repo(place / root, repo_id, files or hubmake.model_files(), **more)


def kinds(facts, asked=True):
    return [p["kind"] for p in facts["hf.problems"] if p["asked"] is asked]


def test_a_cache_that_cannot_be_listed_is_not_an_empty_one(place, monkeypatch):
    cached(place)

    def dying(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(hubroots.hubscan, "repo_folders", dying)
    facts = read(place)
    assert facts["hf.roots"][0]["problem"] == "unreadable"
    assert "Input/output error" in facts["?hf.cache_size"]
    assert "hf.cached_models" not in facts


def test_nothing_there(place):
    facts = read(place)
    assert facts["hf.hub_cache"] == str(place / "home/.cache/huggingface/hub")
    assert facts["hf.roots"][0]["exists"] is False
    assert facts["hf.roots"][0]["writable"] is True
    assert facts["hf.repos"] == facts["hf.problems"] == []
    assert facts["model.asked"] is None
    assert facts["hf.token"] is None


def test_sound_model(place):
    snapshot = cached(place, hubmake.model_files(shards=3))
    facts = read(place, "o/m")
    assert facts["model.cached"] is True
    assert facts["model.path"] == str(snapshot)
    assert (facts["model.kind"], facts["model.revision"], facts["model.type"]) == ("repo", hubmake.COMMIT, "llama")
    assert facts["model.shards_missing"] == 0
    assert facts["model.params"] == 6 * (4 + 16 + 32 + 32)
    assert facts["hf.problems"] == facts["model.near"] == facts["model.links"] == []
    assert facts["hf.repos"][0]["asked"] is True
    assert facts["hf.cached_models"] == 1


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lambda s: (s / "model-00002-of-00003.safetensors").unlink(), "shard-missing"),
        (lambda s: (s / "model-00002-of-00003.safetensors").resolve().unlink(), "dangling-symlink"),
        (lambda s: os.truncate(s / "model-00002-of-00003.safetensors", 900), "truncated"),
        (lambda s: (s / "tokenizer.json").write_bytes(b""), "empty-file"),
        (lambda s: (s / "tokenizer.json").write_bytes(b"version https://git-lfs.github.com/spec/v1\n"), "lfs-pointer"),
        (lambda s: (s / "config.json").write_bytes(b"<!doctype html>"), "html"),
        (lambda s: (s / "config.json").write_bytes(b'{"a": '), "corrupt-json"),
        (lambda s: (s / "tokenizer.json").unlink(), "file-missing"),
    ],
)
def test_damage_of_the_asked_model(place, damage, kind):
    damage(cached(place, hubmake.model_files(shards=3)))
    facts = read(place, "o/m")
    assert kind in kinds(facts)
    assert facts["model.cached"] is False
    assert facts["hf.repos"][0]["complete"] is False


def test_damage_beside_what_is_loaded_does_not_count(place):
    files = {**hubmake.model_files(), "pytorch_model.bin": b"", "README.md": b""}
    cached(place, files)
    facts = read(place, "o/m")
    assert facts["model.cached"] is True
    assert kinds(facts) == []
    assert kinds(facts, asked=False) == ["empty-file"]


@pytest.mark.parametrize("hidden", [4, None])
@pytest.mark.parametrize("shards", [3, 2])
def test_shard_of_another_model(place, shards, hidden):
    config = {**hubmake.CONFIG, "hidden_size": hidden}
    folder = hubmake.write_folder(place / "data" / "m", hubmake.model_files(config, shards))
    name = f"model-00002-of-{shards:05d}.safetensors"
    (folder / name).write_bytes(hubmake.safetensors(hubmake.tensors_of(range(2, 4), 6)))
    facts = read(place, str(folder))
    accused = [Path(p["path"]).name for p in facts["hf.problems"] if p["kind"] == "mixed-revisions"]
    assert name in accused
    assert len(accused) == (2 if shards == 2 and hidden is None else 1)


def test_shard_with_other_tensors_than_the_index_says(place):
    folder = hubmake.write_folder(place / "data" / "m", hubmake.model_files(shards=3))
    shutil.copy(folder / "model-00001-of-00003.safetensors", folder / "model-00002-of-00003.safetensors")
    assert kinds(read(place, str(folder))) == ["mixed-revisions"]


def test_stages_of_different_width_are_no_damage(place):
    files = hubmake.model_files(shards=2)
    stages = {f"stages.{n}.w{i}": [2 ** (n + 3), 4] for n in range(4) for i in range(5)}
    files["model-00001-of-00002.safetensors"] = hubmake.safetensors({k: v for k, v in stages.items() if int(k[7]) < 2})
    files["model-00002-of-00002.safetensors"] = hubmake.safetensors({k: v for k, v in stages.items() if int(k[7]) > 1})
    del files["model.safetensors.index.json"]
    assert kinds(read(place, str(hubmake.write_folder(place / "data" / "m", files)))) == []


def test_vision_model_needs_its_processor(place):
    config = {"model_type": "llava", "architectures": ["LlavaForConditionalGeneration"], "vision_config": {"hidden_size": 3}}
    cached(place, hubmake.model_files(config))
    facts = read(place, "o/m")
    assert facts["model.files_missing"] == ["preprocessor_config.json"]
    assert facts["model.cached"] is False


def test_remote_code_file_must_be_there(place):
    config = {**hubmake.CONFIG, "auto_map": {"AutoModel": "modeling_x.X", "AutoConfig": "other/repo--conf.C"}}
    cached(place, hubmake.model_files(config))
    facts = read(place, "o/m")
    assert facts["model.files_missing"] == ["modeling_x.py"]
    assert facts["model.remote_code"] is True


def test_near_names(place):
    for name in ("Org/Model-v1", "other/model-v0", "org/modelx", "org/Model-v0-hf"):
        cached(place, repo_id=name)
    assert read(place, "org/Model-v0")["model.near"] == ["other/model-v0", "Org/Model-v1", "org/Model-v0-hf"]


def test_ref_of_the_asked_model(place):
    snapshot = cached(place, ref=None)
    facts = read(place, "o/m")
    assert facts["model.cached"] is False
    assert facts["model.path"] == str(snapshot)
    assert kinds(facts) == ["ref-broken"]


def test_ref_that_leaves_the_cache_is_not_followed(place):
    snapshot = cached(place)
    (snapshot.parents[1] / "refs" / "main").write_text("../../../../../work")
    assert read(place, "o/m")["model.cached"] is False


@pytest.mark.parametrize(
    ("target", "kind", "problem"),
    [
        ("/nowhere/snapshots/*", "repo", "dangling"),
        ("m", "repo", "loop"),
        ("{repo}", "folder", "wrong-parent"),
        ("{repo}/snapshots", "folder", "wrong-parent"),
        ("{outer}", "folder", "nested"),
        ("{forced}", "folder", "nested"),
        ("{snapshot}", "folder", None),
    ],
)
def test_link_in_the_working_folder(place, target, kind, problem):
    snapshot = cached(place, root="data/hub")
    outer = place / "data" / "outer"
    outer.mkdir()
    (outer / "inner").symlink_to(snapshot)
    forced = place / "data" / "forced"  # ``ln -sfn`` onto a folder that exists
    forced.mkdir()
    (forced / hubmake.COMMIT).symlink_to(snapshot)
    (place / "work" / "o").mkdir()
    link = place / "work" / "o" / "m"
    link.symlink_to(target.format(repo=snapshot.parents[1], snapshot=snapshot, outer=outer, forced=forced))
    facts = read(place, "o/m")
    assert facts["model.kind"] == kind
    assert [entry["problem"] for entry in facts["model.links"] if entry["path"] == str(link)] == [problem]
    assert facts["model.cached"] is (problem is None)


def test_link_whose_folder_the_script_forgets(place):
    (place / "work" / "run.sh").write_text('X=$(ls)\nln -sfn "$X" o/m  # tower\nln -s a b\nmkdir -p p/q\nln -s a p/q/r\nln a c/d\n')
    links = hublinks.planned(str(place / "work"))
    found = [(os.path.relpath(entry["path"], place / "work"), entry["problem"]) for entry in links]
    assert found == [("o/m", "parent-missing"), ("b", None), ("p/q/r", None)]


def test_snapshot_that_a_script_links(place):
    cached(place, ref=None)
    script = place / "work" / "run.sh"
    script.write_text("ln -sfn $SNAP o/m\npython demo.py\n")
    facts = read(place, "o/m")
    assert (facts["model.cached"], kinds(facts)) == (True, [])
    assert [entry["problem"] for entry in facts["model.links"]] == ["parent-missing"]
    (place / "work" / "o").mkdir()
    assert read(place, "o/m")["model.links"] == []


def test_folder_that_shadows_a_damaged_repository(place):
    snapshot = cached(place, ref=None)
    (place / "work" / "o").mkdir()
    (place / "work" / "o" / "m").symlink_to(snapshot)
    facts = read(place, "o/m")
    assert (facts["model.cached"], kinds(facts), kinds(facts, asked=False)) == (True, [], [])


def test_two_variables_for_one_folder(place):
    cached(place, root="data/hub")
    env = {"HF_HOME": str(place / "data"), "HF_HUB_CACHE": str(place / "data/hub"), "TRANSFORMERS_CACHE": str(place / "data/hub/")}
    facts = read(place, "o/m", env)
    assert [(r["by"], r["used"]) for r in facts["hf.roots"]] == [("TRANSFORMERS_CACHE", True)]
    assert len(facts["hf.repos"]) == 1


def test_other_models_of_config_and_script(place):
    cached(place, hubmake.model_files({**hubmake.CONFIG, "mm_vision_tower": "openai/clip"}))
    cached(place, repo_id="some/sam")
    (place / "work" / "openai").mkdir()
    (place / "work" / "openai" / "clip").symlink_to("/nowhere")
    facts = read(place, "o/m", repos=["some/sam", "./gone.pth"])
    assert [(r["id"], r["key"], r["kind"], r["cached"], r["problem"]) for r in facts["model.refs"]] == [
        ("openai/clip", "mm_vision_tower", "repo", False, "dangling"),
        ("some/sam", "script", "repo", True, None),
        ("./gone.pth", "script", "path", False, "missing"),
    ]
    assert {r["id"]: r["asked"] for r in facts["hf.repos"]} == {"o/m": True, "some/sam": True}


@pytest.mark.parametrize("name", ["", "\x1b[31m", "a b", "https://huggingface.co/o/m", "o/m@main"])
def test_names_that_are_none(place, name):
    assert hubresolve.resolve(name, str(place), str(place)).kind == "invalid"


def test_single_file(place):
    path = place / "data" / "m.gguf"
    path.write_bytes(hubmake.gguf([("a", [32], 0, 0)], 128))
    facts = read(place, str(path))
    assert (facts["model.kind"], facts["model.cached"], facts["model.formats"]) == ("file", True, ["gguf"])
    os.truncate(path, 150)
    facts = read(place, str(path))
    assert facts["model.cached"] is False
    assert kinds(facts) == ["truncated"]


def test_path_that_is_not_there(place):
    folder = hubmake.write_folder(place / "data" / "LLaVA-v1.5-7b", hubmake.model_files())
    facts = read(place, str(place / "data" / "llava-1.5-7b"))
    assert (facts["model.kind"], facts["model.cached"], facts["model.near"]) == ("folder", False, [str(folder)])
    cached(place, repo_id="o/m")
    assert read(place, "/data/models/M")["model.near"] == ["o/m"]


def test_unfinished_local_download(place):
    folder = hubmake.write_folder(place / "data" / "m", {**hubmake.model_files(), "model.safetensors.aria2": b"1"})
    hubmake.write_folder(folder / ".cache" / "huggingface" / "download", {"x.abc.incomplete": b"12"})
    facts = read(place, str(folder))
    assert kinds(facts) == ["incomplete-download"] * 2


@pytest.mark.parametrize(
    ("env", "root", "problem"),
    [
        ({"HF_HOME": "{data}/hf/hub"}, "data/hf/hub", "wrong-level"),
        ({"HF_HUB_CACHE": "{data}/hf"}, "data/hf/hub", "wrong-level"),
        ({"HF_HUB_CACHE": "{data}/hub/models--o--m"}, "data/hub", "wrong-level"),
        ({"HF_HOME": "{data}/hf\r"}, "data/hf/hub", "garbage"),
        ({"HF_HOME": '"{data}/hf"'}, "data/hf/hub", "garbage"),
        ({"HF_HOME": "hf"}, "data/hf/hub", "relative"),
        ({"TRANSFORMERS_CACHE": "~/cache"}, "home/cache", "tilde"),
    ],
)
def test_variable_that_misses_the_cache(place, env, root, problem):
    cached(place, root=root)
    facts = read(place, "o/m", env={k: v.format(data=place / "data") for k, v in env.items()})
    used = next(r for r in facts["hf.roots"] if r["used"])
    assert (used["by"], used["problem"]) == (next(iter(env)), problem)
    assert facts["model.cached"] is False
    assert [r["root"] for r in facts["hf.repos"] if r["asked"] and not r["used"]] == [str(place / root)]


def test_ignored_variable(place):
    cached(place, root="data/tc")
    env = {"TRANSFORMERS_CACHE": str(place / "data/tc")}
    assert read(place, "o/m", env)["model.cached"] is True
    facts = read(place, "o/m", env, versions=("huggingface_hub-1.0.0", "transformers-5.1.0"))
    assert facts["model.cached"] is False
    assert ("TRANSFORMERS_CACHE", True, False) in [(r["by"], r["ignored"], r["used"]) for r in facts["hf.roots"]]


def test_root_states(place):
    (place / "data" / "file").write_text("")
    facts = read(place, env={"HF_HUB_CACHE": str(place / "data" / "file")})
    assert facts["hf.roots"][0]["problem"] == "not-a-folder"
    facts = read(place, env={"HF_HUB_CACHE": str(place / "data" / "file" / "x")})
    assert (facts["hf.roots"][0]["problem"], facts["hf.roots"][0]["writable"]) == ("not-a-folder", False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_may_not_be_written(place):
    (place / "data").chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert read(place, env={"HF_HOME": str(place / "data" / "hf")})["hf.roots"][0]["writable"] is False


def test_locks_that_may_not_be_written(place, monkeypatch):
    hub = place / "data" / "hf" / "hub"
    (hub / ".locks").mkdir(parents=True)
    env = {"HF_HOME": str(place / "data" / "hf")}
    assert read(place, env=env)["hf.roots"][0]["writable"] is True
    monkeypatch.setattr(hubroots, "can_write", lambda folder: not folder.endswith(".locks"))
    assert read(place, env=env)["hf.roots"][0]["writable"] is False


@pytest.mark.parametrize("pattern", ["*.safetensors", "model-00001-of-00002.safetensors", "pytorch_model-*.bin"])
def test_weights_that_are_opened_one_by_one(place, pattern):
    folder = place / "data" / "llava"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "llava"}')
    (place / "work" / "demo.py").write_text(f"import glob\n\nprint(glob.glob('{folder}/{pattern}'))\n")
    facts = read(place, what=[str(place / "work" / "demo.py")])
    assert (facts["model.asked"], facts["model.type"]) == (str(folder), "llava")
    (folder / "config.json").unlink()
    assert read(place, what=[str(place / "work" / "demo.py")])["model.asked"] != str(folder)


def test_link_to_the_snapshot_without_weights(place):
    snapshots = place / "data" / "hub" / "models--openai--clip" / "snapshots"
    for commit, name in (("0a", "model.safetensors"), ("0b", "preprocessor_config.json")):
        (snapshots / commit).mkdir(parents=True)
        (snapshots / commit / "config.json").write_text("{}")
        (snapshots / commit / name).write_text("x")
    link = place / "work" / "openai" / "clip"
    link.parent.mkdir()
    for commit, wanted in (("0a", None), ("0b", "bare")):
        link.symlink_to(snapshots / commit)
        (found,) = hubresolve.resolve("openai/clip", str(place / "work"), str(place / "data" / "hub")).links[-1:]
        assert found["problem"] == wanted
        link.unlink()


@pytest.mark.parametrize(
    ("loads", "modules"),
    [
        ("AutoConfig.from_pretrained(M, trust_remote_code=True)", ["yaml"]),
        ("AutoModel.from_pretrained(M, trust_remote_code=True)", ["timm", "yaml"]),
        ("AutoConfig.from_pretrained(M); load_pretrained_model(M)", ["timm", "yaml"]),
    ],
)
def test_only_the_code_that_the_program_loads_is_run(place, loads, modules):
    auto = {"AutoConfig": "configuration_x.C", "AutoModel": "modeling_x.M"}
    files = {
        "config.json": json.dumps({"model_type": "x", "auto_map": auto}).encode(),
        "configuration_x.py": b"import yaml\n",
        "modeling_x.py": b"import timm\nfrom .configuration_x import C\n",
    }
    folder = hubmake.write_folder(place / "data" / "m", files)
    program = place / "work" / "p.py"
    program.write_text(f"from transformers import AutoConfig, AutoModel\nfrom llava.model.builder import load_pretrained_model\nM = {str(folder)!r}\n{loads}\n")
    facts = read(place, str(folder), what=[str(program)])
    assert sorted(row["module"] for row in facts["model.imports"]) == modules


def test_token_places(place):
    home = place / "home" / ".cache" / "huggingface"
    home.mkdir(parents=True)
    (home / "token").write_text("hf_secretsecret\n")
    assert read(place)["hf.token"] == "file"
    facts = read(place, env={"HF_TOKEN": "\u201chf_secretsecret\u201d"})
    assert (facts["hf.token"], facts["hf.token_problem"]) == ("HF_TOKEN", "quotes")
    assert "secretsecret" not in json.dumps(facts)
    (home / "token").unlink()
    os.mkfifo(home / "token")
    assert read(place)["hf.token_problem"] in ("unreadable", "empty")


def test_modelscope(place):
    hubmake.write_folder(place / "home/.cache/modelscope/hub/models/qwen/Qwen2___5-VL", {"config.json": b"{}"})
    assert read(place)["modelscope.repos"] == ["qwen/Qwen2.5-VL"]


def test_model_that_a_program_loads(place):
    cached(place)
    (place / "work" / "demo.py").write_text('from transformers import AutoModel\nAutoModel.from_pretrained("o/m")\n')
    facts = read(place, what=[str(place / "work" / "demo.py")])
    assert (facts["model.asked"], facts["model.cached"]) == ("o/m", True)


def test_versions_of_an_interpreter_that_was_named(place):
    cached(place, root="data/tc")
    lib = place / "venv" / "lib" / "python3.11" / "site-packages"
    for name in ("huggingface_hub-0.25.2", "transformers-4.44.2"):
        (lib / f"{name}.dist-info").mkdir(parents=True)
    (place / "venv" / "pyvenv.cfg").write_text("version = 3.11.2\n")
    (place / "venv" / "bin").mkdir()
    (place / "venv" / "bin" / "python").symlink_to("/usr/bin/python3.11")
    facts = read(place, "o/m", {"TRANSFORMERS_CACHE": str(place / "data/tc")}, site=[], target=str(place / "venv/bin/python"))
    assert (facts["hf.hub_cache_by"], facts["model.cached"]) == ("TRANSFORMERS_CACHE", True)


def test_no_time_left_is_said(place):
    cached(place, repo_id="o/other")
    cached(place)
    facts = read(place, "o/m", deadline=-1.0)
    assert "?hf.cache_files" in facts
    assert "not-checked" in kinds(facts, asked=False)
    assert "?model.cached" in facts


def test_dead_disk_costs_only_its_own_facts(place, monkeypatch):
    cached(place)
    cached(place, root="data/hub")
    release, real = threading.Event(), hubroots.folder_state
    dead = str(place / "data/hub")
    monkeypatch.setattr(hubroots, "folder_state", lambda path: (path == dead and release.wait(30), real(path))[1])
    began = time.monotonic()
    facts = read(place, "o/m", env={"HUGGINGFACE_HUB_CACHE": dead, "HF_HUB_CACHE": str(place / "home/.cache/huggingface/hub")},
                 deadline=1.0)
    release.set()
    assert time.monotonic() - began < 3
    assert facts["model.cached"] is True
    assert facts["hf.cached_models"] == 1
    assert next(r for r in facts["hf.roots"] if r["path"] == dead)["exists"] is None


def test_error_in_one_root_leaves_the_others(place, monkeypatch):
    cached(place)
    monkeypatch.setattr(hubroots, "model_type", lambda _: 1 / 0)
    facts = read(place, "o/m")
    assert facts["model.cached"] is True
    assert facts["?hf.cached_models"] == "ZeroDivisionError: division by zero"


def test_error_in_the_model_leaves_the_caches(place, monkeypatch):
    cached(place)
    monkeypatch.setattr(hubmodel.hubresolve, "resolve", lambda *_: 1 / 0)
    facts = read(place, "o/m")
    assert facts["?model.type"].startswith("ZeroDivisionError")
    assert facts["hf.cached_models"] == 1


@pytest.mark.parametrize(
    "config",
    [b"[]", b"null", b'{"architectures": 3, "vision_config": [], "auto_map": "x", "rope_scaling": 1, "model_type": {}}',
     b'{"mm_vision_tower": ["x"], "quantization_config": {"quant_method": 5}}'],
)
def test_configurations_of_the_wrong_shape(place, config):
    files = {**hubmake.model_files(), "config.json": config, "tokenizer_config.json": b"[1]"}
    assert read(place, str(hubmake.write_folder(place / "data/m", files)))["model.kind"] == "folder"


@pytest.mark.parametrize("table", [{"a": "../../etc/passwd"}, {"a": "/etc/x"}, {"a": 3}, [], "x"])
def test_hostile_index(place, table):
    files = {**hubmake.model_files(), "model.safetensors.index.json": json.dumps({"weight_map": table}).encode()}
    facts = read(place, str(hubmake.write_folder(place / "data/m", files)))
    assert facts["model.shards_missing"] == (1 if table == {"a": 3} else 0)


def test_imports_of_the_repository_code(place):
    code = b"""
import torch, os
from einops import rearrange
from transformers.models.llama.modeling_llama import LlamaFlashAttention2
from .helper import thing
try:
    import xformers
except ImportError:
    xformers = None
if is_flash_attn_2_available():
    from flash_attn import flash_attn_func
def later():
    import timm
    from transformers import DynamicCache
"""
    files = {**hubmake.model_files({"model_type": "own", "auto_map": {"AutoModel": "modeling_own.Own"}}),
             "modeling_own.py": code, "helper.py": b"import decord\n", "unused.py": b"import nothing\n", "bad.py": b"("}
    hubmake.write_folder(place / "data" / "m", files)
    facts = read(place, str(place / "data" / "m"), versions=("transformers-4.57.1", "einops-0.8.0"))
    rows = {(row["module"], row["name"]): (row["guarded"], row["resolves"]) for row in facts["model.imports"]}
    assert rows["einops", ""] == (False, False)  # no such folder in site-packages: metadata alone is not enough
    assert rows["transformers.models.llama.modeling_llama", "LlamaFlashAttention2"][0] is False
    assert rows["os", ""] == (False, True)
    assert rows["xformers", ""][0] is True
    assert rows["flash_attn", ""][0] is True
    assert rows["timm", ""][0] is False  # transformers asks for it before anything runs
    assert rows["transformers", "DynamicCache"][0] is True
    assert rows["decord", ""][0] is False
    assert ("nothing", "") not in rows


def test_a_model_without_code_imports_nothing(place):
    hubmake.write_folder(place / "data" / "m", hubmake.model_files())
    assert read(place, str(place / "data" / "m"))["model.imports"] == []


def test_a_path_that_leads_nowhere_gives_way_to_the_programs_own(place):
    folder = hubmake.write_folder(place / "data" / "llava-7b", hubmake.model_files())
    facts = read(place, "@data@/llava-7b", repos=[str(folder)])
    assert facts["model.asked"] == str(folder)
    assert read(place, "/nowhere/other-7b", repos=[str(folder)])["model.asked"] == "/nowhere/other-7b"
    assert read(place, "acme/llava-7b", repos=[str(folder)])["model.asked"] == "acme/llava-7b"


@pytest.mark.parametrize(
    ("loads", "lost"),
    [
        ("AutoConfig.from_pretrained(M)", []),
        ("AutoTokenizer.from_pretrained(M)", ["tokenizer.json"]),
        ("AutoModelForCausalLM.from_pretrained(M)", ["model.safetensors"]),
        ("AutoConfig.from_pretrained(M); AutoTokenizer.from_pretrained(M)", ["tokenizer.json"]),
        ("pipeline('text-generation', M)", ["model.safetensors", "tokenizer.json"]),
        ("AutoConfig.from_pretrained(M); load_pretrained_model(M)", ["model.safetensors", "tokenizer.json"]),
    ],
)
def test_only_what_the_program_loads_has_to_be_there(place, loads, lost):
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    folder = hubmake.write_folder(place / "data" / "m", {"config.json": json.dumps(config).encode()})
    program = place / "work" / "p.py"
    program.write_text(f"from transformers import *\nfrom transformers import AutoConfig, AutoTokenizer, "
                       f"AutoModelForCausalLM, pipeline\nfrom llava.model.builder import load_pretrained_model\n"
                       f"M = {str(folder)!r}\n{loads}\n")
    facts = read(place, str(folder), what=[str(program)])
    assert facts["model.files_missing"] == lost
    assert facts["model.cached"] is (not lost)


@pytest.mark.parametrize(
    ("body", "form"),
    [(b'{"model": {"merges": [ "a b"]}}', "texts"), (b'{"model": {\n"merges" :[\n ["a", "b"]]}}', "pairs"), (b'{"model": {}}', None)],
)
def test_form_of_the_merges(place, body, form):
    folder = hubmake.write_folder(place / "data" / "m", {**hubmake.model_files(), "tokenizer.json": body})
    assert read(place, str(folder))["model.tokenizer_merges"] == form
    assert read(place, str(folder / "tokenizer.json"))["model.tokenizer_merges"] == form
