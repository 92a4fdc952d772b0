"""Plans over small made-up machines: what moves, what stays, what cannot be had."""

import time

import pytest

from doctor.engine import store
from doctor.knowledge import pairs, versions
from doctor.model import Snapshot
from doctor.plan.make import plan
from doctor.plan.script import render
from doctor.plan.shell import Target

RULES = store.load().rules
LINUX = {"os.name": "linux", "os.arch": "x86_64", "python.version": "3.11.7", "libc.name": "glibc", "libc.version": "2.36"}


def machine(dists, **facts):
    found = {**LINUX, **{f"dist.{name}": version for name, version in dists.items()}}
    return Snapshot({**found, **{name.replace("__", "."): value for name, value in facts.items()}}, closed=frozenset({"env"}))


def moves(made):
    return {move.name: move.new for move in made.moves}


def test_the_partner_moves_and_torch_stays():
    made = plan(machine({"torch": "2.5.1", "torchvision": "0.15.2", "numpy": "1.26.4", "pillow": "10.4.0"}), RULES)
    assert moves(made) == {"torchvision": "0.20.1"}
    assert made.goals[0].proof == "simulated"
    assert "torch==2.5.1" in made.installs[0].limits


def test_a_local_build_keeps_its_lane():
    made = plan(machine({"torch": "2.1.2+cu118", "torchvision": "0.15.2+cu118", "numpy": "1.26.4"}), RULES)
    assert moves(made) == {"torchvision": "0.16.2+cu118"}
    assert made.installs[0].index == "https://download.pytorch.org/whl/cu118"


def test_what_is_to_stay_as_it_is_holds_torch_in_its_lane():
    """The driver wants another CUDA; a torchvision of the old one could not be imported beside that torch."""
    facts = {"gpu__present": True, "driver__version": "535.104.05", "gpus": [{"name": "GPU", "cc": "6.1"}]}
    for other in ("0.27.0", "0.26.0"):  # the pair of this torch, and not
        here = machine({"torch": "2.12.0", "torchvision": other, "numpy": "2.2.6", "pillow": "12.0.0"}, **facts)
        assert moves(plan(here, RULES)) == {"torch": "2.12.0+cu126", "torchvision": "0.27.0+cu126"}
        made = plan(here, RULES, frozenset({"torchvision"}))
        assert not made.moves
        sides = {(side.by, side.name) for found in made.conflicts for side in found.who}
        assert {("keep", "torchvision"), ("DRV103", "torch")} <= sides


def test_the_plain_build_where_the_users_own_index_has_it():
    """``==2.13.0`` would be content with the CPU build that is there."""
    facts = {"torch__version": "2.13.0+cpu", "torch__build": "cpu", "gpu__present": True, "gpus": [{"name": "A100", "cc": "8.0"}]}
    made = plan(machine({"torch": "2.13.0+cpu", "torchvision": "0.28.0+cpu"}, driver__version="580.82.07", **facts), RULES)
    assert made.installs[0].requirements == ("torch===2.13.0", "torchvision===0.28.0")
    assert made.installs[0].index is None
    assert made.goals[0].proof == "simulated"
    older = plan(machine({"torch": "2.13.0+cpu"}, driver__version="570.86.10", **facts), RULES)
    assert moves(older) == {"torch": "2.13.0+cu126"}
    assert older.installs[0].index.endswith("/cu126")


def test_a_release_of_numpy_that_everything_takes():
    made = plan(machine({"numpy": "2.2.6", "scikit-learn": "1.3.2", "scipy": "1.11.4"}), RULES)
    assert moves(made) == {"numpy": "1.26.4"}
    assert made.installs[0].alone  # numpy asks for nothing, so nothing else can move


def test_a_promise_is_kept():
    snapshot = machine({"torch": "2.5.1", "torchvision": "0.15.2"})
    made = plan(snapshot, RULES, frozenset({"torchvision"}))
    assert "torchvision" not in moves(made)
    assert "torch" not in moves(made)
    found = made.conflicts[0]
    assert found.slug == "torch-torchvision-pair"
    assert ("keep", "torchvision", "0.15.2") in {(side.by, side.name, side.spec) for side in found.who}


def test_a_conflict_names_what_it_would_take():
    made = plan(machine({"torch": "2.5.1", "torchvision": "0.15.2"}), RULES, frozenset({"torchvision"}))
    price = made.conflicts[0].prices[0]
    assert (price.gives, price.name, moves(price)) == ("keep", "torchvision", {"torchvision": "0.20.1"})


