"""Frozen data that travels through the program; imports nothing but the standard library."""

from doctor.model.finding import Evidence, Finding, FixStep, Verdict
from doctor.model.rule import Clause, FixSpec, Rule, Sign
from doctor.model.snapshot import SCHEMA, Snapshot

__all__ = ["SCHEMA", "Clause", "Evidence", "Finding", "FixSpec", "FixStep", "Rule", "Sign", "Snapshot", "Verdict"]
