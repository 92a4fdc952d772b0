"""Tier 5: a GGUF through llama-cpp-python, with its image projector: the user's files, or a tiny random pair."""

import glob
import math
import os
import time

TOKENS = 8  # generated
WORDS = "The colour of the sky is"
CONTEXT = 4096  # tokens: room for the largest fixed number of image tokens
TINY_CONTEXT = 512
DISK = 500e6  # bytes/s of a usual disk, for the expectation
GREEN, BLUE = b"\x14\xc8\x14", b"\x14\x14\xdc"
MAGIC = b"GGUF"


def run(teller, settings):
    engine = teller.step("import llama_cpp", 2, lambda: Engine(teller, settings))
    if engine is None:
        return
    if teller.step("files", 1, lambda: engine.find(settings)) is None:
        return
    if teller.step("load", engine.usual(), engine.load) is None:
        return
    if teller.step("generate %d tokens" % TOKENS, 5, engine.generate) is None:
        return
    if teller.step("load with the image projector", engine.usual(), engine.load_eyes) is None:
        return
    teller.step("the image counts", 10, engine.image_counts)


class Engine:
    """llama-cpp-python with the files to be tried."""

    def __init__(self, teller, settings):
        import llama_cpp

        can = llama_cpp.llama_supports_gpu_offload()
        self.told = "%s, %s" % (llama_cpp.__version__, "with GPU" if can else "CPU build")
        self.library, self.teller = llama_cpp, teller
        self.layers = -1 if can and settings.get("device") != "cpu" else 0
        self.model = self.eyes = self.llm = None
        self.context = CONTEXT

    def find(self, settings):
        """The files: named by the user, else written here; a projector beside the model is taken."""
        if settings.get("gguf"):
            self.model = settings["gguf"]
            beside = glob.glob(os.path.join(glob.escape(os.path.dirname(os.path.abspath(self.model))), "*mmproj*.gguf"))
            self.eyes = settings.get("mmproj") or (beside[0] if len(beside) == 1 else None)
        else:
            self.model, self.eyes = part("tinygguf").make(settings["folder"])  # noqa: F821 - given by child.part
            self.context = TINY_CONTEXT
        return "; ".join(self.described(path) for path in (self.model, self.eyes) if path)

    def described(self, path):
        with open(path, "rb") as stream:
            head = stream.read(40)
        if not head.startswith(MAGIC):
            raise self.teller.Wrong("%s is no GGUF file: it begins with %r" % (os.path.basename(path), head))
        return "%s %.1f MiB" % (os.path.basename(path), os.path.getsize(path) / 2**20)

    def usual(self):
        """Seconds that loading takes from a usual disk."""
        return round(2 + os.path.getsize(self.model) / DISK)

    def load(self, **more):
        options = dict(n_ctx=self.context, n_gpu_layers=self.layers, seed=0, verbose=True)
        self.llm = self.library.Llama(model_path=self.model, **dict(options, **more))
        return "%d tokens in the vocabulary" % self.llm.n_vocab()

    def generate(self):
        began, first, count = time.monotonic(), None, 0
        for _ in self.llm.create_completion(WORDS, max_tokens=TOKENS, temperature=0.0, stream=True):
            count += 1
            first = first or time.monotonic() - began
        self.finite(self.scores())
        if first is None:
            raise self.teller.Wrong("no token came")
        rate = count / max(time.monotonic() - began, 1e-9)
        return "first token after %.2f s, %.1f tokens/s" % (first, rate)

    def load_eyes(self):
        if not self.eyes:
            raise self.teller.Skip("no --mmproj FILE, and none lies beside the model: images were not tried")
        self.llm.close()
        handler = self.handler()
        return self.load(chat_handler=handler) and type(handler).__name__

    def handler(self):
        """By the model's own chat template where this version can; older ones know LLaVA's."""
        from llama_cpp import llama_chat_format

        general = getattr(llama_chat_format, "MTMDChatHandler", None)
        if general is not None and self.llm.metadata.get("tokenizer.chat_template"):
            return general(clip_model_path=self.eyes, verbose=True)
        return llama_chat_format.Llava15ChatHandler(clip_model_path=self.eyes, verbose=True)

    def ask(self, colour):
        """The scores of the first word about a square of this colour."""
        endpoint = part("endpoint")  # noqa: F821 - given by child.part
        messages = [{"role": "user", "content": endpoint.question(colour)}]
        answer = self.llm.create_chat_completion(messages=messages, max_tokens=1, temperature=0.0)
        return self.scores(), answer["usage"]["prompt_tokens"]

    def image_counts(self):
        """Another picture, the same words: the scores have to move."""
        (one, tokens), (other, _) = self.ask(GREEN), self.ask(BLUE)
        self.finite(one)
        moved = max(abs(a - b) for a, b in zip(one, other))
        if not moved > 0:
            raise self.teller.Wrong("two different pictures give the same scores: the image does not reach the model")
        return "%d tokens of prompt and image, scores move by %.2g" % (tokens, moved)

    def scores(self):
        """Of the last token that was computed."""
        pointer = self.library.llama_get_logits_ith(self.llm.ctx, -1)
        return pointer[: self.llm.n_vocab()]

    def finite(self, scores):
        if not all(map(math.isfinite, scores)):
            raise self.teller.Wrong("the scores contain NaN or infinity")
