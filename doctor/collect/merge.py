"""Puts the answers of the children together and checks them against the fact catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from doctor.collect.child import Answer
from doctor.model.facts import CLOSED_FAMILIES, FactSpec, find
from doctor.model.numbers import whole
from doctor.model.snapshot import Snapshot

KINDS: Mapping[str, tuple[type, ...]] = {
    "version": (str,),
    "text": (str,),
    "path": (str,),
    "int": (int,),
    "bytes": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "map": (dict,),
}
# What is known when no sign of a driver was found anywhere.
NO_DRIVER: Mapping[str, Any] = {
    "gpu.count": 0,
    "gpus": [],
    "mig.devices": [],
    "gpu.processes": [],
    "driver.version": None,
    "driver.branch": None,
    "driver.cuda": None,
    "driver.nvml_error": "NVML_ERROR_LIBRARY_NOT_FOUND",
    "driver.smi_error": None,
    "driver.read_by": None,
    "driver.fabric_manager": None,
    "driver.cuinit": None,
}
# Answers of NVML that mean that no driver serves this place.
ABSENT = ("NVML_ERROR_LIBRARY_NOT_FOUND", "NVML_ERROR_DRIVER_NOT_LOADED")


def fits(spec: FactSpec, value: Any) -> bool:
    """Whether a value has the type that the catalogue says; a child may be any program that the user named."""
    if value is None:
        return True
    if isinstance(value, bool) and spec.type != "bool":
        return False
    if spec.type == "records":
        return isinstance(value, list) and all(isinstance(record, dict) for record in value)
    return isinstance(value, KINDS[spec.type])


class Facts:
    """Facts, reasons and closed families of all children; a fact that one child read is not unread."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}
        self.unread: dict[str, str] = {}
        self.closed: set[str] = set()
        self.home: str | None = None  # by the account data base; HOME may be unset
        self.silent: dict[str, str] = {}  # what did not answer inside a fact that was read: "disks.tmp" -> reason

    def add(self, facts: Mapping[str, Any], closed: Iterable[str] = ()) -> None:
        """Known facts; names that the catalogue lacks are private to the children and dropped."""
        for name, value in facts.items():
            if name == "_silent" and isinstance(value, dict):
                self.silent.update({str(key): str(why) for key, why in value.items()})
            if name == "_home" and isinstance(value, str):
                self.home = value
            spec = find(name)
            if spec is None:
                continue
            if fits(spec, value):
                self.known[name] = value
            else:
                self.unread[name] = f"a value of the wrong type: {type(value).__name__}"
        self.closed.update(family for family in closed if family in CLOSED_FAMILIES)

    def miss(self, names: Iterable[str], why: str) -> None:
        """Names that could not be read."""
        for name in names:
            self.unread.setdefault(name, why)

    def take(self, answer: Answer) -> None:
        """Everything one child said, and that it did not end well if so."""
        for name, why in answer.unread.items():
            if find(name) is not None or name.startswith("_part."):
                self.unread.setdefault(name.replace("_part.", "part."), why)
        self.add(answer.facts, answer.closed)
        if not answer.ended and answer.name != "nvidia-smi":
            self.unread[f"part.{answer.name}"] = f"{answer.status} {answer.tail()}".strip()

    def no_driver(self) -> None:
        """Nothing on this machine points to an NVIDIA driver: that is known, not unread."""
        for name, value in NO_DRIVER.items():
            self.known.setdefault(name, value)

    def judge_driver(self) -> None:
        """What NVML's refusal means for the facts it could not give; silence leaves them unread."""
        error = self.known.get("driver.nvml_error")
        for name in ("driver.smi_error", "driver.nvml_error", "driver.fabric_manager"):
            if "driver.version" in self.known:
                self.known.setdefault(name, None)
        if self.known.get("gpu.count"):
            self.known["gpu.present"] = True  # whatever the bus shows: some hypervisors hide it
            self._cut_visible(self.known["gpu.count"])
        if "driver.version" in self.known:
            return
        if error in ABSENT:
            self.no_driver()
            return
        why = error or self.unread.get("part.nvml") or "NVML gave no answer"
        self.miss((name for name in NO_DRIVER if name not in ("driver.nvml_error", "driver.smi_error")), why)

    def _cut_visible(self, count: int) -> None:
        """An index that no GPU has ends CUDA_VISIBLE_DEVICES as any invalid entry does."""
        entries = self.known.get("cuda.visible") or []
        for place, entry in enumerate(entries):
            number = whole(entry)
            if number is not None and number >= count:
                self.known.update({"cuda.visible": entries[:place], "cuda.visible_problem": "invalid"})
                return

    def snapshot(self, source: str, taken: str) -> Snapshot:
        """The table as it is."""
        unread = {name: why for name, why in self.unread.items() if name not in self.known} | self.silent
        return Snapshot(self.known, unread, source, frozenset(self.closed), taken)
