"""A tiny random LLaVA as two GGUF files, by the standard library alone: language model and image projector.

The format is version 3 of its specification (docs/gguf.md of the ggml repository); keys and tensors are what llama.cpp
reads for its architectures `llama` and `clip`.
"""

import os
import random
import struct

ALIGNMENT = 32  # bytes, of every tensor's beginning
FLOAT32, FLOAT16 = 0, 1  # numbers of the tensor types
UNKNOWN, CONTROL, UNUSED, BYTE = 2, 3, 5, 6  # kinds of tokens
VOCABULARY = 288
WIDTH, INNER, LAYERS, HEADS, CONTEXT = 64, 128, 2, 2, 1024
SIDE, PATCH = 56, 14  # pixels of the picture and of a patch
EYE, EYE_INNER = 32, 64  # widths of the vision tower


class Writer:
    """One GGUF file: keys and tensors first gathered, then written."""

    def __init__(self):
        self.keys, self.tensors = [], []
        self.chance = random.Random(0)  # the same weights every time

    def add(self, kind, values):
        """Keys of one type: struct code."""
        number = {"I": 4, "f": 6, "?": 7}[kind]
        for key, value in values.items():
            self.keys.append(text(key) + struct.pack("<I" + kind, number, value))

    def words(self, values):
        for key, value in values.items():
            self.keys.append(text(key) + struct.pack("<I", 8) + text(value))

    def row(self, key, kind, values):
        """A key with a list; kind "s" is words."""
        number = {"i": 5, "f": 6, "s": 8}[kind]
        body = b"".join(text(value) if kind == "s" else struct.pack("<" + kind, value) for value in values)
        self.keys.append(text(key) + struct.pack("<IIQ", 9, number, len(values)) + body)

    def random(self, name, *shape, wide=False):
        """Small random numbers, 16 bit unless ``wide``; ``shape`` as numpy writes it."""
        count = size_of(shape)
        values = [self.chance.uniform(-0.09, 0.09) for _ in range(count)]
        self.tensors.append((name, shape, FLOAT32 if wide else FLOAT16, pack("f" if wide else "e", values)))

    def same(self, name, count, value):
        self.tensors.append((name, (count,), FLOAT32, pack("f", [value] * count)))

    def write(self, path):
        heads, at = [], 0
        for name, shape, kind, body in self.tensors:
            sizes = struct.pack("<I%dQ" % len(shape), len(shape), *reversed(shape))
            heads.append(text(name) + sizes + struct.pack("<IQ", kind, at))
            at += len(padded(body))
        head = b"GGUF" + struct.pack("<IQQ", 3, len(self.tensors), len(self.keys)) + b"".join(self.keys + heads)
        with open(path, "wb") as stream:
            stream.write(padded(head) + b"".join(padded(body) for _, _, _, body in self.tensors))


def size_of(shape):
    count = 1
    for length in shape:
        count *= length
    return count


def pack(code, values):
    return struct.pack("<%d%s" % (len(values), code), *values)


def text(word):
    body = word if isinstance(word, bytes) else word.encode("utf-8")
    return struct.pack("<Q", len(body)) + body


def padded(body):
    return body + b"\0" * (-len(body) % ALIGNMENT)


