"""Site rules and newer tables come from a folder; a bad or hostile pack is refused with file and reason."""

import json
import shutil
from pathlib import Path

import pytest

from doctor.engine import bundle, load, store
from doctor.engine.load import load_dir
from doctor.errors import DoctorError, RuleError
from doctor.knowledge import store as tables

RULES = Path(__file__).parents[2] / "rules"
SAMPLE = (RULES / "torch" / "TOR101-torch-torchvision-pair.toml").read_text(encoding="utf-8")


@pytest.fixture
def pack(tmp_path):
    folder = tmp_path / "pack" / "torch"
    folder.mkdir(parents=True)
    text = SAMPLE.replace('id = "TOR101"', 'id = "TOR901"').replace("explains = ", "# ")
    (folder / "TOR901-site-rule.toml").write_text(text, encoding="utf-8")
    yield tmp_path / "pack"
    tables.use(None)


def test_a_pack_adds_rules(pack):
    corpus = store.load(pack)
    assert corpus.by_id()["TOR901"].slug == "site-rule"
    assert "+" in corpus.digest


def test_a_pack_can_be_pinned(pack):
    digest = bundle.digest(load_dir(pack))
    assert store.load(Path(f"{pack}#sha256={digest}"))
    with pytest.raises(RuleError, match="digest"):
        store.load(Path(f"{pack}#sha256={'0' * 64}"))


def test_a_pack_replaces_tables(pack):
    (pack / "kb").mkdir()
    shutil.copy(RULES / "kb" / "gpus.json", pack / "kb" / "gpus.json")
    store.load(pack)
    assert Path(tables.locate("gpus")) == pack / "kb" / "gpus.json"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("TOR101-again.toml", SAMPLE, "already the id"),
        ("TOR902-broken.toml", "id = [", "broken"),
        ("TOR903-nested.toml", "a = " + "[" * 5000, "TOR903"),
        ("TOR904-huge.toml", "#" * 70_000, "larger"),
        ("../escape.toml", SAMPLE, "named"),
        ("TOR905-call.toml", SAMPLE.replace("TOR101", "TOR905").replace("when = [{", 'when = [{ call = "os.system" }, {'), "no predicate"),
    ],
)
def test_bad_packs_are_refused(pack, name, text, why):
    path = pack / "torch" / Path(name).name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DoctorError, match=why if why != "broken" else "TOR902"):
        store.load(pack)


def _runs(pack, line):
    """The pack's rule with one more step."""
    path = pack / "torch" / "TOR901-site-rule.toml"
    step = f"{{ run = {json.dumps(line)}, safety = 'manual' }}, "
    path.write_text(path.read_text(encoding="utf-8").replace("fix = [", "fix = [" + step), encoding="utf-8")


@pytest.mark.parametrize("line", ['echo "{dist.torch}"', "echo '{dist.torch}'", 'export A="${dist.torch}"', "echo ${dist.torch}", "echo \\{dist.torch}", "echo `id {dist.torch}`", 'echo "a'])
def test_a_hole_in_quotes_is_refused(pack, line):
    """A value comes as a quoted word: between other quotes it would not be one any more."""
    _runs(pack, line)
    with pytest.raises(RuleError, match="a hole of"):
        store.load(pack)


@pytest.mark.parametrize("line", ["echo {dist.torch}", "A={dist.torch} x", 'x "$(dirname -- {dist.torch})"', "x/{dist.torch}/y 'a b' \\$HOME"])
def test_a_hole_that_stands_free_is_not(pack, line):
    _runs(pack, line)
    assert store.load(pack).by_id()["TOR901"]


@pytest.mark.parametrize(("place", "target"), [("torch/TOR906-link.toml", "torch/TOR101-torch-torchvision-pair.toml"), ("numeric", "numeric"), ("kb", "kb")])
def test_a_pack_may_not_link_out(pack, place, target):
    (pack / place).symlink_to(RULES / target)
    with pytest.raises(RuleError, match="regular file"):
        store.load(pack)


def test_a_folder_without_rules_is_no_pack(tmp_path):
    (tmp_path / "site.yaml").write_text("- id: x\n  when: {package: torch}\n")
    with pytest.raises(RuleError, match="neither rules"):
        store.load(tmp_path)


def test_a_pack_has_an_end(pack, monkeypatch):
    monkeypatch.setattr(load, "MAX_FILES", 0)
    with pytest.raises(RuleError, match="more than 0"):
        store.load(pack)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('sign = [{ log = "(torch+)+$" }]', "repeat"),
        ('sign = [{ log = "([" }]', "TOR101"),
        ('fix = [{ pin = "torch --index-url=http://x/simple", to = "==2.1", safety = "safe" }]', "pin"),
        ('fix = [{ pin = "-e.", to = "==2.1", safety = "safe" }]', "pin"),
        ('fix = [{ pin = "torch", to = "@ http://x/y.whl", safety = "safe" }]', "URL|@|specifier"),
        ('fix = [{ pip_install = ["torch"], safety = "safe" }]', "pip_install|kind"),
        ('include = "../../etc/passwd"', "include"),
        ('whne = [{ fact = "torch.version", is = "present" }]', "whne"),
        ('when = "__import__(1)"', "when"),
    ],
)
def test_what_a_pack_cannot_say(line, why):
    head = 'id = "TOR101"\nsince = "0.1"\nseverity = "error"\n'
    text = "".join(f'[text.{lang}]\ntitle = "a"\nwhy = "b"\nnext = "c"\nproof = "d"\n' for lang in ("en", "zh"))
    text += "".join(f'[[example]]\nname = "{expect}"\nlog = ["x"]\nexpect = "{expect}"\n' for expect in ("hit", "clear"))
    sign = "" if line.startswith("sign") else 'sign = [{ log = "no kernel image" }]\n'
    with pytest.raises(RuleError, match=why):
        load.parse("TOR101-made-up.toml", head + line + "\n" + sign + text, "torch")


@pytest.mark.parametrize(
    "line",
    ['applies = 1', 'applies = [{ any = 1 }]', 'applies = [{ dist = "torch", version = 2 }]', 'applies = [{ fact = 3, is = true }]',
     'prior = "x"', 'sign = [{ log = "no kernel image", weight = "x" }]', 'fix = [1]', 'example = [1]', 'text = 1'],
)  # fmt: skip
def test_values_of_the_wrong_type_are_refused(line):
    head = 'id = "TOR101"\nsince = "0.1"\nseverity = "error"\n'
    text = "" if line.startswith("text") else "".join(f'[text.{lang}]\ntitle = "a"\nwhy = "b"\nnext = "c"\nproof = "d"\n' for lang in ("en", "zh"))
    sign = "" if line.startswith("sign") else 'sign = [{ log = "no kernel image" }]\n'
    with pytest.raises(RuleError):
        load.parse("TOR101-made-up.toml", head + line + "\n" + sign + text, "torch")
