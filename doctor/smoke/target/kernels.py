"""Tier 1: the kernels a VLM needs, on each device, in each precision, against float64 on the CPU."""

import time
import warnings

# Allowed relative Frobenius error: fp32 leaves room for TF32, which keeps 10 bits of the mantissa.
TOLERANCE = {"float32": 2e-3, "float16": 2e-2, "bfloat16": 6e-2}
COPIED = 8 << 20  # bytes of the copy test


def run(teller, settings):
    torch = load_torch()  # noqa: F821 - given by child.part
    teller.step("devices", 2, lambda: devices_seen(torch, teller, settings))
    reference = None
    for device in devices(torch, settings):
        if reference is None:
            reference = Reference(torch)
        before = free_memory(torch, device)
        for name in TOLERANCE:
            needed = device != "cpu" or settings.get("dtype") == name  # what the user asks for has to be there
            teller.step("%s %s" % (device, name), 3, lambda: kernels(torch, teller, reference, device, name, needed))
        if not device.startswith("cpu"):
            teller.step("%s copies" % device, 2, lambda: copies(torch, teller, device))
            teller.step("%s memory" % device, 1, lambda: memory(torch, device, before))


def devices(torch, settings):
    """The asked device, else the CPU and everything that torch sees."""
    if settings.get("device"):
        return [settings["device"]]
    found = ["cpu"]
    if torch.cuda.is_available():
        found += ["cuda:%d" % index for index in range(torch.cuda.device_count())]
    mps = getattr(torch.backends, "mps", None)
    if mps is not None and mps.is_available():
        found.append("mps")
    xpu = getattr(torch, "xpu", None)
    if xpu is not None and xpu.is_available():
        found += ["xpu:%d" % index for index in range(xpu.device_count())]
    return found


def devices_seen(torch, teller, settings):
    """A machine with GPUs whose torch sees none fails here, with the error that a program gets."""
    seen = devices(torch, settings)
    wants_cuda = str(settings.get("device") or "").startswith("cuda")
    if wants_cuda or (settings.get("gpus") and not settings.get("device")):
        warnings.simplefilter("always")
        torch.zeros(1, device=settings.get("device") or "cuda")
    return ", ".join(describe(torch, device) for device in seen)


def describe(torch, device):
    if not device.startswith("cuda"):
        return device
    facts = torch.cuda.get_device_properties(device)
    return "%s %s sm_%d%d %d MiB" % (device, facts.name, facts.major, facts.minor, facts.total_memory >> 20)


class Reference:
    """Inputs and results in float64; sizes of a small vision tower."""

    def __init__(self, torch):
        generator = torch.Generator().manual_seed(0)

        def made(*shape):
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        functional = torch.nn.functional
        self.cases = {
            "matmul": (torch.matmul, (made(256, 320), made(320, 192))),
            "conv2d": (lambda x, w: functional.conv2d(x, w, stride=14), (made(2, 3, 56, 56), made(16, 3, 14, 14))),
            "attention": (
                lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, is_causal=True),
                (made(1, 4, 128, 64), made(1, 4, 128, 64), made(1, 4, 128, 64)),
            ),
            "layer_norm": (
                lambda x, w, b: functional.layer_norm(x, (512,), w, b),
                (made(64, 512), made(512), made(512)),
            ),
        }
        self.results = {name: call(*given) for name, (call, given) in self.cases.items()}


def kernels(torch, teller, reference, device, name, needed):
    """All operations in one precision; the first one that is wrong, or not there but needed, ends it."""
    dtype = getattr(torch, name)
    worst, skipped = 0.0, []
    for operation, (call, given) in reference.cases.items():
        try:
            result = call(*[tensor.to(device=device, dtype=dtype) for tensor in given])
        except (RuntimeError, NotImplementedError) as error:
            if needed or "not implemented for" not in str(error):
                raise
            skipped.append(operation)  # older CPU builds lack half precision: a limit, not a fault
            continue
        exact = reference.results[operation]
        error = float((result.double().cpu() - exact).norm() / exact.norm())
        if not error < TOLERANCE[name]:  # NaN too
            raise teller.Wrong("%s in %s on %s is off by %.2g of its size" % (operation, name, device, error))
        worst = max(worst, error)
    if skipped and len(skipped) == len(reference.cases):
        raise teller.Skip("this torch has no %s on the CPU" % name)
    without = "; not on the CPU: " + ", ".join(skipped) if skipped else ""
    return "largest error %.1e%s" % (worst, without)


def copies(torch, teller, device):
    data = torch.randint(0, 255, (COPIED,), dtype=torch.uint8)
    began = time.monotonic()
    back = data.to(device).cpu()
    seconds = time.monotonic() - began
    if not bool((data == back).all()):
        raise teller.Wrong("bytes copied to %s and back are not the same" % device)
    return "%.0f MB/s there and back" % (2 * COPIED / 1e6 / max(seconds, 1e-6))


def free_memory(torch, device):
    """Free bytes of a CUDA device, or None. Makes a CUDA context, which this child may."""
    if not device.startswith("cuda"):
        return None
    try:
        return torch.cuda.mem_get_info(device)[0]
    except (RuntimeError, AssertionError):  # the kernels' own steps will tell
        return None


def memory(torch, device, before):
    if before is None:
        return ""
    torch.cuda.empty_cache()
    after = torch.cuda.mem_get_info(device)[0]
    peak = torch.cuda.max_memory_allocated(device)
    return "free %d MiB before, %d MiB after, peak of tensors %d MiB" % (before >> 20, after >> 20, peak >> 20)
