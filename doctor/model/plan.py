"""What is to be done: one plan for all findings together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from doctor.model.finding import FixStep


@dataclass(frozen=True, slots=True)
class Constraint:
    """A distribution must lie in ``spec``. ``because``: rule ids, ``keep``, or the name of a dependent."""

    name: str
    spec: str
    because: str


@dataclass(frozen=True, slots=True)
class Move:
    """One distribution goes from ``old`` to ``new``; None stands for not installed.

    ``pin`` is what an installer is asked for; empty when the installer shall bring it as a dependency. ``guess``: the
    releases of the package are not known, ``new`` only stands for one that fits. ``by``: the installer that owns it,
    pip (or uv in its place) or conda, whose ``pin`` is in conda's words.
    """

    name: str
    old: str | None
    new: str | None
    pin: str = ""
    guess: bool = False
    by: str = "pip"

    @property
    def goes_to(self) -> str:
        """The new version for a reader: what is asked, where it is only a guess; empty when nothing is there then."""
        asked = self.pin.removeprefix(self.name).removeprefix("==") or "*"
        return asked if self.guess else self.new or ""


@dataclass(frozen=True, slots=True)
class Install:
    """One call of the installer: all requirements are solved together.

    ``alone`` (no dependencies): every requirement is known to be met. ``index``: a further index for a CUDA lane.
    ``limits``: what the installer must leave where it is. ``builds``: something is compiled against the torch of here.
    ``by``: pip (or uv in its place) or conda, which takes the packages from ``channels``.
    """

    requirements: tuple[str, ...]
    alone: bool = False
    index: str | None = None
    limits: tuple[str, ...] = ()
    builds: bool = False
    by: str = "pip"
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """One requirement of a disagreement: ``by`` (a rule, ``torch 2.5.1``) asks for ``name`` in ``spec``.

    ``by`` is ``keep`` for what is to stay at the version ``spec``. An empty ``spec`` asks that it goes.
    """

    by: str
    name: str
    spec: str


@dataclass(frozen=True, slots=True)
class Price:
    """What it costs when one side of a disagreement gives way.

    ``gives``: ``keep`` (a promise), ``torch``, ``python`` or ``rule`` (another finding); ``name``: which one.
    """

    gives: str
    name: str
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class Instead:
    """Another way to the goal that these facts allow.

    ``kind``: environment (``name``: its Python), engine, gguf (``name``: repository), driver (``name``: version that is
    needed) or model. ``pins`` are to be installed for it, ``index`` beside the usual one.
    """

    kind: str
    name: str
    pins: tuple[str, ...] = ()
    index: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A finding that the plan cannot cure: who disagrees, what giving way would cost, what else serves."""

    rule: str
    slug: str
    severity: str
    who: tuple[Side, ...]
    prices: tuple[Price, ...] = ()
    instead: tuple[Instead, ...] = ()
    bound: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Goal:
    """One finding that the plan is to cure, and the way of its fix that was chosen.

    ``proof``: simulated (the predicted snapshot has lost it), foreseen (the other steps would have brought it, and the
    predicted snapshot does not have it) or afterwards (only a new check can tell). ``bound`` fills the rule's words.
    """

    rule: str
    slug: str
    severity: str
    way: int
    proof: str = "afterwards"
    bound: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """Goals, what follows from them, and what could not be had. ``steps`` are in the order of doing."""

    goals: tuple[Goal, ...]
    constraints: tuple[Constraint, ...]
    moves: tuple[Move, ...]
    installs: tuple[Install, ...]
    steps: tuple[FixStep, ...]
    conflicts: tuple[Conflict, ...]
    advice: tuple[FixStep, ...]
    unconfirmed: tuple[str, ...] = ()  # rules of errors that the prediction shows anew
