"""Removing contents for good: sealed history is written anew without them.

In the order of a removal of dropped steps (sweep.py), which a crash cannot hurt: everything is
sealed; a pack is made in which steps lack the contents; then refs, then the manifest, which calls
the old packs void; then those go, and all that was derived from them. An operation at the beginning
says what is under way, one at the end that it is over; in between any later purge, or `gc`, goes on.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from stepwell.store.engine.atomic import system_error
from stepwell.store.engine.context import Progress
from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.pruning.beside import Place, look_beside
from stepwell.store.engine.pruning.blot import Blotter
from stepwell.store.engine.pruning.needed import add_plan, plans_of_undo
from stepwell.store.engine.pruning.purged import PurgeEdit
from stepwell.store.engine.pruning.purgedstates import PurgedStates, named_states
from stepwell.store.engine.pruning.reach import Reach
from stepwell.store.engine.pruning.rewrite import Overlay
from stepwell.store.engine.pruning.spools import Spools
from stepwell.store.engine.pruning.sweep import Removal, packs_of_others
from stepwell.store.engine.pruning.targets import contents, path_matcher
from stepwell.store.engine.sealing.repository import SealedRepository, sealed_repository
from stepwell.store.engine.sealing.seal import Writing, seal_in, sealing_alone
from stepwell.store.engine.sealing.tidy import remove_redundant, remove_void
from stepwell.store.engine.sharing.remotes import remotes
from stepwell.store.engine.travel import current_head
from stepwell.store.model.errors import BusyError, IntegrityError, NotFoundError, RefusedError
from stepwell.store.model.ids import Clock, Oid, RandomBytes
from stepwell.store.model.purging import Purge, Repeated, Target, Unreached
from stepwell.store.model.reports import Swept
from stepwell.store.model.steps import Effect, PurgeSet, UndoEnded, View
from stepwell.store.model.text import plural

_TRIES = 3
_DERIVED = ("view", "stats")
_OUTSIDE = Unreached(
    "copies outside this store",
    "clones and remotes of its repository, exported bundles and state, what programs keep in folders "
    "of their own, other workspaces, agents' records, backups",
)
_NAME = "a name: other things go by it, so that it stays; what has it may be deleted or renamed"
_SAME = Unreached("the very same bytes", "they are a part of what a step says, and no file")
_PUSHED = "it keeps what was pushed; push again, and have its server collect what is not needed"
_FOREIGN = "it is not a folder of yours alone, so that no event of hooks in it is touched"
_TOO_MUCH = Unreached("texts", "the content is too large to look for all of it in what was said")


def plan_purge(
    journal: Journal,
    targets: Sequence[Target],
    spools: Spools,
    beside: Sequence[Place],
    progress: Progress,
) -> Purge:
    """Returns what a purge of the targets would remove, and an interrupted one; changes nothing.

    Raises:
        NotFoundError: no step has such content, nor an event that waits to be recorded, and nothing
            was interrupted.
        IntegrityError: some step cannot be read, so that it is not known what it holds.
    """
    wanted = _with_interrupted(journal.view(), targets)
    return _planned(journal, wanted, spools, beside, progress).purge


def purge(
    store: Path,
    writing: Writing,
    targets: Sequence[Target],
    *,
    spools: Spools,
    beside: Sequence[Place],
    clock: Clock,
    randomness: RandomBytes,
    progress: Progress,
    forget: Callable[[], None],
) -> Purge:
    """Removes the contents that the targets mean, everywhere in the store, and records it.

    Captures go on meanwhile. A purge that was interrupted is finished with it. `forget` removes
    what else was derived from the journal, before the end is recorded.

    Raises:
        NotFoundError: no step has such content, and nothing was interrupted.
        RefusedError: a merge is under way.
        BusyError: another process is sealing or writing, or captures bring the content back faster
            than it can be removed.
        IntegrityError: something that stays is damaged; nothing was removed.
        NoSpaceError, FailedError: the system refused; everything is as it was, and readable.
    """
    with sealing_alone(store, clock), sealed_repository(store, randomness) as repository:
        with Journal.open(store) as journal:
            if not journal.view().purging:
                _planned(journal, targets, spools, beside, progress)
        with writing() as writer:
            wanted = _begin(writer, targets)
        done = _Work(store, repository, writing, spools, beside, clock, progress).run(wanted)
        remove_void(store)
        with writing():
            _remove_derived(store)
        forget()
        with writing() as writer:
            return _end(writer, done)


def _begin(writer: JournalWriter, targets: Sequence[Target]) -> tuple[Target, ...]:
    """Says what is begun; returns all targets, those of an interrupted purge among them."""
    view = writer.view()
    if view.merging is not None:
        raise RefusedError(
            "nothing was purged: a merge is under way",
            hint="conclude it (stepwell merge --continue) or take it back (--abort) first",
        )
    wanted = _with_interrupted(view, targets)
    effect = PurgeSet(tuple(map(str, wanted)))
    writer.begin().commit("purge", f"began to purge {_named(effect.targets)}", [effect])
    return wanted


def _with_interrupted(view: View, targets: Sequence[Target]) -> tuple[Target, ...]:
    return tuple(dict.fromkeys((*map(Target.parse, view.purging), *targets)))


def _end(writer: JournalWriter, done: Purge) -> Purge:
    lost = f"{plural(len(done.blobs), 'content')} from {plural(len(done.steps), 'step')}"
    operation = writer.begin().commit(
        "purge",
        f"purged {_named(done.targets)}: {lost}",
        [PurgeSet(())],
        details={"targets": list(done.targets), "steps": len(done.steps), "texts": done.texts},
    )
    return replace(done, operation=operation.number)


def _named(targets: Sequence[str]) -> str:
    return ", ".join(target.partition(":")[2] or "everything" for target in targets)


class _Planned:
    """What is to go, and the edit that takes it out; `purge` is complete once that has run."""

    def __init__(
        self, journal: Journal, targets: Sequence[Target], spools: Spools, beside: Sequence[Place]
    ) -> None:
        self.targets = targets
        files = contents(journal, targets)
        named = named_states(journal, {t.blob for t in targets if t.blob is not None})
        self.blobs = files | named
        self.blotter = Blotter(journal.read(oid)[1] for oid in self.blobs)
        self.objects = Overlay(journal)
        in_files = Blotter(journal.read(oid)[1] for oid in files) if named else self.blotter
        self.states = PurgedStates(journal, named, in_files)
        self.edit = PurgeEdit(self.objects, files, self.blotter, self.states)
        self.named = path_matcher(t.path for t in targets if t.path is not None)
        self.events = spools.count(self.blotter, self.named)
        self.beside = look_beside(beside, self.blotter)
        self.ended = _undo_ends(journal, self.blobs)
        head = current_head(journal)
        self._in_head = () if head is None else tuple(sorted(self.edit.lost(head.snapshot)))
        foreign = [Unreached(str(path), _FOREIGN) for path in spools.foreign()]
        self._unreached = (*_unreached(journal, self.blobs), *foreign, *self.beside.unreached)
        if self.blotter.left_out:
            self._unreached += (_TOO_MUCH,)

    @property
    def purge(self) -> Purge:
        """Returns it for the person who asked."""
        edit = self.edit
        return Purge(
            targets=tuple(map(str, self.targets)),
            paths=tuple((path, len(edit.paths[path])) for path in sorted(edit.paths)),
            also=tuple(path for path in sorted(edit.paths) if not self.named(path)),
            blobs=tuple(sorted(self.blobs)),
            steps=tuple(edit.steps),
            texts=edit.texts,
            documents=tuple(self.states.touched),
            events=self.events,
            beside=self.beside.repeated,
            undo_ended=self.ended,
            in_workspace=self._in_head,
            unreached=(*self._unreached, *(Unreached(name, _NAME) for name in edit.names)),
        )


def _planned(
    journal: Journal,
    targets: Sequence[Target],
    spools: Spools,
    beside: Sequence[Place],
    progress: Progress,
) -> _Planned:
    planned = _Planned(journal, targets, spools, beside)
    if not planned.blobs and not planned.events and not journal.view().purging:
        raise NotFoundError(
            f"nothing was purged: no step has content at {_named(tuple(map(str, targets)))}",
            hint="name a path, a pattern such as '**/*.pem', or the 40 digits of a content's id; "
            "empty files have no content",
        )
    total = journal.last_number
    for operation in journal.operations():
        progress("looking for content", operation.number, total)
        planned.edit.operation(operation)
    return planned


def _undo_ends(journal: Journal, blobs: Set[Oid]) -> tuple[int, ...]:
    """Returns the operations of which taking back, or doing again, needs the contents."""
    ended = []
    for entry, plan in plans_of_undo(journal):
        reach = Reach(journal, strict=False)
        with suppress(IntegrityError):
            add_plan(reach, journal, plan)
        if not blobs.isdisjoint(reach.objects):
            ended.append(entry)
    return tuple(sorted(set(ended)))


def _unreached(journal: Journal, blobs: Set[Oid]) -> list[Unreached]:
    found = [_OUTSIDE]
    for index in packs_of_others(journal)[1]:
        if any(oid in index for oid in blobs):
            why = "a pack that another program put there, with more in it than this history"
            found.append(Unreached(index.name, why))
    pushed = (one.name for one in remotes(journal.store) if one.pushed or one.pushing)
    found += [Unreached(f"the remote {name}", _PUSHED) for name in pushed]
    return found


class _Work:
    """A purge under way."""

    def __init__(
        self,
        store: Path,
        repository: SealedRepository,
        writing: Writing,
        spools: Spools,
        beside: Sequence[Place],
        clock: Clock,
        progress: Progress,
    ) -> None:
        self._store = store
        self._repository = repository
        self._writing = writing
        self._spools = spools
        self._beside = beside
        self._clock = clock
        self._progress = progress
        self._events = 0
        self._repeated: Counter[str] = Counter()

    def run(self, targets: Sequence[Target]) -> Purge:
        """Writes history anew until no pack that counts has the contents."""
        done = self._run(targets)
        found = tuple(Repeated(what, count) for what, count in self._repeated.items())
        return replace(done, events=self._events, beside=found)

    def _run(self, targets: Sequence[Target]) -> Purge:
        done: Purge | None = None
        for _ in range(_TRIES):
            seal_in(
                self._repository,
                self._store,
                self._writing,
                clock=self._clock,
                progress=self._progress,
            )
            with Journal.open(self._store) as journal:
                planned = _Planned(journal, targets, self._spools, self._beside)
                # Before the contents go: whoever goes on after a kill would not know them.
                self._purge_beside(planned)
                if not planned.blobs:
                    return planned.purge if done is None else _with_rest(done)
                swept = self._remove(journal, planned)
            if swept is None:
                remove_redundant(self._store)
                continue
            # Another round would no longer know of them.
            remove_void(self._store)
            done = _joined(done, planned.purge, swept)
            with Journal.open(self._store) as journal:
                if not any(_is_packed(journal, oid) for oid in planned.blobs):
                    return done
        raise BusyError(
            "content was not purged: captures store it again and again",
            hint="ignore its path first (.stepwellignore), or try at a quieter moment; "
            "`stepwell gc` goes on with it",
        )

    def _purge_beside(self, planned: _Planned) -> None:
        with self._writing():
            self._spools.purge(planned.blotter, planned.named)
        for place in self._beside:
            place.purge(planned.blotter)
        self._events += planned.events
        self._repeated.update({one.what: one.count for one in planned.beside.repeated})

    def _remove(self, journal: Journal, planned: _Planned) -> Swept | None:
        if planned.ended:
            with self._writing() as writer:
                ended: list[Effect] = [UndoEnded(planned.ended)]
                writer.begin().commit("purge", "what purged content was needed for", ended)
            journal.refresh()
        removal = Removal(
            journal,
            self._repository,
            (),
            self._clock,
            self._progress,
            planned.objects,
            planned.edit,
        )
        return removal.run(self._writing)


def _is_packed(journal: Journal, oid: Oid) -> bool:
    listed = journal.manifest.packs
    return any(oid in index for index in journal.sealed.packs.indexes if index.name in listed)


def _joined(before: Purge | None, now: Purge, swept: Swept) -> Purge:
    """Returns what both did: the later one had only what was captured again meanwhile."""
    sized = replace(now, bytes_before=swept.bytes_before, bytes_after=swept.bytes_after)
    if before is None:
        return sized
    return replace(before, bytes_after=swept.bytes_after)


def _with_rest(done: Purge) -> Purge:
    """No file is the content any more, and yet it is there: something else has the very same bytes."""
    return replace(done, unreached=(*done.unreached, _SAME))


def _remove_derived(store: Path) -> None:
    """Removes what repeats texts and paths, and is made again from the journal when it is needed."""
    for name in _DERIVED:
        try:
            with suppress(FileNotFoundError):
                os.unlink(store / name)
        except OSError as error:
            raise system_error(error, "removing", store / name) from error
