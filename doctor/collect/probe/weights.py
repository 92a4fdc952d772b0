"""Reads the heads of weight files: is the file whole, and which tensors does it hold?

Nothing is unpickled and no tensor is read. Every reader is capped and raises only OSError; what is wrong with the
contents comes back as a ``Head``. Layouts: safetensors' README, GGUF's ``docs/gguf.md`` (block sizes from gguf-py's
constants), ZIP's end record as in zipfile.
"""
import json
import os
import stat
import struct

SAFETENSORS_CAP = 100 * 1000 * 1000  # bytes, the format's own limit of the header
GGUF_CAP = 128 * 1024 * 1024  # bytes of GGUF header that are looked at
GGUF_ITEMS = 1000000  # tensors, keys or array items
JSON_CAP = 32 * 1024 * 1024  # bytes
HEAD = 1024  # bytes that tell pointers and pages from real files

# ggml type -> (elements in a block, bytes of a block)
GGML = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
    17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
    35: (256, 66), 39: (32, 17), 40: (64, 36), 41: (128, 18),
}
GGUF_SCALAR = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


class Head(object):
    """What the head of a file tells. ``problem`` is a kind of hf.problems or None; ``missing`` bytes or None."""

    __slots__ = ("detail", "missing", "problem", "tensors")

    def __init__(self, problem=None, detail="", missing=None, tensors=None):
        self.problem, self.detail, self.missing, self.tensors = problem, detail, missing, tensors


class CutError(Exception):
    """The file ends before its head does, or the head contradicts itself."""


def open_regular(path):
    """A binary file object of a regular file; a pipe, device or folder raises OSError. Never blocks on a pipe."""
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(22, "not a regular file")
    return os.fdopen(fd, "rb")


def disguise(head, size):
    """Is this no data at all? ``Head`` for an empty file, a git-lfs pointer or a web page, else None."""
    if size == 0:
        return Head("empty-file", "0 bytes")
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        return Head("lfs-pointer", "git-lfs pointer of %d bytes" % size, _pointer_size(head))
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        return Head("html", "a web page, %d bytes" % size)
    if not head.strip(b"\0") and size <= len(head):
        return Head("truncated", "only zero bytes")
    return None


def _pointer_size(head):
    for line in head.split(b"\n"):
        if line.startswith(b"size ") and line[5:].strip().isdigit() and len(line) < 30:
            return int(line[5:])
    return None


def read_head(path):
    """``(first bytes, size)`` of a regular file."""
    with open_regular(path) as file:
        return file.read(HEAD), os.fstat(file.fileno()).st_size


def check(path, tensors=True):
    """The state of one file by its ending. ``tensors=False`` stops after the cheap signs."""
    head, size = read_head(path)
    found = disguise(head, size)
    if found is not None:
        return found
    if path.endswith(".safetensors"):
        return safetensors(path, tensors)
    if path.endswith((".bin", ".pt", ".pth")):
        return torch_file(path, head, size)
    if path.endswith(".gguf"):
        return gguf(path)
    return Head()


def load_json(path):
    """``(object, Head)`` of a JSON file; the object is None when the Head has a problem."""
    head, size = read_head(path)
    found = disguise(head, size)
    if found is not None:
        return None, found
    if size > JSON_CAP:
        return None, Head("corrupt-json", "larger than %d bytes" % JSON_CAP)
    with open_regular(path) as file:
        data = file.read(JSON_CAP)
    try:
        return json.loads(data.decode("utf-8-sig")), Head()
    except (ValueError, RecursionError) as error:
        return None, Head("corrupt-json", "%s: %s" % (type(error).__name__, str(error)[:120]))


