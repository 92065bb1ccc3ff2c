"""A session's state at any time: the nearest snapshot before it, and the events since."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from stepwell.store.model.errors import StepwellError, UsageError
from stepwell.store.model.text import rfc3339
from stepwell.store.state.patches import apply_patch, merge
from stepwell.store.state.values import StateEvent

Reducer = Callable[[Any, Any], Any]
"""Takes a state, which it may change, and an event's data; returns the state after the event."""

BUILT_IN: Mapping[str, Reducer] = {"patch": apply_patch, "merge": merge}
"""An RFC 6902 patch, and an RFC 7396 merge patch."""


def replayed(
    state: Any, events: Sequence[StateEvent], reducers: Mapping[str, Reducer]
) -> Iterator[tuple[StateEvent, Any]]:
    """Applies events in order; yields each with the state after it, which goes on being changed.

    Raises:
        UsageError: an event is of a kind without a reducer, or cannot be applied.
    """
    for event in events:
        state = _reducer(event, reducers)(state, event)
        yield event, state


def _reducer(
    event: StateEvent, reducers: Mapping[str, Reducer]
) -> Callable[[Any, StateEvent], Any]:
    reducer = reducers.get(event.kind)
    if reducer is None:
        raise UsageError(
            f"there is no reducer for events of the kind {event.kind!r}",
            hint="give StateSnapshots one: reducers={KIND: function}",
            kind=event.kind,
        )

    def apply(state: Any, event: StateEvent) -> Any:
        try:
            return reducer(state, event.data)
        except StepwellError as error:
            raise UsageError(
                f"the event of {rfc3339(event.time_ns)} cannot be replayed: {error.message}",
                hint=error.hint,
                time_ns=event.time_ns,
            ) from error

    return apply
