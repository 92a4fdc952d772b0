"""Packages that a text or a model's own code misses, by the rules that name them."""

from pathlib import Path

from doctor.engine.evaluate import evaluate
from doctor.engine.load import load_dir
from doctor.ingest import ingest
from doctor.knowledge.derive import derive

RULES = [item.rule for item in load_dir(Path(__file__).parents[2] / "rules")]


def hit(slug, log, facts):
    read = ingest(["\n".join(log)]) if log else ingest([""])
    snapshot = read.with_facts(facts)._replace(closed=read.closed | {"dist"})
    found = [one for one in evaluate([r for r in RULES if r.slug == slug], derive(snapshot)) if one.verdict == "hit"]
    return found[0] if found else None


def targets(finding):
    return [step.target for step in finding.fix if step.kind == "pin"]


def test_every_package_of_the_models_code_is_installed():
    rows = [{"module": name, "name": "", "guarded": False, "resolves": False, "want": name} for name in ("tiktoken", "einops")]
    finding = hit("remote-code-missing-package", [], {"model.remote_code": True, "model.type": "qwen", "dist.transformers": "4.46.3", "model.imports": rows})
    assert targets(finding) == ["tiktoken", "einops"]


def test_an_unknown_name_is_not_installed_from_the_index():
    log = ["Traceback (most recent call last):", '  File "/p/demo.py", line 1, in <module>', "ModuleNotFoundError: No module named 'segmentor_tools'"]
    assert "segmentor_tools" not in targets(hit("missing-python-package", log, {"src.imports": []}))


def test_files_that_are_gone_explain_an_import_that_finds_nothing():
    facts = {
        "src.imports": [{"module": "cv2", "name": "", "resolves": False, "guarded": False, "want": "opencv-python"}],
        "python.corrupt": [{"name": "opencv-python-headless", "problem": "files-missing", "path": "x", "count": 9, "version": "4.10"}],
    }
    assert hit("missing-python-package", [], facts) is None
    assert hit("package-files-missing", [], facts) is not None


def test_a_package_bound_to_torch_is_asked_for_in_a_release_that_takes_this_one():
    text = "torch 2.4.1\nModuleNotFoundError: No module named 'xformers'\n"
    snapshot = derive(ingest([text]))
    (finding,) = evaluate([rule for rule in RULES if rule.id == "PYE104"], snapshot)
    assert [(step.target, step.to) for step in finding.fix] == [("xformers", "==0.0.28.post1")]
