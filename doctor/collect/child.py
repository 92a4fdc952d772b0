"""Runs children side by side under one deadline; nothing they do can block, flood or outlive us.

``subprocess.run(timeout=)`` is no timeout: a child in D state or a program on a dead mount blocks it for ever and
an endless printer fills the memory. So: a session for each child, capped reads that never block, SIGKILL to the
whole group, one last short wait, then the child is left behind and the report says so.
"""

import json
import os
import signal
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from doctor.collect import fork
from doctor.collect.pump import pump

if TYPE_CHECKING:
    import subprocess

PROBE = os.path.join(os.path.dirname(__file__), "probe")
ITSELF = os.path.join(PROBE, "itself.py")
ENTRY = os.path.join(PROBE, "__main__.py")  # as a file: running the folder would import runpy
WIRE_CAP = 64 << 20  # bytes of facts taken from one child
NOISE_CAP = 8 << 20  # bytes a wire child may print beside its facts before it is ended
TAIL = 2000  # bytes kept of what a wire child printed, for the reason
TICK = 0.05  # seconds between two looks at deadlines, dead children and signals
LAST_WAIT = 0.3  # seconds given to a killed child before it is left behind
EARLY = "ended with status 0 before it had said all"
POSIX = os.name == "posix"
# execve() on a dead mount never returns and Popen() waits for it: a local program does that exec for us.
SHIM = ("/bin/sh", "-c", 'exec "$0" "$@"')


class Job(NamedTuple):
    """One child. ``settings`` not None: it speaks the wire of probe/wire.py and gets them as last argument, as JSON."""

    name: str
    argv: tuple[str, ...]
    seconds: float
    settings: Mapping[str, Any] | None = None
    cap: int = 1 << 20  # bytes of output kept of a child without a wire
    shim: bool = False  # the program was named by the user: exec it behind a local shell
    tail: int = TAIL  # bytes kept of what a child with a wire printed
    linger: float = LAST_WAIT  # seconds that it may take to die
    ours: bool = False  # runs in our own interpreter: a copy of this process may do it


class Answer:
    """What one child gave. ``status``: ``ok``, ``exit N``, ``signal N``, ``no answer in N s``, or a sentence."""

    def __init__(self, name: str, status: str = "", output: bytes = b"") -> None:
        self.name = name
        self.status = status
        self.facts: dict[str, Any] = {}
        self.unread: dict[str, str] = {}
        self.closed: set[str] = set()
        self.ended = False  # the end mark came: nothing is missing
        self.output = output
        self.seconds = 0.0

    def tail(self) -> str:
        """The last line that the child printed, for a reason."""
        lines = self.output.decode("utf-8", "backslashreplace").strip().splitlines()
        return lines[-1][:200] if lines else ""


Process: TypeAlias = "subprocess.Popen[bytes] | fork.Copy"
OnFact = Callable[[str, Any], None]
OnDone = Callable[[Answer], None]


