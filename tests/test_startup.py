"""Start-up is judged by the modules it loads, not by a clock."""

import subprocess
import sys

HEAVY = {"torch", "requests", "rich", "pynvml", "importlib.metadata", "tomllib", "tomli", "yaml", "resolvelib"}


def loaded(code):
    script = f"import sys; {code}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_command_line_loads_nothing_heavy():
    assert not loaded("import doctor.cli") & HEAVY


def test_importing_the_package_is_free():
    assert not {name for name in loaded("import doctor") if name.startswith("doctor.")}


def test_judging_loads_nothing_heavy():
    modules = loaded("import doctor.commands.check, doctor.engine.evaluate, doctor.report.build")
    assert not modules & HEAVY
    assert not {name for name in modules if name.startswith("packaging.") and "requirements" in name}
