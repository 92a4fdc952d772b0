"""Rules over a Snapshot. Pure: no I/O, no clock, no environment (but for store.py, which reads the rule bundle)."""
