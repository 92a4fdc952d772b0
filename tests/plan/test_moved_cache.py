"""A cache that gets another place: copied, held against the old one, only then switched to."""

import subprocess

import pytest

from doctor.engine import store
from doctor.model import FixStep, Snapshot
from doctor.plan.apply import copies
from doctor.plan.copied import copy_checked
from doctor.plan.files import exact
from doctor.plan.journal import Journal
from doctor.plan.make import plan
from doctor.plan.shell import Target, command
from doctor.plan.undo import undo

STEP = FixStep("set_env", "HF_HOME", "/data/hf", "safe", 1, ("HFC114",))
FULL = {"hf.home": "~/.cache/huggingface", "hf.hub_cache": "~/.cache/huggingface/hub", "hf.cached_models": 2}


def bound(**facts):
    return exact(STEP, Snapshot({**FULL, **{name.replace("__", "."): value for name, value in facts.items()}})).bound


def test_models_come_along():
    assert bound() == {"copied": "~/.cache/huggingface"}


@pytest.mark.parametrize(
    "facts",
    [
        {"hf__cached_models": 0},
        {"hf__hub_cache": "/elsewhere/hub"},
        {"hf__home": "/data/hf", "hf__hub_cache": "/data/hf/hub"},
        {"hf__roots": [{"path": "/data/hf/hub", "repos": 3, "exists": True}]},
    ],
    ids=["empty", "another variable decides", "there already", "the new one is in use"],
)
def test_nothing_is_copied_where_nothing_would_be_lost(facts):
    assert not bound(**facts)


@pytest.mark.parametrize(("models", "size", "moved"), [(0, 0, True), (2, 1 << 30, True), (2, 40 << 30, False), (0, 40 << 30, True)])
def test_a_cache_goes_only_where_its_models_fit(models, size, moved):
    disks = [{"role": "home", "path": "~", "mount": "/home", "free": 20 << 30, "writable": True}]
    roots = [{"by": "HF_HOME", "path": "/public/hf/hub", "used": True, "writable": False}]
    facts = {"disks": disks, "hf.roots": roots, "hf.offline": False, "hf.cached_models": models, "hf.cache_size": size}
    made = plan(Snapshot(facts), store.load().rules)
    assert [(step.kind, step.target) for step in made.steps] == [("set_env", "HF_HOME")] * moved
    assert moved or made.advice


def cache(root):
    blobs, snapshot = root / "hub" / "models--a--b" / "blobs", root / "hub" / "models--a--b" / "snapshots" / "c"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    (blobs / "f00").write_bytes(b"weights" * 1000)
    (snapshot / "model.safetensors").symlink_to("../../blobs/f00")
    (root / "hub" / "models--a--b" / "latest").symlink_to("snapshots/c")
    (root / "token").write_text("secret")
    return root


def content(path):
    return str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None


def tree(root):
    return {str(path.relative_to(root)): content(path) for path in root.rglob("*")}


@pytest.fixture
def begun(tmp_path):
    """An old cache, and a copy of it that was cut off."""
    old, new = cache(tmp_path / "old 'home'"), tmp_path / "new"
    (new / "hub" / "models--a--b" / "blobs").mkdir(parents=True)
    (new / "hub" / "models--a--b" / "blobs" / "f00").write_bytes(b"cut off")
    (new / "hub" / "models--a--b" / "latest").symlink_to("snapshots/other")
    return old, new


def test_the_copy_is_whole_and_may_be_taken_up_again(begun):
    old, new = begun
    for _ in range(2):
        copy_checked(old, new)
        assert tree(old) == tree(new)


def line(old, new):
    return command(STEP._replace(to=str(new), bound={"copied": str(old)}), Target())


def test_the_typed_command_does_the_same_and_then_switches(begun):
    old, new = begun
    for _ in range(2):
        done = subprocess.run(["bash", "-c", f"{line(old, new)}; printenv HF_HOME"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, str(new), "")
        assert tree(old) == tree(new)


def test_a_copy_that_fails_switches_nothing(tmp_path):
    script = f"unset HF_HOME; {line(tmp_path / 'missing', tmp_path / 'new')}; echo ${{HF_HOME-unset}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "unset"


def test_the_application_copies_and_undo_takes_the_copy_away(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    old, new = cache(tmp_path / "old"), tmp_path / "disk" / "hf"
    steps = (STEP._replace(to=str(new), bound={"copied": str(old)}), STEP._replace(target="HF_ENDPOINT", to="https://hf-mirror.com"))
    (act,) = copies(type("Made", (), {"steps": steps}))
    journal = Journal.begin("made-up", {"prefix": ""})
    act.own(journal)
    assert tree(old) == tree(new)
    undo(journal)
    assert not new.parent.exists()
