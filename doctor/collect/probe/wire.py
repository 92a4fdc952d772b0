"""How a probe child talks: one flushed line a fact on a descriptor of its own, an end mark last.

Python 3.7 syntax, standard library only: parts of this folder run in the target interpreter.
A line is ``<nonce> <crc32 of the payload, 8 hex digits> <payload>``; the payload is one JSON object:
``{"f": name, "v": value}`` a fact, ``{"u": name, "why": text}`` unread, ``{"c": family}`` a listing that is
complete, ``{"end": true}``. Without the end mark the answer is a partial one.
"""

import json
import os
import threading
import time
import zlib

LINE_CAP = 4 * 1024 * 1024  # bytes; a longer value is reported as unread


class Wire(object):
    def __init__(self, fd, nonce):
        self.fd = fd
        self.nonce = nonce
        self.lock = threading.Lock()

    def _line(self, payload):
        body = json.dumps(payload, ensure_ascii=True, separators=(",", ":"), default=str)
        if len(body) > LINE_CAP:
            payload = {"u": payload.get("f", "?"), "why": "more than %d bytes" % LINE_CAP}
            body = json.dumps(payload, separators=(",", ":"))
        line = "%s %08x %s\n" % (self.nonce, zlib.crc32(body.encode("ascii")) & 0xFFFFFFFF, body)
        return line.encode("ascii")

    def _write(self, data):
        with self.lock:
            while data:
                data = data[os.write(self.fd, data) :]

    def _send(self, payload):
        self._write(self._line(payload))

    def fact(self, name, value):
        self._send({"f": name, "v": value})

    def facts(self, values):
        """Many facts in one write: the reader is woken once."""
        self._write(b"".join(self._line({"f": name, "v": value}) for name, value in values.items()))

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
    (dead mounts) and runs in a thread of its own; what it has not said by the deadline is unread.
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


def _run_one(group, ctx, wire, done):
    try:
        facts = group.read(ctx)
        wire.facts({name: value for name, value in facts.items() if not name.startswith("?")})
        for family in group.closes:
            wire.closed(family)
        for name in group.names:
            if name not in facts and not name.endswith(".*"):
                wire.unread(name, facts.get("?" + name, "not found out"))
    except BaseException as error:  # a probe answers whatever happens, MemoryError and SystemExit included
        for name in group.names:
            wire.unread(name, reason(error))
    finally:
        if done is not None:
            done.set()


def _in_thread(group, ctx, wire, done):
    thread = threading.Thread(target=_run_one, args=(group, ctx, wire, done))
    thread.daemon = True
    try:
        thread.start()
    except RuntimeError as error:  # no more threads for this user
        for name in group.names:
            wire.unread(name, reason(error))
        return False
    return True


def run(groups, ctx, wire):
    """Safe groups first and in order, risky ones side by side until ``ctx["deadline"]`` seconds are over."""
    began = time.monotonic()
    waiting = []
    for group in groups:
        if group.risky:
            done = threading.Event()
            if _in_thread(group, ctx, wire, done):
                waiting.append((group, done))
    for group in groups:
        if not group.risky:
            _run_one(group, ctx, wire, None)
    late = False
    for group, done in waiting:
        left = ctx["deadline"] - (time.monotonic() - began)
        if not done.wait(max(0.0, left)):
            late = True
            for name in group.names:
                wire.unread(name, "no answer in %g s" % ctx["deadline"])
    wire.end()
    if late:
        os._exit(0)  # a thread in a dead mount cannot be joined
