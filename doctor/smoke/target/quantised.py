"""Tier 6: a tiny layer of every quantised engine that is installed, against the product with its dequantised weights.

The packed formats are those of the engines' own loaders: GPTQ keeps eight 4-bit numbers of one column in an int32, AWQ
eight of one row in the order 0 2 4 6 1 3 5 7.
"""

INNER, OUTER, GROUP, ROWS = 256, 256, 128, 4  # sizes that every kernel takes
BITS, PER_WORD, MIDDLE = 4, 8, 8
AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
TOLERANCE = 3e-2  # of the size: half precision; int8 also rounds the activations
LOSS = {"8 bit": 2e-2, "nf4": 0.15}  # what these codes lose of a normal distribution, with room


def run(teller, settings):
    stack, infer = part("stack"), part("infer")  # noqa: F821 - given by child.part
    installed = [engine for engine in ENGINES if stack.there(engine)]
    if not installed:
        teller.step("engines", 1, lambda: none(teller))
        return
    if teller.step("import torch", 5, lambda: stack.fetch("torch", None)) is None:
        return
    torch = load_torch()  # noqa: F821 - given by child.part
    device = infer.device_of(torch, settings)
    for engine in installed:
        library = teller.step("import " + engine, 5, lambda: stack.fetch_built(teller, engine))
        for name, layer in ENGINES[engine] if library is not None else ():
            teller.step("%s %s on %s" % (engine, name, device), 5, lambda: check(torch, teller, layer, device))


def none(teller):
    raise teller.Skip("no quantised engine is installed (%s)" % ", ".join(ENGINES))


def check(torch, teller, layer, device):
    """``layer`` gives (result, dequantised weights of shape (INNER, OUTER)); the product with these has to agree."""
    torch.manual_seed(0)
    given = torch.randn(ROWS, INNER).to(device=device, dtype=torch.float16 if device != "cpu" else torch.float32)
    with torch.inference_mode():
        result, weights = layer(torch, teller, given)
    exact = given.double().cpu() @ weights.double().cpu()
    error = float((result.reshape(ROWS, OUTER).double().cpu() - exact).norm() / exact.norm())
    if not error < TOLERANCE:  # NaN too
        raise teller.Wrong("off by %.2g of the size of the product with the dequantised weights" % error)
    return "error %.1e against the dequantised product" % error


def bitsandbytes_8(torch, teller, given):
    import bitsandbytes

    layer = bitsandbytes.nn.Linear8bitLt(INNER, OUTER, bias=False, has_fp16_weights=False, threshold=6.0)
    original = torch.randn(OUTER, INNER)
    layer.weight = bitsandbytes.nn.Int8Params(original.half(), requires_grad=False, has_fp16_weights=False)
    layer = layer.to(given.device)
    codes, scales = layer.weight.CB.clone(), layer.weight.SCB.clone()  # the first call moves them away
    weights = codes.double() * scales.double()[:, None] / 127
    kept(teller, "8 bit", weights.cpu(), original)
    return layer(given), weights.T


def bitsandbytes_4(torch, teller, given):
    import bitsandbytes

    layer = bitsandbytes.nn.Linear4bit(INNER, OUTER, bias=False, quant_type="nf4", compute_dtype=given.dtype)
    original = torch.randn(OUTER, INNER)
    layer.weight = bitsandbytes.nn.Params4bit(original.to(given.dtype), requires_grad=False, quant_type="nf4")
    layer = layer.to(given.device)
    weights = bitsandbytes.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    kept(teller, "nf4", weights.double().cpu(), original)
    return layer(given), weights.T


def kept(teller, code, weights, original):
    """The code itself: what is left of the weights."""
    lost = float((weights - original).norm() / original.norm())
    if not lost < LOSS[code]:
        raise teller.Wrong("%s keeps the weights badly: %.2g of their size is lost" % (code, lost))


