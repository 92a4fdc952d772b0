"""Several weight files that belong together: the index, what it promises, and whether the parts fit each other."""
import re

import hubscan
import weights
from modeldir import is_weight, problem
from patterns import compiled

INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
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
        if "-of-" in name and "/" not in name and is_weight(name) and loaded(name):
            head, _, tail = name.rpartition("-of-")
            stem, _, number = head.rpartition("-")
            seen.setdefault((stem, tail), []).append(number)
    for (stem, tail), numbers in sorted(seen.items()):
        names.extend(n for n in hubscan.shard_gaps(stem, tail, numbers, MOST_MISSING) if n not in names)
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
    out.extend(entry for entry in _against_config(items, heads, hidden) if entry["path"] not in accused)
    accused = {entry["path"] for entry in out}
    top = {name: tensors for name, tensors in heads.items()
           if "/" not in name and compiled(hubscan.SHARD).match(name) and items[name].path not in accused}
    out.extend(_against_each_other(items, top))
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
    """Shards whose layers have other shapes than the same layers in other shards; the one that fits fewest first."""
    shapes = {name: _shapes(tensors) for name, tensors in heads.items()}
    names = sorted(shapes)
    clashes = {}
    for at, one in enumerate(names):
        for two in names[at + 1:]:
            text = _clash(shapes[one], shapes[two])
            if text is not None:
                clashes[one, two] = text
    out = []
    while clashes:
        counts = {name: sum(1 for pair in clashes if name in pair) for name in names}
        worst = [name for name in names if counts[name] == max(counts.values())]
        for name in worst:
            other, text = next(((set(pair) - {name}).pop(), clashes[pair]) for pair in sorted(clashes) if name in pair)
            out.append(problem("mixed-revisions", items[name].path, "does not fit %s: %s" % (other[:80], text)))
        clashes = {pair: text for pair, text in clashes.items() if not set(pair) & set(worst)}
    return out


def _clash(one, two):
    """Nearly all tensors that two files have in common are of other shapes: an example; else None."""
    common = sorted(set(one) & set(two))
    differ = [key for key in common if one[key] != two[key]]
    if len(differ) < ENOUGH or len(differ) < SHARE * len(common):
        return None
    return "%s is %s and %s" % (differ[0][:80], list(one[differ[0]]), list(two[differ[0]]))


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


