"""Predicted against measured memory of full-size models with random weights, on one card.

``run`` starts a child of the target for each model, prints each figure as it comes and writes the record after each
model, so that a run that ends early keeps what it has.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from doctor.fit import estimate
from doctor.fit.count import describe
from doctor.fit.shapes import MIB, Request

CHILD = str(Path(__file__).with_name("gpu_child.py"))
NEW = 32  # tokens generated
LONGEST = 150.0  # seconds for one model
ENOUGH = 20.0  # seconds under which no further model is begun


class Case(NamedTuple):
    """A model type of architectures.json, its quantisation, and the pictures shown."""

    kind: str
    quant: str | None
    sizes: tuple[tuple[int, int], ...]


# The most telling first, since the time may not be enough for all.
PLAN = (
    Case("qwen2_5_vl", None, ((448, 448), (1024, 768), (1920, 1080))),
    Case("llava", None, ((336, 336),)),
    Case("qwen2_vl", "nf4", ((1024, 768),)),
    Case("qwen2_vl", "int8", ((1024, 768),)),
    Case("qwen3_vl", None, ((1024, 768), (1920, 1080))),
    Case("internvl", None, ((448, 448), (1024, 768))),
    Case("llava_next", None, ((336, 336), (672, 672))),
    Case("mllama", None, ((1024, 768),)),
    Case("llava_onevision", None, ((1024, 768),)),
    Case("llava", "nf4", ((336, 336),)),
    Case("llava", "int8", ((336, 336),)),
    Case("idefics3", None, ((1024, 768),)),
    Case("smolvlm", None, ((1024, 768),)),
    Case("paligemma", None, ((448, 448),)),
    Case("blip-2", None, ((448, 448),)),
    Case("qwen2_vl", None, ((1024, 768), (1920, 1080))),
)


class Lab:
    """One run over some cases. ``device`` "cpu" rehearses with shrunken models and counts their tensors."""

    def __init__(self, target: str, device: str, out: Path, seconds: float) -> None:
        self.target, self.device, self.out = target, device, out
        self.end = time.monotonic() + seconds
        self.rows = []
        self.skipped = []
        self.versions = {}

    def run(self, cases=PLAN, about=None):
        for case in cases:
            left = self.end - time.monotonic()
            if left < ENOUGH:
                self.skipped.append(f"{case.kind} {case.quant or 'bf16'}: no time left")
                continue
            self.one(case, min(left, LONGEST))
            self.write(about or {})
        return self.rows

    def one(self, case: Case, seconds: float) -> None:
        tiny = self.device == "cpu"
        spec = {"kind": case.kind, "quant": case.quant, "sizes": case.sizes, "device": self.device, "new": NEW, "tiny": tiny}
        said, why = talk([self.target, CHILD, json.dumps(spec)], seconds)
        start = next((row for row in said if row["what"] == "start"), {})
        self.versions = {key: start[key] for key in ("torch", "transformers") if key in start} or self.versions
        weights = next((row for row in said if row["what"] == "weights"), None)
        for row in said:
            if row["what"] == "run" and weights is not None:
                self.rows.append(beside(case, weights, row, self.versions["transformers"]))
                show(self.rows[-1])
        if why:
            self.skipped.append(f"{case.kind} {case.quant or 'bf16'}: {why}")
            print("  failed:", self.skipped[-1], flush=True)

    def write(self, about) -> None:
        source = "tests/smoke/gpulab.py: full-size models, random weights, one image, greedy, peak of torch's allocator"
        record = {**about, **self.versions, "source": source, "skipped": self.skipped}
        lines = ",\n".join(json.dumps(row) for row in self.rows)
        head = json.dumps(record, indent=1)[:-2]
        self.out.write_text(f'{head},\n "rows": [\n{lines}\n]\n}}\n', encoding="utf-8", newline="\n")


def talk(argv, seconds):
    """(MEAS rows, why it went wrong or "")"""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False)
        out, why = done.stdout, last(done.stderr) if done.returncode else ""
        why = why or (f"ended with status {done.returncode}" if done.returncode else "")
    except subprocess.TimeoutExpired as error:
        out = error.stdout or ""
        out = out.decode("utf-8", "replace") if isinstance(out, bytes) else out
        why = f"not done after {seconds:.0f} s"
    return [json.loads(line[5:]) for line in out.splitlines() if line.startswith("MEAS ")], why


def last(text):
    lines = text.strip().splitlines()
    return lines[-1][:300] if lines else ""


def beside(case, weights, run, transformers):
    """One row of the record: our estimate beside what came."""
    model = describe(case.kind, {**weights["config"], "model_type": case.kind})
    asked = Request(dtype="bf16", quant=case.quant, images=(run["size"],), prompt=0, new=NEW, transformers=transformers)
    words = max(1, run["tokens"] - estimate(model, asked).image_tokens)
    asked = Request(dtype="bf16", quant=case.quant, images=(run["size"],), prompt=words, new=NEW, transformers=transformers)
    budget = estimate(model, asked)
    held = budget.of("weights")
    working = max(size for phase, size in budget.phases.items() if phase != "load")
    row = {"model": case.kind, "quant": case.quant or "bf16", "size": list(run["size"]), "tokens": run["tokens"]}
    row |= {"estimated_tokens": budget.tokens, "parameters": weights["parameters"], "estimated_parameters": model.params}
    row |= {"weights": weights["allocated"], "estimated_weights": held, "peak": run["peak"], "estimated_peak": held + working}
    row |= {"reserved": run["reserved"], "device_used": run["device_used"], "estimated_total": budget.total, "seconds": run["seconds"]}
    row["error"] = round((held + working) / run["peak"] - 1, 4)
    return row


def show(row):
    peaks = " ".join(f"{key} {row[key] / MIB:.0f}" for key in ("peak", "estimated_peak", "reserved", "device_used", "estimated_total"))
    error = f"{100 * row['error']:+.2f} %"
    size = "x".join(map(str, row["size"]))
    print(f"  {row['model']} {row['quant']} {size} {row['tokens']} tokens, MiB: {peaks} {error} {row['seconds']} s", flush=True)


def card():
    """{name, driver, total_mib} of the first GPU, by nvidia-smi."""
    argv = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader,nounits"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    name, driver, total = (word.strip() for word in done.stdout.splitlines()[0].split(","))
    return {"card": name, "driver": driver, "memory_mib": int(total)}


def file_name(name):
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


if __name__ == "__main__":
    target, device, place = sys.argv[1:4]
    Lab(target, device, Path(place), 600.0).run()
