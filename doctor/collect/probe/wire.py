"""How a probe child talks: one flushed line a fact on a descriptor of its own, an end mark last.

Python 3.7 syntax, standard library only: parts of this folder run in the target interpreter.
A line is ``<nonce> <crc32 of the payload, 8 hex digits> <payload>``; the payload is one JSON object:
``{"f": name, "v": value}`` a fact, ``{"facts": {name: value}}`` several, ``{"u": name, "why": text}`` unread,
``{"c": family}`` a listing that is complete, ``{"end": true}``. Without the end mark the answer is a partial one.
"""

import collections
import json
import os
import threading
import time
import zlib

PATIENCE = 0.05  # seconds without one call done after which another thread takes the next one
HEAD_START = 0.3  # seconds for the risky groups alone: side by side, two threads mostly wait for one another
ENCODE = json.JSONEncoder(separators=(",", ":"), default=str).encode  # ``dumps`` would make one a line
LINE_CAP = 4 * 1024 * 1024  # bytes; a longer value is reported as unread


class Wire(object):
    def __init__(self, fd, nonce):
        self.fd = fd
        self.nonce = nonce
        self.lock = threading.Lock()

    def _send(self, payload):
        """Whether it was short enough for a line."""
        body = ENCODE(payload).encode("ascii")
        if len(body) > LINE_CAP:
            return False
        data = b"%s %08x %s\n" % (self.nonce.encode("ascii"), zlib.crc32(body) & 0xFFFFFFFF, body)
        with self.lock:
            while data:
                data = data[os.write(self.fd, data) :]
        return True

    def fact(self, name, value):
        if not self._send({"f": name, "v": value}):
            self.unread(name, "more than %d bytes" % LINE_CAP)

    def facts(self, values):
        """Many facts in one line, which is written, checked and parsed once."""
        if not self._send({"facts": values}):
            for name, value in values.items():
                self.fact(name, value)

    def unread(self, name, why):
        self._send({"u": name, "why": str(why)[:300]})

    def closed(self, family):
        self._send({"c": family})

    def end(self):
        self._send({"end": True})


class Group(object):
    """A set of facts read by one function.

    ``read(ctx)`` returns ``{name: value}``; a name of ``names`` that it leaves out stays unread, for the reason
    in ``"?name"`` if it gives one. A reason that begins with "left open: " says that nobody tried, by design.
    ``read`` may raise: every name then gets the reason. A *risky* group touches paths that can hang
    (dead mounts) and runs in a thread that may be left behind; what it has not said by the deadline is unread.
    """

    def __init__(self, names, read, risky=False, closes=()):
        self.names = tuple(names)
        self.read = read
        self.risky = risky
        self.closes = tuple(closes)


def reason(error):
    """A short, stable text for an exception."""
    text = str(error).replace("\n", " ")
    return ("%s: %s" % (type(error).__name__, text) if text else type(error).__name__)[:300]


class Turns(object):
    """Calls that may hang, made in turn by one thread, or by more where one hangs.

    A thread for each would cost more than the calls: they would only wait for one another at the interpreter's lock.
    ``calls`` take no argument, give nothing back and never raise.
    """

    def __init__(self, calls):
        self._calls = collections.deque(calls)
        self._left = len(self._calls)
        self._lock = threading.Lock()
        self._over = threading.Event()

    def start(self):
        """Raises RuntimeError where this user may have no more threads."""
        if self._calls:
            thread = threading.Thread(target=self._work)
            thread.daemon = True
            thread.start()

    def _work(self):
        while True:
            try:
                call = self._calls.popleft()
            except IndexError:  # another thread was faster
                return
            call()
            with self._lock:
                self._left -= 1
                if not self._left:
                    self._over.set()

    def wait(self, seconds):
        """Whether all calls are done after at most ``seconds``; lets another thread go on behind a call that hangs."""
        end = time.monotonic() + seconds
        while self._left:
            before, time_left = self._left, end - time.monotonic()
            if time_left <= 0:
                return False
            if not self._over.wait(min(PATIENCE, time_left)) and self._left == before and self._calls:
                try:
                    self.start()
                except RuntimeError:  # no more threads: whatever hangs holds the others up
                    continue
        return True


def _run_one(group, ctx, wire):
    try:
        facts = group.read(ctx)
        wire.facts({name: value for name, value in facts.items() if name[:1] != "?"})
        for family in group.closes:
            wire.closed(family)
        for name in group.names:
            if name not in facts and not name.endswith(".*"):
                wire.unread(name, facts.get("?" + name, "not found out"))
    except BaseException as error:  # a probe answers whatever happens, MemoryError and SystemExit included
        for name in group.names:
            wire.unread(name, reason(error))


def run(groups, ctx, wire):
    """Risky groups in turn in a thread beside us, then the safe ones; the risky have ``ctx["deadline"]`` seconds."""
    end = time.monotonic() + ctx["deadline"]
    late = [group for group in groups if group.risky]

    def call(group):
        _run_one(group, ctx, wire)
        late.remove(group)

    turns = Turns([lambda group=group: call(group) for group in late])
    try:
        turns.start()
        turns.wait(HEAD_START)
    except RuntimeError as error:  # no more threads for this user
        _give_up(late, reason(error), wire)
        late = []
    for group in groups:
        if not group.risky:
            _run_one(group, ctx, wire)
    if late and not turns.wait(end - time.monotonic()):
        _give_up(list(late), "no answer in %g s" % ctx["deadline"], wire)
    wire.end()
    if late:
        os._exit(0)  # a thread in a dead mount cannot be joined


def _give_up(groups, why, wire):
    for group in groups:
        for name in group.names:
            wire.unread(name, why)
