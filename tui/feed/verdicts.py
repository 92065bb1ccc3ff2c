"""What the screen of rules asks the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from stepwell.tui.messages import VerdictsLoaded
from stepwell.tui.model.verdictlines import VerdictLine
from stepwell.tui.values import RuleVerdict, StepId

if TYPE_CHECKING:
    from stepwell.tui.gateway import Gateway, Post
    from stepwell.tui.source import Source


def load_verdicts(gateway: Gateway, to: Post) -> None:
    """Reads what rules found, the newest first; VerdictsLoaded to `to`."""

    def call(source: Source) -> Message:
        source.refresh()
        graph = source.graph()

        def number(step: StepId | None) -> int:
            row = None if step is None else graph.row_of_id(step)
            return 0 if row is None else int(graph.seqs[row])

        def line(one: RuleVerdict) -> VerdictLine:
            return VerdictLine(one, number(one.step), number(one.since), number(one.target))

        return VerdictsLoaded([line(one) for one in reversed(source.view().verdicts)])

    gateway.ask("history", "verdicts", "read what rules found", call, to=to)
