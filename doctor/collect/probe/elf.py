"""What the dynamic loader would read of a shared library, by seeking; nothing is mapped, nothing is run.

Only little-endian ELF of 64 and 32 bits. Every count and offset of the file is capped or checked, so that a
truncated or hostile file raises ``BadElfError`` instead of looping or filling memory.
"""
import os
import stat
import struct

MAX_SEGMENTS = 512
MAX_DYNAMIC = 4096  # entries
MAX_SYMBOLS = 400000  # of one table; libtorch_cuda asks for some 10,000
MAX_STRINGS = 1 << 26  # bytes of names read of one file
MAX_VERSIONS = 4096
MAX_CHAIN = 4096  # symbols in one hash bucket

_PT_LOAD, _PT_DYNAMIC, _PT_GNU_STACK = 1, 2, 0x6474E551
_NEEDED, _HASH, _STRTAB, _SYMTAB, _STRSZ, _SONAME, _RPATH, _RUNPATH = 1, 4, 5, 6, 10, 14, 15, 29
_GNU_HASH, _VERDEF, _VERDEFNUM, _VERNEED, _VERNEEDNUM = 0x6FFFFEF5, 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
_ADDRESSES = (_HASH, _STRTAB, _SYMTAB, _GNU_HASH, _VERDEF, _VERNEED)
MACHINES = {62: "x86_64", 183: "aarch64", 3: "i686", 40: "arm", 21: "ppc64le", 243: "riscv64"}


class BadElfError(ValueError):
    """Not an ELF file, or a damaged one. ``truncated``: its own headers point past its end."""

    def __init__(self, why, truncated=False):
        ValueError.__init__(self, why)
        self.truncated = truncated


# What a reader of a hostile file has to expect: a file may also shrink while it is read.
TROUBLE = (OSError, BadElfError, struct.error)


