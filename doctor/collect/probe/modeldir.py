"""A model folder (snapshot or local copy): its files, and what is wrong with each of them.

Problems are dictionaries with the keys kind, path, detail, missing (bytes or None) as in the fact hf.problems.
"""
import errno
import os
import stat

import weights
from patterns import compiled

DEPTH = 3  # folders below the model's own
FILES = 20000  # entries looked at
TAIL_JSON = 4 * 1024 * 1024  # bytes; a larger JSON file is judged by its end only
SKIP_FOLDERS = (".git", ".cache", "__pycache__", ".ipynb_checkpoints")
NOT_WEIGHTS = ("training_args.bin", "optimizer.bin", "scheduler.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth")
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
OTHER_WEIGHTS = (".h5", ".msgpack", ".onnx", ".ckpt")
TEXTS = (".model", ".spm", ".tiktoken", "vocab.txt", "merges.txt", ".py", ".jinja")
READ_JSON = r"(config|index|tokenizer|vocab|tokens|_map|template|params|processor)[\w.-]*\.json$"
UNFINISHED = (".incomplete", ".aria2", ".crdownload", ".part", ".partial", ".xltd", ".downloading", ".!qB")
LOCAL_DOWNLOADS = os.path.join(".cache", "huggingface", "download")  # of ``hf download --local-dir``


class Item(object):
    """One file: size in bytes, target when it is a link, problem when it leads nowhere or cannot be read."""

    __slots__ = ("path", "problem", "size", "target")

    def __init__(self, path, size=0, target=None, problem=None):
        self.path, self.size, self.target, self.problem = path, size, target, problem


def look(path):
    """An Item for one path that is no folder."""
    target = os.readlink(path) if os.path.islink(path) else None
    try:
        state = os.stat(path)
    except OSError as error:
        return Item(path, 0, target, link_problem(error))
    if not stat.S_ISREG(state.st_mode):
        return Item(path, 0, target, "not-a-file")
    return Item(path, state.st_size, target, None if os.access(path, os.R_OK) else "permission")


def link_problem(error):
    """The kind of hf.problems for a path that cannot be looked up."""
    if error.errno == errno.ELOOP:
        return "loop"
    return "permission" if error.errno in (errno.EACCES, errno.EPERM) else "dangling-symlink"


def walk(top):
    """``{relative name: Item}`` of a model folder. Raises OSError when the folder itself cannot be listed."""
    items = {}
    stack = [(top, "", 0)]
    while stack and len(items) < FILES:
        folder, prefix, depth = stack.pop()
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            if depth == 0:
                raise
            items[prefix] = Item(folder, problem=link_problem(error))
            continue
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isdir(path):
                if depth < DEPTH and name not in SKIP_FOLDERS:
                    stack.append((path, prefix + name + "/", depth + 1))
            else:
                items[prefix + name] = look(path)
    return items


def is_weight(name):
    base = name.rpartition("/")[2]
    return base.endswith(WEIGHTS) and base not in NOT_WEIGHTS and not base.startswith(("rng_state", "optimizer"))


def problem(kind, path, detail="", missing=None):
    return {"kind": kind, "path": path, "detail": detail, "missing": missing}


def file_problems(items, heads=None, tensors=True, enough=None):
    """Problems of single files. ``heads`` takes the heads of readable weight files; ``enough()`` true: stop early."""
    out = []
    for name in sorted(items):
        if enough is not None and enough():
            out.append(problem("not-checked", items[name].path, "time is over"))
            break
        found = _one(name, items[name], heads, tensors)
        if found is not None:
            out.append(found)
    return out


def unfinished(top, items):
    """Traces of downloads that did not come to their end, of the hub's client and of others."""
    out = [problem("incomplete-download", item.path, "%d bytes so far" % item.size)
           for name, item in sorted(items.items()) if name.endswith(UNFINISHED)]
    try:
        names = sorted(os.listdir(os.path.join(top, LOCAL_DOWNLOADS)))
    except OSError:
        return out  # made in another way
    for name in names:
        if name.endswith(".incomplete"):
            item = look(os.path.join(top, LOCAL_DOWNLOADS, name))
            out.append(problem("incomplete-download", item.path, "%d bytes so far" % item.size))
    return out


def _one(name, item, heads, tensors):
    if item.problem is not None:
        detail = "link to %s" % item.target if item.target is not None else ""
        return problem("dangling-symlink" if item.problem == "loop" else item.problem, item.path,
                       detail + (" (loop)" if item.problem == "loop" else ""))
    try:
        head = _head(name, item, tensors)
    except OSError as error:
        return problem("permission", item.path, os.strerror(error.errno or 0))
    if head is None:
        return None
    if heads is not None and head.tensors is not None:
        heads[name] = head.tensors
    if head.problem is None:
        return None
    return problem(head.problem, item.path, head.detail, head.missing)


def _head(name, item, tensors):
    """The Head of a file that a load reads; None for other files."""
    if is_weight(name):
        return weights.check(item.path, tensors)
    if name.endswith(".json") and name.count("/") <= 1 and compiled(READ_JSON).search(name):
        return _json_head(item)
    if name.endswith(TEXTS + OTHER_WEIGHTS) and not (name.endswith(".py") and item.size == 0):
        start, size = weights.read_head(item.path)
        return weights.disguise(start, size)
    return None


def _json_head(item):
    if item.size <= TAIL_JSON:
        return weights.load_json(item.path)[1]
    start, size = weights.read_head(item.path)
    found = weights.disguise(start, size)
    if found is not None:
        return found
    with weights.open_regular(item.path) as file:
        file.seek(size - 64)
        end = file.read(64).rstrip()
    if not end.endswith((b"}", b"]")):
        return weights.Head("corrupt-json", "ends in the middle, %d bytes" % size)
    return None