class Packed:
    """Random 4-bit numbers with a scale a group and column, zero point 8, as both formats store them."""

    def __init__(self, torch, device):
        self.torch = torch
        self.codes = torch.randint(0, 2**BITS, (INNER, OUTER))
        self.scales = (torch.rand(INNER // GROUP, OUTER) * 0.02 + 0.01).half()
        self.weights = (self.codes - MIDDLE) * self.scales.double().repeat_interleave(GROUP, 0)
        self.device = device

    def words(self, columns):
        """Eight columns of numbers below 16 as one int32."""
        total = sum(column.long() << (BITS * at) for at, column in enumerate(columns))
        return self.torch.where(total >= 2**31, total - 2**32, total).to(self.torch.int32).to(self.device)

    def gptq(self, zero):
        """(qweight, qzeros); the older convention stores the zero point less one."""
        weight = self.words([self.codes[at::PER_WORD] for at in range(PER_WORD)])
        return weight, self.zeros(zero)

    def awq(self):
        return self.words([self.codes[:, at::PER_WORD] for at in AWQ_ORDER]), self.zeros(MIDDLE)

    def zeros(self, value):
        column = self.torch.full((INNER // GROUP, OUTER // PER_WORD), value)
        return self.words([column] * PER_WORD)


def filled(layer, packed, pair):
    """The layer's buffers with our numbers."""
    layer.qweight, layer.qzeros = pair
    layer.scales = packed.scales.to(packed.device)
    return layer


def gptqmodel(torch, teller, given):
    from gptqmodel.nn_modules.qlinear import torch as plain

    kind = getattr(plain, "TorchLinear", None) or plain.TorchQuantLinear  # renamed on the way
    options = {"bits": BITS, "group_size": GROUP, "sym": True, "desc_act": False, "bias": False}
    layer = kind(in_features=INNER, out_features=OUTER, pack_dtype=torch.int32, **options)
    packed = Packed(torch, given.device)
    newer = getattr(layer, "REQUIRES_FORMAT_V2", False)
    layer = filled(layer.to(given.device), packed, packed.gptq(MIDDLE if newer else MIDDLE - 1)).eval()
    return layer(given.to(torch.float16)), packed.weights


def auto_gptq(torch, teller, given):
    from auto_gptq.nn_modules.qlinear.qlinear_cuda_old import QuantLinear

    layer = QuantLinear(BITS, GROUP, INNER, OUTER, False, weight_dtype=given.dtype)
    packed = Packed(torch, given.device)
    layer = filled(layer.to(given.device), packed, packed.gptq(MIDDLE - 1)).eval()
    layer.scales = layer.scales.to(given.dtype)
    return layer(given), packed.weights


def awq(torch, teller, given):
    if given.device.type == "cpu":  # its slow way there names variables that do not exist (0.2.7)
        raise teller.Skip("AutoAWQ computes on a GPU only")
    from awq.modules.linear.gemm import WQLinear_GEMM

    layer = WQLinear_GEMM(BITS, GROUP, INNER, OUTER, False, given.device)
    packed = Packed(torch, given.device)
    return filled(layer, packed, packed.awq()).eval()(given.unsqueeze(0)), packed.weights


def exllamav2(torch, teller, given):
    if given.device.type == "cpu":
        raise teller.Skip("ExLlamaV2 computes on a GPU only")
    from exllamav2 import ext

    packed = Packed(torch, given.device)
    weight, zeros = packed.gptq(MIDDLE - 1)
    tensors = {"qweight": weight, "qzeros": zeros, "scales": packed.scales.to(given.device)}
    room = torch.empty(INNER * OUTER + 128, dtype=torch.float16, device=given.device)
    handle = ext.make_q_matrix(tensors, room)
    result = torch.empty(ROWS, OUTER, dtype=torch.float16, device=given.device)
    ext.ext_c.gemm_half_q_half(given, handle, result, False)
    ext.ext_c.free_q_matrix(handle)
    return result, packed.weights


ENGINES = {
    "bitsandbytes": (("8 bit", bitsandbytes_8), ("nf4", bitsandbytes_4)),
    "gptqmodel": (("4 bit", gptqmodel),),
    "auto_gptq": (("4 bit", auto_gptq),),
    "awq": (("4 bit", awq),),
    "exllamav2": (("4 bit", exllamav2),),
}
