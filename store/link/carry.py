"""Marking the facade's verbs that a daemon runs when there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from stepwell.store.engine.context import no_progress
from stepwell.store.model.errors import BusyError

if TYPE_CHECKING:
    from stepwell.store.link.link import Link, Reply
    from stepwell.store.model.plans import Recovery

CARRIED: set[str] = set()
"""Names of the verbs that are carried; a daemon runs no others."""
PEEKED: set[str] = set()
"""Those of them that a daemon which is busy leaves to the one who asks."""


class Linked(Protocol):
    """A facade whose verbs can be carried."""

    recovered: Recovery | None

    def link(self) -> Link | None:
        """Returns the way to the daemon; None where there is none, or this is the daemon."""

    def refresh(self) -> bool:
        """Takes in what the daemon recorded."""


P = ParamSpec("P")
R = TypeVar("R")
W = TypeVar("W", bound=Linked)


def carried(method: Callable[Concatenate[W, P], R]) -> Callable[Concatenate[W, P], R]:
    """Makes a writing verb one that the daemon runs when one does; otherwise it runs here.

    Arguments and result are values that `link.values` knows; an argument `progress` stays here.
    """
    return _carried(method, writes=True)


def asked(method: Callable[Concatenate[W, P], R]) -> Callable[Concatenate[W, P], R]:
    """As `carried`, for a verb that only looks: it runs here, too, when the daemon is stuck or dies."""
    return _carried(method, writes=False)


def peeked(method: Callable[Concatenate[W, P], R]) -> Callable[Concatenate[W, P], R]:
    """As `asked`, for what takes no longer here: nobody waits for a daemon that is at other work."""
    PEEKED.add(method.__name__)
    return _carried(method, writes=False)


def _carried(
    method: Callable[Concatenate[W, P], R], *, writes: bool
) -> Callable[Concatenate[W, P], R]:
    name = method.__name__
    CARRIED.add(name)

    @wraps(method)
    def run(self: W, *arguments: P.args, **keywords: P.kwargs) -> R:
        link = self.link()
        if link is not None:
            reply = _carry(self, link, name, writes, arguments, keywords)
            if reply is not None:
                return reply.value  # type: ignore[no-any-return]  # what `method` returned there
        return method(self, *arguments, **keywords)

    return cast("Callable[Concatenate[W, P], R]", run)


def _carry(
    facade: Linked,
    link: Link,
    name: str,
    writes: bool,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
) -> Reply | None:
    from stepwell.store.link.client import LostError
    from stepwell.store.link.link import lost

    sent = {key: value for key, value in keywords.items() if key != "progress"}
    try:
        reply = link.call(name, arguments, sent, keywords.get("progress", no_progress))
    except LostError:
        if writes:
            raise lost(name.replace("_", " ").strip()) from None
        return None
    except BusyError:
        if writes:
            raise
        return None
    finally:
        facade.refresh()
    if reply is not None and writes:
        facade.recovered = reply.recovered
    return reply
