"""The exception tree. Each boundary raises its own kind; only the command line catches them.

::

    DoctorError
    +-- ProbeError(kind)        a child that reads the machine could not do its work
    +-- SnapshotError           a snapshot file is unreadable or of an unknown schema
    +-- RuleError(file, why)    a rule file or rule pack breaks the contract
    +-- KnowledgeError(table)   a fact table is missing or malformed
    +-- FitError                a model description or a device list cannot be understood
    +-- PlanConflict            no plan satisfies the constraints
    +-- PlanLate                no plan was made in the time that its caller had for it
    +-- ApplyError(step)        a plan step failed
"""

from __future__ import annotations


class DoctorError(Exception):
    """Anything the doctor itself could not do; the command line turns it into exit code 3."""


class ProbeError(DoctorError):
    """A probe child failed. ``kind`` is a stable word: missing, timeout, crashed, garbled."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail


class SnapshotError(DoctorError):
    """A snapshot file is not readable, too large, or of a schema this program does not know."""


class RuleError(DoctorError):
    """A rule file breaks the contract."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file}: {why}")
        self.file = file
        self.why = why


class KnowledgeError(DoctorError):
    """A fact table is missing, malformed, or lost rows."""

    def __init__(self, table: str, why: str) -> None:
        super().__init__(f"{table}: {why}")
        self.table = table
        self.why = why


class FitError(DoctorError):
    """A model's configuration, a request or a device list cannot be understood; nothing can be estimated from it."""


class PlanLate(DoctorError):  # noqa: N818 - beside PlanConflict
    """Making one plan takes longer than its caller can wait."""


class PlanConflict(DoctorError):  # noqa: N818 - the house's name for it
    """The constraints of the findings cannot be met together."""


def place(error: BaseException) -> str:
    """Kind of an error that nobody expected, and the last line of ours on its way: ``KeyError in smi.py, line 12``."""
    trace, where = error.__traceback__, ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(__file__[: -len("errors.py")]):
            where = f" in {file[len(__file__) - len('errors.py') :]}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return type(error).__name__ + where


class ApplyError(DoctorError):
    """A plan step failed; ``undone`` says whether the machine is back in its old state."""

    def __init__(self, step: str, why: str, undone: bool = False) -> None:
        super().__init__(f"{step}: {why}")
        self.step = step
        self.undone = undone
