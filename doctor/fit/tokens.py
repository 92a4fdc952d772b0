"""How many tokens an image or video becomes, and how many patches the tower sees: the processors' own rules.

The counts for images were checked against the processors of transformers 5.23 (fixtures/vram/image_tokens.json).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from doctor.fit.config import Config
from doctor.fit.shapes import Model, Tower
from doctor.model.numbers import whole

Size = tuple[int, int]  # width, height


@dataclass(frozen=True, slots=True)
class Seen:
    """What one image (or video) costs. ``longest`` is the longest sequence inside the tower's attention."""

    tokens: int
    patches: int
    calls: int  # sequences of ``longest`` that the tower computes at once
    longest: int
    pixels: int  # numbers in pixel_values
    how: str


def image(model: Model, size: Size) -> Seen | None:
    """One image, None where the family's rule is not known."""
    tower = model.vision
    rule = RULES.get("pixtral" if tower and tower.kind == "pixtral" else model.family)
    if tower is None or rule is None:
        return None
    return rule(model, tower, size)


def video(model: Model, clip: tuple[int, int, int]) -> Seen | None:
    """A clip of (frames, width, height). Families without a rule of their own take frames as images."""
    frames, width, height = clip
    tower = model.vision
    if tower is None:
        return None
    if tower.merge > 1:
        return _dynamic_video(model, tower, clip)
    one = _frame(model, tower, (width, height))
    if one is None:
        return None
    tokens = one.tokens * frames + (1 if model.family == "llava_onevision" else 0)
    calls = one.calls * frames
    return Seen(tokens, one.patches * frames, calls, one.longest, one.pixels * frames, f"{frames} x {one.how}")


