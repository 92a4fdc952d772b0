"""Loading the way a user loads, and one generation: shared by the tiny and the real model."""

import importlib.util

RED = (200, 30, 30)
GREEN = (0, 255, 0)
SIZE = (320, 240)  # pixels of the image made on the spot


def release(transformers):
    """(major, minor) of transformers."""
    return tuple(int("".join(c for c in p if c.isdigit()) or 0) for p in transformers.__version__.split(".")[:2])


def marks_itself(name):
    """Whether the processor class puts the image's tokens before the text itself: then the text must not hold any."""
    import transformers

    return name in ("Blip2Processor", "InstructBlipProcessor") or (
        name == "PaliGemmaProcessor" and release(transformers) < (4, 46)
    )


def libraries(settings):
    """The names that the user's program touches; this is where lazy imports fail."""
    import transformers

    torch = load_torch()  # noqa: F821 - given by child.part
    auto(transformers)
    transformers.AutoProcessor  # noqa: B018 - touching is the test
    return "transformers %s, torch %s" % (transformers.__version__, torch.__version__)


def auto(transformers):
    """The auto class for image and text: renamed in 4.46, the old name gone in 5."""
    for name in ("AutoModelForImageTextToText", "AutoModelForVision2Seq"):
        if hasattr(transformers, name):
            return getattr(transformers, name)
    return transformers.AutoModel


def there(module):
    return importlib.util.find_spec(module) is not None


def processor(folder):
    import transformers

    return transformers.AutoProcessor.from_pretrained(folder)


def device_of(torch, settings):
    """The asked device, else the first GPU, else the CPU."""
    return settings.get("device") or ("cuda:0" if torch.cuda.is_available() else "cpu")


def options(transformers, torch, settings):
    """The user's flags as this version spells them."""
    given = {}
    if settings.get("dtype"):
        key = "dtype" if release(transformers) >= (4, 56) else "torch_dtype"
        given[key] = "auto" if settings["dtype"] == "auto" else getattr(torch, settings["dtype"])
    if settings.get("attn"):
        given["attn_implementation"] = settings["attn"]
    if settings.get("spread") and there("accelerate"):
        given["device_map"] = "auto"
    bits = settings.get("bits")
    if bits:
        given["device_map"] = {"": device_of(torch, settings)}
        flag = "load_in_%dbit" % bits
        if release(transformers) >= (5, 0):  # the bare flag is gone there
            given["quantization_config"] = transformers.BitsAndBytesConfig(**{flag: True})
        else:
            given[flag] = True
    return given


def model(folder, settings):
    import transformers

    torch = load_torch()  # noqa: F821 - given by child.part
    kind = auto(transformers)
    if type(transformers.AutoConfig.from_pretrained(folder)) not in kind._model_mapping:
        kind = transformers.AutoModel  # a tower alone, as CLIP
    loaded = kind.from_pretrained(folder, **options(transformers, torch, settings))
    if not getattr(loaded, "hf_device_map", None):
        loaded = loaded.to(device_of(torch, settings))
    return loaded.eval()


def picture(colour):
    """An image made on the spot: a square on a ground."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", SIZE, colour)
    ImageDraw.Draw(image).rectangle([SIZE[0] // 4, SIZE[1] // 4, SIZE[0] // 2, SIZE[1] // 2], fill=(30, 30, 200))
    return image


def inputs(processor, model, prompt, colour):
    return processor(text=prompt, images=picture(colour), return_tensors="pt").to(model.device, model.dtype)


def generate(teller, model, given, count, streamer=None):
    torch = load_torch()  # noqa: F821 - given by child.part
    with torch.inference_mode():
        made = model.generate(**given, max_new_tokens=count, do_sample=False, streamer=streamer)
    before = given["input_ids"].shape[1]
    new = made.shape[1] - (before if made.shape[1] > before else 0)
    if new < 1:
        raise teller.Wrong("generate() gave no token")
    return "%d tokens behind %d of prompt and image, %s on %s" % (new, before, str(model.dtype)[6:], model.device)


def scores(model, given):
    torch = load_torch()  # noqa: F821 - given by child.part
    with torch.inference_mode():
        return model(**given).logits[:, -1].float()
