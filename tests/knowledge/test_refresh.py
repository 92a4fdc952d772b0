import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_index import serve, wheel

from doctor.commands.refresh import command
from doctor.errors import KnowledgeError
from doctor.knowledge import index, pairs, refresh, store

TAG = "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def fake():
    with serve() as found:
        yield found


@pytest.fixture
def tables(tmp_path):
    rows = {
        "alpha": {"source": "s", "complete": True, "runs": [{"v": "1.0 1.1", "req": ["numpy<2"], "tags": {"any": "py3"}}]},
        "beta": {"source": "s", "complete": False, "runs": [{"v": "1.0", "req": [], "tags": {"any": "py3"}}]},
    }
    table = {"source": "s", "checked": "2026-01-01", "rows": rows}
    (tmp_path / "releases.json").write_text(refresh.render(table, 3), encoding="utf-8")
    store.use(tmp_path)
    yield tmp_path / "releases.json"
    store.use(None)


def fill(fake):
    fake.add("alpha", "alpha-1.0-py3-none-any.whl", wheel("alpha", "1.0"))
    fake.add("alpha", "alpha-1.1-py3-none-any.whl", wheel("alpha", "1.1"), yanked="broken")
    fake.add("alpha", "alpha-1.2.tar.gz")
    requires = ["numpy (>=2)", 'tqdm; extra == "cli"', "Typing_Extensions>=4 ; python_version < '3.11'"]
    fake.add("alpha", f"alpha-1.2-{TAG}.whl", wheel("alpha", "1.2", requires), python=">=3.9")
    fake.add("alpha", "alpha-1.2-cp38-abi3-win_amd64.whl", wheel("alpha", "1.2", requires))
    fake.add("alpha", "alpha-1.3rc1-py3-none-any.whl", wheel("alpha", "1.3rc1"))
    fake.add("alpha", "alpha-nonsense.whl")
    fake.add("beta", "beta-1.0-py3-none-any.whl", wheel("beta", "1.0"))
    fake.add("beta", "beta-2.0-py3-none-any.whl", wheel("beta", "2.0", ["alpha<1.2", "stranger"]))


def invoke(fake, *words, env=None):
    return CliRunner().invoke(command, words, env={"UV_DEFAULT_INDEX": fake.url, **(env or {})}, standalone_mode=False)


def status(result):
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.return_value


@pytest.mark.parametrize("kind", ["json", "html"])
@pytest.mark.parametrize("side_files", [True, False])
def test_new_releases_come_in(fake, tables, kind, side_files):
    fill(fake)
    fake.kind, fake.side_files = kind, side_files
    result = invoke(fake)
    assert status(result) == 0
    assert "alpha: new 1.2" in result.output
    assert "alpha: withdrawn 1.1" in result.output
    rows = json.loads(tables.read_text())["rows"]
    by_version = {v: run for run in rows["alpha"]["runs"] for v in run["v"].split()}
    assert list(by_version) == ["1.0", "1.1", "1.2"]
    assert by_version["1.0"]["req"] == ["numpy<2"]
    assert by_version["1.1"]["why"] == "broken"
    assert by_version["1.2"]["req"] == ["numpy>=2", 'typing-extensions>=4; python_version < "3.11"']
    assert by_version["1.2"]["tags"] == {"linux_x86_64": "cp311", "win_amd64": "cp38+"}
    assert by_version["1.2"]["py"] == ">=3.9"
    assert rows["beta"]["runs"][-1]["req"] == ["alpha<1.2"]


def test_check_writes_nothing_and_says_so(fake, tables):
    fill(fake)
    before = tables.read_bytes()
    assert status(invoke(fake, "--check")) == 1
    assert tables.read_bytes() == before


def test_one_package_only_and_a_second_run_changes_nothing(fake, tables):
    fill(fake)
    assert status(invoke(fake, "--package", "Beta")) == 0
    store.use(tables.parent)
    assert status(invoke(fake, "--package", "beta", "--check")) == 0
    assert not any("/alpha" in path for path, _ in fake.asked)


def test_an_unknown_package_is_refused(fake, tables):
    with pytest.raises(KnowledgeError, match="not catalogued"):
        status(invoke(fake, "--package", "gamma"))


def test_a_lost_release_is_refused_and_the_table_stays(fake, tables):
    fake.add("alpha", "alpha-1.0-py3-none-any.whl", wheel("alpha", "1.0"))
    before = tables.read_bytes()
    with pytest.raises(KnowledgeError, match=r"alpha 1\.1"):
        status(invoke(fake, "--package", "alpha"))
    assert tables.read_bytes() == before
    assert status(invoke(fake, "--package", "alpha", "--allow-loss")) == 0
    assert '"1.0"' in tables.read_text()


def test_again_reads_old_requirements_too(fake, tables):
    fill(fake)
    assert status(invoke(fake, "--again", "--package", "alpha")) == 0
    assert json.loads(tables.read_text())["rows"]["alpha"]["runs"][0]["req"] == []