def _frame(model: Model, tower: Tower, size: Size) -> Seen | None:
    """One frame: InternVL, SmolVLM and LLaVA-OneVision do not cut frames into tiles."""
    if model.family == "llava_onevision":
        pooled = math.ceil(tower.grid / 2) ** 2
        return _tiles(tower, 1, pooled, f"{tower.side}x{tower.side} pooled")
    if model.family in ("internvl", "internvl_chat"):
        return _tiles(tower, 1, _intern_tokens(model, tower), f"{tower.side}x{tower.side}")
    if model.family in ("smolvlm", "idefics3"):
        return _tiles(tower, 1, tower.grid**2 // model.config.number("scale_factor") ** 2, "one tile")
    return image(model, size)


def _tiles(tower: Tower, count: int, tokens: int, how: str) -> Seen:
    """``count`` tiles of the tower's fixed size."""
    return Seen(tokens, count * tower.tokens, count, tower.tokens, count * 3 * tower.side**2, how)


def rounded_size(size: Size, factor: int, low: int, high: int) -> Size:
    """Sides that are multiples of ``factor``, between ``low`` and ``high`` pixels in all, near the given shape."""
    width, height = size
    w, h = (round(side / factor) * factor for side in (width, height))
    if w * h > high:
        scale = math.sqrt(width * height / high)
        w, h = (max(factor, math.floor(side / scale / factor) * factor) for side in (width, height))
    elif w * h < low:
        scale = math.sqrt(low / (width * height))
        w, h = (math.ceil(side * scale / factor) * factor for side in (width, height))
    return w, h


# min_pixels and max_pixels of a family's processor; GLM's limits are of two frames
LIMITS = {
    "qwen3": (65536, 16777216), "glm": (112 * 112 // 2, 28 * 28 * 15000 // 2), "paddleocr_vl": (384**2, 1536**2),
    "video_llama_3": (56 * 56, 28 * 28 * 1280),
}  # fmt: skip
GROWS = ("glm", "paddleocr_vl")  # sides below one step are scaled up before anything else


def pixel_limits(model: Model, tower: Tower) -> tuple[int, int]:
    """min_pixels and max_pixels of the processor, else of the published checkpoints of the family."""
    size = model.pre.sub("size") or Config({})
    low, high = LIMITS.get(tower.kind) or LIMITS.get(model.family) or (3136, 12845056)
    shared = 2 if tower.kind == "glm" else 1
    least = model.pre.maybe("min_pixels") or size.maybe("min_pixels", "shortest_edge")
    most = model.pre.maybe("max_pixels") or size.maybe("max_pixels", "longest_edge")
    return (least // shared if least else low, most // shared if most else high)


def _grown(size: Size, factor: int) -> Size:
    """A picture narrower than one step, scaled up to it."""
    width, height = size
    if min(size) >= factor:
        return size
    scale = max(factor / height, factor / width)
    return int(width * scale), int(height * scale)


def _dynamic(model: Model, tower: Tower, size: Size) -> Seen:
    """Qwen-VL: the image keeps its shape; ``merge`` squared patches become one token; two equal frames a patch."""
    factor = tower.patch * tower.merge
    if tower.kind in GROWS or model.family in GROWS:
        size = _grown(size, factor)
    w, h = rounded_size(size, factor, *pixel_limits(model, tower))
    patches = (w // tower.patch) * (h // tower.patch)
    frames = 1 if model.family in ("paddleocr_vl", "video_llama_3") else 2
    pixels = patches * 3 * frames * tower.patch**2
    return Seen(patches // tower.merge**2, patches, 1, patches, pixels, f"{w}x{h}")


def _dynamic_video(model: Model, tower: Tower, clip: tuple[int, int, int]) -> Seen:
    """Two frames share a patch. Qwen2 limits the pixels of a frame, Qwen3 those of the whole clip."""
    frames, width, height = clip
    factor, pairs = tower.patch * tower.merge, math.ceil(frames / 2)
    low, high = 128 * factor**2, 768 * factor**2
    if tower.kind == "qwen3":
        low, high = 4096 // max(1, 2 * pairs), 25_165_824 // max(1, 2 * pairs)
    w, h = rounded_size((width, height), factor, low, high)
    patches = (w // tower.patch) * (h // tower.patch)
    pixels = pairs * patches * 3 * 2 * tower.patch**2
    return Seen(pairs * patches // tower.merge**2, pairs * patches, pairs, patches, pixels, f"{frames} x {w}x{h}")


def _fixed(model: Model, tower: Tower, size: Size) -> Seen:
    whole = model.config.text("vision_feature_select_strategy") == "full"
    return _tiles(tower, 1, tower.tokens if whole else tower.grid**2, f"{tower.side}x{tower.side}")


def _pixtral(model: Model, tower: Tower, size: Size) -> Seen:
    """Pixtral: never larger than the longest edge, rounded up to whole merged patches; marks of rows apart."""
    most = (model.pre.sub("size") or Config({})).maybe("longest_edge") or tower.side
    merge = model.config.maybe("spatial_merge_size") or 1
    ratio = max(1.0, size[0] / most, size[1] / most)
    w, h = size if ratio == 1 else (math.floor(size[0] / ratio), math.floor(size[1] / ratio))
    columns, rows = (max(0, side - 1) // (tower.patch * merge) + 1 for side in (w, h))
    patches = columns * rows * merge**2
    pixels = patches * 3 * tower.patch**2
    return Seen(columns * rows, patches, 1, patches, pixels, f"{columns}x{rows} tokens")


def _queries_of(model: Model, tower: Tower, size: Size) -> Seen:
    """Kosmos-2 and Idefics2: always the same number of queries."""
    perceiver = (model.config.sub("perceiver_config") or Config({})).without_kind("idefics2_perceiver")
    count = model.config.maybe("latent_query_num") or perceiver.number("resampler_n_latents")
    if model.family == "kosmos-2":
        return _tiles(tower, 1, count, "latent queries")
    most = (model.pre.sub("size") or Config({})).maybe("longest_edge") or 980
    tiles = 5 if model.pre.flag("do_image_splitting") else 1
    scale = min(1.0, most / max(size))
    columns, rows = (max(1, int(side * scale) // tower.patch) for side in size)
    patches = min(columns * rows, (tower.side // tower.patch) ** 2)
    return Seen(tiles * count, tiles * patches, tiles, patches, tiles * 3 * patches * tower.patch**2, f"{tiles} crops")


def _aria(model: Model, tower: Tower, size: Size) -> Seen:
    """Aria: one picture of 980 (or 490) pixels a side, however large it was."""
    side = model.pre.maybe("max_image_size") or 980
    patches = (side // tower.patch) ** 2
    table = model.config.raw("projector_patch_to_query_dict")
    count = table.get(str(patches)) if isinstance(table, dict) else None
    count = count if isinstance(count, int) else 256 if side > 490 else 128
    return Seen(count, patches, 1, patches, 3 * side**2, f"{side}x{side}")


def _got(model: Model, tower: Tower, size: Size) -> Seen:
    """GOT-OCR: two convolutions of step two behind the tower."""
    return _tiles(tower, 1, (tower.grid // 4) ** 2, f"{tower.side}x{tower.side}")


def _cropped(model: Model, tower: Tower, size: Size) -> Seen:
    """Aya Vision: tiles as InternVL cuts them, each shuffled into fewer tokens."""
    tiles, how = _intern_tiles(model, tower, size)
    each = (tower.grid // (model.config.maybe("downsample_factor") or 2)) ** 2
    return _tiles(tower, tiles, tiles * each, how)


def _canvas(model: Model, tower: Tower, size: Size) -> Seen:
    """Command A Vision: the grid of tiles that enlarges the picture least, else shrinks it least."""
    most, least = model.pre.maybe("max_patches") or 12, model.pre.maybe("min_patches") or 1
    width, height = size
    grids = [(c, r) for c in range(1, most + 1) for r in range(1, most + 1) if least <= c * r <= most]
    grids.sort(key=lambda g: g[0] * g[1])
    scales = [min(c * tower.side / width, r * tower.side / height) for c, r in grids]
    larger = [scale for scale in scales if scale >= 1]
    columns, rows = grids[scales.index(min(larger) if larger else max(scales))]
    tiles = columns * rows + (1 if columns * rows > 1 else 0)
    each = (tower.grid // (model.config.maybe("downsample_factor") or 2)) ** 2
    return _tiles(tower, tiles, tiles * each, f"{columns}x{rows} tiles of {tower.side}")


def _fuyu(model: Model, tower: Tower, size: Size) -> Seen:
    """Fuyu: shrunk into 1920 x 1080, then every row of 30 pixels ends with a mark."""
    scale = min(1.0, 1920 / size[0], 1080 / size[1])
    columns, rows = (math.ceil(int(side * scale) / tower.patch) for side in size)
    return Seen(rows * (columns + 1), columns * rows, 1, 1, 3 * columns * rows * tower.patch**2, f"{columns}x{rows}")


def _best_resolution(size: Size, options: list[Size]) -> Size:
    """Of the (height, width) choices the one that keeps most of the picture and wastes least."""
    width, height = size
    best, most, least = options[0], 0, 0
    for h, w in options:
        scale = min(w / width, h / height)
        kept = min(int(width * scale) * int(height * scale), width * height)
        waste = w * h - kept
        if kept > most or (kept == most and waste < least):
            best, most, least = (h, w), kept, waste
    return best


def _unpadded(size: Size, rows: int, columns: int) -> tuple[int, int]:
    """The grid of patches without the bars that keep the picture's shape."""
    width, height = size
    if width / height > columns / rows:
        kept = int(round(height * (columns / width), 7))
        return rows - 2 * ((rows - kept) // 2), columns
    kept = int(round(width * (rows / height), 7))
    return rows, columns - 2 * ((columns - kept) // 2)


def _anyres(model: Model, tower: Tower, size: Size) -> Seen | None:
    """LLaVA-NeXT and OneVision: tiles of the best grid and an overview, row ends included."""
    options = [
        (p[0], p[1]) for p in model.config.items("image_grid_pinpoints")
        if isinstance(p, list) and len(p) == 2 and all(isinstance(n, int) and n > 0 for n in p)
    ]  # fmt: skip
    if not options or not tower.grid:
        return None
    h, w = _best_resolution(size, options)
    tiles = (h // tower.side) * (w // tower.side) + 1
    rows, columns = _unpadded(size, tower.grid * (h // tower.side), tower.grid * (w // tower.side))
    if model.family == "llava_onevision":
        most = model.config.text("vision_aspect_ratio") or model.config.text("image_aspect_ratio") or "anyres_max_9"
        limit = whole(most.rpartition("_")[2]) or 9
        ratio = math.sqrt(rows * columns / (limit * tower.grid**2))
        if ratio > 1.1:
            rows, columns = int(rows // ratio), int(columns // ratio)
    return _tiles(tower, tiles, rows * columns + rows + tower.grid**2, f"{w}x{h}, {tiles} tiles")


def _intern_tokens(model: Model, tower: Tower) -> int:
    return int(tower.grid**2 * model.config.ratio("downsample_ratio", 0.5) ** 2)


def _intern(model: Model, tower: Tower, size: Size) -> Seen:
    """InternVL: tiles, each shuffled into fewer tokens."""
    tiles, how = _intern_tiles(model, tower, size)
    return _tiles(tower, tiles, tiles * _intern_tokens(model, tower), how)


def _intern_tiles(model: Model, tower: Tower, size: Size) -> tuple[int, str]:
    """The grid of tiles nearest to the picture's shape, and a thumbnail."""
    width, height = size
    low = model.pre.maybe("min_patches") or model.config.maybe("min_dynamic_patch") or 1
    high = min(model.pre.maybe("max_patches") or model.config.maybe("max_dynamic_patch") or 12, 64)
    grids = [g for g in itertools.product(range(1, high + 1), repeat=2) if low <= g[0] * g[1] <= high]
    best, distance = (1, 1), math.inf
    for columns, rows in sorted(grids, key=lambda g: g[0] * g[1]):
        off = abs(width / height - columns / rows)
        larger = off == distance and width * height > 0.5 * tower.side**2 * columns * rows
        if off < distance or larger:
            best, distance = (columns, rows), off
    tiles = best[0] * best[1]
    tiles += 1 if tiles > 1 else 0
    return tiles, f"{best[0]}x{best[1]} tiles of {tower.side}"


def _idefics3(model: Model, tower: Tower, size: Size) -> Seen:
    """The long side becomes four tiles (or what the processor says), every tile the same number of tokens."""
    width, height = size
    longest = (model.pre.sub("size") or Config({})).maybe("longest_edge") or 4 * tower.side
    if width >= height:
        w, h = longest, int(longest / (width / height))
        h += h % 2
    else:
        h, w = longest, int(longest * (width / height))
        w += w % 2
    rows, columns = math.ceil(h / tower.side), math.ceil(w / tower.side)
    tiles = rows * columns + 1 if rows * columns > 1 else 1
    each = tower.grid**2 // model.config.number("scale_factor") ** 2
    return _tiles(tower, tiles, tiles * each, f"{columns}x{rows} tiles of {tower.side}")


def _queries(model: Model, tower: Tower, size: Size) -> Seen:
    """BLIP-2: always the same number of queries."""
    return _tiles(tower, 1, model.config.maybe("num_query_tokens") or 32, "Q-Former queries")


def _gemma3(model: Model, tower: Tower, size: Size) -> Seen:
    """Pooled to a fixed number of tokens; pan and scan is off unless asked for."""
    tokens = model.config.maybe("mm_tokens_per_image") or 256
    return _tiles(tower, 1, tokens, f"{tower.side}x{tower.side} pooled")


def _mllama(model: Model, tower: Tower, size: Size) -> Seen:
    """One token in the text; the image itself is cross-attended, always padded to the full number of tiles."""
    padded = tower.tokens + -tower.tokens % 8
    side = tower.grid * tower.patch
    total = tower.tiles * padded
    return Seen(1, total, 1, total, tower.tiles * 3 * side**2, f"padded to {tower.tiles} tiles of {side}")


def _slices(model: Model, tower: Tower, size: Size) -> Seen:
    """MiniCPM-V: an overview and up to nine slices of about 448 x 448 pixels, each becoming the queries' tokens."""
    width, height = size
    scale = model.config.maybe("scale_resolution") or 448
    slice_config = model.config.sub("slice_config") or model.pre
    most = slice_config.maybe("max_slice_nums") or 9
    wanted = min(math.ceil(width * height / scale**2), most)
    queries = model.config.maybe("query_num") or 64
    count = 1 if wanted <= 1 else 1 + _slice_count(size, wanted, most)
    patches = (scale // tower.patch) ** 2
    # each slice adds the two marks around its tokens
    return Seen(
        count * (queries + 2), count * patches, count, patches, count * 3 * scale**2, f"{count} slices of about {scale}"
    )


def _slice_count(size: Size, wanted: int, most: int) -> int:
    """The product of the grid, out of those with about the wanted number, whose shape is nearest to the picture's."""
    ratio = math.log(size[0] / size[1])
    numbers = [n for n in (wanted - 1, wanted, wanted + 1) if 1 < n <= most]
    grids = [(m, n // m) for n in numbers for m in range(1, n + 1) if n % m == 0]
    columns, rows = min(grids, key=lambda g: abs(ratio - math.log(g[0] / g[1])), default=(1, 1))
    return columns * rows


RULES: dict[str, Callable[[Model, Tower, Size], Seen | None]] = {
    "qwen2_vl": _dynamic, "qwen2_5_vl": _dynamic, "qwen2_5_omni_thinker": _dynamic, "qwen3_vl": _dynamic,
    "qwen3_vl_moe": _dynamic, "qwen3_5": _dynamic, "qwen3_5_moe": _dynamic, "glm4v": _dynamic, "glm46v": _dynamic,
    "glm4v_moe": _dynamic, "glm_ocr": _dynamic, "paddleocr_vl": _dynamic, "video_llama_3": _dynamic,
    "llava": _fixed, "vipllava": _fixed, "video_llava": _fixed, "lisa": _fixed, "paligemma": _fixed,
    "deepseek_vl": _fixed, "llava_next": _anyres, "llava_next_video": _anyres, "llava_onevision": _anyres,
    "internvl": _intern, "internvl_chat": _intern, "idefics3": _idefics3, "smolvlm": _idefics3,
    "blip-2": _queries, "instructblip": _queries, "instructblipvideo": _queries, "idefics2": _queries_of,
    "kosmos-2": _queries_of, "gemma3": _gemma3, "shieldgemma2": _gemma3, "mllama": _mllama, "minicpmv": _slices,
    "pixtral": _pixtral, "aria": _aria, "got_ocr2": _got, "aya_vision": _cropped, "cohere2_vision": _canvas,
    "fuyu": _fuyu, "clip": _fixed, "clip_vision_model": _fixed, "siglip_vision_model": _fixed, "siglip": _fixed,
}  # fmt: skip
