"""Writes tiny shared libraries that the ELF reader can read: only headers, names, hash table and version needs."""

from __future__ import annotations

import struct

import elf


def strings(names: list[bytes]) -> tuple[bytes, dict[bytes, int]]:
    table, places = b"\0", {}
    for name in names:
        if name not in places:
            places[name] = len(table)
            table += name + b"\0"
    return table, places


def gnu_table(defined: list[bytes], first: int) -> bytes:
    """One bucket, a bloom filter that lets everything through."""
    hashes = [elf.gnu_hash(name) for name in defined]
    chain = [value & ~1 for value in hashes]
    if chain:
        chain[-1] |= 1
    head = struct.pack("<IIII", 1, first, 1, 6) + struct.pack("<Q", 2**64 - 1)
    return head + struct.pack("<I", first if defined else 0) + b"".join(struct.pack("<I", value) for value in chain)


def verneed(needs: dict[str, list[str]], places: dict[bytes, int]) -> bytes:
    out = b""
    items = list(needs.items())
    for index, (library, tags) in enumerate(items):
        size = 16 + 16 * len(tags)
        onward = size if index + 1 < len(items) else 0
        out += struct.pack("<HHIII", 1, len(tags), places[library.encode()], 16, onward)
        for place, tag in enumerate(tags):
            step = 16 if place + 1 < len(tags) else 0
            out += struct.pack("<IHHII", 0, 0, 2, places[tag.encode()], step)
    return out


def verdef(tags: list[str], places: dict[bytes, int]) -> bytes:
    out = b""
    for index, tag in enumerate(tags):
        step = 28 if index + 1 < len(tags) else 0
        out += struct.pack("<HHHHIII", 1, 0, index + 1, 1, 0, 20, step) + struct.pack("<II", places[tag.encode()], 0)
    return out


def library(
    needed: list[str] = (),
    undefined: list[bytes] = (),
    defined: list[bytes] = (),
    runpath: str = "",
    rpath: str = "",
    needs: dict[str, list[str]] | None = None,
    versions: list[str] = (),
    machine: int = 62,
    stack: int = 6,
) -> bytes:
    """The bytes of a shared library; addresses equal file offsets."""
    needs = needs or {}
    words = [*map(str.encode, needed), runpath.encode(), rpath.encode(), *undefined, *defined]
    words += [word.encode() for library_, tags in needs.items() for word in (library_, *tags)]
    words += [tag.encode() for tag in versions]
    names, places = strings([word for word in words if word])
    symbols = bytes(24)
    for name in undefined:
        symbols += struct.pack("<IBBHQQ", places[name], 0x12, 0, 0, 0, 0)
    for name in defined:
        symbols += struct.pack("<IBBHQQ", places[name], 0x12, 0, 5, 64, 8)
    parts, at = {}, 64 + 3 * 56
    for key, data in (
        ("str", names),
        ("sym", symbols),
        ("hash", gnu_table(list(defined), 1 + len(undefined))),
        ("need", verneed(needs, places)),
        ("def", verdef(list(versions), places)),
    ):
        parts[key] = (at, data + bytes(-len(data) % 8))
        at += len(parts[key][1])
    entries = [(1, places[name.encode()]) for name in needed]
    entries += [(29, places[runpath.encode()])] if runpath else []
    entries += [(15, places[rpath.encode()])] if rpath else []
    entries += [(5, parts["str"][0]), (10, len(names)), (6, parts["sym"][0]), (0x6FFFFEF5, parts["hash"][0])]
    entries += [(0x6FFFFFFE, parts["need"][0]), (0x6FFFFFFF, len(needs))] if needs else []
    entries += [(0x6FFFFFFC, parts["def"][0]), (0x6FFFFFFD, len(versions))] if versions else []
    dynamic = b"".join(struct.pack("<qQ", *entry) for entry in [*entries, (0, 0)])
    total = at + len(dynamic)
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, 3, 64, 0, 0)
    head += struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, total, total, 4096)
    head += struct.pack("<IIQQQQQQ", 2, 6, at, at, at, len(dynamic), len(dynamic), 8)
    head += struct.pack("<IIQQQQQQ", 0x6474E551, stack, 0, 0, 0, 0, 0, 16)
    return head + b"".join(data for _, data in parts.values()) + dynamic