class Elf(object):
    """One open shared library. ``needed``, ``runpath``, ``rpath`` are lists of str; close it after use."""

    def __init__(self, path):
        self.path = path
        self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            info = os.fstat(self._fd)
            if not stat.S_ISREG(info.st_mode):
                raise BadElfError("not a regular file")
            self.size = info.st_size
            self._open()
        except (struct.error, OverflowError, MemoryError) as error:
            self.close()
            raise BadElfError("damaged headers: %s" % error)
        except BaseException:
            self.close()
            raise

    def close(self):
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _at(self, offset, count):
        if offset < 0 or count < 0 or offset + count > self.size:
            raise BadElfError("points past its end", truncated=True)
        return os.pread(self._fd, count, offset)

    def _open(self):
        head = self._at(0, 64) if self.size >= 64 else b""
        if head[:4] != b"\x7fELF":
            raise BadElfError("no ELF header", truncated=not head.strip(b"\0"))
        if head[4] not in (1, 2) or head[5] != 1:
            raise BadElfError("foreign byte order or class")
        self.wide = head[4] == 2
        self.machine = struct.unpack_from("<H", head, 18)[0]
        self._segments(head)
        self._dynamic()

    def _segments(self, head):
        if self.wide:
            offset, = struct.unpack_from("<Q", head, 32)
            each, count = struct.unpack_from("<HH", head, 54)
        else:
            offset, = struct.unpack_from("<I", head, 28)
            each, count = struct.unpack_from("<HH", head, 42)
        if each < (56 if self.wide else 32) or not 0 < count <= MAX_SEGMENTS:
            raise BadElfError("no program headers")
        table = self._at(offset, each * count)
        self.loads, self.exec_stack, self._dyn = [], False, None
        for index in range(count):
            if self.wide:
                kind, flags, start, address, _, length, _ = struct.unpack_from("<IIQQQQQ", table, index * each)
            else:
                kind, start, address, _, length, _, flags = struct.unpack_from("<IIIIIII", table, index * each)
            if kind == _PT_LOAD:
                if start + length > self.size:
                    raise BadElfError("%d bytes, its headers promise %d" % (self.size, start + length), truncated=True)
                self.loads.append((address, address + length, start))
            elif kind == _PT_DYNAMIC:
                self._dyn = (start, length)
            elif kind == _PT_GNU_STACK:
                self.exec_stack = bool(flags & 1)

    def _offset(self, address):
        for low, high, start in self.loads:
            if low <= address < high:
                return start + address - low
        raise BadElfError("an address outside its segments")

    def _dynamic(self):
        self.tags, names = {}, []
        if self._dyn is None:
            raise BadElfError("not a shared library")
        step, code = (16, "<qQ") if self.wide else (8, "<iI")
        start, length = self._dyn
        table = self._at(start, min(length, MAX_DYNAMIC * step))
        for place in range(0, len(table) - step + 1, step):
            tag, value = struct.unpack_from(code, table, place)
            if tag == 0:
                break
            if tag in (_NEEDED, _RPATH, _RUNPATH, _SONAME):
                names.append((tag, value))
            else:
                self.tags.setdefault(tag & 0xFFFFFFFF, value)
        self._strings_at = self._offset(self.tags[_STRTAB]) if _STRTAB in self.tags else None
        self._strings_size = min(self.tags.get(_STRSZ, 0), MAX_STRINGS)
        self.needed = [self.string(value) for tag, value in names if tag == _NEEDED]
        self.rpath = self._folders(names, _RPATH)
        self.runpath = self._folders(names, _RUNPATH)

    def _folders(self, names, wanted):
        found = [self.string(value) for tag, value in names if tag == wanted]
        return [part for text in found for part in text.split(":") if part]

    def string(self, index):
        """A name of the string table, at most 4 KiB."""
        if self._strings_at is None or not 0 <= index < max(self._strings_size, 1):
            raise BadElfError("a name outside its table")
        place = self._strings_at + index
        data = self._at(place, min(4096, self.size - place))
        return data.partition(b"\0")[0].decode("utf-8", "replace")

    def symbol_count(self):
        """``(undefined ones come first up to here, all)``; the first is exact with a GNU hash table."""
        if _GNU_HASH in self.tags:
            start = self._offset(self.tags[_GNU_HASH])
            _, first = struct.unpack("<II", self._at(start, 8))
            return min(first, MAX_SYMBOLS)
        if _HASH in self.tags:
            _, count = struct.unpack("<II", self._at(self._offset(self.tags[_HASH]), 8))
            return min(count, MAX_SYMBOLS)
        return 0

    def undefined(self):
        """Names (bytes) of the symbols that other libraries must bring, weak ones left out."""
        if _SYMTAB not in self.tags:
            return []
        each = 24 if self.wide else 16
        start = self._offset(self.tags[_SYMTAB])
        count = min(self.symbol_count(), (self.size - start) // each)
        table = self._at(start, count * each)
        indices = []
        for index in range(1, count):
            place = index * each
            info = table[place + 4] if self.wide else table[place + 12]
            section = table[place + 6:place + 8] if self.wide else table[place + 14:place + 16]
            if section == b"\0\0" and info >> 4 == 1:
                indices.append(struct.unpack_from("<I", table, place)[0])
        if not indices:
            return []
        low, high = min(indices), min(max(indices) + 4096, self._strings_size, self.size - self._strings_at)
        strings = self._at(self._strings_at + low, max(0, high - low))
        return [strings[index - low:strings.find(b"\0", index - low)] for index in indices if index < high]

    def version_needs(self):
        """``{library: [version tags]}`` of DT_VERNEED: what GLIBC_ and GLIBCXX_ levels it asks for."""
        if _VERNEED not in self.tags:
            return {}
        found, place = {}, self._offset(self.tags[_VERNEED])
        for _ in range(min(self.tags.get(_VERNEEDNUM, 0), MAX_VERSIONS)):
            _, count, file, first, step = struct.unpack("<HHIII", self._at(place, 16))
            tags, inner = found.setdefault(self.string(file), []), place + first
            for _ in range(min(count, MAX_VERSIONS)):
                _, flags, _, name, onward = struct.unpack("<IHHII", self._at(inner, 16))
                if not flags & 2:  # a weak need is no need
                    tags.append(self.string(name))
                if onward == 0:
                    break
                inner += onward
            if step == 0:
                break
            place += step
        return found

    def version_names(self):
        """Version tags that this library itself defines (GLIBCXX_3.4.30 ...)."""
        if _VERDEF not in self.tags:
            return set()
        found, place = set(), self._offset(self.tags[_VERDEF])
        for _ in range(min(self.tags.get(_VERDEFNUM, 0), MAX_VERSIONS)):
            _, _, _, _, _, aux, step = struct.unpack("<HHHHIII", self._at(place, 20))
            name, _ = struct.unpack("<II", self._at(place + aux, 8))
            found.add(self.string(name))
            if step == 0:
                break
            place += step
        return found


def gnu_hash(name):
    value = 5381
    for letter in bytearray(name):
        value = (value * 33 + letter) & 0xFFFFFFFF
    return value


class Exports(object):
    """Looks names up in a library's hash table, a few small reads each; the table of symbols is never parsed."""

    def __init__(self, elf):
        self.elf = elf
        self.words = 8 if elf.wide else 4
        self.each = 24 if elf.wide else 16
        if _GNU_HASH not in elf.tags or _SYMTAB not in elf.tags:
            raise BadElfError("no GNU hash table")
        self.start = elf._offset(elf.tags[_GNU_HASH])
        self.symbols = elf._offset(elf.tags[_SYMTAB])
        self.buckets, self.first, self.bloom, self.shift = struct.unpack("<IIII", elf._at(self.start, 16))
        if not 0 < self.buckets < 1 << 26 or not 0 < self.bloom < 1 << 24:
            raise BadElfError("an impossible hash table")
        self.filter = elf._at(self.start + 16, self.bloom * self.words)
        self.bucket_at = self.start + 16 + self.bloom * self.words
        self.chain_at = self.bucket_at + 4 * self.buckets

    def has(self, name, value):
        """Is ``name`` (bytes, with its ``gnu_hash``) defined here?"""
        bits = self.words * 8
        word = (value // bits) % self.bloom * self.words
        mask = int.from_bytes(self.filter[word:word + self.words], "little")
        if not (mask >> (value % bits)) & (mask >> ((value >> self.shift) % bits)) & 1:
            return False
        index, = struct.unpack("<I", self.elf._at(self.bucket_at + 4 * (value % self.buckets), 4))
        if index < self.first:
            return False
        return self._walk(name, value, index)

    def _walk(self, name, value, index):
        place = self.chain_at + 4 * (index - self.first)
        chain = self.elf._at(place, min(64, self.elf.size - place))
        for step in range(MAX_CHAIN):
            if step * 4 + 4 > len(chain):
                chain += self.elf._at(place + len(chain), min(1024, self.elf.size - place - len(chain)))
            have, = struct.unpack_from("<I", chain, step * 4)
            if (have | 1) == (value | 1) and self._named(index + step, name):
                return True
            if have & 1:
                return False
        return False

    def _named(self, index, name):
        data = self.elf._at(self.symbols + index * self.each, self.each)
        section = data[6:8] if self.elf.wide else data[14:16]
        place = self.elf._strings_at + struct.unpack_from("<I", data, 0)[0]
        return section != b"\0\0" and self.elf._at(place, min(len(name) + 1, self.elf.size - place)) == name + b"\0"
