"""What the review of experiments asks the store: the experiments, and what each candidate changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from textual.message import Message

from stepwell.tui.messages import CandidateLoaded, ExperimentsLoaded
from stepwell.tui.model.review import Review, Tried
from stepwell.tui.values import NotFoundError, Oid

if TYPE_CHECKING:
    from stepwell.tui.gateway import Gateway, Post
    from stepwell.tui.source import Source, WholeSource


def load_experiments(gateway: Gateway, to: Post) -> None:
    """Reads the experiments, the newest first; ExperimentsLoaded."""

    def call(source: Source) -> Message:
        whole = cast("WholeSource", source)
        usual = gateway.opened.weights()
        reviews = [
            Review(one, whole.rank(one, usual=usual), whole.get_step(one.base))
            for one in whole.experiments()
        ]
        return ExperimentsLoaded(reviews, whole.view().current)

    gateway.ask("experiments", "experiments", "read the experiments", call, to=to)


def load_candidates(gateway: Gateway, to: Post, review: Review) -> None:
    """Reads what each candidate changed, best first; CandidateLoaded for each."""

    def call(source: Source) -> None:
        for one in review.ranked:
            label = one.candidate.label
            tried = _tried(cast("WholeSource", source), review, label)
            to(CandidateLoaded(review.experiment.name, label, tried))

    gateway.ask("experiments", "candidates", "read the candidates", call, to=to)


def _tried(source: WholeSource, review: Review, label: str) -> Tried:
    candidate = next(one.candidate for one in review.ranked if one.candidate.label == label)
    try:
        tip = source.get_step(candidate.head)
        changes = source.diff(review.base, tip)
        conflicts = source.candidate_conflicts(review.experiment, candidate)
    except NotFoundError:  # its steps were pruned
        return Tried((), (), None)
    return Tried(changes, conflicts, tip)


@dataclass(frozen=True, slots=True)
class OwnReader:
    """Reads blobs for one of several views, whose wishes do not take the place of the others'."""

    gateway: Gateway
    view: str

    def read_blobs(
        self, oids: Sequence[Oid], limit: int, then: Callable[[Mapping[Oid, bytes]], None]
    ) -> None:
        """As `Gateway.read_blobs`."""
        self.gateway.read_blobs(oids, limit, then, f"blobs of {self.view}")
