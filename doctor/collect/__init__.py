"""Runs the probes side by side under one deadline and makes a Snapshot of what they read."""
