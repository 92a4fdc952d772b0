"""Which findings a plan is to cure, and by which way of their fixes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from doctor.engine.evaluate import evaluate
from doctor.engine.rank import rank
from doctor.model import Finding, FixStep, Rule, Snapshot, Verdict
from doctor.model.names import normalise
from doctor.model.plan import Constraint
from doctor.plan.rebuild import takes_away

BY_HAND = ("advise", "edit")
PACKAGES = ("pin", "uninstall", "reinstall")
SIMULATED = (*PACKAGES, "set_env", "unset_env")
LOUD = ("error", "warning")


@dataclass(frozen=True, slots=True)
class Cure:
    """A finding and the way of its fix that is tried."""

    finding: Finding
    way: int
    proof: str = "afterwards"

    @property
    def steps(self) -> tuple[FixStep, ...]:
        """The steps of the chosen way."""
        return tuple(step for step in self.finding.fix if step.way == self.way)

    @property
    def certain(self) -> bool:
        """True when the prediction shows all that the steps do; what a variable changes is only partly known."""
        done = [step for step in self.steps if step.kind not in BY_HAND]
        return bool(done) and all(step.kind in PACKAGES for step in done)

    def others(self) -> list[Cure]:
        """The remaining ways that a program can go."""
        later = [replace(self, way=way) for way in ways(self.finding) if way > self.way]
        return [cure for cure in later if any(step.kind not in BY_HAND for step in cure.steps)]


def ways(finding: Finding) -> list[int]:
    """The numbers of the ways, first choice first."""
    return sorted({step.way for step in finding.fix})


def without_log(snapshot: Snapshot) -> Snapshot:
    """The machine without the text of a failed run: what a prediction is judged by."""
    return snapshot._replace(facts={k: v for k, v in snapshot.facts.items() if not k.startswith("log.")})


def hits(rules: Sequence[Rule], snapshot: Snapshot) -> dict[str, Finding]:
    """Errors and warnings by rule."""
    found = evaluate(rules, snapshot)
    return {f.rule: f for f in found if f.verdict is Verdict.HIT and f.severity in LOUD}


def targets(rules: Sequence[Rule], snapshot: Snapshot) -> tuple[list[Cure], dict[str, str]]:
    """Root findings that are to be cured, best first, and the root of each finding that follows from another one.

    What only a text shows is a guess among others, so of such findings the best ranked one is taken alone.
    """
    shown = bool(snapshot.get("log.exceptions"))
    ranked = rank(evaluate(rules, snapshot), rules, shown)
    seen = hits(rules, without_log(snapshot)) if shown else {f.rule: f for f in ranked}
    roots = [f for f in ranked if f.under is None and f.severity in LOUD]
    chosen = [f for place, f in enumerate(roots) if place == 0 or f.rule in seen]
    beneath = {finding.rule: finding.under for finding in ranked if finding.under}
    cures = [Cure(finding, _possible_way(finding, snapshot)) for finding in chosen]
    lost = snapshot.get("python.broken") is not None
    return [cure for cure in cures if not (lost and _through_python(cure))], beneath


def _through_python(cure: Cure) -> bool:
    """True when an interpreter must do the cure: one that does not start has to be put back first."""
    return any(step.kind in (*PACKAGES, "download") or step.target.startswith("python ") for step in cure.steps)


def left_over(finding: Finding, root: Cure) -> bool:
    """True when the root's cure cannot be all that cures this consequence: it acts, but not on every package of it."""
    acts = [step for step in root.steps if step.kind not in BY_HAND]
    touched = {normalise(step.target) for step in acts if step.kind in PACKAGES}
    own = Cure(finding, _first_way(finding))
    return bool(acts) and own.certain and not {normalise(step.target) for step in own.steps} <= touched


def _possible_way(finding: Finding, snapshot: Snapshot) -> int:
    """The first way that does not leave the machine without what it takes out; else the first."""
    found = (way for way in ways(finding) if not takes_away(Cure(finding, way).steps, snapshot))
    return next(found, _first_way(finding))


def _first_way(finding: Finding) -> int:
    return next(iter(ways(finding)), 1)


def constraints(cures: Sequence[Cure]) -> tuple[Constraint, ...]:
    """What the pins of the chosen ways ask for."""
    return tuple(
        Constraint(normalise(step.target), step.to, cure.finding.rule)
        for cure in cures
        for step in cure.steps
        if step.kind == "pin"
    )


def said(cures: Sequence[Cure]) -> list[FixStep]:
    """The steps of the chosen ways, each variable by the first who speaks of it."""
    spoken: set[str] = set()
    found: list[FixStep] = []
    for step in (step for cure in cures for step in cure.steps):
        if step.kind in ("set_env", "unset_env"):
            if step.target in spoken:
                continue
            spoken.add(step.target)
        found.append(step)
    return found


def removed(cures: Sequence[Cure]) -> frozenset[str]:
    """What the chosen ways uninstall and do not bring back."""
    steps = [step for cure in cures for step in cure.steps]
    back = {normalise(step.target) for step in steps if step.kind in ("pin", "reinstall")}
    return frozenset(normalise(step.target) for step in steps if step.kind == "uninstall") - back
