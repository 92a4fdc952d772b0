"""Starts one or several parts of the probe in one process (see __main__.py)."""

import gc
import importlib
import json
import os

import wire

PARTS = ("machine", "gpu", "pyenv", "hub", "program")


def main(argv):
    gc.set_threshold(100000, 20, 20)  # few cycles here, and a collection looks at all that was loaded
    parts, settings = argv[0].split(","), json.loads(argv[1])
    if not set(parts) <= set(PARTS):
        return 2
    out = wire.Wire(settings.get("fd", 1), settings["nonce"])
    ctx = {"deadline": 4.0, "env": dict(os.environ), "cwd": _cwd()}
    ctx.update(settings)
    groups = []
    for part in parts:
        try:
            groups.extend(importlib.import_module(part).GROUPS)
        except Exception as error:  # one broken part must not cost the others
            out.unread("_part." + part, wire.reason(error))
    wire.run(groups, ctx, out)
    os._exit(0)  # all is written; taking an interpreter down costs more than half of its start


def _cwd():
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return ""
