"""What a search through everything found, as rows: a step, then where in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.tui.model.filterwords import words_of
from stepwell.tui.values import Step

if TYPE_CHECKING:
    from stepwell.tui.values import Hit

MOST = 2_000
"""Places that are listed at most."""


@dataclass(frozen=True, slots=True)
class HitRow:
    """A place where the words stand; `hit` None: the step above its places."""

    step: Step
    hit: Hit | None = None


class HitRows:
    """Grows as hits come in, the newest step first."""

    def __init__(self) -> None:
        self.rows: list[HitRow] = []
        self.places = 0
        self.steps = 0

    @property
    def full(self) -> bool:
        """Further places are not listed."""
        return self.places >= MOST

    def add(self, hits: Iterable[Hit]) -> None:
        """Takes further hits; those of one step follow each other."""
        for hit in hits:
            if self.full:
                return
            if not self.rows or self.rows[-1].step.id != hit.step.id:
                self.rows.append(HitRow(hit.step))
                self.steps += 1
            self.rows.append(HitRow(hit.step, hit))
            self.places += 1


def needle_of(query: str) -> str:
    """Returns the first word or phrase that a query looks for; empty: it has none."""
    for word in words_of(query):
        bare = word.partition(":")[2] if word.startswith("text:") else word
        if bare and not word.startswith("-") and (":" not in bare or bare.startswith('"')):
            return (
                bare[bare[0] == '"' : len(bare) - (bare[-1] == '"')]
                .replace('\\"', '"')
                .replace("\\\\", "\\")
            )
    return ""
