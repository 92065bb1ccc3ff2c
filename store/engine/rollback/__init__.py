"""Rollback: plan first, then execute, then recover if need be."""

from stepwell.store.engine.rollback.apply import Execution, Outcome, apply_plan
from stepwell.store.engine.rollback.plan import Rules, by_policy, make_plan
from stepwell.store.engine.rollback.recover import (
    Inspection,
    Recovered,
    inspect_plan,
    recover_plan,
)
from stepwell.store.engine.rollback.stored import decode_plan, encode_plan

__all__ = [
    "Execution",
    "Inspection",
    "Outcome",
    "Recovered",
    "Rules",
    "apply_plan",
    "by_policy",
    "decode_plan",
    "encode_plan",
    "inspect_plan",
    "make_plan",
    "recover_plan",
]