def test_nothing_wrong_gives_an_empty_plan():
    made = plan(machine({"torch": "2.5.1", "torchvision": "0.20.1", "numpy": "1.26.4"}), RULES)
    assert not made.moves
    assert not made.installs
    assert not made.steps


def test_the_plan_holds_its_own_prediction():
    """The new versions, taken as a machine, need no plan."""
    snapshot = machine({"torch": "2.4.0", "torchvision": "0.20.1", "torchaudio": "2.5.1", "numpy": "1.26.4"})
    made = plan(snapshot, RULES)
    after = snapshot.with_facts({f"dist.{move.name}": move.new for move in made.moves})
    assert not plan(after, RULES).moves
    assert moves(made)["torchvision"] == pairs.partner("2.4.0", "torchvision")


def test_moves_are_near():
    made = plan(machine({"transformers": "4.57.1", "huggingface-hub": "1.1.2", "tokenizers": "0.22.1"}), RULES)
    new = moves(made)["huggingface-hub"]
    assert versions.accepts(">=0.34.0,<1.0", new)
    assert "transformers" not in moves(made)


def test_variables_stand_outside_the_group():
    snapshot = machine({}, net__proxies={"http": "http://127.0.0.1:9"}, net__proxy_alive=False, env__http_proxy="http://127.0.0.1:9")
    text = render(plan(snapshot, RULES), Target())
    assert "\nunset http_proxy\n" in text


def test_a_hundred_distributions_are_solved_quickly():
    many = {f"package-{number}": "1.0" for number in range(80)}
    many |= {"torch": "2.5.1", "torchvision": "0.15.2", "torchaudio": "2.5.1", "numpy": "1.26.4", "transformers": "4.49.0"}
    many |= {"tokenizers": "0.21.0", "huggingface-hub": "0.29.0", "accelerate": "1.4.0", "peft": "0.14.0", "safetensors": "0.5.2"}
    many |= {"gradio": "4.44.0", "pandas": "2.2.3", "scipy": "1.15.1", "scikit-learn": "1.6.1", "timm": "1.0.14", "einops": "0.8.0"}
    snapshot = machine(many)
    plan(snapshot, RULES)  # the tables are read once
    begun = time.process_time()
    plan(snapshot, RULES)
    assert time.process_time() - begun < 1.0  # 0.1 s; slow shared machines get room


@pytest.mark.parametrize("shell", ["bash", "powershell"])
def test_a_script_of_strange_names_has_no_loose_ends(shell):
    snapshot = machine({"torch": "2.5.1", "torchvision": "0.15.2"}, python__executable="/a b/$(id)/py'thon")
    text = render(plan(snapshot, RULES), Target(shell, "/a b/$(id)/py'thon"))
    assert "$(id)/py'thon -m" not in text


def test_a_variable_has_one_value():
    """Two findings about one variable: the first one's word counts."""
    snapshot = machine({}, env__HF_ENDPOINT="https://hf-mirror.com/ ", hf__endpoint="https://hf-mirror.com/ ", env_odd=[{"name": "HF_ENDPOINT", "problem": "surrounding-blanks"}])
    made = plan(snapshot, RULES)
    assert len([step for step in made.steps if step.target == "HF_ENDPOINT"]) == 1


@pytest.mark.parametrize(
    ("name", "value", "problem", "step"),
    [
        ("GRADIO_SERVER_PORT", "0.0.0.0:7860", "not-a-number", ("set_env", "7860")),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "30s", "not-a-number", ("set_env", "30")),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "0.0.0.0", "not-a-number", ("unset_env", "")),
        ("TORCH_LOGS", "verbose", "not-a-choice", ("unset_env", "")),
    ],
)
def test_what_a_refused_value_was_meant_to_be(name, value, problem, step):
    snapshot = machine({}, env_odd=[{"name": name, "problem": problem}]).with_facts({f"env.{name}": value})
    assert [(each.kind, each.to) for each in plan(snapshot, RULES).steps if each.target == name] == [step]


def test_variables_that_are_not_set_are_not_taken_away():
    snapshot = machine({}, net__proxies={"http": "http://127.0.0.1:9"}, net__proxy_alive=False, env__http_proxy="http://127.0.0.1:9")
    assert [step.target for step in plan(snapshot, RULES).steps] == ["http_proxy"]


