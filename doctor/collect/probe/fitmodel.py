"""Configuration and tensor list of a model on this machine: for ``vlmdoctor fit``.

Run as a script: ``fitmodel.py HUB_CACHE CWD NAME``. Prints one JSON object a line and ends with ``{"end": 1}``:
place, config, pre, tensors (name, dtype, shape), gguf (scalar metadata), problem. Reads heads of files only.
"""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # an isolated interpreter leaves it out

import hubresolve  # noqa: E402
import weights  # noqa: E402

FILES = 2000  # weight files that are opened
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
FEW = 128  # numbers of a list that are kept: picture grids, not vocabularies
TEXT_CAP = 1000  # bytes of a text value that are kept


def say(**fields):
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def main(root, cwd, name):
    place = hubresolve.resolve(name, cwd, root)
    say(place=place.kind, path=place.path, found=place.found, commit=place.commit)
    if place.path is None or not place.found:
        say(near=near(root, name))
    elif place.kind == "file":
        one_file(place.path)
    else:
        folder(place.path)
    say(end=1)


def near(root, name):
    """Cached ids that could be meant."""
    try:
        names = os.listdir(root)[:100000]
    except OSError:
        return []
    ids = [n[8:].replace("--", "/") for n in names if n.startswith("models--")]
    return hubresolve.near(name, ids)[:6]


def one_file(path):
    if path.endswith(".gguf"):
        for other in with_company(path):
            say(file=os.path.basename(other))
            gguf(other)
    elif path.endswith(".json"):
        config("config", path)
    else:
        tensors(path)


def with_company(path):
    """A GGUF file, the other parts of a split one, and the mmproj file beside it when there is just one."""
    base, name = os.path.split(path)
    try:
        names = sorted(n for n in os.listdir(base)[:100000] if n.endswith(".gguf"))
    except OSError:
        names = []
    split = re.match(r"(.*)-\d{5}-of-(\d{5})\.gguf$", name)
    parts = [n for n in names if split and re.match(re.escape(split.group(1)) + r"-\d{5}-of-" + split.group(2), n)]
    eyes = [n for n in names if "mmproj" in n.lower() and "mmproj" not in name.lower()]
    return [os.path.join(base, n) for n in (parts or [name]) + (eyes if len(eyes) == 1 else [])]


def folder(path):
    names = sorted(os.listdir(path))[:100000]
    for field, wanted in (("config", "config.json"), ("pre", "preprocessor_config.json")):
        if wanted in names:
            config(field, os.path.join(path, wanted))
    if "adapter_config.json" in names and "config.json" not in names:
        adapter(os.path.join(path, "adapter_config.json"))
    heads = [n for n in names if n.endswith(".safetensors")]
    single = {n for n in heads if n.startswith("consolidated")}
    if single and len(single) < len(heads):
        heads = [n for n in heads if n not in single]  # the same weights once more, in another layout
    for name in heads[:FILES]:
        tensors(os.path.join(path, name))
    if not heads:
        for name in [n for n in names if n.endswith(".gguf")][:FILES]:
            say(file=name)
            gguf(os.path.join(path, name))
    if "model.safetensors.index.json" in names:
        shards(path, set(names))


def adapter(path):
    """A folder with an adapter only: the model it belongs to has to be asked for."""
    found, head = weights.load_json(path)
    base = found.get("base_model_name_or_path") if isinstance(found, dict) and not head.problem else None
    whose = str(base)[:120] if base else "a model that it does not name"
    say(problem="an adapter only, made for %s: ask for that model" % whose)


def shards(path, names):
    index, head = weights.load_json(os.path.join(path, "model.safetensors.index.json"))
    wanted = index.get("weight_map") if isinstance(index, dict) else None
    if head.problem or not isinstance(wanted, dict):
        return
    lost = sorted({str(f) for f in wanted.values()} - names)
    if lost:
        say(problem="%d of %d weight files are not there" % (len(lost), len(set(map(str, wanted.values())))))


def config(field, path):
    found, head = weights.load_json(path)
    if head.problem or not isinstance(found, dict):
        say(problem="%s: %s" % (os.path.basename(path), head.detail or "no JSON object"))
    else:
        say(**{field: found})


def tensors(path):
    try:
        head = weights.check(path)
    except OSError as error:
        say(problem="%s: %s" % (os.path.basename(path), os.strerror(error.errno or 0)))
        return
    if head.problem:
        say(problem="%s: %s %s" % (os.path.basename(path), head.problem, head.detail))
    if head.tensors and path.endswith(".safetensors"):
        say(tensors=[[n, d, list(s)] for n, (d, s) in head.tensors.items()])


def gguf(path):
    try:
        head = weights.gguf(path)
        keys = gguf_keys(path)
    except (OSError, weights.CutError) as error:
        say(problem="%s: %s" % (os.path.basename(path), str(error)[:200]))
        return
    if head.problem:
        say(problem="%s: %s %s" % (os.path.basename(path), head.problem, head.detail))
    rows = []
    for name, (kind, shape) in (head.tensors or {}).items():
        rows.append([name, weights._ggml_bytes(int(kind), shape), weights.elements(shape)])
    say(gguf=keys, rows=rows)


def gguf_keys(path):
    """Scalar metadata; of a list its length only, as ``KEY#``."""
    with weights.open_regular(path) as file:
        if file.read(4) != b"GGUF":
            return {}
        reader = weights._Reader(file)
        if reader.number("I") not in (2, 3):
            return {}
        reader.count()
        found = {}
        for _ in range(reader.count()):
            key = reader.take(reader.number("Q")).decode("utf-8", "replace")[:200]
            kind = reader.number("I")
            if kind in SCALARS:
                found[key] = reader.number(SCALARS[kind])
            elif kind == 8:
                found[key] = text(reader)
            else:
                found[key + "#"] = few(reader, found, key)
        return found


def text(reader):
    size = reader.number("Q")
    kept = reader.take(min(size, TEXT_CAP)).decode("utf-8", "replace")
    reader.skip(size - min(size, TEXT_CAP))
    return kept


def few(reader, found, key):
    """Reads over a list and gives the number of its items; a short list of numbers is kept."""
    inner, count = reader.number("I"), reader.count()
    if inner in SCALARS and count <= FEW:
        found[key] = [reader.number(SCALARS[inner]) for _ in range(count)]
    elif inner in weights.GGUF_SCALAR:
        reader.skip(weights.GGUF_SCALAR[inner] * count)
    else:
        for _ in range(count):
            weights._skip_value(reader, inner, 1)
    return count


if __name__ == "__main__":
    try:
        main(*sys.argv[1:4])
    except Exception as error:  # the guard of this probe
        say(problem="%s: %s" % (type(error).__name__, str(error)[:200]))
