"""torch and the packages built against it, by their files: version.py, library names, one look into libc10."""
import os
import re

import dists
import elf
import paths
from patterns import compiled

_ASSIGN = r"(?m)^(__version__|cuda|hip|xpu)\s*(?::[^=\n]+)?=\s*(?:(['\"])([^'\"\n]*)\2|None)\s*$"
_BNB = r"^libbitsandbytes_cuda(\d{3,4})(?:_nocublaslt)?(?:\d+)?\.(?:so|dll)$"
_CUDART = r"^libcudart\.so\.(\d+)(?:\.(\d+))?$"
# c10::detail::torchCheckFail takes a std::string: its spelling tells which string libc10 was built with.
_NEW_ABI = b"_ZN3c106detail14torchCheckFailEPKcS2_jRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
_OLD_ABI = b"_ZN3c106detail14torchCheckFailEPKcS2_jRKSs"


def home(ctx, module):
    """Folder of an importable package in the environment (not one in the working folder), or ``None``."""
    for folder, where in dists.listing(ctx).order:
        if where != "stdlib" and module in paths.quiet_names(folder, dists.target(ctx).own(folder)):
            place = os.path.join(folder, module)
            if os.path.isdir(place):
                return place
    return None


def version_file(folder):
    """``{name: text or None}`` of a generated version.py; empty when there is none."""
    body = paths.text(os.path.join(folder, "version.py")) if folder else None
    return {name: value or None for name, _, value in compiled(_ASSIGN).findall(body)} if body else {}


def local_cuda(version):
    """``12.1`` of ``2.1.0+cu121``; ``None`` without such a tag."""
    found = re.search(r"\+(?:\w+[._])?cu(\d+)(\d)(?!\d)", version or "")
    return "%s.%s" % found.groups() if found else None


def read_torch(ctx):
    """torch.*; every fact is absent when torch is not there."""
    folder = home(ctx, "torch")
    names = ("version", "cuda", "hip", "build", "cxx11_abi", "package", "arch_list")
    if folder is None:
        return {"torch." + name: None for name in names}
    facts = version_file(folder)
    dist = dists.listing(ctx).seen.get("torch")
    version = facts.get("__version__") or (dist.version if dist else None)
    found = {"torch.version": version, "torch.package": package(dist, version)}
    found["?torch.arch_list"] = "left open: no file of torch says it; the fact tables know it by version"
    if facts:
        cuda, hip = facts.get("cuda"), facts.get("hip")
        found["torch.cuda"], found["torch.hip"] = cuda, hip
        found["torch.build"] = "cuda" if cuda else "rocm" if hip else "xpu" if facts.get("xpu") else "cpu"
    abi = cxx11_abi(folder)
    if abi is not None:
        found["torch.cxx11_abi"] = abi
    return {name: value for name, value in found.items() if value is not None or name in ("torch.cuda", "torch.hip")}


def package(dist, version):
    """Who packed this torch: pip, conda, nvidia (the containers' own builds) or source."""
    local = (version or "").partition("+")[2]
    if "nv" in local:
        return "nvidia"
    installer = (paths.text(dist.path("INSTALLER"), 200) or "").strip() if dist and dist.kind == "dist-info" else ""
    if installer == "conda":
        return "conda"
    commit = local.startswith("git") or (len(local) > 6 and not local.strip("0123456789abcdef"))
    if commit or (dist and dist.where == "pth"):
        return "source"
    return "pip" if dist else None


def cxx11_abi(folder):
    """Which std::string libc10 takes; ``None`` when it does not tell."""
    try:
        with elf.Elf(os.path.join(folder, "lib", "libc10.so")) as lib:
            table = elf.Exports(lib)
            if table.has(_NEW_ABI, elf.gnu_hash(_NEW_ABI)):
                return True
            return False if table.has(_OLD_ABI, elf.gnu_hash(_OLD_ABI)) else None
    except elf.TROUBLE:
        return None


def built_for(folder, libraries):
    """CUDA version of a compiled package: its version's local tag, else the major that its library asks for."""
    version = version_file(folder).get("__version__")
    if version and "+cpu" in version:
        return None
    tag = local_cuda(version)
    if tag:
        return tag
    for name in libraries:
        try:
            with elf.Elf(os.path.join(folder, name)) as lib:
                for needed in lib.needed:
                    found = compiled(_CUDART).match(needed)
                    if found:
                        return found.group(1)
        except elf.TROUBLE:
            continue
    return None


def read_family(ctx):
    """torchvision.* and torchaudio.cuda; absent when the package is not there or is a CPU build."""
    vision, audio = home(ctx, "torchvision"), home(ctx, "torchaudio")
    cuda = built_for(vision, ("_C.so",)) if vision else None
    build = ("cuda" if cuda else "cpu") if vision else None
    sound = built_for(audio, ("lib/libtorchaudio.so", "lib/_torchaudio.so")) if audio else None
    return {"torchvision.cuda": cuda, "torchvision.build": build, "torchaudio.cuda": sound}


def read_backends(ctx):
    """What bitsandbytes and llama-cpp-python carry; absent when they are not there."""
    facts = {"bnb.cuda_binaries": None, "bnb.cpu_binary": None, "llama_cpp.cuda": None}
    folder = home(ctx, "bitsandbytes")
    if folder:
        names = paths.quiet_names(folder, True)
        digits = {found.group(1) for found in map(compiled(_BNB).match, names) if found}
        facts["bnb.cuda_binaries"] = ["%s.%s" % (text[:-1], text[-1]) for text in sorted(digits, key=int)]
        facts["bnb.cpu_binary"] = any(name.startswith("libbitsandbytes_cpu.") for name in names)
    folder = home(ctx, "llama_cpp")
    if folder:
        facts["llama_cpp.cuda"] = _llama_cuda(folder)
    return facts


def _llama_cuda(folder):
    names = paths.quiet_names(os.path.join(folder, "lib"), True)
    if any(re.match(r"(lib)?ggml[-_]cuda\.(so|dll|dylib)", name) for name in names):
        return True
    for place in (os.path.join(folder, "lib", "libllama.so"), os.path.join(folder, "libllama.so")):
        try:
            with elf.Elf(place) as lib:
                if any(compiled(_CUDART).match(name) or name.startswith("libcublas") for name in lib.needed):
                    return True
        except elf.TROUBLE:
            continue
    return False
