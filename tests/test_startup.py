"""Start-up is judged by the modules it loads and the patterns it compiles, not by a clock."""

import ast
import subprocess
import sys
from pathlib import Path

from doctor.engine import bundle, store
from doctor.engine.evaluate import evaluate
from doctor.model import Snapshot

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "requests", "rich", "pynvml", "importlib.metadata", "tomllib", "tomli", "yaml", "resolvelib"}
# A millisecond and more each, for what a check without findings does not need.
UNUSED = {"dataclasses", "inspect", "uuid", "datetime", "traceback", "pathlib", "subprocess", "packaging.specifiers", "packaging.requirements", "shutil", "doctor.plan.make", "doctor.ingest"}
CHECK = "import doctor.commands.check, doctor.collect.live, doctor.engine.predicates, doctor.knowledge.derive, doctor.plan.shell, doctor.report.build, doctor.report.text"


def loaded(code):
    script = f"import sys; {code}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_command_line_loads_nothing_heavy():
    assert not loaded("import doctor.cli") & HEAVY


def test_importing_the_package_is_free():
    assert not {name for name in loaded("import doctor") if name.startswith("doctor.")}


def test_judging_loads_nothing_heavy():
    assert not loaded(CHECK) & HEAVY


def test_a_check_loads_nothing_that_it_may_not_need():
    bare = loaded("import packaging.version" if sys.version_info >= (3, 13) else "pass")  # its decorators load inspect there
    assert not (loaded(f"from doctor.standins import load_click; load_click(); {CHECK}") - bare) & UNUSED


def test_a_check_compiles_few_patterns_before_it_looks():
    count = f"""
import re, sys
ours, real = [], re.compile
def compile(*words):
    if sys._getframe(1).f_globals["__name__"].startswith("doctor."):
        ours.append(words[0])
    return real(*words)
re.compile = compile
{CHECK}
print(len(ours))
"""
    done = subprocess.run([sys.executable, "-c", count], capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 4  # those that every check uses


def test_the_probe_compiles_no_pattern_at_import():
    for path in (ROOT / "doctor" / "collect" / "probe").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign):
                assert "re.compile" not in ast.unparse(node), f"{path.name}:{node.lineno}: see patterns.py"


def test_signs_and_steps_are_read_only_for_a_text_or_a_hit(tmp_path):
    bundle.write_bundle(ROOT / "rules", tmp_path / "rules")
    (tmp_path / "rules" / "details.jsonl").unlink()
    corpus = store._from_bundle(tmp_path / "rules" / "rules.json")
    assert len(evaluate(corpus.rules, Snapshot({}))) == len(corpus.rules)
