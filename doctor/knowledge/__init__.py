"""Typed access to the fact tables in rules/kb."""
