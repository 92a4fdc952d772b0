"""Compiled extensions that cannot load: judged by file name and ELF headers against what is installed here."""
import os

import dists
import elf
import libsearch
import paths
import torchlib
from patterns import compiled

_TAGGED = r"^(.*?)\.(?:(cpython-\d+[a-z]*|pypy\d+-pp\d+)(?:-[\w-]+)?|(abi3|abi4))\.so$"
# at::, c10::, torch:: and THP names: what only torch's own libraries define.
_TORCH = br"^_Z(?:TI|TV|TS|GV)?(?:NK?|NO|NV)?K?(?:2at|3c10|5torch)|^_Z\d+THP|^THP[A-Z]"
_CUDA_API = br"^(nccl[A-Z]|cudnn[A-Z]|cublas|cusparse|cusolver|cufft|curand|cupti|__?nvJitLink|nvJitLink)"
_CUDART = r"^libcudart\.so\.(\d+)"
_CORE = ("libc10.so", "libtorch_cpu.so", "libtorch_python.so")
_MORE = ("libtorch_cuda.so", "libc10_cuda.so", "libtorch.so", "libtorch_hip.so", "libc10_hip.so",
         "libtorch_cuda_linalg.so", "libtorch_xpu.so", "libc10_xpu.so", "libshm.so")
# Loaded only on demand, one of several, or only where another program is installed: their absence breaks nothing.
OPTIONAL = (
    r"ffmpeg|sox|torchcodec|nvshmem|providers_|tbbpool|omppool|caffe2_nvrtc|nvrtc|mpi|tensorrt|[/_]qt|test"
    r"|torchvision/(image|video_reader)|_tkinter|_imagingtk|cuda_linalg|nocublaslt|libpng|video_reader"
)
# Libraries without a Python tag in their names that their package loads.
PLAIN = (
    r"^(torchvision/_C|torchaudio/lib/(lib|_)torchaudio|torch/lib/libtorch_(cpu|cuda|python)"
    r"|torch/lib/libc10(_cuda)?|llama_cpp/(lib/)?lib(llama|ggml[\w-]*)|torch_\w+/_\w+|\w+/_C|triton/_C/libtriton|detectron2/_C)\.so$"
)
# Distributions of which a missing library is certain to be a fault; others may carry optional parts.
CERTAIN = frozenset("""torch torchvision torchaudio numpy scipy scikit-learn pandas pillow tokenizers safetensors
sentencepiece pyarrow opencv-python opencv-python-headless opencv-contrib-python opencv-contrib-python-headless
pycocotools flash-attn xformers triton auto-gptq autoawq autoawq-kernels exllamav2 llama-cpp-python mmcv mmcv-full
torch-scatter torch-sparse torch-cluster vllm deepspeed detectron2 bitsandbytes matplotlib regex pyyaml
protobuf grpcio av decord lxml shapely h5py gptqmodel sgl-kernel flashinfer-python causal-conv1d mamba-ssm
natten""".split())
AFTER_TORCH = ("bitsandbytes",)  # not linked to torch, but only ever loaded when torch is
PER_DIST = 4  # problems told of one distribution


