"""Tier 2: a tiny random model of the user's architecture, saved, loaded the user's way, shown an image."""

import json
import os

TOKENS = 8  # generated
TABLE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "architectures.json")


def run(teller, settings):
    with open(TABLE, encoding="utf-8") as stream:
        known = json.load(stream)
    kind = settings["arch"]
    infer = part("infer")  # noqa: F821 - given by child.part
    if kind not in known:
        teller.step("recipe", 0, lambda: no_recipe(teller, kind))
        return
    if teller.step("libraries", 8, lambda: infer.libraries(settings)) is None:
        return
    load_torch().set_num_threads(1)  # noqa: F821 - threads only wait for each other there; tier 1 has tried them
    made = teller.step("make a tiny " + kind, 3, lambda: Made(teller, known[kind], settings))
    if made is None:
        return
    folder = made.folder
    prompt = made.prompt
    del made
    processor = teller.step("processor from_pretrained", 2, lambda: infer.processor(folder))
    model = teller.step("model from_pretrained", 2, lambda: infer.model(folder, settings))
    if processor is None or model is None:
        return
    red = teller.step("image to tensors", 1, lambda: infer.inputs(processor, model, prompt, infer.RED))
    if red is None:
        return
    teller.step("generate %d tokens" % TOKENS, 2, lambda: infer.generate(teller, model, red, TOKENS))
    teller.step("the image counts", 1, lambda: image_counts(teller, infer, processor, model, prompt, red))


def no_recipe(teller, kind):
    raise teller.Skip("there is no tiny model of the type %s; name a relative of it with --arch" % kind)


def config_of(row, settings):
    """The user's own config.json where there is one, over what the table has for its type."""
    config = dict(row["config"])
    if settings.get("config"):
        with open(settings["config"], encoding="utf-8") as stream:
            own = json.load(stream)
        for key, value in own.items():
            both = isinstance(value, dict) and isinstance(config.get(key), dict)
            config[key] = {**config[key], **value} if both else value
    return config


def unknown(folder, kind):
    """This transformers is too old for the type: let it say so itself, in the words that a user sees."""
    import transformers

    os.makedirs(folder)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as stream:
        json.dump({"model_type": kind}, stream)
    transformers.AutoConfig.from_pretrained(folder)
    raise ImportError("this transformers knows the type %s but has no model class for it" % kind)


class Made:
    """Weights, config and processor in a folder of their own."""

    def __init__(self, teller, row, settings):
        import transformers

        config = config_of(row, settings)

        torch = load_torch()  # noqa: F821 - given by child.part
        self.folder = os.path.join(settings["folder"], "tiny")
        kind = getattr(transformers, row["class"], None)
        if kind is None and not settings["named"]:
            release = transformers.__version__
            raise teller.Skip("transformers %s has no %s: name a type with --arch" % (release, row["class"]))
        if kind is None:
            unknown(self.folder, config["model_type"])
        processor, self.prompt, changes = part("processors").make(config)  # noqa: F821 - given by child.part
        vocabulary = (len(processor.tokenizer) + 63) // 64 * 64
        small = part("shrink").shrink(config, vocabulary)  # noqa: F821 - given by child.part
        small.update(changes)
        small.pop("model_type")
        torch.manual_seed(0)
        model = kind(kind.config_class(**small)).to(torch.bfloat16)
        settled = model.generation_config
        settled.eos_token_id, settled.pad_token_id, settled.bos_token_id = None, 0, 1
        for name, weight in model.named_parameters():
            if weight.numel() == 1 and "gate" in name:
                weight.data.fill_(1.0)  # gates that start at zero hide the image
        model.save_pretrained(self.folder)
        processor.save_pretrained(self.folder)


def image_counts(teller, infer, processor, model, prompt, red):
    """Another picture, the same words: the answer's scores have to move."""
    one = infer.scores(model, red)
    other = infer.scores(model, infer.inputs(processor, model, prompt, infer.GREEN))
    if not bool(one.isfinite().all()):
        raise teller.Wrong("the scores contain NaN or infinity")
    moved = float((one - other).abs().max())
    if not moved > 0:
        raise teller.Wrong("two different pictures give the same scores: the image does not reach the language model")
    return "scores move by %.2g" % moved
