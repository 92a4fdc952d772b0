"""Runs in the target interpreter: smoke tiers, their steps told one by one.

Imports nothing of ``doctor`` and nothing outside the standard library before a step asks for it; Python 3.8 syntax. The
only module that imports torch. What the libraries print goes to stdout and stderr as in the user's own program;
the results travel on a descriptor of their own: ``<nonce> <crc32> <JSON>`` lines. Leaving is a last step.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib.util
import json
import os
import sys
import time
import traceback
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
TIERS = {0: "stack", 1: "kernels", 2: "tiny", 3: "real", 4: "endpoint", 5: "llama", 6: "quantised"}
LIGHT = (0, 1, 2)  # mostly imports, whose objects stay: collecting them took a seventh of the time
TRACE = 64 << 10  # characters of a traceback
DETAIL = 400  # characters of an error that a result quotes
ROOM = 16 << 30  # bytes of address space that a CPU run always gets


class Skip(Exception):
    """A step that does not apply here; the text says why. Neither a pass nor a failure."""


class Wrong(Exception):
    """It ran, and what came out is wrong."""


class Teller:
    """Tells the parent what is being done, and how each step ended."""

    Skip = Skip
    Wrong = Wrong

    def __init__(self, settings):
        self.fd = settings["fd"]
        self.nonce = settings["nonce"]
        self.bad = False  # a step has failed
        self.done = set(settings.get("done") or ())

    def send(self, payload):
        """One line on the wire."""
        body = json.dumps(payload, ensure_ascii=True, separators=(",", ":"), default=str).encode("ascii")
        line = b"%s %08x %s\n" % (self.nonce.encode("ascii"), zlib.crc32(body) & 0xFFFFFFFF, body)
        while line:
            line = line[os.write(self.fd, line) :]

    def step(self, name, usual, work):
        """Runs ``work`` guarded; its text, or what its object has as ``told``, is the detail of the result.

        ``usual`` seconds are told beforehand.

        Returns what ``work`` returned, or None after a failure, whose traceback is printed as Python would.
        """
        if name in self.done:  # an earlier child died of it
            return None
        self.send({"f": "begin", "v": {"step": name, "usual": usual}})
        began = time.monotonic()
        ok, detail, trace, value = True, "", "", None
        try:
            value = work()
            detail = value if isinstance(value, str) else getattr(value, "told", "")
        except Skip as reason:
            ok, detail = None, str(reason)
        except BaseException as error:  # whatever ends a user's program has to be told: SystemExit too
            ok, detail, trace = False, describe(error), traced(error)
            self.bad = True
            show(trace)
        took = round(time.monotonic() - began, 3)
        self.send({"f": "done", "v": {"step": name, "ok": ok, "seconds": took, "detail": detail, "trace": trace}})
        return value if ok else None


    def leaving(self):
        """The last step is the interpreter's own end, where native libraries crash or hang: only the parent sees it."""
        gc.freeze()  # looking for cycles among all modules is no part of the question
        self.send({"f": "begin", "v": {"step": "exit", "usual": 1}})


def describe(error):
    """``Type: text`` of the first cause that was passed on: lazy packages hide it behind an error of their own."""
    seen = set()
    while error.__cause__ is not None and id(error) not in seen:
        seen.add(id(error))
        error = error.__cause__
    text = " ".join(str(error).split())
    return ("%s: %s" % (type(error).__name__, text) if text else type(error).__name__)[:DETAIL]


def traced(error):
    """The traceback as the user's program would print it: our own frames around the call are left out."""
    inner = error.__traceback__
    while inner is not None and inner.tb_frame.f_code.co_filename.startswith(HERE):
        inner = inner.tb_next
    rows = traceback.format_exception(type(error), error, inner or error.__traceback__)
    return "".join(rows)[-TRACE:]


def show(trace):
    """Prints it where Python would, behind what was printed before."""
    try:
        sys.stdout.flush()
        sys.stderr.write(trace)
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        pass  # a library closed the stream; the result tells the trace too


def load_torch():
    """The one import of torch in this program."""
    import torch

    return torch


def part(name):
    """A module of the folder ``target``, without putting the folder on ``sys.path``."""
    full = "vlmdoctor_smoke_" + name
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, os.path.join(HERE, "target", name + ".py"))
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        module.load_torch, module.part = load_torch, part
        spec.loader.exec_module(module)
    return sys.modules[full]


def settle(settings):
    """This process as a harmless stranger: other folder, no network for the hub, first to be killed for memory."""
    if sys.path and os.path.abspath(sys.path[0] or ".") == HERE:
        sys.path[0:1] = place(settings.get("cwd"))  # our folder is not the user's
    os.chdir(settings["folder"])
    os.environ.update(settings["env"])
    faulthandler.enable()
    try:
        with open("/proc/self/oom_score_adj", "w") as stream:
            stream.write("1000")
    except OSError:
        pass  # not Linux
    if settings["limit"]:
        limit_memory()


def place(folder):
    """The folder that the doctor was called from is the user's program's: files there shadow packages.

    Not where everybody may write: nobody else's code is to be run.
    """
    if not folder or getattr(sys.flags, "safe_path", False):
        return []
    try:
        return [] if os.stat(folder).st_mode & 0o002 else [folder]
    except OSError:
        return []


def limit_memory():
    """Address space up to the free memory. Only for the CPU: CUDA reserves more than any machine has."""
    try:
        import resource

        with open("/proc/meminfo") as stream:
            rows = dict(line.split(":", 1) for line in stream)
        room = max(ROOM, int(rows["MemAvailable"].split()[0]) << 10)
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        if soft == resource.RLIM_INFINITY or soft > room:  # the user's own limit stays
            resource.setrlimit(resource.RLIMIT_AS, (room, hard))
    except (ImportError, OSError, KeyError, ValueError):
        pass  # no such limit on this system


def main():
    settings = json.loads(sys.argv[-1])
    teller = Teller(settings)
    settle(settings)
    for tier in settings["tiers"]:
        (gc.disable if tier in LIGHT else gc.enable)()
        teller.send({"f": "tier", "v": tier})
        if settings["deadline"] > 2:
            faulthandler.dump_traceback_later(settings["deadline"] - 0.5)  # a hang shows where it hangs
        part(TIERS[tier]).run(teller, settings)
        if teller.bad:
            break  # the tiers above stand on it, or begin anew in a process that has not failed
    teller.leaving()


if __name__ == "__main__":
    main()
