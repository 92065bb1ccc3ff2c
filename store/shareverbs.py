"""The facade's verbs for steps from elsewhere, and for timelines shared through a git server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from stepwell.store.engine.context import Progress, no_progress
from stepwell.store.engine.importing import StepImport
from stepwell.store.engine.sharing import remotes
from stepwell.store.engine.sharing.remotes import Remote
from stepwell.store.model.errors import (
    FailedError,
    IntegrityError,
    NoSpaceError,
    NotFoundError,
    RefusedError,
    StepwellError,
)
from stepwell.store.model.steps import View
from stepwell.store.model.text import plural
from stepwell.store.upkeep import UpkeepVerbs

if TYPE_CHECKING:
    from stepwell.store.engine.bundles import Loaded
    from stepwell.store.engine.sharing.here import Here

_Drafts = TypeVar("_Drafts")
_Tips = TypeVar("_Tips")


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push made a remote hold, or would."""

    remote: str
    url: str
    steps: int
    branches: int
    number: int
    """The last operation that goes along; what is recorded later does not."""
    changed: bool
    """False: the remote held just that already."""


class ShareVerbs(UpkeepVerbs):
    """Adds steps from elsewhere; pushes this timeline to remotes, and pulls others from them."""

    def record_import(self, work: StepImport[_Drafts, _Tips], drafts: _Drafts) -> int:
        """Records the first of the drafts as one operation; returns how many it has dealt with.

        The lock is held for that operation only, so captures go on between two of them.
        """
        with self._writer() as writer:
            return work.record(writer, self._context, drafts)

    def finish_import(self, work: StepImport[_Drafts, _Tips], tips: _Tips) -> None:
        """Makes the imported branches end at the steps with the given sources."""
        with self._writer() as writer:
            work.finish(writer, tips)

    def remotes(self) -> list[Remote]:
        """Returns the remotes by name; raises FormatError when one cannot be read."""
        return remotes.remotes(self.store)

    def add_remote(self, name: str, url: str, *, folder: Path | None = None) -> Remote:
        """Names a place to share timelines through; a relative path is taken from `folder`.

        Nothing is sent, and it is not looked whether anything is there.

        Raises:
            UsageError: the name or the address is none that can be used.
            RefusedError: there is such a remote, or the address leads to the workspace, to the
                repository that it lies in, or to the data folder.
        """
        return remotes.add_remote(
            self.store,
            name,
            url,
            folder=folder or Path.cwd(),
            workspace=self.root,
            home=self.home,
        )

    def remove_remote(self, name: str) -> None:
        """Forgets a remote; steps that were pulled stay.

        Raises:
            NotFoundError: there is none.
            BusyError: another process is pushing to it, or fetching from it.
        """
        remotes.remove_remote(self.store, name)

    def _remote(self, name: str) -> Remote:
        """Returns the remote, having looked where its address leads now: a link may have come."""
        from stepwell.store.engine.sharing.addresses import refuse_own
        from stepwell.store.engine.sharing.transport import address_of

        remote = remotes.find_remote(self.store, name)
        for url in (remote.url, address_of(self.store, remote, self._context.randomness)):
            refuse_own(url, workspace=self.root, home=self.home)
        return remote

    def push(
        self,
        name: str,
        *,
        force: bool = False,
        dry_run: bool = False,
        agree: Callable[[Pushed], None] = lambda going: None,
        progress: Progress = no_progress,
    ) -> Pushed:
        """Seals everything and makes the remote hold it: all of it, or nothing new.

        Files, prompts, inputs and results of all steps go along. Captures go on meanwhile; sealing,
        pruning and purging wait. With `dry_run` nothing is sealed and the remote is not asked.
        `agree` is called with what is about to go; nothing is sent when it raises.

        Raises:
            NotFoundError: there is no such remote.
            RefusedError: the remote holds a history of this workspace that was not pushed from
                here, and `force` is not given; or its address leads to the user's own work.
            BusyError: another process is sealing, or is at work on this remote.
            FailedError: the remote cannot be reached, or refuses.
        """
        from stepwell.store.engine.sealing.layout import repository_of
        from stepwell.store.engine.sealing.refs import operations_commit
        from stepwell.store.engine.sealing.seal import sealing_alone
        from stepwell.store.engine.sharing.transport import push

        remote = self._remote(name)
        if dry_run:
            return _going(remote, self.view())
        self.seal(progress=progress)
        context = self._context
        with sealing_alone(self.store, context.clock):
            self.refresh()
            # What was recorded since is not sealed, and counts here: rather refused than sent unseen.
            going = _going(remote, self.view())
            agree(going)
            commit = operations_commit(repository_of(self.store))
            assert commit is not None, "it was sealed just now"
            progress(f"pushing to {name}", 0, 0)
            changed = push(
                self.store,
                name,
                self.id,
                commit.hex(),
                force=force,
                randomness=context.randomness,
            )
        return replace(going, changed=changed)

    def pull(
        self, name: str, *, accept: Collection[str] = (), progress: Progress = no_progress
    ) -> Loaded:
        """Adds what other workspaces pushed, on branches `NAME/BRANCH`; files stay as they are.

        Everything of a workspace is checked before its first step is added. Pulling again adds what
        is new. Steps that were pruned here, and removed, do not come back. The branch that is
        checked out stays where it is: what belongs on it goes to the next free folder.

        A timeline that came before has to go on from there, and each step has to be what it is
        here; of the workspaces named in `accept` this is not asked, and what is here stays.

        Raises:
            NotFoundError: there is no such remote, or it has no timeline that is to be accepted.
            NoSpaceError: no room is left; what was added stays.
            IntegrityError: what some workspaces pushed is not as it has to be; nothing of it was
                added, and all that is new of the others; or it contradicts what came before. Facts:
                `refused` (workspace and reason of each), and `imported`, `skipped`, `branches` of
                what was added.
            FailedError: the remote cannot be reached, or does not hand out what it lists; facts as
                above.
        """
        from stepwell.store.engine.sharing.here import Here
        from stepwell.store.engine.sharing.known import taken_first
        from stepwell.store.engine.sharing.transport import timelines

        remote = self._remote(name)
        self.refresh()
        progress(f"asking {name}", 0, 0)
        found = timelines(self.store, remote, self._context.randomness)
        _require_listed(name, found, accept)
        found.pop(self.id, None)
        ours = Here(self._journal)
        done: list[Loaded] = []
        refused: dict[str, StepwellError] = {}
        for workspace in taken_first(self.store, name, found):
            try:
                where = (remote, workspace, found[workspace])
                done.append(self._pull_from(*where, ours, workspace in accept, progress))
            except NoSpaceError:
                raise
            except (IntegrityError, FailedError, RefusedError) as error:
                refused[workspace] = error
        told = _together(done)
        if refused:
            raise _some_refused(remote, refused, told)
        return told

    def _pull_from(
        self,
        remote: Remote,
        workspace: str,
        operations: str,
        ours: Here,
        accept: bool,
        progress: Progress,
    ) -> Loaded:
        from stepwell.store.engine.bundles import BundleLoad
        from stepwell.store.engine.sharing.fetched import origin_of
        from stepwell.store.engine.sharing.taking import take

        progress(f"fetching from {remote.name}", 0, 0)
        fetched = take(
            self.store,
            remote,
            workspace,
            operations,
            ours,
            accept=accept,
            randomness=self._context.randomness,
        )
        load = BundleLoad(fetched.contents, origin_of(remote.name, workspace))
        steps, done = fetched.contents.steps, 0
        while done < len(steps):
            progress("importing steps", done, len(steps))
            done += self.record_import(load, steps[done:])
        self.finish_import(load, fetched.contents.branches)
        loaded = load.loaded
        return replace(loaded, skipped=loaded.skipped + len(fetched.steps) - len(steps))