def safetensors(path, tensors=True):
    """Header and size of a safetensors file; ``tensors`` maps names to ``(dtype, shape)``."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        if len(start) < 8:
            return Head("truncated", "%d bytes, shorter than its own header" % size)
        (length,) = struct.unpack("<Q", start)
        if length > SAFETENSORS_CAP or length < 2:
            return Head("corrupt", "no safetensors header")
        if 8 + length > size:
            return Head("truncated", "ends inside its header", 8 + length - size)
        if not tensors:
            return Head()
        raw = file.read(length)
    try:
        header = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return Head("corrupt", "header is no JSON (%s)" % type(error).__name__)
    return _judge_header(header, 8 + length, size)


def _judge_header(header, start, size):
    """Offsets of the tensors against the size of the file."""
    if not isinstance(header, dict):
        return Head("corrupt", "header is no JSON object")
    end, found = 0, {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            dtype, shape = entry["dtype"], tuple(int(n) for n in entry["shape"])
            first, last = entry["data_offsets"]
            if not 0 <= first <= last or min(shape or (0,)) < 0:
                raise ValueError("offsets")
        except (TypeError, KeyError, ValueError):
            return Head("corrupt", "tensor %s is described wrongly" % name[:80])
        end = max(end, last)
        found[name] = (str(dtype), shape)
    if start + end > size:
        return Head("truncated", "%d of %d bytes" % (size, start + end), start + end - size, found)
    if start + end < size:
        return Head("corrupt", "%d bytes more than its header describes" % (size - start - end), None, found)
    return Head(tensors=found)


def torch_file(path, head, size):
    """A ``torch.save`` file: a ZIP must have its end record; an old plain pickle cannot be judged."""
    if head[:4] == b"PK\x03\x04":
        return _zip_end(path, size)
    if head[:2] == b"\x80\x02" or head[:1] == b"\x80":
        with open_regular(path) as file:
            file.seek(max(0, size - 65536))
            tail = file.read(65536)
        if size > 65536 and not tail.strip(b"\0"):
            return Head("truncated", "ends in zero bytes: space was reserved, the data never came")
        return Head()
    if not head.strip(b"\0"):
        return Head("truncated", "begins with zero bytes: space was reserved, the data never came")
    return Head()


def _zip_end(path, size):
    """End-of-central-directory record in the last 64 KiB, and a central directory where it says."""
    with open_regular(path) as file:
        file.seek(max(0, size - 65557))
        tail = file.read(65557)
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < 22:
            return Head("truncated", "ZIP without its end record, %d bytes" % size)
        length, offset = struct.unpack("<LL", tail[at + 12:at + 20])
        wide = tail.rfind(b"PK\x06\x06", 0, at)
        if offset == 0xFFFFFFFF and wide >= 0 and len(tail) - wide >= 56:
            length, offset = struct.unpack("<QQ", tail[wide + 40:wide + 56])
        if offset + length > size:
            return Head("truncated", "ZIP directory beyond the end", offset + length - size)
        file.seek(offset)
        if length and file.read(4) != b"PK\x01\x02":
            return Head("corrupt", "ZIP directory not where its end record says")
    return Head()


class _Reader(object):
    """Little-endian numbers from a file, never past ``GGUF_CAP``."""

    def __init__(self, file):
        self.file, self.used = file, 0

    def take(self, count):
        if count < 0 or self.used + count > GGUF_CAP:
            raise CutError("header too large")
        data = self.file.read(count)
        if len(data) < count:
            raise CutError("ends inside its header")
        self.used += count
        return data

    def skip(self, count):
        if count < 0 or self.used + count > GGUF_CAP:
            raise CutError("header too large")
        self.file.seek(count, 1)
        self.used += count

    def number(self, code):
        return struct.unpack("<" + code, self.take(struct.calcsize(code)))[0]

    def count(self):
        number = self.number("Q")
        if number > GGUF_ITEMS:
            raise CutError("absurd count")
        return number


def gguf(path):
    """Header and size of a GGUF file (version 2 and 3, little endian); ``tensors`` maps names to (type, shape)."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if file.read(4) != b"GGUF":
            return Head("corrupt", "no GGUF header")
        try:
            return _gguf(_Reader(file), size)
        except CutError as error:
            kind = "truncated" if "ends" in str(error) else "corrupt"
            return Head(kind, str(error))


def _gguf(reader, size):
    if reader.number("I") not in (2, 3):
        return Head()  # version 1 and big-endian files are not judged
    tensors, keys = reader.count(), reader.count()
    align = 32
    for _ in range(keys):
        name = reader.take(reader.number("Q"))
        kind = reader.number("I")
        if name == b"general.alignment" and kind == 4:
            align = reader.number("I") or 32
        else:
            _skip_value(reader, kind, 0)
    end, found = 0, {}
    for _ in range(tensors):
        name = reader.take(reader.number("Q")).decode("utf-8", "replace")
        shape = tuple(reader.number("Q") for _ in range(min(reader.number("I"), 8)))
        kind, offset = reader.number("I"), reader.number("Q")
        found[name] = (str(kind), shape)
        end = max(end, offset + _ggml_bytes(kind, shape))
    start = -(-(4 + reader.used) // align) * align
    if start + end > size:
        return Head("truncated", "%d of %d bytes" % (size, start + end), start + end - size, found)
    return Head(tensors=found)


def _ggml_bytes(kind, shape):
    """Bytes of a tensor; of an unknown type nothing is claimed."""
    block, width = GGML.get(kind, (1, 0))
    return elements(shape) // block * width


def _skip_value(reader, kind, depth):
    if kind in GGUF_SCALAR:
        reader.skip(GGUF_SCALAR[kind])
    elif kind == 8:
        reader.skip(reader.number("Q"))
    elif kind == 9 and depth < 4:
        inner, count = reader.number("I"), reader.number("Q")
        if inner in GGUF_SCALAR:
            reader.skip(GGUF_SCALAR[inner] * count)
            return
        if count > GGUF_ITEMS:
            raise CutError("absurd count")
        for _ in range(count):
            _skip_value(reader, inner, depth + 1)
    else:
        raise CutError("unknown value type")


def elements(shape):
    total = 1
    for number in shape:
        total *= number
    return total
