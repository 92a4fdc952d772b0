"""Fakes of engines that the suite does not install: what tiers 5 and 6 touch of them."""

LLAMA = """
import ctypes
__version__ = "0.3.36"
WORDS = 16


def llama_supports_gpu_offload():
    return False


def llama_get_logits_ith(ctx, index):
    return ctx


class Llama:
    def __init__(self, model_path, n_ctx, n_gpu_layers, seed, verbose, chat_handler=None):
        open(model_path, "rb").close()
        self.metadata, self.handler = {}, chat_handler
        self.ctx = [0.5] * WORDS

    def n_vocab(self):
        return WORDS

    def close(self):
        pass

    def create_completion(self, prompt, max_tokens, temperature, stream):
        return iter([{"choices": [{"text": "x"}]}] * max_tokens)

    def create_chat_completion(self, messages, max_tokens, temperature):
        url = messages[0]["content"][0]["image_url"]["url"]
        self.ctx = [%s] * WORDS
        return {"usage": {"prompt_tokens": 40}}
"""
SEES = "float(len(url) + sum(map(ord, url)))"
BLIND = "0.25"
HANDLER = "class Llava15ChatHandler:\n    def __init__(self, clip_model_path, verbose):\n        open(clip_model_path, 'rb').close()\n"


def llama(stack, look=SEES):
    """A llama-cpp-python whose scores depend on the picture, or not."""
    stack.write("llama_cpp/__init__.py", LLAMA % look)
    stack.write("llama_cpp/llama_chat_format.py", HANDLER)
