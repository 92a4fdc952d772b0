"""Tier 3: the user's own model from this machine's cache: time to first token, speed, peak memory."""

import json
import os
import sys
import time

TOKENS = 32  # generated for the speed
DISK = 500e6  # bytes/s of a usual disk, for the expectation
POINTER = b"version https://git-lfs"  # how a pointer file begins
QUESTION = "What is in this image?"


def run(teller, settings):
    infer = part("infer")  # noqa: F821 - given by child.part
    folder = settings["model"]
    size = teller.step("files", 1, lambda: weights(teller, folder))
    if size is None:
        return
    if teller.step("libraries", 8, lambda: infer.libraries(settings)) is None:
        return
    if teller.step("own code", 1, lambda: needs_no_code(teller, folder)) is None:
        return
    libraries = resident()
    settings = dict(settings, dtype=settings.get("dtype") or "auto", spread=not settings.get("device"))
    processor = teller.step("processor from_pretrained", 3, lambda: infer.processor(folder))
    usual = round(5 + bytes_of(folder) / DISK)
    model = teller.step("model from_pretrained", usual, lambda: infer.model(folder, settings))
    if processor is None or model is None:
        return
    if not hasattr(model, "generate"):
        teller.step("generation", 1, lambda: no_answers(teller, model))
        return
    words = prompt(processor, not infer.marks_itself(type(processor).__name__))
    shown = teller.step("image to tensors", 1, lambda: infer.inputs(processor, model, words, infer.RED))
    if shown is None:
        return
    teller.step("first generation", 10, lambda: infer.generate(teller, model, shown, 8))
    teller.step("speed", 20, lambda: speed(teller, infer, model, shown))
    teller.step("memory", 1, lambda: memory(teller, libraries))


def no_answers(teller, model):
    raise teller.Skip("%s loads, and says nothing by itself" % type(model).__name__)


def files(folder):
    """Weight files of the folder."""
    names = [name for name in sorted(os.listdir(folder)) if name.endswith((".safetensors", ".bin", ".pt"))]
    return [os.path.join(folder, name) for name in names]


def bytes_of(folder):
    return sum(os.path.getsize(path) for path in files(folder))


def weights(teller, folder):
    if not folder:
        raise teller.Wrong("the model is not on this machine, and nothing is downloaded here")
    size = bytes_of(folder)
    if not size:
        raise teller.Wrong("no weight file lies in the model's folder")
    for path in files(folder):
        with open(path, "rb") as stream:
            if stream.read(len(POINTER)) == POINTER:
                raise teller.Wrong("%s is a Git LFS pointer, not weights" % os.path.basename(path))
    return "%.2f GiB of weights" % (size / 2**30)


def needs_no_code(teller, folder):
    """A model's own Python files are never run here, and no class is filled with another project's weights.

    The checkpoints of LLaVA's and LISA's own repositories carry a model_type that transformers means otherwise: it
    would build its default model of 7 billion parameters beside them.
    """
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    with open(os.path.join(folder, "config.json"), encoding="utf-8") as stream:
        config = json.load(stream)
    if config.get("auto_map") and config.get("model_type") not in CONFIG_MAPPING_NAMES:
        raise teller.Skip("the model brings code of its own (trust_remote_code), which the doctor does not run")
    wanted = [str(name) for name in config.get("architectures") or []]
    known = config.get("model_type") in CONFIG_MAPPING_NAMES
    if known and wanted and not any(hasattr(transformers, name) for name in wanted):
        raise teller.Skip("%s is no class of transformers: its own project loads it" % wanted[0])
    return "none needed"


def prompt(processor, marked):
    """By the model's own chat template where it has one. ``marked``: the text has to say where the image is."""
    if getattr(processor, "chat_template", None):
        content = [{"type": "image"}, {"type": "text", "text": QUESTION}]
        return processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    return "%s\n%s" % (getattr(processor, "image_token", None) or "<image>", QUESTION) if marked else QUESTION


class Clock:
    """A streamer that notes when tokens come; the first call brings the prompt."""

    def __init__(self):
        self.began = time.monotonic()
        self.times = []

    def put(self, value):
        self.times.append(time.monotonic() - self.began)

    def end(self):
        pass


def speed(teller, infer, model, shown):
    clock = Clock()
    infer.generate(teller, model, shown, TOKENS, clock)
    tokens = clock.times[1:]
    if not tokens:
        raise teller.Wrong("no token came")
    rate = (len(tokens) - 1) / max(tokens[-1] - tokens[0], 1e-9) if len(tokens) > 1 else 0.0
    later = ", then %.1f tokens/s" % rate if rate else ""
    return "first token after %.2f s%s" % (tokens[0], later)


def resident():
    """Largest resident memory of this process so far in bytes; 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def memory(teller, libraries):
    """Peak of torch's allocator on each GPU, and of the process beyond its ``libraries``."""
    torch = load_torch()  # noqa: F821 - given by child.part
    said, peaks = [], {}
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            peak, held = torch.cuda.max_memory_allocated(index), torch.cuda.max_memory_reserved(index)
            if held:
                peaks["cuda:%d" % index] = peak
                said.append("cuda:%d peak %d MiB in tensors, %d MiB reserved" % (index, peak >> 20, held >> 20))
    if libraries:
        peaks["host"] = resident() - libraries
        said.append("host peak %d MiB, %d of them the libraries" % (resident() >> 20, libraries >> 20))
    teller.send({"f": "peaks", "v": peaks})
    return "; ".join(said)
