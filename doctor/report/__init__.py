"""Report -> text, one module a format. No I/O."""
