"""Build step: check every rule and ship the corpus as bundle files, so that a start-up parses no TOML."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RuleBundle(BuildHookInterface):  # type: ignore[type-arg]
    """Writes doctor/rules/ into a wheel; a bad rule breaks the build. A checkout reads rules/ itself."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from doctor.engine.bundle import write_bundle

        out = Path(self.root) / "build" / "rules"
        write_bundle(Path(self.root) / "rules", out)
        build_data["force_include"][str(out)] = "doctor/rules"
