"""Taking the space of dropped steps: sealed history is written anew without them.

In the order of sealing (engine/sealing/seal.py), which a crash cannot hurt: the new pack is written
from the old ones, read back and forced to disk; then the refs; then, under the writer lock, the
manifest is replaced, which calls the old packs void; then those are removed. What was recorded
meanwhile is looked at under that lock: if it uses something that would go, all is done again with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from stepwell.store.engine.context import Progress
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.parents import first_parent
from stepwell.store.engine.pruning.due import due, ends
from stepwell.store.engine.pruning.needed import (
    add_accounts,
    add_plans,
    all_objects,
    kept_steps,
)
from stepwell.store.engine.pruning.reach import Reach
from stepwell.store.engine.pruning.rewrite import Edit, Overlay, Rewritten
from stepwell.store.engine.sealing.layout import repository_of
from stepwell.store.engine.sealing.packindex import PackIndex
from stepwell.store.engine.sealing.repository import SealedRepository, sealed_repository
from stepwell.store.engine.sealing.seal import Writing, check_space, sealing_alone
from stepwell.store.engine.sealing.sealedindex import (
    encode_index,
    index_path,
    remove_other_indexes,
    write_index,
)
from stepwell.store.engine.sealing.tidy import copied_packs, remove_redundant, remove_void
from stepwell.store.model.errors import BusyError, IntegrityError
from stepwell.store.model.ids import Clock, Oid, RandomBytes, StepId
from stepwell.store.model.reports import Swept
from stepwell.store.model.seqs import Seqs
from stepwell.store.model.steps import Step, UndoEnded

_TRIES = 3
NOTHING = Swept(0, 0, 0)


def sweep(
    store: Path,
    writing: Writing,
    *,
    grace_ns: int,
    only: Seqs | None,
    clock: Clock,
    randomness: RandomBytes,
    progress: Progress,
) -> Swept:
    """Removes the steps that were dropped longer than the grace time ago, and what only they need.

    No step goes that `only` does not hold; None: all may.
    Captures go on meanwhile. From the first moment on, their prune cannot be taken back any more.

    Raises:
        BusyError: another process is sealing or writing, or captures bring removed content back
            faster than it can be removed.
        IntegrityError: something that stays is damaged; nothing was removed.
        NoSpaceError, FailedError: the system refused; everything is as it was, and readable.
    """
    if not (repository_of(store) / "HEAD").exists():
        return NOTHING
    with sealing_alone(store, clock):
        with Journal.open(store) as journal:
            if not due(journal, clock() - grace_ns, only):
                return NOTHING
        with writing() as writer:
            removed = due(writer, clock() - grace_ns, only)
            numbers = ends(writer, removed)
            if numbers:
                summary = "gc: dropped steps are removed for good"
                writer.begin().commit("gc", summary, [UndoEnded(numbers)])
        with sealed_repository(store, randomness) as repository:
            for _ in range(_TRIES):
                with Journal.open(store) as journal:
                    work = Removal(journal, repository, removed, clock, progress)
                    done = work.run(writing)
                if done is not None:
                    remove_void(store)
                    return done
                remove_redundant(store)
    raise BusyError(
        "dropped steps were not removed: captures use their content again and again",
        hint="run `stepwell gc` at a quieter moment; nothing was changed",
    )


class Removal:
    """One attempt to write sealed history anew: without steps, or with what an edit makes of it."""

    def __init__(
        self,
        journal: Journal,
        repository: SealedRepository,
        removed: Seqs,
        clock: Clock,
        progress: Progress,
        objects: Overlay | None = None,
        edit: Edit | None = None,
    ) -> None:
        """`objects` reads from the journal; what `edit` makes goes there."""
        self._journal = journal
        self._objects = objects or Overlay(journal)
        self._edit = edit
        self._repository = repository
        self._removed = removed
        self._clock = clock
        self._progress = progress
        self._seen = journal.last_number
        self._reach = Reach(self._objects, strict=True)

    def run(self, writing: Writing) -> Swept | None:
        """Does all of it; None when what was recorded meanwhile needs something that was to go."""
        journal, old = self._journal, self._journal.manifest
        before = journal.sealed.packs.file_bytes()
        check_space(journal.store, before)
        self._progress("rewriting operations", 0, old.sealed)
        rewritten = Rewritten(journal, self._removed, self._clock(), self._objects, self._edit)
        wanted = self._wanted(rewritten)
        rewritten.finish(wanted - self._reach.below)
        with self._repository.draft(len(self._objects.made)) as draft:
            rewritten.write(draft)
        self._progress("packing what stays", len(wanted), 0)
        pack = self._repository.repack(rewritten.tips())
        _check_whole(pack, wanted)
        if not self._is_still_whole(pack):
            return None
        copies, _ = packs_of_others(journal, pack)
        view, commits = journal.view(), rewritten.commits
        heads = {b.name: _sealed_commit(journal, b.head, commits) for b in view.branches.values()}
        refs = self._repository.set_history(
            {name: oid for name, oid in heads.items() if oid is not None},
            set(commits.values()),
            rewritten.operations_commit,
            view.current,
        )
        manifest = replace(
            old,
            packs=(pack.name,),
            operations=rewritten.operations_commit.hex(),
            refs=refs,
            void=tuple(
                name for name in (*old.packs, *(copy.name for copy in copies)) if name != pack.name
            ),
        )
        path = index_path(journal.store, manifest.sealed, manifest.operations)
        write_index(path, encode_index(manifest.sealed, None, rewritten.rows, rewritten.commits))
        with writing() as writer:
            if not self._is_still_whole(pack):
                return None
            writer.switch(manifest, ())
        remove_other_indexes(path)
        return Swept(rewritten.removed_steps, before, pack.file_bytes())

    def _wanted(self, rewritten: Rewritten) -> set[Oid]:
        """Returns the sealed objects that must stay; leaves in `below` what sealed trees name."""
        journal = self._journal
        for step in rewritten.steps:
            self._reach.add(step)
        in_trees = set(self._reach.below)
        for step in kept_steps(journal.operations(journal.sealed.last), self._removed):
            self._reach.add(step)
        add_plans(self._reach, journal, journal.view(), journal.operations())
        for said in rewritten.said:
            self._reach.add_object(said)
        add_accounts(self._reach, journal.operations(journal.sealed.last), self._removed)
        self._reach.below = in_trees
        packs = journal.sealed.packs.indexes
        made, found = self._objects.made, self._reach.objects
        return {oid for oid in found if oid in made or any(oid in pack for pack in packs)}

    def _is_still_whole(self, pack: PackIndex) -> bool:
        """Tells whether all that was recorded since can do without the old packs."""
        journal, known = self._journal, set(self._reach.objects)
        journal.refresh()
        newer = list(journal.operations(self._seen))
        for step in kept_steps(newer, self._removed):
            self._reach.add(step)
        add_plans(self._reach, journal, journal.view(), newer)
        add_accounts(self._reach, newer, self._removed)
        self._seen = journal.last_number
        new = self._reach.objects - known
        return all(oid in pack or any(True for _ in journal.copies(oid)) for oid in new)


def packs_of_others(
    journal: Journal, made: PackIndex | None = None
) -> tuple[list[PackIndex], list[PackIndex]]:
    """Returns packs that no sealing made: mere copies of this history, and those with more in them.

    `made` is a pack of ours that does not count yet.
    """
    packs, manifest = journal.sealed.packs, journal.manifest
    own = {*manifest.packs, *manifest.void, *([] if made is None else [made.name])}
    others = [index for index in packs.indexes if index.name not in own]
    if not others:
        return [], []
    ours = all_objects(journal).union(made.ids() if made is not None else ())
    return copied_packs(packs, others, manifest, ours)


def _check_whole(pack: PackIndex, wanted: set[Oid]) -> None:
    lost = {oid for oid in wanted if oid not in pack}
    if lost:
        raise IntegrityError(
            f"removing dropped steps stopped: {len(lost)} objects that stay would be missed",
            hint="nothing was removed; run `stepwell verify --full`",
            object=min(lost).hex(),
        )


def _sealed_commit(journal: Journal, head: StepId, commits: Mapping[bytes, Oid]) -> Oid | None:
    """Returns the commit of a step, or of the nearest one before it that is sealed."""
    at: Step | None = journal.step(head)
    while at is not None and bytes.fromhex(at.id) not in commits:
        at = first_parent(journal, at)
    return None if at is None else commits[bytes.fromhex(at.id)]