def test_metadata_far_from_the_end_is_read_by_ranges(fake):
    body = wheel("alpha", "1.2", ["numpy>=2"], padding=300_000)
    fake.add("alpha", "alpha-1.2-py3-none-any.whl", body)
    fake.side_files = False
    source = index.Index(fake.url)
    text = source.metadata(source.files("alpha")[0])
    assert refresh.lines(text) == ["numpy>=2"]
    assert all("Range" in headers for path, headers in fake.asked if path.endswith(".whl"))


def test_a_host_without_ranges_is_named(fake):
    fake.add("alpha", "alpha-1.2-py3-none-any.whl", wheel("alpha", "1.2"))
    fake.side_files = fake.ranges = False
    source = index.Index(fake.url)
    with pytest.raises(KnowledgeError, match="parts of files"):
        source.metadata(source.files("alpha")[0])


def test_a_broken_wheel_is_named(fake):
    fake.add("alpha", "alpha-1.2-py3-none-any.whl", b"no zip at all")
    fake.side_files = False
    source = index.Index(fake.url)
    with pytest.raises(KnowledgeError, match="METADATA"):
        source.metadata(source.files("alpha")[0])


def test_no_redirect_to_another_host(fake):
    fake.redirect = "http://localhost:9/simple/alpha/"
    with pytest.raises(KnowledgeError, match="another host"):
        index.Index(fake.url).files("alpha")


def test_a_redirect_loop_ends(fake):
    fake.redirect = "/simple/alpha/"
    with pytest.raises(KnowledgeError):
        index.Index(fake.url).files("alpha")


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"files": 3}', b'{"files": [{}]}', b'{"files": []}', b"\xff\xfe"])
def test_nonsense_is_refused(fake, raw):
    fake.raw = raw
    with pytest.raises(KnowledgeError):
        index.Index(fake.url).files("alpha")


def test_too_long_an_answer_is_cut_off(fake, monkeypatch):
    monkeypatch.setattr(index, "_PAGE", 1000)
    fake.raw = b"x" * 200_000
    with pytest.raises(KnowledgeError, match="too long"):
        index.Index(fake.url).files("alpha")


def test_netrc_logins_are_not_sent(fake, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    fill(fake)
    index.Index(fake.url).files("alpha")
    assert not any("Authorization" in headers for _, headers in fake.asked)


def test_messages_carry_no_login():
    source = index.Index("http://me:secret@127.0.0.1:9/simple/")
    with pytest.raises(KnowledgeError) as caught:
        source.files("alpha")
    assert "secret" not in str(caught.value)


def test_where_the_address_comes_from(tmp_path, monkeypatch):
    conf = tmp_path / "pip.conf"
    conf.write_text("[global]\nindex-url = https://mirror.example/simple\n")
    monkeypatch.setattr(index, "_from_pip", lambda: None)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "none"))
    monkeypatch.setattr(index, "_SYSTEM", tmp_path / "none")
    env = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(conf)}
    assert index.configured(env) == "https://mirror.example/simple/"
    assert index.configured({**env, "PIP_INDEX_URL": "https://other.example/s/"}) == "https://other.example/s/"
    assert index.configured({**env, "UV_DEFAULT_INDEX": "corp=https://uv.example/s"}) == "https://uv.example/s/"
    with pytest.raises(KnowledgeError, match="not an http"):
        index.configured({"UV_DEFAULT_INDEX": "file:///srv/simple"})
    conf.write_text("garbage")
    with pytest.raises(KnowledgeError, match="PIP_INDEX_URL"):
        index.configured({"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(conf)})


def test_a_pair_of_releases_that_only_the_refreshed_table_knows(tmp_path):
    rows = {
        "torch": {"source": "s", "complete": True, "runs": [{"v": "9.0.0", "req": [], "tags": {"linux_x86_64": "cp311"}}]},
        "torchvision": {"source": "s", "complete": True, "runs": [{"v": "8.0.0", "req": ["torch==9.0.0"]}]},
    }
    (tmp_path / "releases.json").write_text(refresh.render({"source": "s", "checked": "2027-01-01", "rows": rows}, 3))
    store.use(tmp_path)
    try:
        assert pairs.partner("9.0.0", "torchvision") == "8.0.0"
        assert pairs.fits("torchvision", "8.0.0", "2.1.2") is False
    finally:
        store.use(None)


def test_the_shipped_table_is_in_the_form_that_refresh_writes():
    path = Path(store.locate("releases"))
    assert refresh.render(json.loads(path.read_text(encoding="utf-8")), 3) == path.read_text(encoding="utf-8")


@pytest.mark.network
def test_the_configured_index_still_lists_what_the_table_says():
    result = CliRunner().invoke(command, ["--check", "--package", "torchvision", "--package", "transformers"], standalone_mode=False)
    assert status(result) in (0, 1)
    assert "2 package(s) read" in result.output
