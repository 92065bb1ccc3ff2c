"""The demo's rule: trusted, and looked at in the foreground, without the person's own settings."""

from __future__ import annotations

import tempfile
from pathlib import Path

from stepwell.store.demo.files import command_environment
from stepwell.store.environment import process_environment
from stepwell.store.model.rules import Mode
from stepwell.store.rules.verbs import RuleVerbs


def look_at_rules(workspace: RuleVerbs, mode: Mode) -> str:
    """Looks at the workspace's rules as `stepwell check` does under that mode; returns what they found."""
    with tempfile.TemporaryDirectory(prefix="stepwell-demo-") as scratch:
        config = Path(scratch, "config.toml")
        config.write_text(f'[rules]\nmode = "{mode}"\n', encoding="utf-8")
        found = workspace.check(
            config=config, environment=command_environment(process_environment())
        )
    return "; ".join(f"rule {one.rule}: {one.detail}" for one in found)
