"""What the calls mean together: which model each one loads, twice or not, quantised or not; which repos are asked."""
import ast
import os

from patterns import compiled
from src_names import LOADERS, REPO_KEYWORDS, WEIGHTS, known_loader, loads_weights
from src_scan import dotted
from src_values import clean

REPO = r"^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}$"
WORD = r"^[A-Za-z0-9][\w.-]{2,95}$"
# File names and media types that have the form of a repository id.
NOT_REPO = (
    r"(?i)\.(py|txt|json|jsonl|ya?ml|png|jpe?g|gif|bmp|webp|mp4|wav|csv|md|sh|log|html|zip|ini|cfg)$"
    r"|^(image|text|application|audio|video|multipart|font)/|^(data|src|output|outputs|logs|tmp|results)/"
)
WEIGHT_FILE = r"(?i)\.(gguf|bin|pt|pth|safetensors|ckpt|onnx|engine)$"
MODEL_NAME = (
    r"(?i)(model|ckpt|checkpoint|repo|tower|version|weights?|pretrained|tokenizer|processor|base)"
    r"(_?(id|name|path|dir|repo|name_or_path|base))*$"
)
CACHES = ("lru_cache", "cache", "cache_resource", "cache_data", "singleton", "cached")
LOADS = 100  # loader calls of a program that are compared with each other
SPLITS = ("auto", "balanced", "balanced_low_0", "sequential")
KEEP = ("_node", "_branch", "_on", "_base", "_entries")


def kind_of(text, bases):
    """``path`` or ``repo`` of what a loader is given, None for what is neither. ``bases`` are folders to look in."""
    if not text or len(text) > 300 or " " in text or "{" in text or "://" in text or text.startswith("<"):
        return None
    if text.startswith(("/", "~", ".")) or "\\" in text or text[1:2] == ":":
        return "path"
    if text.count("/") > 1 or compiled(WEIGHT_FILE).search(text) or exists(text, bases):
        return "path"
    return "repo" if compiled(REPO).match(text) or compiled(WORD).match(text) else None


def exists(text, bases):
    """Does a path that the program names exist, seen from its folder or the working directory?"""
    full = os.path.expanduser(text)
    return os.path.exists(full) if os.path.isabs(full) else any(os.path.exists(os.path.join(b, full)) for b in bases)


def asked(record, values):
    """Everything that a loader call may be asked to load, a list of texts for each place; the main one first."""
    node = record.get("_node")
    if node is None or record["method"] not in LOADERS or not known_loader(record["name"], record["method"]):
        return []
    own = [word for word in REPO_KEYWORDS if word != "model_name" or record["method"] != "load_pretrained_model"]
    words = {k.arg: k.value for k in node.keywords}
    given = [words[word] for word in own if word in words]
    first = 1 if record["method"] == "pipeline" and record["name"].startswith(("transformers", "diffusers")) else 0
    if record["name"].startswith("peft.") and "Config" not in record["name"]:  # a model goes before the adapter
        first = 1
    if len(node.args) > first and not record["method"].startswith("create_model_and"):
        given.insert(0, node.args[first])
    found = [[v for v in values.options(one, record["scope"]) if isinstance(v, str)] for one in given]
    return [texts for texts in found if texts]


def _exclusive(one, other):
    """Are the two calls on different sides of the same ``if`` or ``try``?"""
    sides = dict(one["_branch"])
    return any(sides.get(where, side) != side for where, side in other["_branch"])


def _quantised(record):
    words = record["keywords"]
    if any(words.get(name) is True for name in ("load_in_4bit", "load_in_8bit", "load_4bit", "load_8bit")):
        return True
    config = words.get("quantization_config")
    if isinstance(config, dict):
        return config.get("load_in_4bit") is True or config.get("load_in_8bit") is True
    return isinstance(config, str) and "BitsAndBytesConfig" in config


def _dispatched(record):
    where = record["keywords"].get("device_map")
    return where in SPLITS if isinstance(where, str) else isinstance(where, dict) and len(where) > 1


def weights(record):
    """Is this the call of a loader of weights? Adapters are small and share the base, so they do not count."""
    return record.get("_node") is not None and loads_weights(record["name"], record["method"])


def judge_moves(calls):
    """``quantised`` and ``dispatched`` of loader calls, and of calls on what they made."""
    for record in calls:
        base = record.get("_on") if not weights(record) else None
        if base is None and record["name"].startswith("peft."):
            base = record.get("_base")
        if base is None:
            record["quantised"], record["dispatched"] = _quantised(record), _dispatched(record)
        elif not _exclusive(record, base):
            record["quantised"], record["dispatched"] = base["quantised"], base["dispatched"]
            record["model"] = record["model"] or base["model"]


def judge_repeats(calls):
    """``again``: the same weights were asked for by an earlier call of the program."""
    seen = []
    for record in calls:
        if not weights(record) or not record["model"] or record["name"].startswith("peft."):
            continue
        if record["scope"] == "__main__" and record["file"] not in record["_entries"]:
            continue
        owner = record["name"].split(".")[-2:-1]
        for old in seen:
            same = old["name"].split(".")[-2:-1] == owner or any(n.startswith("Auto") for n in owner)
            together = old["_entries"] & record["_entries"]
            if old["model"] == record["model"] and same and together and not _exclusive(record, old):
                record["again"] = True
        if len(seen) < LOADS:
            seen.append(record)


