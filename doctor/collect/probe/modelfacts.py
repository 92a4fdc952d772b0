"""What a model folder's configuration says, and which files a load needs that are not there."""
import re

import hubscan
import paths
import weights
from modeldir import is_weight
from patterns import compiled

LISTED = 50  # entries of a list taken from a stranger's file
TOKENIZER_BYTES = 64 * 1024 * 1024
TEXT = 200  # characters of a text taken from it
TOWER_KEYS = (
    "mm_vision_tower", "vision_tower", "vision_tower_name", "mm_audio_tower", "vision_model_name_or_path",
    "text_model_name_or_path", "llm_model_name_or_path", "base_model_name_or_path",
)
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt", "tekken.json")
SPEAKING = ("ForCausalLM", "ForConditionalGeneration", "ForSeq2SeqLM", "ChatModel", "LMHeadModel", "ForImageTextToText")
LOADED = (
    (r"Config$", {"config"}),
    (r"Tokenizer(Fast)?$", {"config", "tokenizer"}),
    (r"(ImageProcessor(Fast)?|FeatureExtractor)$", {"image"}),
    (r"Processor(Fast)?$", {"config", "image", "tokenizer"}),
    (r"For[A-Z]\w+$|Model(With\w+)?$|^AutoModel", {"config", "weights"}),
)
QUANT_MIXED = {"num_bits", "config_groups"}


def read(items, name):
    """The object of a JSON file in the folder, {} when it is absent or no object."""
    item = items.get(name)
    if item is None or item.problem is not None:
        return {}
    try:
        data, _ = weights.load_json(item.path)
    except OSError:
        return {}  # the file problem is reported by modeldir
    return data if isinstance(data, dict) else {}


def text(value):
    return value[:TEXT] if isinstance(value, str) else None


def texts(value):
    return [v[:TEXT] for v in value[:LISTED] if isinstance(v, str)] if isinstance(value, list) else []


def sub(config, name):
    value = config.get(name)
    return value if isinstance(value, dict) else {}


def text_config(config):
    """The part that describes the language model."""
    for name in ("text_config", "llm_config", "language_config"):
        if sub(config, name):
            return sub(config, name)
    return config


def quant_method(config):
    for part in (config, text_config(config)):
        quant = sub(part, "quantization_config")
        if quant:
            if text(quant.get("quant_method")):
                return text(quant["quant_method"])
            if quant.get("load_in_4bit") or quant.get("load_in_8bit"):
                return "bitsandbytes"
            return "compressed-tensors" if QUANT_MIXED & set(quant) else "unknown"
    return None


def rope_type(config):
    for part in (config, text_config(config)):
        for name in ("rope_scaling", "rope_parameters"):
            rope = sub(part, name)
            found = text(rope.get("rope_type")) or text(rope.get("type"))
            if found:
                return found
    return None


def dtype(config):
    for part in (config, text_config(config)):
        found = text(part.get("dtype")) or text(part.get("torch_dtype"))
        if found:
            return found
    return None


def facts(items, config, heads):
    """The model.* facts that come from the folder itself; an absent key of the configuration is known to be absent."""
    names = [n for n in items if is_weight(n)]
    params = sum(weights.elements(shape) for n in heads if n.endswith(".safetensors") and "/" not in n
                 for _, shape in heads[n].values())
    return {
        "model.type": text(config.get("model_type")),
        "model.architectures": texts(config.get("architectures")),
        "model.dtype": dtype(config),
        "model.quant": quant_method(config),
        "model.rope_type": rope_type(config),
        "model.remote_code": bool(sub(config, "auto_map")),
        "model.saved_with": text(config.get("transformers_version")),
        "model.formats": formats(items),
        "model.weight_bytes": sum(items[n].size for n in names),
        "model.params": params or None,
        "model.chat_template": chat_template(items),
        "model.tokenizer": tokenizer(items),
        "model.tokenizer_merges": merges(items.get("tokenizer.json")),
        "model.tokenizer_class": text(read(items, "tokenizer_config.json").get("tokenizer_class")),
        "model.adapter_keys": adapter_keys(items),
    }


def adapter_keys(items):
    """Settings that adapter_config.json of a LoRA adapter holds: each must be known to the peft that reads it."""
    config = read(items, "adapter_config.json")
    return sorted(key for key in config if isinstance(key, str))[:100] if config.get("peft_type") == "LORA" else None


def formats(items):
    found = set()
    for name in items:
        word = hubscan.FORMATS.get(name.rpartition(".")[2])
        if word is not None and (word != "bin" or is_weight(name)):
            found.add(word)
    return sorted(found)


def chat_template(items):
    if any(n in items for n in ("chat_template.jinja", "chat_template.json")):
        return True
    return bool(read(items, "tokenizer_config.json").get("chat_template")
                or read(items, "processor_config.json").get("chat_template"))


