"""Makes small hub caches and model files for the tests of the part ``hub``."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zipfile
from pathlib import Path

COMMIT = "a" * 40
CONFIG = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 4}


def tensors_of(layers: range, hidden: int = 4) -> dict[str, list[int]]:
    """Names and shapes of a tiny language model's layers."""
    out = {}
    for n in layers:
        out[f"model.layers.{n}.input_layernorm.weight"] = [hidden]
        out[f"model.layers.{n}.self_attn.q_proj.weight"] = [hidden, hidden]
        out[f"model.layers.{n}.mlp.up_proj.weight"] = [hidden * 2, hidden]
        out[f"model.layers.{n}.mlp.down_proj.weight"] = [hidden, hidden * 2]
    return out


def safetensors(shapes: dict[str, list[int]]) -> bytes:
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4
        for number in shape:
            size *= number
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + b"\1" * at


def torch_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
        archive.writestr("archive/data/0", b"\1" * 2000)
    return path


def gguf(tensors: list[tuple[str, list[int], int, int]], data: int) -> bytes:
    """A GGUF 3 file: (name, shape, type, offset) and so many bytes of data."""
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 2)
    out += struct.pack("<Q", 7) + b"a.array" + struct.pack("<IIQ", 9, 8, 1) + struct.pack("<Q", 2) + b"hi"
    out += struct.pack("<Q", 4) + b"size" + struct.pack("<II", 4, 7)
    for name, shape, kind, offset in tensors:
        out += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", len(shape))
        out += b"".join(struct.pack("<Q", n) for n in shape) + struct.pack("<IQ", kind, offset)
    return out + b"\0" * (-len(out) % 32) + b"\1" * data


def model_files(config: dict | None = None, shards: int = 1) -> dict[str, bytes]:
    """A language model that loads, by its files."""
    files = {"config.json": json.dumps(CONFIG if config is None else config).encode(), "tokenizer.json": b"{}"}
    if shards == 1:
        files["model.safetensors"] = safetensors(tensors_of(range(2)))
        return files
    table = {}
    for n in range(shards):
        name = f"model-{n + 1:05d}-of-{shards:05d}.safetensors"
        shapes = tensors_of(range(2 * n, 2 * n + 2))
        files[name] = safetensors(shapes)
        table.update(dict.fromkeys(shapes, name))
    files["model.safetensors.index.json"] = json.dumps({"weight_map": table}).encode()
    return files


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def cache_repo(root: Path, repo_id: str, files: dict[str, bytes], commit: str = COMMIT, ref: str | None = "main") -> Path:
    """A cached repository in the hub's own layout; returns its snapshot."""
    repo = root / ("models--" + repo_id.replace("/", "--"))
    snapshot = repo / "snapshots" / commit
    for folder in (repo / "blobs", repo / "refs", snapshot):
        folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        blob = hashlib.sha256(data).hexdigest()
        (repo / "blobs" / blob).write_bytes(data)
        link = snapshot / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(repo / "blobs" / blob, link.parent))
    if ref is not None:
        (repo / "refs" / ref).write_text(commit)
    return snapshot
