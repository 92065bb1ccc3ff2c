"""Taking a timeline from a remote: fetched, checked, and noted as taken or as refused."""

from __future__ import annotations

from pathlib import Path

from stepwell.store.engine.sharing.fetched import Fetched, read_mirror
from stepwell.store.engine.sharing.fetching import fetch_and_read
from stepwell.store.engine.sharing.here import Here
from stepwell.store.engine.sharing.known import Known, UnsoundError, read_known, write_known
from stepwell.store.engine.sharing.remotes import NAME, Remote, find_remote, locked, remove_mirror
from stepwell.store.model.errors import FormatError
from stepwell.store.model.ids import RandomBytes


def take(
    store: Path,
    remote: Remote,
    workspace: str,
    operations: str,
    ours: Here,
    *,
    accept: bool,
    randomness: RandomBytes,
) -> Fetched:
    """Returns what a workspace pushed, of which the remote says that it ends with `operations`.

    What was refused is not fetched again until it is another one there. With `accept` nothing that
    was known of it counts, neither that nor how far it was taken; unless it is refused once more,
    which leaves how far it was taken as it was.

    Raises:
        UnsoundError: something in it is not as it has to be.
        RefusedError: it does not go on from what was taken before, or contradicts what is here.
        IntegrityError: a link is in the way, or what is known of it cannot be read.
        BusyError: another process pushes to the remote, fetches from it or removes it.
        NoSpaceError, FailedError: the remote cannot be reached, or what comes not be written.
    """
    with locked(store, remote.name):
        find_remote(store, remote.name)
        known = _known(store, remote.name, workspace, accept=accept)
        if known is not None and known.refused == operations and not accept:
            raise UnsoundError(
                f"it is what was refused before, and was not fetched again: {known.reason}",
                hint="it is looked at again once it is pushed anew",
            )
        taken = None if known is None else known.taken
        try:
            fetched = fetch_and_read(
                store,
                remote,
                workspace,
                lambda mirror: read_mirror(mirror, ours, taken, accept=accept),
                randomness,
            )
        except UnsoundError as error:
            refused = str(error.facts.get("operations", operations))
            reason = str(error.facts.get("reason", error.message))
            if known is not None:
                write_known(store, remote.name, workspace, Known(taken, refused, reason))
            # The next one is fetched whole, and until then this one takes no room.
            remove_mirror(store / NAME / remote.name / f"{workspace}.git")
            raise
        write_known(store, remote.name, workspace, Known(fetched.taken))
        return fetched


def _known(store: Path, remote: str, workspace: str, *, accept: bool) -> Known | None:
    """Returns what is known of a timeline; None: it cannot be read, and with `accept` need not be."""
    try:
        return read_known(store, remote, workspace)
    except FormatError:
        if not accept:
            raise
        return None
