"""A text that only one cause prints, beside facts that say no: what was read of the program may have missed something."""

import pytest

from doctor.engine import store
from doctor.engine.evaluate import evaluate
from doctor.ingest import ingest

FACTS = {
    "model.remote_code": True,
    "model.type": "internvl_chat",
    "src.calls": [{"name": "transformers.AutoConfig.from_pretrained", "method": "from_pretrained", "keywords": {"trust_remote_code": None}}],
}
CERTAIN = "ValueError: x\nPlease pass the argument `trust_remote_code=True` to allow custom code to be run.\n"
LIKELY = "ValueError: The repository /data/m contains custom code which must be executed to load it.\n"


@pytest.mark.parametrize(("text", "verdict"), [(CERTAIN, "hit"), (LIKELY, "clear"), ("", "clear")])
def test_only_a_certain_text_beats_the_facts(text, verdict):
    rules = [rule for rule in store.load().rules if rule.slug == "trust-remote-code-needed"]
    (found,) = evaluate(rules, ingest([text]).with_facts(FACTS))
    assert found.verdict == verdict
    assert found.confidence < 0.7
