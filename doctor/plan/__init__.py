"""Findings -> one jointly consistent plan, its shell text, its application and its undo."""