def test_consequences_that_outlive_their_root_are_cured_too():
    rows = [{"name": "~illow", "path": "/v/~illow-10.0.0.dist-info"}]
    snapshot = machine({"transformers": "4.46.3", "tokenizers": "0.22.1", "numpy": "1.26.4"}, python__leftovers=rows, python__duplicates=[], python__prefix="/v")
    made = plan(snapshot, RULES)
    assert moves(made) == {"tokenizers": "0.20.3"}
    assert not [step for step in made.steps if step.target == "~illow"]


def test_a_variable_that_uncovers_the_environments_own_packages_is_enough():
    old = {"module": "huggingface_hub", "path": "~/.local/lib/python3.11/site-packages", "hides": "huggingface-hub"}
    shadow = {**old, "where": "user-site", "version": "0.16.4", "hidden": "0.34.6"}
    facts = {"python__user_site_enabled": True, "python__shadows": [shadow]}
    made = plan(machine({"transformers": "4.57.1", "huggingface-hub": "0.16.4", "tokenizers": "0.22.1"}, **facts), RULES)
    assert [step.target for step in made.steps] == ["PYTHONNOUSERSITE"]
    assert not made.moves


def test_what_no_goal_touches_is_not_solved_anew():
    """Two hundred bystanders that all ask for the same few distributions must not use up the rounds."""
    many = {f"bystander-{number}": "1.0" for number in range(200)}
    asks = {name: ["numpy>=1.20", "typing-extensions", "packaging"] for name in many}
    rest = {"numpy": "1.26.4", "typing-extensions": "4.12.2", "packaging": "24.1", "torch": "2.5.1", "torchvision": "0.15.2"}
    made = plan(machine({**many, **rest}, python__requires=asks), RULES)
    assert moves(made) == {"torchvision": "0.20.1"}
    assert not made.conflicts


def test_a_bystander_that_a_move_would_break_is_taken_in():
    asks = {"stranger": ["numpy<1.25"], "friend": ["stranger==1.0"]}
    dists = {"numpy": "1.24.4", "stranger": "1.0", "friend": "1.0", "transformers": "4.40.0", "tokenizers": "0.19.1", "pyarrow": "26.0.0"}
    made = plan(machine(dists, python__requires=asks), RULES)
    assert "numpy" not in moves(made)


@pytest.mark.parametrize("version", ["x", "not a version!", "1.0;$(id)", ""])
def test_a_record_may_name_any_text_as_its_version(version):
    from doctor.plan.simulate import pinned

    assert pinned("torch", f"=={version}")


def test_files_that_come_back_may_serve_what_nobody_served():
    gone = [{"name": "opencv-python-headless", "version": "4.10.0.84", "problem": "files-missing", "count": 3, "path": "/v/cv2"}]
    imports = [{"module": "cv2", "name": "", "guarded": False, "resolves": False, "dist": "", "want": "opencv-python", "where": ""}]
    made = plan(machine({"opencv-python-headless": "4.10.0.84", "numpy": "1.26.4"}, **{"python.corrupt": gone, "src.imports": imports}), RULES)
    assert [step.target for step in made.steps if step.kind == "reinstall"] == ["opencv-python-headless"]
    assert not moves(made)


def missing(*names):
    return [{"module": name, "name": None, "resolves": False, "guarded": False, "want": name} for name in names]


def test_an_empty_environment_gets_what_the_program_imports():
    made = plan(machine({}, src__imports=missing("torch", "transformers")), RULES)
    assert {"torch", "transformers"} <= moves(made).keys()
    assert not any(name.startswith("nvidia-") for name in moves(made)), "the installer brings what torch asks for"
    assert {goal.rule: goal.proof for goal in made.goals}["PYE104"] == "simulated"


def test_a_name_for_the_user_to_find_does_not_cost_the_others():
    made = plan(machine({}, src__imports=missing("torch", "my_own_tools")), RULES)
    assert "torch" in moves(made)
    assert "my_own_tools" not in moves(made)


def test_what_comes_along_agrees_with_what_is_pinned():
    lines = [{"name": "numpy", "spec": "==1.24.2"}]
    made = plan(machine({}, src__imports=missing("numpy", "matplotlib"), src__requirements=lines), RULES)
    assert made.unconfirmed == (), "pip takes a contourpy that is content with numpy 1.24"
    assert moves(made)["numpy"] == "1.24.2"


def test_what_the_project_asks_for_is_what_comes():
    lines = [{"name": "torch", "spec": "==2.5.1"}, {"name": "transformers", "spec": ">=4.40,<4.50"}]
    made = plan(machine({}, src__imports=missing("torch", "transformers", "einops"), src__requirements=lines), RULES)
    assert moves(made)["torch"].startswith("2.5.1")
    assert versions.accepts(">=4.40,<4.50", moves(made)["transformers"])
    assert "einops" in moves(made)


