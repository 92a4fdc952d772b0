"""Runs in the target interpreter: one full-size model with random weights, one image after the other, its peaks.

Prints ``MEAS {json}`` lines as it goes, so that a run that is cut off keeps what it has. Nothing is downloaded.
"""

import gc
import importlib.util
import json
import sys
import tempfile
import time
from pathlib import Path

SMOKE = Path(__file__).resolve().parents[2] / "doctor" / "smoke"
TABLE = SMOKE / "architectures.json"
QUANTS = {"nf4": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, "int8": {"load_in_8bit": True}}


def smoke_child():
    spec = importlib.util.spec_from_file_location("smoke_child", SMOKE / "child.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def emit(**row):
    print("MEAS " + json.dumps(row), flush=True)


class Counters:
    """torch's allocator and the device's own figure. ``cuda`` is ``torch.cuda``, or the ledger of a rehearsal."""

    def __init__(self, cuda):
        self.cuda = cuda

    def reset(self):
        gc.collect()
        self.cuda.synchronize()
        self.cuda.empty_cache()
        self.cuda.reset_peak_memory_stats()

    def read(self):
        self.cuda.synchronize()
        free, total = self.cuda.mem_get_info()
        peaks = {"peak": self.cuda.max_memory_allocated(), "reserved": self.cuda.max_memory_reserved()}
        return {"allocated": self.cuda.memory_allocated(), "device_used": total - free, **peaks}


def built(torch, transformers, part, spec):
    """(model in bfloat16 on the device, processor, prompt, configuration)"""
    row = json.loads(TABLE.read_text(encoding="utf-8"))[spec["kind"]]
    config = row["config"]
    processor, prompt, changes = part("processors").make(config)
    shrink = part("shrink")
    if spec["tiny"]:
        config = shrink.shrink(config, (len(processor.tokenizer) + 63) // 64 * 64)
    config = dict(config, **changes)
    (config.get("text_config") or config).update(shrink.TOKENS)
    config.pop("model_type")
    kind = getattr(transformers, row["class"])
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(spec["device"]):
        model = kind(kind.config_class(**config))
    torch.set_default_dtype(torch.float32)
    settled = model.generation_config
    settled.eos_token_id, settled.pad_token_id, settled.bos_token_id = None, 0, 1
    return model.eval().requires_grad_(False), processor, prompt, config


def quantised(torch, transformers, part, kind, folder, spec):
    """The weights in ``folder`` loaded as a user loads them."""
    given = dict(QUANTS[spec["quant"]])
    if "load_in_4bit" in given:
        given["bnb_4bit_compute_dtype"] = torch.bfloat16
    options = part("infer").options(transformers, torch, {"dtype": "bfloat16"})
    options |= {"device_map": {"": spec["device"]}, "quantization_config": transformers.BitsAndBytesConfig(**given)}
    return kind.from_pretrained(folder, **options).eval()


def measure(torch, counters, model, processor, prompt, spec, size):
    from PIL import Image

    picture = Image.new("RGB", tuple(size), (90, 120, 200))
    given = processor(text=prompt, images=picture, return_tensors="pt").to(spec["device"], torch.bfloat16)
    counters.reset()
    began = time.monotonic()
    with torch.inference_mode():
        model.generate(**given, max_new_tokens=spec["new"], min_new_tokens=spec["new"], do_sample=False)
    seconds = round(time.monotonic() - began, 2)
    emit(what="run", size=size, tokens=int(given["input_ids"].shape[1]), seconds=seconds, **counters.read())


def main():
    spec = json.loads(sys.argv[1])
    import torch

    if not spec["tiny"]:
        run(torch, Counters(torch.cuda), spec)
        return
    from ledger import Ledger

    torch.set_num_threads(1)  # threads would only wait for each other
    with Ledger() as ledger:
        run(torch, Counters(ledger), spec)


def run(torch, counters, spec):
    import transformers

    part = smoke_child().part
    torch.ones(1, device=spec["device"])
    emit(what="start", torch=torch.__version__, transformers=transformers.__version__, **counters.read())
    began = time.monotonic()
    model, processor, prompt, config = built(torch, transformers, part, spec)
    parameters = sum(weight.numel() for weight in model.parameters())
    if spec.get("quant"):
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            kind = type(model)
            del model  # else both would be there
            counters.reset()
            model = quantised(torch, transformers, part, kind, folder, spec)
            emit(what="load", **counters.read())
    counters.reset()
    seconds = round(time.monotonic() - began, 1)
    emit(what="weights", parameters=parameters, seconds=seconds, config=config, **counters.read())
    for size in spec["sizes"]:
        measure(torch, counters, model, processor, prompt, spec, size)


if __name__ == "__main__":
    main()
