"""Which code base this is, told by files that only it has.

Source: the file trees of the public repositories. The first row that fits wins: derived ones stand before their base.
"""
import os

MARKS = (
    ("lisa", ("model/LISA.py",)),
    ("lisa", ("chat.py", "model/segment_anything", "model/llava")),
    ("glamm", ("model/GLaMM.py",)),
    ("pixellm", ("model/PixelLM.py",)),
    ("llava-next", ("llava/model/language_model/llava_qwen.py",)),
    ("llava", ("llava/model/builder.py",)),
    ("llava", ("llava/model/llava_arch.py",)),
    ("llava", ("llava/serve/cli.py",)),
    ("video-llava", ("videollava/model/builder.py",)),
    ("moe-llava", ("moellava",)),
    ("tinyllava", ("tinyllava",)),
    ("sharegpt4v", ("share4v",)),
    ("internvl", ("internvl_chat",)),
    ("internvl", ("internvl/model/internvl_chat",)),
    ("qwen-vl", ("qwen-vl-utils",)),
    ("qwen-vl", ("qwen-vl-finetune",)),
    ("qwen-vl", ("web_demo_mm.py", "openai_api.py")),
    ("minicpm-v", ("omnilmm",)),
    ("minicpm-v", ("web_demo_2.6.py",)),
    ("deepseek-vl2", ("deepseek_vl2",)),
    ("deepseek-vl", ("deepseek_vl",)),
    ("janus", ("janus/models",)),
    ("cogvlm", ("models/cogvlm_model.py",)),
    ("cogvlm", ("utils/models/cogvlm_model.py",)),
    ("minigpt-4", ("minigpt4",)),
    ("mplug-owl", ("mplug_owl",)),
    ("mplug-owl", ("mplug_owl2",)),
    ("cambrian", ("cambrian",)),
    ("lavis", ("lavis/models",)),
    ("fastchat", ("fastchat/serve",)),
)
UP = 3  # folders above the script


def recognise(folder, modules):
    """Name of the code base in ``folder`` or above, else the one whose package the program imports, else None."""
    here = folder
    for _ in range(UP + 1):
        for name, files in MARKS:
            if all(os.path.exists(os.path.join(here, file)) for file in files):
                return name
        parent = os.path.dirname(here)
        if parent == here or os.path.exists(os.path.join(here, ".git")):
            break
        here = parent
    tops = {module.partition(".")[0] for module in modules}
    packages = {"llava": "llava", "internvl": "internvl", "deepseek_vl": "deepseek-vl", "deepseek_vl2": "deepseek-vl2",
                "videollava": "video-llava", "minigpt4": "minigpt-4", "mplug_owl2": "mplug-owl", "lavis": "lavis",
                "qwen_vl_utils": "qwen-vl", "tinyllava": "tinyllava", "fastchat": "fastchat", "janus": "janus"}
    return next((packages[top] for top in sorted(packages) if top in tops), None)
