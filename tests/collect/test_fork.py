"""A copy of ourselves has to behave as a started child does: no thread, no descriptor, no path of ours, and killable."""

import importlib
import json
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

import pytest

from doctor.collect import child

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux only")


def isolated(code):
    """What ``code`` prints as JSON in an isolated interpreter, where copies are possible."""
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def probe(folder, body):
    """A probe folder with an entry of our own."""
    (folder / "entry.py").write_text("import json, os, signal, sys, time\ndef main(words):\n" + textwrap.indent(textwrap.dedent(body), "    "))
    return str(folder)


RUN = """
import json, os, time
from doctor.collect import child, fork
child.PROBE = {folder!r}
runner = child.Runner({seconds})
runner.add(child.Job("x", ("-", "part"), {seconds}, {{}}, ours=True))
kind = type(runner._live[0].process).__name__
pid = runner._live[0].process.pid
answer = runner.run()["x"]
try:
    os.kill(pid, 0)
    gone = False
except ProcessLookupError:
    gone = True
print(json.dumps([kind, answer.status, answer.output.decode(), answer.facts, gone]))
"""


def ran(folder, seconds=5.0):
    return isolated(RUN.format(folder=folder, seconds=seconds))


def test_it_is_isolated_as_a_started_child_is(tmp_path):
    body = """
    fds = sorted(os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}"))
    print(json.dumps({
        "session": os.getsid(0) == os.getpid(), "path": sys.path, "stdin": os.readlink("/proc/self/fd/0"),
        "files": [name for name in fds if not name.startswith(("pipe:", "/dev/null", "/proc/"))], "pipes": len({n for n in fds if n.startswith("pipe:")}),
        "hooks": [str(f) for f in sys.meta_path if "frozen" not in f.__module__],
        "signals": [signal.getsignal(n) == signal.SIG_DFL for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
    }), flush=True)
    os._exit(0)
    """
    kind, status, output, _, gone = ran(probe(tmp_path, body))
    seen = json.loads(output)
    assert (kind, gone) == ("Copy", True)
    assert status == "ended with status 0 before it had said all"
    assert seen["session"]
    assert seen["stdin"] == "/dev/null"
    assert not seen["files"]
    assert seen["pipes"] == 2  # the wire and the output
    assert seen["path"][0] == str(tmp_path)
    assert not any("-packages" in path or path == str(ROOT) for path in seen["path"])
    assert not seen["hooks"]
    assert all(seen["signals"])


def test_a_program_in_its_place_inherits_nothing_but_the_wire(tmp_path):
    (tmp_path / "tell.py").write_text(textwrap.dedent("""
        import json, os, sys, zlib
        settings = json.loads(sys.argv[-1])
        value = {"session": os.getsid(0) == os.getpid(), "argv": sys.argv[1:-1],
                 "open": [n for n in range(3, 64) if n != settings["fd"] and os.path.exists(f"/proc/self/fd/{n}")]}
        for body in (json.dumps({"facts": {"told": value}}), '{"end": true}'):
            os.write(settings["fd"], ("%s %08x %s\\n" % (settings["nonce"], zlib.crc32(body.encode()), body)).encode())
    """))
    code = f"""
    import json, os, sys
    from doctor.collect import child
    os.set_inheritable(os.open("/dev/null", os.O_RDONLY), True)
    runner = child.Runner(20)
    runner.add(child.Job("x", (sys.executable, "-I", "-S", {str(tmp_path / "tell.py")!r}, "a b"), 20, {{}}, shim=True))
    runner.add(child.Job("y", ("/nonexistent/python", "-I"), 20, {{}}, shim=True))
    kinds = [type(one.process).__name__ for one in runner._live]
    answers = runner.run()
    print(json.dumps([kinds, answers["x"].status, answers["x"].facts, answers["y"].status, answers["y"].tail()]))
    """
    kinds, status, facts, failed, why = isolated(code)
    assert kinds == ["Copy", "Copy"]
    assert (status, failed) == ("ok", "exit 1")
    assert facts["told"] == {"session": True, "argv": ["a b"], "open": []}
    assert "No such file" in why


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("time.sleep(60)", "no answer in 0.6 s"),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass", "no answer in 0.6 s"),
        ("raise RuntimeError('planted')", "exit 1"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "signal 11"),
        ("return 2", "exit 2"),
        ("while True: print('x' * 100000)", "printed more than 8192 KiB"),
    ],
)
def test_whatever_it_does_it_ends(tmp_path, body, status):
    kind, got, output, _, gone = ran(probe(tmp_path, body), seconds=0.6 if "no answer" in status else 30.0)
    assert (kind, got, gone) == ("Copy", status, True)
    assert "planted" not in body or "RuntimeError: planted" in output


