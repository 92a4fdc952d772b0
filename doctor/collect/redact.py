"""Redaction (being written): paths below home become ``~``."""

from __future__ import annotations

from doctor.model.snapshot import Snapshot


class Redactor:
    """Removes secrets and identities from texts and snapshots."""

    @classmethod
    def of_this_machine(cls, snapshot: Snapshot) -> Redactor:
        """The redactor that knows this machine's user, home and host."""
        del snapshot
        return cls()

    def text(self, text: str) -> str:
        """The text without secrets and identities."""
        return text

    def snapshot(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot without secrets and identities."""
        return snapshot