def tokenizer(items):
    if "tokenizer.json" in items:
        return "fast"
    if any(n in items for n in ("tokenizer.model", "spiece.model")) or any(n.endswith(".spm") for n in items):
        return "sentencepiece"
    other = any(n in items for n in TOKENIZERS) or any(n.endswith(".tiktoken") for n in items)
    return "slow" if other else "none"


def merges(item):
    """Form of the merges in a tokenizer.json: ``texts`` ("a b") or ``pairs`` (["a", "b"]); None without any."""
    body = paths.read(item.path, TOKENIZER_BYTES) if item is not None and item.problem is None else None
    found = re.search(rb'"merges"\s*:\s*\[\s*(["\[])', body or b"")
    return None if found is None else "texts" if found.group(1) == b'"' else "pairs"


def parts(classes):
    """What classes load by ``from_pretrained``: weights, image, tokenizer, config; None when it may be everything."""
    found = set()
    for name in classes or ("",):
        known = next((kinds for pattern, kinds in LOADED if compiled(pattern).search(name)), None)
        if known is None:
            return None
        found |= known
    return found


def needed(items, config, wanted=None):
    """Names of files that are not there and that loading the ``wanted`` parts (None: all of them) needs."""
    return [name for name in _needed(items, config) if wanted is None or _part(name) in wanted]


def _part(name):
    if name.endswith(".safetensors"):
        return "weights"
    if name in ("tokenizer.json", "merges.txt"):
        return "tokenizer"
    return "image" if name == "preprocessor_config.json" else "config"


def _needed(items, config):
    """Names of files that loading the model and its processor needs and that are not there."""
    if "model_index.json" in items or any(n.endswith(".gguf") for n in items):
        return []  # a pipeline of parts, or one file that holds everything
    adapter = "adapter_config.json" in items
    lost = []
    if "config.json" not in items and not adapter and not _mistral_layout(items):
        lost.append("config.json")
    if not any(is_weight(n) or n.endswith((".h5", ".msgpack", ".onnx", ".ckpt")) for n in items):
        if not any(n.endswith(".index.json") for n in items):
            lost.append("adapter_model.safetensors" if adapter else "model.safetensors")
    if adapter or not config:
        return lost
    if sub(config, "auto_map"):  # code of its own: which other files it reads is not certain
        return lost + [name for name in code_files(config) if name not in items]
    if _needs_image_processor(items, config):
        lost.append("preprocessor_config.json")
    if _speaks(config) and tokenizer(items) == "none" and "tokenizer_config.json" not in _with_code(items):
        lost.append("tokenizer.json")
    if "vocab.json" in items and "merges.txt" not in items and tokenizer(items) == "slow":
        lost.append("merges.txt")
    return lost


def _mistral_layout(items):
    return "params.json" in items


def _with_code(items):
    """tokenizer_config.json when it brings a tokenizer class of its own, whose files cannot be guessed."""
    return {"tokenizer_config.json"} if sub(read(items, "tokenizer_config.json"), "auto_map") else set()


def _needs_image_processor(items, config):
    sees = bool(sub(config, "vision_config")) or str(config.get("model_type", "")).endswith("vision_model")
    if not sees or "preprocessor_config.json" in items:
        return False
    return not sub(read(items, "processor_config.json"), "image_processor")


def _speaks(config):
    return any(name.endswith(SPEAKING) for name in texts(config.get("architectures")))


def code_files(config, wanted=None):
    """Python files in the repository that auto_map names (``other/repo--file.Class`` lies elsewhere).

    A tokenizer may be a pair, slow and fast; one of them may be null. ``wanted``: what is loaded (None: all of it).
    """
    out = set()
    known = sub(config, "auto_map")
    named = [known[auto] for auto in known if wanted is None or (parts((auto,)) or wanted) <= wanted]
    for value in [one for each in named for one in (each if isinstance(each, list) else [each])]:
        if isinstance(value, str) and "--" not in value and re.match(r"^\w+(\.\w+)+$", value):
            out.add(value.rpartition(".")[0].replace(".", "/") + ".py")
    return sorted(out)[:LISTED]


def hidden_size(config):
    """The hidden size that the configuration states for the language model; None when it states none."""
    part = text_config(config)
    if part is config and sub(config, "vision_config"):
        return None  # which part a size on the top level belongs to is not certain
    return part.get("hidden_size")


def referenced(items, config):
    """``[(key, repo id or path)]`` of other models that a load of this one opens."""
    out = []
    for part in (config, read(items, "adapter_config.json")):
        for key in TOWER_KEYS:
            value = part.get(key)
            if isinstance(value, str) and value.strip() and (key, value[:TEXT]) not in out:
                out.append((key, value[:TEXT]))
    return out