class Judge(object):
    """Checks libraries one by one; built once a run."""

    def __init__(self, ctx):
        self.target = dists.target(ctx)
        self.torch = torchlib.home(ctx, "torch")
        facts = torchlib.version_file(self.torch)
        self.torch_cuda = facts.get("cuda")
        self.loader = libsearch.Loader(self.target, self.torch, self.target.sites)
        self.tag = own_tag(self.target)
        self._exports = {}
        self._core = None
        self._seen = set()

    def stamp(self):
        return repr((self.tag, self.torch_cuda, self.loader.stamp()))

    def exports(self, path):
        """The library's hash table, ``None`` when it cannot be read."""
        if path not in self._exports:
            try:
                self._exports[path] = elf.Exports(elf.Elf(path))
            except elf.TROUBLE:
                self._exports[path] = None
        return self._exports[path]

    def torch_tables(self):
        """Hash tables of torch's libraries; empty unless all core ones can be read."""
        if self._core is None:
            self._core = []
            places = {name: self._torch_file(name) for name in _CORE + _MORE}
            if self.torch and all(places[name] and self.exports(places[name]) for name in _CORE):
                self._core = [table for table in map(self.exports, filter(None, places.values())) if table]
        return self._core

    def _torch_file(self, name):
        for folder in ([self.loader.torch_lib] if self.torch else []) + self.loader.conda:
            if name in paths.name_set(folder, True):
                return os.path.join(folder, name)
        return None

    def check(self, dist, name):
        """Problems of one library as records without dist and file."""
        path = os.path.join(dist.folder, name)
        try:
            with elf.Elf(path) as lib:
                return self._judge(dist, name, lib)
        except elf.BadElfError as error:
            return [{"problem": "truncated", "wants": str(error)}] if error.truncated else []
        except elf.TROUBLE:
            return []

    def _judge(self, dist, name, lib):
        if self.loader.machine is None:
            self.loader.machine = machine_number()
        if self.loader.machine and lib.machine != self.loader.machine:
            return [{"problem": "other-machine", "wants": elf.MACHINES.get(lib.machine, str(lib.machine)),
                     "has": elf.MACHINES.get(self.loader.machine)}]
        needed = [soname for soname in lib.needed if not compiled(libsearch.NEVER).match(soname)]
        linked = any(soname.startswith(("libtorch", "libc10")) for soname in needed) or dist.name == "torch"
        after = linked or dist.name in AFTER_TORCH
        found = {soname: self.loader.find(soname, lib, after) for soname in needed}
        problems = self._cuda_major(needed) if linked and dist.name != "torch" else []
        told = [problem["library"] for problem in problems]
        if linked or dist.name in CERTAIN:
            problems += [{"problem": "missing-library", "library": soname}
                         for soname in needed if found[soname] is None and soname not in told]
        problems += self._levels(lib)
        if linked:
            problems += self._symbols(dist.name == "torch", lib, found)
        if dist.name == "torch":
            problems += [problem for path in found.values() for problem in self._wheel(path)]
        if lib.exec_stack and self.loader.glibc() >= (2, 41):
            problems.append({"problem": "exec-stack", "has": ".".join(map(str, self.loader.glibc()))})
        return problems

    def _cuda_major(self, needed):
        """The extension asks for the CUDA runtime of another major version than torch's."""
        if not self.torch_cuda:
            return []
        major = self.torch_cuda.partition(".")[0]
        runtimes = [found for found in map(compiled(_CUDART).match, needed) if found]
        return [{"problem": "cuda-major", "library": found.string, "wants": found.group(1), "has": self.torch_cuda}
                for found in runtimes if found.group(1) != major]

    def _levels(self, lib):
        """GLIBC_ and GLIBCXX_ tags that the system's libraries do not have."""
        problems = []
        for soname, tags in lib.version_needs().items():
            if soname.startswith("libstdc++"):
                problems += self._cxx_level(tags)
            elif soname.startswith(("libc.", "libm.", "libpthread.", "libdl.")) and self.loader.glibc():
                levels = [(libsearch.level(tag)[1], tag) for tag in tags if libsearch.level(tag)]
                worst = max(levels) if levels else ((), "")
                if worst[0] > self.loader.glibc():
                    problems.append({"problem": "glibc", "library": soname, "wants": worst[1],
                                     "has": ".".join(map(str, self.loader.glibc()))})
        return problems[:1]

    def _cxx_level(self, tags):
        system = self.loader.libstdcxx()
        if not system:
            return []
        path, have = system
        missing = sorted((libsearch.level(tag)[1], tag) for tag in tags if tag not in have and libsearch.level(tag))
        if not missing:
            return []
        levels = [libsearch.level(tag) for tag in have]
        best = max((level[1] for level in levels if level and level[0] == "GLIBCXX"), default=())
        return [{"problem": "glibcxx", "library": path, "wants": missing[-1][1], "has": ".".join(map(str, best))}]

    def _wheel(self, path):
        """One level further: the CUDA libraries that torch's own bring in (libcusparse asks for libnvJitLink)."""
        if not isinstance(path, str) or path in self._seen or os.path.dirname(path) not in self.loader.nvidia:
            return []
        self._seen.add(path)
        try:
            with elf.Elf(path) as lib:
                needed = [soname for soname in lib.needed if not compiled(libsearch.NEVER).match(soname)]
                found = {soname: self.loader.find(soname, lib, True, self.loader.preloads) for soname in needed}
                problems = [{"problem": "missing-library", "library": name} for name in needed if found[name] is None]
                problems += self._symbols(True, lib, found)
        except elf.TROUBLE:
            return []
        return [dict(problem, file=path) for problem in problems]

    def _symbols(self, own, lib, found):
        """The first symbol nobody defines: torch's for an extension, the CUDA libraries' for torch's ``own``."""
        tables = [] if own else self.torch_tables()
        near = [self.exports(path) for soname, path in found.items()
                if isinstance(path, str) and not (own and soname.startswith(("libtorch", "libc10")))]
        near = [table for table in near if table]
        if None in found.values() or not (own or tables):
            return []  # the missing library is the cause
        for name in lib.undefined():
            if own:
                if not near or not compiled(_CUDA_API).match(name):
                    continue
                providers = near
            elif compiled(_TORCH).match(name):
                providers = tables + near
            else:
                continue
            value = elf.gnu_hash(name)
            if not any(table.has(name, value) for table in providers):
                return [self._undefined(name, found)]
        return []

    def _undefined(self, name, found):
        text = name.decode("utf-8", "replace")
        stem = compiled(_CUDA_API).match(name)
        record = {"problem": "undefined-symbol", "symbol": text}
        if stem:
            word = "lib" + stem.group(1).decode("ascii").lower().strip("_")[:6]
            library = [path for soname, path in found.items() if soname.startswith(word[:7]) and isinstance(path, str)]
            record.update({"library": library[0]} if library else {})
        return record


