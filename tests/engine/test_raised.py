"""Where the error of a text was raised: in code of a model repository, or in an installed library."""

from doctor.engine import store
from doctor.engine.evaluate import evaluate
from doctor.ingest import ingest

RULES = store.load().rules

REMOTE = """Traceback (most recent call last):
  File "/home/me/.cache/huggingface/modules/transformers_modules/acme/seer-9b/modeling_seer.py", line 70, in forward
    mask = self._prepare_mask(ids, past)
TypeError: _prepare_mask() takes 2 positional arguments but 3 were given
"""
OWN = REMOTE.replace(".cache/huggingface/modules/transformers_modules/acme/seer-9b", "project")
APART = """Traceback (most recent call last):
  File "/venv/lib/python3.12/site-packages/lmdeploy/pytorch/kernels/moe.py", line 4, in <module>
    from dlblas.kernels import fused_moe_v3
ImportError: cannot import name 'fused_moe_v3' from 'dlblas.kernels' (/venv/lib/python3.12/site-packages/dlblas/kernels/__init__.py)
"""


def hits(text):
    return {f.slug: f for f in evaluate(RULES, ingest([text])) if f.verdict == "hit"}


def bound(text, slug):
    return dict(hits(text)[slug].bound)


def test_code_of_a_model_repository():
    assert bound(REMOTE, "remote-code-call-refused")["file"] == "modeling_seer.py"
    assert "remote-code-call-refused" not in hits(OWN)


def test_two_libraries_of_different_times():
    found = bound(APART, "packages-of-different-times")
    assert (found["by"], found["package"], found["name"]) == ("lmdeploy", "dlblas", "fused_moe_v3")
