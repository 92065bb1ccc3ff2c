"""Where `<` and `>` stop: prompts, checkpoints, rollbacks, merges, failures, gaps. Pure."""

from __future__ import annotations

from stepwell.tui.model.listed import Listed
from stepwell.tui.model.turns import LANDMARK


def next_landmark(traits: bytes, listed: Listed, row: int, way: int) -> int | None:
    """Returns the nearest row below (`way` 1) or above (-1) that holds one; None: there is none."""
    at = row + way
    while 0 < at < listed.rows:
        if traits[listed.ordinal(at)] & LANDMARK:
            return at
        at += way
    return None
