"""Text or source code -> Snapshot. Reads, never executes."""
