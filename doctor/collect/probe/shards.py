"""Several weight files that belong together: the index, what it promises, and whether the parts fit each other."""
import re

import hubscan
import weights
from modeldir import is_weight, problem

INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
SINGLES = ("model.safetensors", "pytorch_model.bin")
ENOUGH = 3  # tensors that must be comparable before two files are said not to fit
SHARE = 0.9  # of the comparable tensors that must disagree
MOST_MISSING = 200  # names reported


def read_indexes(items):
    """``{index name: {tensor: file}}`` of the readable index files in the folder itself."""
    out = {}
    for name in sorted(items):
        if name.endswith(".index.json") and "/" not in name and items[name].problem is None:
            try:
                data, _ = weights.load_json(items[name].path)
            except OSError:
                continue  # reported as a file problem
            table = data.get("weight_map") if isinstance(data, dict) else None
            if isinstance(table, dict):
                out[name] = {str(key): str(value) for key, value in table.items()}
    return out


def missing(items, indexes, loaded):
    """Weight files that should be there and are not: by the index that a load would use, else by the files' numbers."""
    names = []
    for index, table in sorted(indexes.items()):
        if loaded(index):
            names.extend(sorted(name for name in set(table.values()) if name not in items and safe(name)))
    seen = {}
    for name in items:
        match = hubscan.SHARD.match(name) if is_weight(name) and "/" not in name else None
        if match and loaded(name):
            seen.setdefault((match.group(1), match.group(3), match.group(4)), set()).add(int(match.group(2)))
    names.extend(name for name in hubscan.shard_gaps(seen, MOST_MISSING) if name not in names)
    return names[:MOST_MISSING]


def safe(name):
    """An index is a stranger's text: only plain relative names are looked at."""
    return bool(name) and not name.startswith(("/", "\\")) and ".." not in name.split("/") and "\0" not in name


def preferred(items):
    """A function that tells whether a load would use a weight file or index: safetensors when there are any."""
    has = any(n in items for n in ("model.safetensors", INDEXES[0], "adapter_model.safetensors"))
    has = has or any(n.endswith(".safetensors") and "/" not in n for n in items)

    def loaded(name):
        return not (has and name.endswith((".bin", ".bin.index.json", ".pt", ".pth")))

    return loaded


def mixed(items, indexes, heads, hidden):
    """Weight files that cannot belong together. ``heads``: tensors by file; ``hidden``: the config's hidden size."""
    out = _against_index(items, indexes, heads)
    accused = {entry["path"] for entry in out}
    top = {name: tensors for name, tensors in heads.items() if "/" not in name and hubscan.SHARD.match(name)}
    out.extend(entry for entry in _against_each_other(items, top) if entry["path"] not in accused)
    accused = {entry["path"] for entry in out}
    out.extend(entry for entry in _against_config(items, heads, hidden) if entry["path"] not in accused)
    return out


def _against_index(items, indexes, heads):
    """Tensors that the index puts into a file whose own header does not have them."""
    out = []
    for index, table in sorted(indexes.items()):
        wanted = {}
        for tensor, name in table.items():
            wanted.setdefault(name, []).append(tensor)
        for name in sorted(wanted):
            if name not in heads or name not in items:
                continue
            lost = sorted(t for t in wanted[name] if t not in heads[name])
            if lost:
                text = "%d of the %d tensors that %s puts there are not in it, as %s"
                text = text % (len(lost), len(wanted[name]), index, lost[0][:100])
                out.append(problem("mixed-revisions", items[name].path, text))
    return out


def _pattern(name):
    return re.sub(r"\d+", "#", name)


def _shapes(tensors):
    """``{name without numbers: shape}`` of the tensors whose namesakes in the same file all have one shape."""
    shapes = {}
    for name, (_, shape) in tensors.items():
        key = _pattern(name)
        shapes[key] = shape if shapes.get(key, shape) == shape else None
    return {key: shape for key, shape in shapes.items() if shape}


def _against_each_other(items, heads):
    """A shard whose layers have other shapes than the same layers' neighbours in nearly all other shards."""
    shapes = {name: _shapes(tensors) for name, tensors in heads.items()}
    votes = {}
    for name, own in shapes.items():
        for key, shape in own.items():
            votes.setdefault(key, {}).setdefault(shape, []).append(name)
    out = []
    for name in sorted(shapes):
        same, other, example = _count(name, shapes[name], votes)
        if other >= ENOUGH and other >= SHARE * (same + other):
            out.append(problem("mixed-revisions", items[name].path, example))
    return out


def _count(name, shapes, votes):
    """How many shapes agree and disagree with the other files, and an example of a disagreement."""
    same = other = 0
    example = ""
    for key, shape in sorted(shapes.items()):
        for seen, names in votes[key].items():
            others = [n for n in names if n != name]
            if not others:
                continue
            if seen == shape:
                same += len(others)
            else:
                other += len(others)
                example = example or "%s is %s here and %s in %s" % (key[:80], list(shape), list(seen), others[0][:80])
    return same, other, example


def _against_config(items, heads, hidden):
    """A language model's input norm is exactly as long as the hidden size."""
    out = []
    if not isinstance(hidden, int) or isinstance(hidden, bool):
        return out
    for name in sorted(heads):
        for tensor, (_, shape) in sorted(heads[name].items()):
            is_norm = re.search(r"(^|language_model\.|^model\.)(model\.)?layers\.\d+\.input_layernorm\.weight$", tensor)
            if is_norm and "vision" not in tensor and "visual" not in tensor and len(shape) == 1 and shape[0] != hidden:
                text = "%s has %d numbers, the configuration says hidden_size %d" % (tensor[:80], shape[0], hidden)
                out.append(problem("mixed-revisions", items[name].path, text))
                break
    return out


def weight_bytes(items):
    return sum(item.size for name, item in items.items() if is_weight(name))


