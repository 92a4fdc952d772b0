"""The target interpreter and what is installed for it (see README.md)."""
import about
import conda
import damage
import dists
import nvidia
import pbcode
import pipconf
import shadows
import torchlib
from wire import Group

GROUPS = [
    Group(about.NAMES, about.read),
    Group(("dist.*",), dists.read_versions),
    Group((), dists.check_complete, closes=("dist",)),
    Group(("torch.version", "torch.cuda", "torch.hip", "torch.build", "torch.cxx11_abi", "torch.package",
           "torch.arch_list"),
          torchlib.read_torch),
    Group(("torchvision.cuda", "torchvision.build", "torchaudio.cuda"), torchlib.read_family),
    Group(("bnb.cuda_binaries", "bnb.cpu_binary", "llama_cpp.cuda"), torchlib.read_backends),
    Group(("python.unmet",), dists.unmet),
    Group(("python.requires", "python.needs_python"), dists.read_requires),
    Group(("python.duplicates",), dists.read_duplicates),
    Group(("python.leftovers",), dists.read_leftovers),
    Group(("dists",), dists.read_records),
    Group(("python.nvidia_wheels", "python.nvidia_pins"), nvidia.read),
    Group(("python.protobuf_code",), pbcode.read),
    Group(conda.NAMES, conda.read),
    Group(("python.free_env",), conda.read_free),
    Group(("python.shadows",), shadows.read),
    Group(("pip.version", "pip.config", "pip.index"), pipconf.read),
    Group(("pip.on_path_prefix", "pip.on_path_foreign", "pip.on_path_python"), pipconf.read_on_path),
    Group(("python.lock",), about.lock),
    Group(("python.corrupt",), damage.read_corrupt),
    Group(("python.overlaps",), damage.read_overlaps),
    Group(("python.foreign",), damage.read_foreign),
    Group(("ext.problems",), damage.read_extensions),
]
