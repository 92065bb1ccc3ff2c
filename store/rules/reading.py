"""Which rules hold in a workspace: the person's own, and those of a rule file that is trusted."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from stepwell.store.model.errors import StepwellError, UsageError
from stepwell.store.model.rules import RuleSet
from stepwell.store.rules.tables import read_rules
from stepwell.store.rules.trusting import rule_file
from stepwell.store.settings import read_table

_TABLE = "rules"


def effective_rules(root: bytes, store: Path, config: Path | None) -> RuleSet:
    """Returns the rules of a workspace; of two with one name the person's holds, as does their mode.

    Raises:
        UsageError: a file that counts cannot be read, or something in it makes no sense.
    """
    where = os.fsdecode(root)
    table = read_table(config, _TABLE) if config is not None else {}
    own = read_rules(table, str(config), "config", where)
    try:
        file = rule_file(root, store)
    except StepwellError:
        # Whoever can write there must not be able to stop the person's own rules.
        return replace(own, untrusted=True)
    if file is None:
        return own
    if not file.trusted:
        return replace(own, untrusted=True)
    theirs = read_rules(_parsed(file.content), "stepwell.toml", "workspace")
    merged = {rule.name: rule for rule in (*theirs.rules, *own.rules)}
    mode = own.mode if "mode" in table else theirs.mode
    extras = tuple(dict.fromkeys((*own.extras, *theirs.extras)))
    return RuleSet(tuple(merged[name] for name in sorted(merged)), mode, extras)


def preview_rules(content: bytes) -> RuleSet:
    """Returns what a rule file says, trusted or not, to be looked at before it is trusted."""
    return read_rules(_parsed(content), "stepwell.toml", "workspace")


def _parsed(content: bytes) -> dict[str, Any]:
    import tomllib  # few have such a file, and each daemon loads this module

    try:
        table = tomllib.loads(content.decode("utf-8")).get(_TABLE, {})
    except ValueError as error:
        raise UsageError(f"stepwell.toml cannot be read: {error}", hint="mend the file") from error
    if not isinstance(table, dict):
        raise UsageError("stepwell.toml cannot be read: rules must be a table", hint="[rules]")
    return table