def test_threads_and_plain_starts_get_an_interpreter_of_their_own():
    code = """
    import json, threading
    from doctor.collect import fork
    alone = fork.possible()
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    beside = fork.possible()
    stop.set()
    thread.join()
    print(json.dumps([alone, beside]))
    """
    assert isolated(code) == [True, False]
    plain = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from doctor.collect import fork; print(fork.possible())"
    assert subprocess.run([sys.executable, "-c", plain], capture_output=True, text=True, check=True).stdout == "False\n"


SAME = """
import json
from doctor.collect import fork
from doctor.collect.live import Request, collect
if not {copies}:
    fork.possible = lambda: False
snapshot = collect(Request(python={python!r}, timeout=40))
facts = {{name: value for name, value in snapshot.facts.items() if name.startswith(("python.", "dist", "ext.", "pip.", "torch.", "os."))}}
print(json.dumps([facts, sorted(snapshot.facts), sorted(snapshot.unread)]))
"""


def test_it_says_the_same_as_a_started_child():
    told, read = (isolated(SAME.format(copies=copies, python=sys.executable)) for copies in (True, False))
    assert told == read


def test_a_target_that_tells_of_itself_is_read_as_one_that_reads(tmp_path):
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    target = str(tmp_path / "env" / "bin" / "python")
    told, read = (isolated(SAME.format(copies=copies, python=target)) for copies in (True, False))
    assert told == read
    assert told[0]["python.executable"] == target
    assert told[0]["python.kind"] == "venv"


def test_a_target_is_read_once_however_often_it_tells(tmp_path):
    fake = tmp_path / "python"
    fake.write_text(f"""#!{sys.executable}
import json, os, sys, zlib
settings = json.loads(sys.argv[-1])
for body in ('{{"f":"_itself","v":{{"release":"x"}}}}',) * 50 + ('{{"f":"_itself","v":7}}', '{{"end":true}}'):
    os.write(settings["fd"], ("%s %08x %s\\n" % (settings["nonce"], zlib.crc32(body.encode()), body)).encode())
""")
    fake.chmod(0o755)
    code = f"""
    import json
    from doctor.collect import child
    from doctor.collect.live import Request, collect
    started, real = [], child.Runner.add
    def add(self, job):
        started.append(job.name)
        real(self, job)
    child.Runner.add = add
    snapshot = collect(Request(python={str(fake)!r}))
    print(json.dumps([started.count("pyenv"), "python.version" in snapshot.facts, "python.version" in snapshot.unread]))
    """
    assert isolated(code) == [1, False, True]


@pytest.mark.parametrize("text", ["/home/ann/env", "C:\\x", 'a"b', "\n", "环境 é", "\udcff", "\U0001f600", ""])
def test_what_an_interpreter_tells_is_json(text):
    sys.path.append(child.PROBE)
    try:
        itself = importlib.import_module("itself")
    finally:
        sys.path.remove(child.PROBE)
    told = {**itself.read(), "prefix": text}
    assert json.loads(itself.as_json(told)) == told


def test_a_program_beside_the_interpreter_behind_a_shim(tmp_path):
    """pyenv's and asdf's ``python3`` is a script; what the program lacks shows in the interpreter that it runs."""
    shim = tmp_path / "shims" / "python3"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    shim.chmod(0o755)
    (tmp_path / "demo.py").write_text("import pytest, not_there_\n")
    code = f"""
    import os, json
    from doctor.collect.live import Request, collect
    os.environ["XDG_CACHE_HOME"] = {str(tmp_path)!r}
    found = collect(Request(python={str(shim)!r}, what=({str(tmp_path / "demo.py")!r},), timeout=20))
    print(json.dumps([{{row["module"]: row["resolves"] for row in found.facts["src.imports"]}}, [name for name in found.unread if name.startswith("src.")]]))
    """
    assert isolated(code) == [{"pytest": True, "not_there_": False}, []]