def own_tag(target):
    """The tag in the names of this Python's extensions: cpython-311, cpython-37m, pypy310-pp73."""
    if not target.version or target.implementation != "cpython":
        return None
    flags = "m" if target.version < (3, 8) else "t" if target.threaded else ""
    return "cpython-%d%d%s" % (target.version[0], target.version[1], flags)


def machine_number():
    """ELF machine of this system, ``None`` when it is not one we know."""
    name = os.uname().machine if hasattr(os, "uname") else ""
    return {text: number for number, text in elf.MACHINES.items()}.get(name)


def other_python(libs, tag):
    """Extensions made for another Python only: ``[(file, its tag)]``."""
    groups = {}
    for name in libs:
        found = compiled(_TAGGED).match(name)
        if found:
            groups.setdefault(found.group(1), []).append((name, found.group(2)))
    wrong = []
    for stem, members in groups.items():
        usable = any(theirs in (None, tag) for _, theirs in members) or stem + ".so" in libs
        if tag and not usable:
            wrong.append(members[0])
    return wrong


def loadable(name, judge):
    """A library that this Python itself would open: tagged for it, or a plain one that we know to be loaded."""
    if judge.torch_cuda and name == "bitsandbytes/libbitsandbytes_cuda%s.so" % judge.torch_cuda.replace(".", ""):
        return True
    if compiled(OPTIONAL).search(name):
        return False
    found = compiled(_TAGGED).match(name)
    if found:
        return found.group(2) in (None, judge.tag)
    return bool(compiled(PLAIN).match(name))


def problems_of(dist, libs, judge):
    """Problem records of one distribution, the first ones of each kind."""
    wrong = other_python(libs, judge.tag)
    found = []
    if wrong:  # one for all; the largest is the one that people read of
        name, theirs = max(wrong, key=lambda one: paths.size(os.path.join(dist.folder, one[0])) or 0)
        found.append({"problem": "other-python", "file": name, "wants": theirs, "has": judge.tag})
    seen = set()
    for name in libs:
        if loadable(name, judge):
            for problem in judge.check(dist, name):
                mark = (problem["problem"], problem.get("library"), problem.get("symbol"))
                if mark not in seen:
                    seen.add(mark)
                    found.append(dict({"file": name}, **problem))
        if len(found) >= PER_DIST:
            break
    return [dict(record, dist=dist.name, file=os.path.join(dist.folder, record["file"])) for record in found[:PER_DIST]]