def language(path):
    """A llama of two layers with a byte-level vocabulary."""
    made = Writer()
    made.words({"general.architecture": "llama", "general.name": "tiny-random", "tokenizer.ggml.model": "llama"})
    made.words({"tokenizer.ggml.pre": "default"})
    sizes = {"context_length": CONTEXT, "embedding_length": WIDTH, "block_count": LAYERS, "feed_forward_length": INNER}
    heads = {"attention.head_count": HEADS, "attention.head_count_kv": HEADS, "rope.dimension_count": WIDTH // HEADS}
    for group in (sizes, heads, {"vocab_size": VOCABULARY}):
        made.add("I", {"llama." + key: value for key, value in group.items()})
    made.add("f", {"llama.attention.layer_norm_rms_epsilon": 1e-5})
    vocabulary(made)
    made.random("token_embd.weight", VOCABULARY, WIDTH)
    made.same("output_norm.weight", WIDTH, 1.0)
    made.random("output.weight", VOCABULARY, WIDTH)
    for layer in range(LAYERS):
        name = "blk.%d." % layer
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            made.random(name + part + ".weight", WIDTH, WIDTH)
        made.same(name + "attn_norm.weight", WIDTH, 1.0)
        made.same(name + "ffn_norm.weight", WIDTH, 1.0)
        made.random(name + "ffn_gate.weight", INNER, WIDTH)
        made.random(name + "ffn_up.weight", INNER, WIDTH)
        made.random(name + "ffn_down.weight", WIDTH, INNER)
    made.write(path)


def vocabulary(made):
    words = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % byte for byte in range(256)]
    kinds = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256
    spare = VOCABULARY - len(words)
    words += ["<pad%d>" % at for at in range(spare)]
    made.row("tokenizer.ggml.tokens", "s", words)
    made.row("tokenizer.ggml.scores", "f", [0.0] * VOCABULARY)
    made.row("tokenizer.ggml.token_type", "i", kinds + [UNUSED] * spare)
    numbers = {"unknown_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    made.add("I", {"tokenizer.ggml." + key: value for key, value in numbers.items()})
    made.add("?", {"tokenizer.ggml.add_bos_token": True})


def projector(path):
    """A CLIP tower of two layers and LLaVA's two-layer projector."""
    made = Writer()
    made.words({"general.architecture": "clip", "general.name": "tiny-mmproj", "clip.projector_type": "mlp"})
    flags = {"has_text_encoder": False, "has_vision_encoder": True, "has_llava_projector": True, "use_gelu": False}
    made.add("?", {"clip." + key: value for key, value in flags.items()})
    sizes = {"image_size": SIDE, "patch_size": PATCH, "embedding_length": EYE, "feed_forward_length": EYE_INNER}
    sizes.update({"projection_dim": WIDTH, "block_count": LAYERS, "attention.head_count": HEADS})
    made.add("I", {"clip.vision." + key: value for key, value in sizes.items()})
    made.add("f", {"clip.vision.attention.layer_norm_epsilon": 1e-5})
    made.row("clip.vision.image_mean", "f", [0.48, 0.46, 0.41])
    made.row("clip.vision.image_std", "f", [0.27, 0.26, 0.28])
    made.random("v.class_embd", EYE, wide=True)
    made.random("v.patch_embd.weight", EYE, 3, PATCH, PATCH)
    made.random("v.position_embd.weight", (SIDE // PATCH) ** 2 + 1, EYE, wide=True)
    made.same("v.pre_ln.weight", EYE, 1.0)
    made.same("v.pre_ln.bias", EYE, 0.0)
    for layer in range(LAYERS):
        eye_layer(made, "v.blk.%d." % layer)
    for name, inner in (("mm.0", EYE), ("mm.2", WIDTH)):
        made.random(name + ".weight", WIDTH, inner)
        made.same(name + ".bias", WIDTH, 0.0)
    made.write(path)


def eye_layer(made, name):
    for part in ("attn_q", "attn_k", "attn_v", "attn_out"):
        made.random(name + part + ".weight", EYE, EYE)
        made.same(name + part + ".bias", EYE, 0.0)
    for part in ("ln1", "ln2"):
        made.same(name + part + ".weight", EYE, 1.0)
        made.same(name + part + ".bias", EYE, 0.0)
    made.random(name + "ffn_up.weight", EYE_INNER, EYE)
    made.same(name + "ffn_up.bias", EYE_INNER, 0.0)
    made.random(name + "ffn_down.weight", EYE, EYE_INNER)
    made.same(name + "ffn_down.bias", EYE, 0.0)


def make(folder):
    """(language model, projector): paths of the two files, 250 and 90 KB."""
    paths = os.path.join(folder, "tiny.gguf"), os.path.join(folder, "mmproj.gguf")
    language(paths[0])
    projector(paths[1])
    return paths