def owners(reader):
    """Classes and functions of a file that load weights: ``{name: loader's record}``. Cached ones do not count."""
    found = {}
    for record in reader.calls:
        if not weights(record) or record["scope"] in ("module", "__main__"):
            continue
        parts = record["scope"].split(".")
        name = parts[0] if parts[-1] == "__init__" else parts[-1]
        node = reader.values.scan.functions.get(name)
        marks = [dotted(getattr(mark, "func", mark)) or "" for mark in getattr(node, "decorator_list", ())]
        if node is not None and not any(mark.rpartition(".")[2] in CACHES for mark in marks):
            found.setdefault(name, record)
    return found


def _brings_in(scan, name, home):
    """Does a file import ``name`` from the module at path ``home``?"""
    stem = os.path.splitext(os.path.basename(home))[0]
    given = scan.relative.get(name, (0, scan.aliases.get(name, "").rpartition(".")[0], ""))[1]
    return given.rpartition(".")[2] == stem


def _sites(reader, name, entries):
    """Plain calls of ``name`` in a file; those below its main guard only when the file is started itself."""
    first, last = (0, -1) if reader.path in entries.get(reader.path, ()) else reader.values.scan.main
    calls = reader.values.scan.sites.get(name, ())
    return [call for call in calls if isinstance(call.func, ast.Name) and not first <= call.lineno <= last]


def judge_makers(readers, entries):
    """A class or function that loads weights and is called at several places: a record for each later place."""
    makers = [(home, name, record) for home in readers for name, record in owners(home).items() if record["model"]]
    for home, name, loader in makers:
        if name in WEIGHTS:
            continue
        users = [r for r in readers if r is home or _brings_in(r.values.scan, name, home.path)]
        places = [(r, call) for r in users for call in _sites(r, name, entries)]
        for reader, call in [later for i, later in enumerate(places) if any(
                entries[later[0].path] & entries[other[0].path] for other in places[:i])]:
            more = {key: value for key, value in loader.items() if key not in KEEP}
            more.update(name=name, method=name, file=reader.path, line=call.lineno, again=True, args=[], keywords={},
                        target="", then=[], _branch=())
            reader.calls.append(more)


def repos_of(reader, bases, main):
    """Repository ids and paths that one file names: ``[record]``; ``main`` as for ``entry`` in the fact catalogue."""
    found = []

    def add(text, line, via, kind=None):
        kind = kind or kind_of(text, bases)
        if kind is not None:
            record = {"id": clean(text), "file": reader.path, "line": line, "kind": kind, "via": via}
            record["default"] = text in defaults
            record["entry"] = main
            if kind == "path":
                record["cached"] = exists(text, bases)
            found.append(record)

    defaults = {v for _, _, node, _, _ in reader.values.scan.options for v in reader.values.options(node)
                if isinstance(v, str)}
    for record in reader.calls:
        data = record["method"] == "load_dataset" or record["keywords"].get("repo_type") == "dataset"
        for text in [text for texts in asked(record, reader.values) for text in texts]:
            usual = kind_of(text, bases)
            add(text, record["line"], record["method"], "dataset" if data and usual == "repo" else usual)
    for flag, dest, default, _, line in reader.values.scan.options:
        for text in reader.values.options(default):
            named = isinstance(text, str) and compiled(MODEL_NAME).search(dest)
            if named and ("/" in text or kind_of(text, bases) == "path"):
                add(text, line, flag)
    for name, given in reader.values.scan.assigns.items():
        for node, _ in given:
            for text in reader.values.options(node) if compiled(MODEL_NAME).search(name) else ():
                if isinstance(text, str) and compiled(REPO).match(text) and not compiled(NOT_REPO).search(text):
                    add(text, node.lineno, name)
    for text, line in reader.paths:
        add(text, line, "constant", "path")
    return found


def link(readers, bases, entries, main):
    """Fill in what single calls do not know; the private keys stay until :func:`bare`.

    ``entries`` holds for each file the programs (files that nobody imports) that it belongs to, ``main`` those programs
    that were named or lie at the top of a named folder.
    """
    for reader in readers:
        for record in reader.calls:
            texts = asked(record, reader.values)
            record["model"] = clean(texts[0][0]) if texts and len(texts[0]) == 1 else None
            record["_entries"] = entries.get(reader.path, set())
    calls = [record for reader in readers for record in reader.calls]
    judge_moves(calls)
    judge_repeats(calls)
    judge_makers(readers, entries)
    unique = {}
    for reader in readers:
        for record in repos_of(reader, bases, bool(main & entries.get(reader.path, set()))):
            unique.setdefault((record["id"], record["file"], record["line"]), record)
    return list(unique.values())


def bare(record):
    """A call's record as a fact."""
    return {key: value for key, value in record.items() if key not in KEEP}
