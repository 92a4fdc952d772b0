"""Where the dynamic loader would find a library that an extension names, and what the system's C and C++ libraries are.

Nothing is loaded: folders are listed, /etc/ld.so.cache is searched as bytes.
"""
import os
import re

import elf
import itself
import paths
from patterns import compiled

# The driver's own libraries come and go with the driver, not with the environment; the loader brings itself.
NEVER = r"^(ld-linux|ld-musl|linux-vdso|libcuda\.so|libnvidia-|libnvcuvid|libpython3\.so)"
_TAG = r"^(GLIBC|GLIBCXX|CXXABI|GCC)_(\d+(?:\.\d+)*)$"
CACHE_CAP = 8 << 20
_ARCH = (os.uname().machine if hasattr(os, "uname") else "") + "-linux-gnu"
_SYSTEM = ("/lib64", "/usr/lib64", "/lib/" + _ARCH, "/usr/lib/" + _ARCH, "/lib", "/usr/lib", "/usr/local/lib")


def level(tag):
    """``("GLIBCXX", (3, 4, 30))`` of a version tag; ``None`` for private and odd ones."""
    found = compiled(_TAG).match(tag)
    return (found.group(1), tuple(int(part) for part in found.group(2).split("."))) if found else None


class Loader(object):
    """The library search of programs of one environment."""

    def __init__(self, target, torch_home, sites):
        self.target = target
        value = target.env.get("LD_LIBRARY_PATH") or ""
        self.from_env = [part for part in value.split(":") if part.startswith("/")]
        self.conda = [os.path.join(target.prefix, "lib")] if target.conda else []
        self.torch_lib = os.path.join(torch_home, "lib") if torch_home else None
        self.nvidia = _nvidia_folders(sites)
        self.base_lib = os.path.join(target.base_prefix or target.prefix, "lib")
        self.cache = paths.read("/etc/ld.so.cache", CACHE_CAP) or b""
        self.machine = None
        self._libc = None
        self._libstdcxx = False
        self.preloads = self._preloads(torch_home)

    def _preloads(self, torch_home):
        """This torch opens libnvJitLink and its like by path, so that LD_LIBRARY_PATH has no say (since 2.6)."""
        if not torch_home or not self.from_env:
            return False
        body = paths.read(os.path.join(torch_home, "__init__.py"), 1 << 20) or b""
        return b"Workaround slim-wheel" in body

    def torch_folders(self):
        """What torch has already loaded, or would by its own search path, when an extension built on it comes."""
        return ([self.torch_lib] if self.torch_lib else []) + self.nvidia

    def find(self, name, lib, with_torch, preloaded=False):
        """Path of a needed library, ``True`` when the system's cache knows it, ``None`` when it is nowhere.

        ``with_torch``: torch's own libraries are loaded before; ``preloaded``: torch opens the CUDA ones by path.
        """
        if "/" in name:
            return name if os.path.exists(name) else None
        own = os.path.dirname(lib.path)
        if preloaded:
            for folder in self.torch_folders():
                if name in _listed(folder):
                    return os.path.join(folder, name)
        order = [] if lib.runpath else [_expand(part, own) for part in lib.rpath]
        order += self.conda if not lib.runpath else []
        order += self.from_env + [_expand(part, own) for part in lib.runpath]
        # torch's packages load their own libraries one after the other, so a neighbour is there already
        order += (self.torch_folders() + [own] if with_torch else []) + self.conda
        for folder in order:
            if name in paths.name_set(folder, folder not in self.from_env):
                path = os.path.join(folder, name)
                if os.path.exists(path):
                    return path
        return self._in_system(name)

    def _in_system(self, name):
        key = name.encode("utf-8", "replace") + b"\0"  # a key may be the tail of its own path
        if b"/" + key in self.cache or b"\0" + key in self.cache:
            return True
        for folder in _SYSTEM + (self.base_lib,):
            if name in _listed(folder):
                return os.path.join(folder, name)
        return None

    def libstdcxx(self):
        """``(path, set of its version tags)`` of the libstdc++ that is loaded first, or ``None``."""
        if self._libstdcxx is False:
            self._libstdcxx = None
            for path in self._candidates("libstdc++.so.6"):
                try:
                    with elf.Elf(path) as lib:
                        tags = lib.version_names()
                except elf.TROUBLE:
                    continue
                if self.machine in (None, lib.machine) and tags:
                    self._libstdcxx = (path, tags)
                    break
        return self._libstdcxx

    def _candidates(self, name):
        for folder in self.conda + self.from_env:
            if name in paths.name_set(folder):
                yield os.path.join(folder, name)
        pattern = b"(/[^\0]*/" + re.escape(name.encode("ascii")) + b")\0"
        for found in re.findall(pattern, self.cache):
            yield found.decode("utf-8", "replace")
        for folder in _SYSTEM:
            yield os.path.join(folder, name)

    def glibc(self):
        """Version of the running C library as a tuple; ``()`` where it is not glibc."""
        if self._libc is None:
            text = self.target.told["libc"] if self.target.told else itself.libc()
            self._libc = tuple(int(part) for part in re.findall(r"\d+", text.rpartition(" ")[2])[:3])
        return self._libc

    def stamp(self):
        """Changes whenever an answer of this loader may change."""
        parts = [self.from_env, self.conda, len(self.cache), self.glibc()]
        for folder in self.torch_folders() + self.from_env + self.conda:
            parts.append((folder, paths.mtime(folder)))
        if self.torch_lib:
            parts += [(name, paths.mtime(os.path.join(self.torch_lib, name)))
                      for name in ("libc10.so", "libtorch_cpu.so", "libtorch_cuda.so", "libtorch_python.so")]
        parts.append(paths.mtime("/etc/ld.so.cache"))
        return repr(parts)


def _expand(part, own):
    return os.path.normpath(part.replace("$ORIGIN", own).replace("${ORIGIN}", own))


def _listed(folder):
    """Names in a folder of the system or the environment."""
    return paths.name_set(folder, True)


def _nvidia_folders(sites):
    found = []
    for site in sites:
        root = os.path.join(site, "nvidia")
        for name in sorted(paths.quiet_names(root, True)):
            folder = os.path.join(root, name, "lib")
            if paths.quiet_names(folder, True):
                found.append(folder)
    return found