class _Child:
    """A started job: its process, what it said so far, and until when it may talk."""

    def __init__(self, job: Job, end: float) -> None:
        self.job = job
        self.answer = Answer(job.name)
        self.began = self.since = time.monotonic()
        self.end = min(self.began + job.seconds, end)
        self.nonce = os.urandom(8).hex()
        self.rest = b""
        self.taken = 0
        self.open: set[int] = set()
        self.fresh = False  # bytes came since the last look
        self.gone = False  # the process had ended at the last look
        self.wire_fd = -1
        self.process = self._start()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                self.open.add(stream.fileno())

    def _start(self) -> Process:
        job = self.job
        if job.settings is None:
            return self._popen(job.argv, ())
        if not POSIX:  # pass_fds does not exist there: the facts travel on stdout
            return self._popen([*job.argv, self._settings(1)], ())
        ours, theirs = os.pipe()
        try:
            words = (*job.argv, self._settings(theirs))
            process: Process = self._copy(words, theirs) if fork.possible() else self._popen(words, (theirs,))
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        self.wire_fd = ours
        self.open.add(ours)
        return process

    def _copy(self, words: Sequence[str], fd: int) -> fork.Copy:
        return fork.Copy(words[-2:], fd, PROBE) if self.job.ours else fork.Copy(words, fd)

    def _settings(self, fd: int) -> str:
        margin = min(0.4, self.job.seconds / 4)  # so that the child's own "no answer" comes before we end it
        mine = {"fd": fd, "nonce": self.nonce, "deadline": max(0.1, self.end - time.monotonic() - margin)}
        return json.dumps({**(self.job.settings or {}), **mine})

    def _popen(self, argv: Sequence[str], fds: tuple[int, ...]) -> "subprocess.Popen[bytes]":
        import subprocess  # slow to load, and copies do without it

        wired_stdout = self.job.settings is not None and not POSIX
        process = subprocess.Popen(
            [*(SHIM if self.job.shim and POSIX else ()), *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if wired_stdout else subprocess.STDOUT,
            pass_fds=fds,
            start_new_session=POSIX,
        )
        if wired_stdout and process.stdout is not None:
            self.wire_fd = process.stdout.fileno()
        return process

    def take(self, fd: int, data: bytes, on_fact: OnFact) -> None:
        """Bytes that came on one of the child's pipes; empty bytes are its end."""
        if not data:
            self.open.discard(fd)
            if fd == self.wire_fd and POSIX:
                os.close(fd)
            return
        self.fresh = True
        if fd == self.wire_fd:
            self._facts(data, on_fact)
        elif self.job.settings is not None:
            self.taken += len(data)
            self.answer.output = (self.answer.output + data)[-self.job.tail :]
            self._limit(self.taken, NOISE_CAP)
        else:
            self.answer.output += data
            self._limit(len(self.answer.output), self.job.cap)
            self.answer.output = self.answer.output[: self.job.cap]

    def _limit(self, size: int, cap: int) -> None:
        if size > cap:
            self.answer.status = f"printed more than {cap >> 10} KiB"

    def _facts(self, data: bytes, on_fact: OnFact) -> None:
        self.taken += len(data)
        self._limit(self.taken, WIRE_CAP)
        *lines, self.rest = (self.rest + data).split(b"\n") if b"\n" in data else (self.rest + data,)
        for line in lines:
            payload = read_line(line, self.nonce)
            if payload is not None:
                self._payload(payload, on_fact)

    def _payload(self, payload: dict[str, Any], on_fact: OnFact) -> None:
        answer = self.answer
        facts = {payload["f"]: payload.get("v")} if isinstance(payload.get("f"), str) else payload.get("facts")
        if isinstance(facts, dict):
            for name, value in facts.items():
                answer.facts[name] = value
                answer.unread.pop(name, None)
                on_fact(name, value)
        elif isinstance(payload.get("u"), str):
            if payload["u"] not in answer.facts:
                answer.unread[payload["u"]] = str(payload.get("why", ""))
        elif isinstance(payload.get("c"), str):
            answer.closed.add(payload["c"])
        elif payload.get("end") is True:
            answer.ended = True

    def over(self) -> bool:
        """True when nothing more is to be expected from it (or wanted)."""
        if self.answer.status or self.answer.ended:
            return True
        if self._ended():
            return True
        if time.monotonic() > self.end:
            self.answer.status = f"no answer in {self.end - self.since:.1f} s"
            return True
        return False

    def _ended(self) -> bool:
        """The child is gone and its pipes are empty. A grandchild may hold them open, so their end is not needed."""
        fresh, self.fresh = self.fresh, False
        if self.process.poll() is None:
            return False
        seen, self.gone = self.gone, True
        return not self.open or (seen and not fresh)

    def finish(self) -> Answer:
        """Ends the whole group, waits a moment, names the status, closes the pipes."""
        crashed = self.process.poll()
        kill_group(self.process)
        give_up = time.monotonic() + self.job.linger
        while self.process.poll() is None and time.monotonic() < give_up:
            time.sleep(0.002)
        if self.process.poll() is None:
            if uninterruptible(self.process.pid):
                self.answer.status = f"process {self.process.pid} is stuck in the kernel and cannot be ended"
            self.process.returncode = -signal.SIGKILL if POSIX else 1  # nobody shall wait for it any more
        self.answer.status = self.answer.status or _status(self.process.returncode if crashed is None else crashed)
        if self.answer.ended:
            self.answer.status = "ok"
        elif self.job.settings is not None and self.answer.status == "ok":
            self.answer.status = EARLY
        self._close()
        self.answer.seconds = time.monotonic() - self.began
        return self.answer

    def _close(self) -> None:
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        if POSIX and self.wire_fd in self.open:
            os.close(self.wire_fd)
        self.open.clear()


def read_line(line: bytes, nonce: str) -> dict[str, Any] | None:
    """The payload of one wire line, or None for a line that is not whole or not ours."""
    mark, _, rest = line.partition(b" ")
    crc, _, body = rest.partition(b" ")
    if mark != nonce.encode() or crc != b"%08x" % (zlib.crc32(body) & 0xFFFFFFFF):
        return None
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def kill_group(process: Process) -> None:
    """SIGKILL for the child and everything it started that stayed in its session's group."""
    try:
        if POSIX:
            os.killpg(process.pid, signal.SIGKILL)
        elif process.poll() is None:
            process.kill()
    except ProcessLookupError:
        process.kill()  # already gone, or a copy of ourselves that has no session yet
    except PermissionError:
        return  # already gone


def uninterruptible(pid: int) -> bool:
    """Whether the kernel holds a killed process; on a busy machine it may only not have had its turn to die.

    True where nobody can tell (no /proc).
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            raw = file.read()
    except OSError:
        return True
    return raw.rpartition(b")")[2].split()[:1] == [b"D"]


def _status(code: int) -> str:
    if code == 0:
        return "ok"
    return f"signal {-code}" if code < 0 else f"exit {code}"


class Runner:
    """Runs jobs side by side; ``on_fact`` and ``on_done`` may add more while it runs."""

    def __init__(self, seconds: float, on_fact: OnFact | None = None, on_done: OnDone | None = None) -> None:
        self.end = time.monotonic() + seconds
        self.answers: dict[str, Answer] = {}
        self._on_fact = on_fact or (lambda _name, _value: None)
        self._on_done = on_done or (lambda _answer: None)
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._live: list[_Child] = []
        self._pump = pump()
        self._stop = 0

    def add(self, job: Job) -> None:
        """Starts a child; one that cannot start has an answer at once."""
        try:
            child = _Child(job, self.end)
        except (OSError, ValueError) as error:
            self._done(Answer(job.name, f"could not start: {getattr(error, 'strerror', None) or error}"))
            return
        self._live.append(child)
        for fd in child.open:
            self._pump.add(fd)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Calls ``action`` after ``seconds`` if the run still goes on then."""
        self._timers.append((time.monotonic() + seconds, action))

    def renew(self, name: str) -> None:
        """The child of that name has all its seconds again, from now on."""
        for child in self._live:
            if child.job.name == name:
                child.since = time.monotonic()
                child.end = child.since + child.job.seconds

    def running(self, name: str) -> bool:
        """Whether the child of that name is still at work."""
        return any(child.job.name == name for child in self._live)

    def run(self) -> dict[str, Answer]:
        """Until every child is done. A signal ends all children first and then takes its usual effect."""
        with _caught_signals(self._note):
            try:
                while self._live and not self._stop:
                    self._turn()
            finally:
                for child in self._live:
                    kill_group(child.process)
                for child in list(self._live):
                    self._reap(child)
                self._pump.close()
        if self._stop == signal.SIGINT:
            raise KeyboardInterrupt
        if self._stop:
            raise SystemExit(128 + self._stop)
        return self.answers

    def _turn(self) -> None:
        owner = {fd: child for child in self._live for fd in child.open}
        silent = any(not child.open for child in self._live)  # its end will not wake the pump
        for fd, data in self._pump.read(TICK / 20 if silent else TICK):
            if not data:
                self._pump.drop(fd)
            if fd in owner:
                owner[fd].take(fd, data, self._on_fact)
        for child in [c for c in self._live if c.over()]:
            self._live.remove(child)
            self._done(self._reap(child))
        now = time.monotonic()
        due = [action for at, action in self._timers if at <= now]
        self._timers = [(at, action) for at, action in self._timers if at > now]
        for action in due:
            action()

    def _reap(self, child: _Child) -> Answer:
        for fd in child.open:
            self._pump.drop(fd)
        return child.finish()

    def _done(self, answer: Answer) -> None:
        self.answers[answer.name] = answer
        self._on_done(answer)

    def _note(self, number: int) -> None:
        self._stop = self._stop or number


@contextmanager
def _caught_signals(note: Callable[[int], None]) -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP are only noted meanwhile, so that no child is lost between fork and list."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = {}
    for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
        if signal.getsignal(number) is not signal.SIG_IGN:
            old[number] = signal.signal(number, lambda n, _frame: note(n))
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def run_tool(argv: Sequence[str], seconds: float, cap_bytes: int = 1 << 20) -> Answer:
    """Runs one program given by an absolute path; what it prints on both streams is in ``output``."""
    if not os.path.isabs(argv[0]):
        return Answer(argv[0], "not an absolute path")
    runner = Runner(seconds + LAST_WAIT)
    runner.add(Job(argv[0], tuple(argv), seconds, cap=cap_bytes, shim=True))
    return runner.run()[argv[0]]


def own_python() -> tuple[str, ...]:
    """Our interpreter for a probe child: isolated, without site; byte code is written only if ours may be."""
    return (sys.executable, "-I", "-S", *(("-B",) if sys.dont_write_bytecode else ()))
