"""Reads this machine and a target Python: starts the probe children, merges what they say into one Snapshot.

This process itself touches no path of the user: HF_HOME, PATH, the interpreter may lie on dead mounts.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from doctor.collect import environment, fork, network
from doctor.collect.child import ENTRY, ITSELF, Answer, Job, Runner, own_python
from doctor.collect.merge import NO_DRIVER, Facts
from doctor.collect.redact import Redactor
from doctor.model.snapshot import Snapshot

SLACK = 0.5  # seconds beyond the limit of one child for what is started late
SLOW = 0.8  # seconds after which a person wonders what is being done
SMI_HEAD_START = 1.0  # seconds that NVML has before nvidia-smi is asked as well
# Where a driver shows itself without any path of the user; the machine part reports the rest (_smi, _nvml_library).
DRIVER_SIGNS = ("/dev/nvidiactl", "/dev/dxg", "/proc/driver/nvidia", "/etc/nv_tegra_release", "/dev/nvhost-gpu")
SMI_QUERY = ("-q", "-x")

STACK = ("torch", "transformers", "vllm", "llama_cpp", "onnxruntime", "numpy")  # an environment to work in has one

Progress = Callable[[str, str], None]


class Request(NamedTuple):
    """What to read. ``timeout`` in seconds limits each child; ``what`` names scripts, folders, requirements.

    ``around``: where that is empty, the only program of the working folder is what is meant.
    """

    python: str | None = None  # interpreter, or folder of an environment
    model: str | None = None  # repository id or path
    what: tuple[str, ...] = ()
    timeout: float = 4.0
    online: bool = False
    around: bool = False


class Target(NamedTuple):
    """The interpreter to look at. ``asked`` is a path, ``?`` for python3 on PATH, or None for our own."""

    asked: str | None
    by: str


def choose(request: Request, env: Mapping[str, str]) -> Target:
    """``--python``, VIRTUAL_ENV, CONDA_PREFIX, ourselves unless we live apart from the patient, python3 on PATH."""
    wanted = (("--python", request.python), *((name, env.get(name)) for name in ("VIRTUAL_ENV", "CONDA_PREFIX")))
    for by, value in wanted:
        if value:
            return Target(None if _ours(value) else value, by)
    return Target("?", "PATH") if isolated_tool() or bare_venv() else Target(None, "own")


def _ours(path: str) -> bool:
    """Whether the text names our own interpreter or environment; looks at no file."""
    return os.path.normpath(path) in (os.path.normpath(sys.executable), os.path.normpath(sys.prefix))


def isolated_tool() -> bool:
    """Whether pipx or ``uv tool`` made the environment we run in, so that it cannot be the patient."""
    return any(os.path.isfile(os.path.join(sys.prefix, name)) for name in ("pipx_metadata.json", "uv-receipt.toml"))


def bare_venv() -> bool:
    """Whether we run in a virtual environment that holds nothing of what is diagnosed: it was made for the doctor."""
    if sys.prefix == sys.base_prefix:
        return False
    sites = [path for path in sys.path if path.endswith("site-packages")]
    return not any(os.path.isdir(os.path.join(site, name)) for site in sites for name in STACK)


def collect(request: Request, progress: Progress | None = None) -> Snapshot:
    """Everything that can be read within the limits; what cannot is in ``unread`` with the reason."""
    facts = _Collection(request, progress or (lambda _part, _state: None)).run()
    snapshot = facts.snapshot(source="live", taken=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()))
    return Redactor.of_this_machine(snapshot, facts.home).snapshot(snapshot)


def cache_folder(env: Mapping[str, str]) -> str:
    """Where the probe keeps what it read of large file lists; the probe makes it, and does without where it cannot."""
    base = env.get("XDG_CACHE_HOME") or ""
    if not os.path.isabs(base):
        base = os.path.expanduser("~/.cache")
    return os.path.join(base, "vlmdoctor")


def script_folders(what: tuple[str, ...]) -> list[str]:
    """Folders that Python puts first on sys.path when it runs these scripts. Looks at no file."""
    scripts = [os.path.dirname(os.path.abspath(path)) for path in what if path.endswith(".py")]
    return list(dict.fromkeys(scripts))


def _stdin_is_terminal() -> bool:
    try:
        return os.isatty(0)
    except OSError:  # closed
        return False


class _Collection:
    """One run: which children are started when."""

    def __init__(self, request: Request, progress: Progress) -> None:
        self.request = request
        self.progress = progress
        self.facts = Facts()
        self.runner = Runner(request.timeout + SLACK, self._on_fact, self._on_done)
        self.target = choose(request, os.environ)
        self.found: dict[str, Any] = {}  # what the scout says about the target
        self.told = False  # the target has told of itself
        self.smi: dict[str, Any] | None = None
        self.asked_gpu = False
        self.looked: set[str] = set()  # signs of a driver that the machine part has looked for

    def run(self) -> Facts:
        """Starts all parts, waits, merges."""
        self.facts.add(environment.read(os.environ), closed=("env",))
        self.runner.later(SLOW, lambda: self.progress("", "slow"))
        self._start_ours()
        if self.target.asked is None:
            self._start_pyenv(own_python(), executable=sys.executable, ours=True)
        if any(map(os.path.exists, DRIVER_SIGNS)):
            self._start_gpu()
        self.runner.run()
        self._conclude()
        return self.facts

    def _start(self, job: Job) -> None:
        self.progress(job.name, "started")
        self.runner.add(job)

    def _start_ours(self) -> None:
        """Machine, caches and the user's program: one process of our own interpreter, a thread for what may hang."""
        parts = "machine,gpu,hub" + (",program" if self.request.what or self.request.around else "")
        settings = {
            "target": self.target.asked,
            "executable": None if self.target.asked else sys.executable,
            "prefix": None if self.target.asked else sys.prefix,
            "model": self.request.model,
            "what": list(self.request.what),
            "around": self.request.around,
            "shims_later": fork.possible(),
            "cache": cache_folder(os.environ),
        }
        self._start(Job("machine", (*own_python(), ENTRY, parts), self.request.timeout, settings, ours=True))

    def _start_program(self, told: dict[str, Any]) -> None:
        """The user's program beside an interpreter that only now is known: a script (pyenv's shim) hid it."""
        request = self.request
        settings = {"what": list(request.what), "around": request.around, "cache": cache_folder(os.environ), **told}
        self._start(Job("program", (*own_python(), ENTRY, "program"), request.timeout, settings, ours=True))

    def _start_pyenv(self, python: tuple[str, ...], executable: str | None, ours: bool, **more: Any) -> None:
        """The target's environment: read by the target, or by a copy of ourselves with what the target said."""
        settings = {
            "executable": executable,
            "model": self.request.model,
            "cache": cache_folder(os.environ),
            "script_dirs": script_folders(self.request.what),
            **more,
        }
        command = (*python, ENTRY, "pyenv")
        self._start(Job("pyenv", command, self.request.timeout, settings, shim=not ours, ours=ours))

    def _on_fact(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            self.looked.add(name)
        if name == "_target" and isinstance(value, dict):
            self._meet_target(value)
        elif name == "_itself" and isinstance(value, dict) and not self.told:
            self.told = True
            told = {"itself": value, "env": value.get("env")}
            self._start_pyenv(own_python(), executable=self.found["executable"], ours=True, **told)
            if self.found.get("script") and (self.request.what or self.request.around):
                self._start_program(told)
        elif name == "_smi" and isinstance(value, dict):
            self.smi = value
            if value.get("path"):
                self._start_gpu()
        elif name == "_nvml_library" and value:
            self._start_gpu()

    def _meet_target(self, found: dict[str, Any]) -> None:
        """The scout has looked at the interpreter: run it, or read its files when it cannot run."""
        self.found = found
        path, why = found.get("executable"), found.get("why")
        if why or not path:
            self._broken(
                "base-missing" if why == "base-missing" else "missing" if why == "missing" else "not-python", why
            )
            return
        python = (path, *own_python()[1:])
        if fork.possible():  # a copy reads faster than an interpreter starts, so the target only tells of itself
            self._start(Job("python", (*python, ITSELF), self.request.timeout, {}, shim=True))
        else:
            self._start_pyenv(python, executable=path, ours=False)

    def _broken(self, word: str, detail: str | None) -> None:
        self.facts.add({"python.broken": word, "python.executable": self.found.get("executable") or self.target.asked})
        self.facts.miss(("python.version",), f"the interpreter does not run: {detail or word}")
        if self.found.get("prefix"):
            path = self.found.get("executable")
            self._start(
                Job(
                    "pyenv-files",
                    (*own_python(), ENTRY, "pyenv"),
                    self.request.timeout,
                    {"executable": path, "prefix": self.found["prefix"], "folder": True},
                )
            )

    def _start_gpu(self) -> None:
        """NVML in a child of its own; nvidia-smi joins in when that takes long or fails."""
        if self.asked_gpu:
            return
        self.asked_gpu = True
        package = os.path.dirname(os.path.dirname(__file__))
        folders = [os.path.dirname(package), *[p for p in sys.path if p]]
        code = f"import sys; sys.path.extend({folders!r}); from doctor.collect.nvml import main; main()"
        self._start(Job("nvml", (*own_python(), "-c", code), self.request.timeout, {}))
        self.runner.later(SMI_HEAD_START, self._start_smi)

    def _start_smi(self) -> None:
        usable = self.smi and self.smi.get("path") and not self.smi.get("why")
        asked = "nvidia-smi" in self.runner.answers or self.runner.running("nvidia-smi")
        if self.smi and usable and not asked:
            self._start(Job("nvidia-smi", (self.smi["path"], *SMI_QUERY), self.request.timeout, cap=4 << 20, shim=True))

    def _on_done(self, answer: Answer) -> None:
        self.progress(answer.name, answer.status)
        if answer.name == "nvml" and not answer.facts.get("driver.version"):
            self._start_smi()
        if answer.name in ("python", "pyenv") and not answer.ended and not answer.facts:
            self._interpreter_failed(answer)

    def _interpreter_failed(self, answer: Answer) -> None:
        if self.target.asked is None or self.told:
            return  # a copy of ourselves failed, not the interpreter
        detail = f"{answer.status} {answer.tail()}".strip()
        if answer.status.startswith(("no answer", "process")):
            word = "hangs"
        elif answer.status.startswith("signal") or b"Fatal Python error" in answer.output:
            word = "base-missing" if b"encodings" in answer.output else "crashed"
        else:
            word = "not-python"
        self._broken(word, detail)

    def _conclude(self) -> None:
        smi_answer = self.runner.answers.pop("nvidia-smi", None)
        for answer in self.runner.answers.values():
            self.facts.take(answer)
        if "python.abi" in self.facts.known:  # only an interpreter that runs tells it
            self.facts.known.setdefault("python.broken", None)
        self._conclude_gpu(smi_answer)
        if self.target.asked and not self.found:
            self._unseen_target()
        facts, reasons = network.read(os.environ, self.facts.known.get("host.listening"))
        self.facts.add({**facts, "host.stdin_tty": _stdin_is_terminal()})
        self.facts.unread.update(reasons)
        self._conclude_servers()

    def _conclude_servers(self) -> None:
        """A mirror that should run on this machine and does not is known without any network."""
        known = self.facts.known
        for address, fact in (("hf.endpoint", "net.hub_reachable"), ("pip.index", "net.index_reachable")):
            if network.dead_here(known.get(address), known.get("host.listening")):
                self.facts.add({fact: False})
            elif not self.request.online:
                self.facts.miss((fact,), "left open: asked only with --online")

    def _unseen_target(self) -> None:
        """The scout said nothing: a dead mount if it could look at all, else nothing is known of the target."""
        machine = self.runner.answers["machine"]
        self.facts.add({"python.executable": self.target.asked})
        if machine.status.startswith("could not start"):
            self.facts.miss(("python.version",), "the part that looks at it " + machine.status)
            return
        self.facts.add({"python.broken": "hangs"})
        self.facts.miss(("python.version",), "the interpreter's folder did not answer: a dead mount?")

    def _conclude_gpu(self, answer: Answer | None) -> None:
        """NVML's word first; nvidia-smi fills what it left open. Silence of both is never "no GPU"."""
        if not self.asked_gpu:
            if {"_smi", "_nvml_library"} <= self.looked:
                self.facts.no_driver()
            else:
                self.facts.miss(NO_DRIVER, "it could not be found out whether a driver is here")
            return
        if answer is not None:
            from doctor.collect import smi  # rarely needed

            told = smi.parse(answer.output)
            for name, value in told.items():
                self.facts.known.setdefault(name, value)
            self.facts.add({"driver.smi_error": None if told else smi.complaint(answer.status, answer.output)})
            meant = None if told else smi.meaning(answer.output)
            if meant and self.facts.known.get("driver.nvml_error") in (None, "NVML_ERROR_LIBRARY_NOT_FOUND"):
                self.facts.add({"driver.nvml_error": meant})  # it found the library that our own loader did not
        elif self.smi and self.smi.get("why"):
            self.facts.add({"driver.smi_error": f"{self.smi['path']} {self.smi['why']}"})
        self.facts.judge_driver()
