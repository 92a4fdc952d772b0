"""Starts one part of the probe (see __main__.py)."""
import importlib
import json
import os

import wire

PARTS = ("machine", "pyenv", "hub", "source")


def main(argv):
    part, settings = argv[0], json.loads(argv[1])
    if part not in PARTS:
        return 2
    out = wire.Wire(settings.get("fd", 1), settings["nonce"])
    ctx = {"deadline": 4.0, "env": dict(os.environ)}
    ctx.update(settings)
    module = importlib.import_module(part)
    wire.run(module.GROUPS, ctx, out)
    return 0