def test_what_the_project_asks_for_comes_first_for_another_finding_too():
    load = {"name": "transformers.AutoModel.from_pretrained", "method": "from_pretrained", "keywords": {"load_in_4bit": True}}
    lines = [{"name": "accelerate", "spec": "==0.33.0"}]
    there = {"torch": "2.4.1", "transformers": "4.44.2", "accelerate": None, "numpy": "1.26.4", "bitsandbytes": "0.43.3"}
    made = plan(machine(there, src__calls=[load], src__requirements=lines), RULES)
    assert moves(made)["accelerate"] == "0.33.0"


def test_a_torch_that_comes_along_goes_by_the_driver():
    facts = {"gpu.present": True, "gpu.count": 1, "driver.version": "535.161.08", "gpus": [{"index": 0, "cc": "8.6"}]}
    calls = [{"name": "transformers.AutoModel.from_pretrained", "method": "from_pretrained", "keywords": {"device_map": "auto"}}]
    made = plan(machine({"transformers": "4.51.3", "numpy": "1.26.4", "accelerate": None}, **facts, src__calls=calls), RULES)
    assert moves(made)["accelerate"]
    assert versions.local(moves(made)["torch"]) in {"cu118", "cu121", "cu124", "cu126"}


def test_what_only_the_plan_would_bring_is_not_left_to_the_user():
    calls = [
        {
            "name": "transformers.AutoModelForCausalLM.from_pretrained",
            "method": "from_pretrained",
            "keywords": {"load_in_4bit": True},
        }
    ]
    made = plan(machine({"torch": "2.5.1", "numpy": "1.26.4"}, src__imports=missing("transformers"), src__calls=calls), RULES)
    assert versions.accepts("<5", moves(made)["transformers"])


def test_an_interpreter_that_is_gone_comes_before_its_packages():
    facts = {"python__broken": "base-missing", "python__prefix": "~/venv"}
    made = plan(machine({"torch": "2.5.1", "torchvision": "0.15.2"}, **facts), RULES)
    assert made.installs == ()
    assert [step.bound["series"] for step in made.advice if step.kind == "run"] == ["3.11"]


def test_an_id_of_other_capitals_leads_to_what_is_cached():
    asked = {"hf__hub_cache": "/data/hf/hub", "hf__offline": True, "model__kind": "repo", "model__cached": False}
    made = plan(machine({}, **asked, model__asked="qwen/VL-7b", model__near=["Qwen/VL-7B"]), RULES)
    assert [(step.kind, step.target, step.to) for step in made.steps] == [
        ("link", "/data/hf/hub/models--qwen--VL-7b", "models--Qwen--VL-7B")
    ]
    assert "ln -sfn -- models--Qwen--VL-7B /data/hf/hub/models--qwen--VL-7b" in render(made, Target())


def test_what_stays_of_two_in_one_folder_gets_its_files_back():
    overlap = [{"a": "onnxruntime", "b": "onnxruntime-gpu", "module": "onnxruntime"}]
    made = plan(machine({"onnxruntime": "1.20.1", "onnxruntime-gpu": "1.20.1", "numpy": "1.26.4"}, python__overlaps=overlap), RULES)
    assert [(step.kind, step.target) for step in made.steps] == [("uninstall", "onnxruntime"), ("reinstall", "onnxruntime-gpu")]


@pytest.mark.parametrize(
    "dists",
    [
        # the root goes by another cure, its consequence stays
        {"scikit-learn": "1.7.2", "accelerate": "1.3.0", "torchaudio": "2.3.0", "torch": "2.6.0", "vllm": "0.31.0", "huggingface-hub": "1.33.0", "datasets": "2.14.6", "pydantic": "2.10.6", "scipy": "1.18.1"},
        # the root's cure touches one package of its consequence, others stay
        {"vllm": "0.6.3.post1", "xformers": "0.0.33.post1", "torch": "2.10.0", "safetensors": "0.3.1", "scikit-learn": "1.1.0", "pandas": "1.5.1", "transformers": "4.57.3", "pydantic": "2.6.0", "huggingface-hub": "1.14.0"},
    ],
)  # fmt: skip
def test_a_consequence_that_stays_is_cured_in_the_same_plan(dists):
    made = plan(machine(dists, env__http_proxy=None), RULES)
    assert "pip-check-conflicts" in {goal.slug for goal in made.goals}
    assert not made.conflicts
    assert not made.unconfirmed
