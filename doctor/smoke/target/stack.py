"""Tier 0: every library of the stack is imported, its lazy parts touched."""

import importlib
import importlib.util
import sys

# (module, name inside it or None, usual seconds). Lazy packages import fine and break when a name is touched.
STACK = (
    ("numpy", None, 1),
    ("PIL.Image", None, 1),
    ("torch", None, 5),
    ("torchvision", None, 3),
    ("torchaudio", None, 2),
    ("tokenizers", None, 1),
    ("safetensors.torch", None, 1),
    ("huggingface_hub", "hf_hub_download", 2),
    ("transformers", "AutoConfig", 4),
    ("transformers", "AutoProcessor", 8),
    ("transformers", "PreTrainedModel", 8),
    ("accelerate", None, 3),
    ("bitsandbytes", None, 4),
    ("peft", None, 5),
    ("timm", None, 4),
    ("flash_attn", None, 3),
    ("xformers", None, 2),
    ("sentencepiece", None, 1),
    ("cv2", None, 2),
    ("scipy", None, 1),
    ("sklearn", None, 4),
    ("pandas", None, 3),
    ("pyarrow", None, 2),
    ("matplotlib.transforms", None, 2),  # its compiled part; pyplot would write a font cache
    ("pycocotools.mask", None, 1),
    ("diffusers", None, 3),
    ("einops", None, 1),
    ("triton", None, 2),
    ("decord", None, 2),
    ("av", None, 1),
    ("qwen_vl_utils", None, 3),
    ("gptqmodel", None, 8),
    ("auto_gptq", None, 8),
    ("awq", None, 8),
    ("exllamav2", None, 8),
    ("llama_cpp", None, 2),
)
COMPILED = {"exllamav2": "exllamav2_ext"}  # what these compile at their first import, for minutes, into the home folder
NEEDED = ("numpy", "PIL", "torch", "transformers")  # without them nothing can run; the others only where installed


def run(teller, settings):
    for module, name, usual in STACK:
        top = module.partition(".")[0]
        if top in NEEDED or there(top):
            label = "import " + module if name is None else "%s.%s" % (module, name)
            teller.step(label, usual, lambda: fetch_built(teller, module, name))
    if "torch" in sys.modules and "numpy" in sys.modules:
        teller.step("torch with numpy", 1, bridge)


def there(module):
    """Whether the import system sees it; what it looks like is the step's matter."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError, AttributeError):
        return True


def fetch(module, name):
    """Imports it the way a user's program does, torch through its one door."""
    if module == "torch":
        return about_torch(load_torch())  # noqa: F821 - given by child.part
    loaded = importlib.import_module(module)
    if name is not None:
        getattr(loaded, name)
    if module == "torchvision":
        compiled_ops(loaded)
    if getattr(loaded, "__spec__", None) is not None and loaded.__spec__.origin is None and name is None:
        raise empty_folder(module, loaded)
    return str(getattr(loaded, "__version__", ""))


def fetch_built(teller, module, name=None):
    """The import, unless it would begin to compile."""
    if module in COMPILED and not there(COMPILED[module]):
        raise teller.Skip("%s compiles its kernels when it is first imported; that is not tried here" % module)
    return fetch(module, name)


def bridge():
    """Every image takes this way; a torch that was built for another numpy only warns at its import."""
    torch = load_torch()  # noqa: F821 - given by child.part
    if hasattr(torch, "from_numpy"):
        torch.zeros(1).numpy()


def compiled_ops(torchvision):
    """Its compiled part, which fails only when it is called: the import swallows that."""
    torch = load_torch()  # noqa: F821 - given by child.part
    torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)


def empty_folder(module, loaded):
    places = list(getattr(loaded, "__path__", []))
    return ImportError("%s is an empty folder without __init__.py: %s" % (module, ", ".join(places)))


def about_torch(torch):
    build = torch.version.cuda or getattr(torch.version, "hip", None) or "cpu"
    return "%s (%s)" % (torch.__version__, build)