def _going(remote: Remote, view: View) -> Pushed:
    steps, branches = view.step_count, len(view.branches)
    return Pushed(remote.name, remote.url, steps, branches, view.number, changed=True)


def _require_listed(name: str, found: Collection[str], wanted: Collection[str]) -> None:
    for workspace in wanted:
        if workspace not in found:
            raise NotFoundError(
                f"{name} has no timeline of a workspace {workspace}",
                hint=f"stepwell pull {name} names those that it does not take",
                workspace=workspace,
            )


def _together(done: Sequence[Loaded]) -> Loaded:
    from stepwell.store.engine.bundles import Loaded

    return Loaded(
        sum(one.imported for one in done),
        sum(one.skipped for one in done),
        tuple(error for one in done for error in one.errors),
        tuple(sorted({branch for one in done for branch in one.branches})),
    )


def _some_refused(
    remote: Remote, refused: Mapping[str, StepwellError], told: Loaded
) -> StepwellError:
    """Returns the one error that tells of all timelines that could not be taken."""
    damaged = any(not isinstance(error, FailedError) for error in refused.values())
    reasons = "; ".join(f"{one}: {error.message}" for one, error in refused.items())
    others = f"{plural(told.imported, 'step')} of others came in" if told.imported else ""
    hints = dict.fromkeys(error.hint for error in refused.values() if error.hint)
    return (IntegrityError if damaged else FailedError)(
        f"{plural(len(refused), 'timeline')} of {remote.name} did not come in: {reasons}",
        hint="; ".join(filter(None, (others, *hints))),
        remote=remote.name,
        refused=[{"workspace": one, "reason": e.message} for one, e in refused.items()],
        imported=told.imported,
        skipped=told.skipped,
        branches=list(told.branches),
    )
