"""Processors without any download: the architecture's own class around a byte-level tokenizer.

Each maker returns ``(processor, prompt, config changes)``; the changes name the special tokens' numbers.
"""

import inspect


def make(config):
    """The processor for ``config`` (the dict of a config.json). Raises KeyError for an architecture without one."""
    return MAKERS[config["model_type"]](config, config.get("vision_config") or {})


def tokenizer(specials, named=None, classes=()):
    """Byte-level BPE without merges: 256 letters and the special tokens. ``classes``: what 4.x processors insist on."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    kind = transformers.PreTrainedTokenizerFast
    if int(transformers.__version__.split(".")[0]) < 5:
        for name in classes:
            kind = getattr(transformers, name, kind)
    words = ["<pad>", "<s>", "</s>", "<unk>"] + sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={word: at for at, word in enumerate(words)}, merges=[], unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    basic = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    basic["model_input_names"] = ["input_ids", "attention_mask"]
    if named:
        made = kind(tokenizer_object=inner, extra_special_tokens=named, **basic)
        made.add_tokens(list(specials), special_tokens=True)
    else:
        made = kind(tokenizer_object=inner, **basic)
        made.add_special_tokens({"additional_special_tokens": list(specials)})
    return made


def insisted(name):
    """The fast tokenizers that this release of the processor class takes; none where it takes any."""
    import transformers

    wanted = getattr(getattr(transformers, name), "tokenizer_class", None) or ()
    return [one for one in ((wanted,) if isinstance(wanted, str) else wanted) if one.endswith("Fast")]


def images(name, **options):
    """An image processor; without torchvision, 5.x keeps the one on PIL under a name of its own."""
    import transformers

    try:
        return getattr(transformers, name)(**options)
    except ImportError:
        if not hasattr(transformers, name + "Pil"):
            raise
        return getattr(transformers, name + "Pil")(**options)


def videos(*names):
    """The video processor where this transformers has such a slot: as a list of one, else empty."""
    import transformers

    found = [name for name in names if hasattr(transformers, name)]
    return [getattr(transformers, found[0])()] if found else []


def build(name, *parts, **options):
    """The processor class with those options that this release of it knows: older ones leave counting to the model."""
    import transformers

    kind = getattr(transformers, name)
    known = inspect.signature(kind.__init__).parameters
    if all(parameter.kind != parameter.VAR_KEYWORD for parameter in known.values()):
        options = {key: value for key, value in options.items() if key in known}
    return kind(*parts, **options)


def numbers(tokens, **names):
    return {key: tokens.convert_tokens_to_ids(word) for key, word in names.items()}


def image_token(config, tokens, word):
    """The number of the image token, under whichever key this config uses."""
    key = "image_token_id" if "image_token_id" in config else "image_token_index"
    return numbers(tokens, **{key: word})


def llava(config, vision):
    tokens, side = tokenizer(["<image>"], classes=insisted("LlavaProcessor")), vision["image_size"]
    sizes = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
    made = build("LlavaProcessor", images("CLIPImageProcessor", **sizes), tokens, **clip_options(config, vision))
    return made, "USER: <image>\nhi ASSISTANT:", image_token(config, tokens, "<image>")


def llava_next(config, vision):
    tokens, side = tokenizer(["<image>"], classes=insisted("LlavaNextProcessor")), vision["image_size"]
    sizes = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
    looks = images("LlavaNextImageProcessor", image_grid_pinpoints=config["image_grid_pinpoints"], **sizes)
    made = build("LlavaNextProcessor", looks, tokens, **clip_options(config, vision))
    return made, "USER: <image>\nhi ASSISTANT:", image_token(config, tokens, "<image>")


def clip_options(config, vision):
    strategy = config.get("vision_feature_select_strategy", "default")
    options = {"patch_size": vision["patch_size"], "vision_feature_select_strategy": strategy}
    if (vision.get("model_type") or "clip_vision_model").startswith("clip"):
        options["num_additional_image_tokens"] = 1  # the class token
    return options


def llava_onevision(config, vision):
    tokens, side = tokenizer(["<image>", "<video>"]), vision["image_size"]
    grid = config["image_grid_pinpoints"]
    looks = images("LlavaOnevisionImageProcessor", size={"height": side, "width": side}, image_grid_pinpoints=grid)
    made = build(
        "LlavaOnevisionProcessor",
        looks,
        tokens,
        *videos("LlavaOnevisionVideoProcessor"),
        num_image_tokens=(side // vision["patch_size"]) ** 2,
        vision_feature_select_strategy="full",
    )
    changes = numbers(tokens, image_token_index="<image>", video_token_index="<video>")
    return made, "<image>\nhi", changes


QWEN = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>", "<|im_start|>", "<|im_end|>")


def qwen(config, vision):
    tokens, kind = tokenizer(QWEN, classes=("Qwen2TokenizerFast",)), config["model_type"]
    if kind.startswith("qwen3"):
        sizes = {"patch_size": 16, "size": {"shortest_edge": 65536, "longest_edge": 16777216}}
        looks = images("Qwen2VLImageProcessor", merge_size=2, temporal_patch_size=2, **sizes)
        made = build("Qwen3VLProcessor", looks, tokens, *videos("Qwen3VLVideoProcessor"))
    else:
        looks = images("Qwen2VLImageProcessor", size={"shortest_edge": 3136, "longest_edge": 12845056})
        name = "Qwen2VLProcessor" if kind == "qwen2_vl" else "Qwen2_5_VLProcessor"
        made = build(name, looks, tokens, *(videos("Qwen2VLVideoProcessor") if slots(name) > 2 else ()))
    names = {"image_token_id": QWEN[0], "video_token_id": QWEN[1], "vision_start_token_id": QWEN[2]}
    prompt = "<|vision_start|><|image_pad|><|vision_end|>hi"
    return made, prompt, numbers(tokens, vision_end_token_id=QWEN[3], **names)


def slots(name):
    """How many parts the processor class is made of: a video processor joined late."""
    import transformers

    kind = getattr(transformers, name)
    declared = getattr(kind, "attributes", None)
    if declared is None:  # 5.x reads them off __init__
        return kind.__init__.__code__.co_varnames.index("chat_template") - 1 if has_template(kind) else 3
    return len(declared)


def has_template(kind):
    return "chat_template" in kind.__init__.__code__.co_varnames


def internvl(config, vision):
    words = ["<img>", "</img>", "<IMG_CONTEXT>", "<video>"]
    keys = ("start_image_token", "end_image_token", "context_image_token", "video_token")
    tokens, side = tokenizer(words, named=dict(zip(keys, words))), vision["image_size"]
    side = side[0] if isinstance(side, list) else side
    looks = images("GotOcr2ImageProcessor", size={"height": side, "width": side}, crop_to_patches=True, max_patches=12)
    length = config.get("image_seq_length", 256)
    made = build("InternVLProcessor", looks, tokens, *videos("InternVLVideoProcessor"), image_seq_length=length)
    return made, "<IMG_CONTEXT>\nhi", numbers(tokens, image_token_id="<IMG_CONTEXT>")


def idefics3(config, vision):
    words = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", "<video>"]
    words += ["<row_%d_col_%d>" % (row, column) for row in range(1, 7) for column in range(1, 7)]
    side = vision["image_size"]
    sizes = {"size": {"longest_edge": 4 * side}, "max_image_size": {"longest_edge": side}}
    length = (side // vision["patch_size"]) ** 2 // config["scale_factor"] ** 2
    if config["model_type"] == "idefics3":
        tokens = tokenizer(words)
        made = build("Idefics3Processor", images("Idefics3ImageProcessor", **sizes), tokens, image_seq_len=length)
    else:
        keys = ("fake_image_token", "image_token", "end_of_utterance_token", "global_image_token", "video_token")
        tokens = tokenizer(words, named=dict(zip(keys, words)))
        looks = images("SmolVLMImageProcessor", **sizes)
        video = videos("SmolVLMVideoProcessor")
        made = build("SmolVLMProcessor", looks, tokens, *video, image_seq_len=length)
    return made, "<image>hi", numbers(tokens, image_token_id="<image>")


def paligemma(config, vision):
    tokens = tokenizer(["<image>"], named={"image_token": "<image>"}, classes=("GemmaTokenizerFast",))
    side = vision["image_size"]
    looks = images("SiglipImageProcessor", size={"height": side, "width": side})
    looks.image_seq_length = (side // vision["patch_size"]) ** 2
    marked = not part("infer").marks_itself("PaliGemmaProcessor")  # noqa: F821 - given by child.part
    words = "<image>hi" if marked else "hi"
    return build("PaliGemmaProcessor", looks, tokens), words, image_token(config, tokens, "<image>")


def mllama(config, vision):
    tokens, side = tokenizer(["<|image|>", "<|python_tag|>"]), vision["image_size"]
    sizes = {"size": {"height": side, "width": side}, "max_image_tiles": vision["max_num_tiles"]}
    made = build("MllamaProcessor", images("MllamaImageProcessor", **sizes), tokens)
    return made, "<|image|>hi", image_token(config, tokens, "<|image|>")


def blip2(config, vision):
    tokens, side = tokenizer(["<image>"]), vision.get("image_size", 224)
    looks = images("BlipImageProcessor", size={"height": side, "width": side})
    made = build("Blip2Processor", looks, tokens, num_query_tokens=config.get("num_query_tokens", 32))
    return made, "Question: hi Answer:", image_token(config, tokens, "<image>")


MAKERS = {
    "llava": llava,
    "llava_next": llava_next,
    "llava_onevision": llava_onevision,
    "qwen2_vl": qwen,
    "qwen2_5_vl": qwen,
    "qwen3_vl": qwen,
    "qwen3_vl_moe": qwen,
    "internvl": internvl,
    "idefics3": idefics3,
    "smolvlm": idefics3,
    "paligemma": paligemma,
    "mllama": mllama,
    "blip-2": blip2,
}
