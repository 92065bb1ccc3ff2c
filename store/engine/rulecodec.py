"""Journal forms of what rules found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from stepwell.store.model.ids import StepId
from stepwell.store.model.rules import RuleVerdict


def verdict_to_json(verdict: RuleVerdict) -> dict[str, Any]:
    """Returns the stored form of a verdict."""
    return asdict(verdict)


def verdict_from_json(form: Mapping[str, Any]) -> RuleVerdict:
    """Returns the verdict of a stored form."""
    steps = {name: StepId(form[name]) for name in ("step", "target", "since") if form[name]}
    return RuleVerdict(**{**form, **steps})
