"""Where the readers put what they read: facts with a rank, so that a measured value beats a mentioned one."""

from __future__ import annotations

import re
from typing import Any

from doctor.errors import place
from doctor.model.names import normalise
from doctor.model.numbers import whole

LISTED = 3  # printed by a tool whose job is to list: pip list, collect_env, nvidia-smi
SAID = 2  # printed by a program about what it found
MENTIONED = 1  # written by a person, or implied by a file name

MAX_DISTS = 5000
VERSION = (
    r"\d{1,9}(?:\.\d{1,9}){0,6}(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|post|dev"
    r"|rev|r)[-_.]?\d{0,12}){0,3}(?:\+[A-Za-z0-9._-]{1,60})?"
)
_VERSION = re.compile(VERSION)
_LOCAL_CUDA = re.compile(r"\+(?:\w{1,20}\.)?cu(\d{2,3})(?:$|[^\d])")
# Since CUDA 13 the wheels have no -cuNN suffix; these take CUDA's own version number.
_FOLLOWS_CUDA = frozenset({"cublas", "cuda-runtime", "cuda-nvrtc", "cuda-cupti", "cuda-nvcc", "nvjitlink", "nvtx"})
_NVIDIA = re.compile(r"nvidia-([a-z-]{2,40}?)(?:-cu(\d{1,2}))?$")


def version(text: str) -> str | None:
    """The version at the beginning of ``text`` without a leading v or =, else None."""
    match = _VERSION.match(text.lstrip("vV= \t"))
    return match.group() if match else None


def cuda_of_tag(tag: str) -> str:
    """``118`` -> ``11.8``, ``92`` -> ``9.2``, ``130`` -> ``13.0``."""
    return f"{tag[:-1]}.{tag[-1]}"


class Sheet:
    """Facts read so far. A later value replaces an earlier one of the same or a lower rank."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.closed: set[str] = set()
        self._ranks: dict[str, int] = {}
        self._dists = 0
        self.unread: dict[str, str] = {}
        self.by_pip: set[str] = set()  # distributions that a list of conda's shows as pip's

    def put(self, name: str, value: Any, rank: int = LISTED) -> None:
        """Note a fact; ``None`` means known absent."""
        if rank >= self._ranks.get(name, 0):
            self.facts[name] = value
            self._ranks[name] = rank

    def failed(self, part: str, error: Exception) -> None:
        """Note a reader that broke, with its place in our code: the message may quote the paste."""
        self.unread["part." + part] = place(error)

    def add(self, name: str, record: Any, most: int = 200) -> None:
        """Append a record or an item to a list fact, without repeats."""
        items: list[Any] = self.facts.setdefault(name, [])
        if len(items) < most and record not in items:
            items.append(record)

    def replaced(self, dist: str) -> None:
        """Note that pip owns a distribution: a package of conda that brought it is no longer what Python sees."""
        self.by_pip.add(dist)
        for row in self.facts.get("conda.owned", ()):
            if row["dist"] == dist:
                row["there"] = False

    def kind(self, *names: str) -> None:
        """Note which part of a paste was recognised."""
        for name in names:
            self.add("log.kind", name)

    def dist(self, name: str, found: str | None, rank: int = LISTED) -> None:
        """Note an installed distribution; ``None`` says that it is not installed."""
        key = "dist." + normalise(name)
        if key not in self.facts:
            self._dists += 1
            if self._dists > MAX_DISTS:
                return
        self.put(key, found, rank)
        if key == "dist.torch" and found:
            self.torch(found, rank)

    def torch(self, found: str, rank: int = LISTED) -> None:
        """What torch's own version string tells: ``2.4.0+cu121``, ``1.7.1+cpu``, ``2.5.0+rocm6.2``."""
        self.put("torch.version", found, rank)
        _, _, local = found.partition("+")
        tag = _LOCAL_CUDA.search(found)
        if tag:
            self.put("torch.cuda", cuda_of_tag(tag.group(1)), rank)
            self.put("torch.build", "cuda", rank)
        elif local.startswith("rocm"):
            self.put("torch.hip", local[4:], rank)
            self.put("torch.build", "rocm", rank)
        elif local.startswith(("cpu", "xpu")):
            self.put("torch.build", local[:3], rank)
            self.put("torch.cuda", None, rank)

    def finish(self) -> None:
        """Facts that follow from others."""
        for name in ("torchvision", "torchaudio"):
            self._sibling(name, self.facts.get("dist." + name))
        wheels = [
            wheel
            for key, found in self.facts.items()
            if key.startswith("dist.nvidia-") and found
            for wheel in [_wheel(key[5:], found)]
            if wheel
        ]
        if wheels:
            self.put("python.nvidia_wheels", wheels)
        driver = self.facts.get("driver.version")
        branch = whole((driver or "").partition(".")[0])
        if branch is not None:
            self.put("driver.branch", branch)
        gpus = self.facts.get("gpus")
        if gpus:
            self.put("gpu.present", True, SAID)
            self.put("gpu.count", len(gpus), SAID)

    def _sibling(self, name: str, found: str | None) -> None:
        tag = _LOCAL_CUDA.search(found or "")
        if tag:
            self.put(f"{name}.cuda", cuda_of_tag(tag.group(1)), SAID)
        if name == "torchvision" and found and "+" in found:
            self.put("torchvision.build", "cuda" if tag else "cpu", SAID)


def _wheel(name: str, found: str) -> dict[str, Any] | None:
    match = _NVIDIA.match(name)
    if not match:
        return None
    if not match.group(2) and match.group(1) not in _FOLLOWS_CUDA:
        return None
    major = whole(match.group(2) or found.partition(".")[0])  # "1rc" is a version's first part as well
    if major is None:
        return None
    return {"name": name, "version": found, "major": major, "lib": match.group(1)}
