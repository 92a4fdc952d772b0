"""Files, folders and programs that environment variables name: are they there, and can this user use them?"""

import os

import apart
import scout
from wire import Group

FILES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "PIP_CONSTRAINT",
    "PIP_REQUIREMENT",
    "UV_CONSTRAINT",
    "UV_OVERRIDE",
    "TRITON_PTXAS_PATH",
)
# Folders that libraries write into; the model cache has facts of its own.
FOLDERS = (
    "TORCH_HOME",
    "HF_MODULES_CACHE",
    "TRITON_CACHE_DIR",
    "TORCHINDUCTOR_CACHE_DIR",
    "TORCH_EXTENSIONS_DIR",
    "NUMBA_CACHE_DIR",
    "GRADIO_TEMP_DIR",
)
# A folder in the shared temporary folder, which the first user of a machine makes for himself: (variable, its name).
SHARED = (("GRADIO_TEMP_DIR", "gradio"),)
PROGRAMS = ("CC", "CXX", "CUDAHOSTCXX")


def names(env):
    """``[(name, value, kind)]`` of the variables that are set."""
    listed = [(name, "file") for name in FILES] + [(name, "folder") for name in FOLDERS]
    listed += [(name, "program") for name in PROGRAMS]
    found = [(name, env[name], kind) for name, kind in listed if (env.get(name) or "").strip()]
    room = next(filter(None, map(env.get, ("TMPDIR", "TEMP", "TMP"))), "/tmp" if os.name == "posix" else "")
    return found + [(name, os.path.join(room, last), "default") for name, last in SHARED if room and not env.get(name)]


def problem(value, kind, ctx):
    """missing, not-a-file, not-a-folder, not-readable, not-writable; None when it can be used."""
    if kind == "program":
        return _program(value, ctx)
    path = os.path.join(ctx.get("cwd") or os.sep, value)
    if kind == "default":
        return _folder(path) if os.path.lexists(path) else None
    if kind == "folder":
        return _folder(os.path.join(ctx.get("cwd") or os.sep, os.path.expanduser(value)))
    if not os.path.exists(path):
        return "missing"
    return None if os.access(path, os.R_OK) else "not-readable"


def _program(value, ctx):
    """The first word of CC: a path or a name on PATH; options may follow."""
    word = value.split()[0]
    if os.path.isabs(word):
        return None if os.access(word, os.X_OK) else "missing"
    return None if scout.find((word,), ctx["env"])[0] else "missing"


def _folder(path):
    """A folder that does not exist yet is made by its library: its parent counts."""
    there = path
    while not os.path.lexists(there) and os.path.dirname(there) != there:
        there = os.path.dirname(there)
    if not os.path.isdir(there):
        return "not-a-folder"
    return None if os.access(there, os.W_OK) else "not-writable"


def read_named(ctx):
    """A path that does not answer in time is left out."""
    wanted = names(ctx["env"])
    answers, _ = apart.ask(wanted, lambda row: problem(row[1], row[2], ctx), ctx["deadline"] * 0.7)
    found = [
        {"name": row[0], "path": row[1], "kind": row[2], "problem": answers[row]} for row in wanted if answers.get(row)
    ]
    return {"env_paths": found}


GROUPS = [Group(("env_paths",), read_named, risky=True)]
