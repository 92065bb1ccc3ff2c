"""Repair: damaged objects are stored again, then packs, refs, configuration and segments follow.

Nothing that can still be read is ever removed before it is on disk elsewhere, and nothing is made
up: an object comes back only with bytes that hash to its id. What no source has stays damaged.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

from stepwell.store.engine.context import Context, Progress
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.engine.pruning.sweep import Removal
from stepwell.store.engine.repairing.segments import rewrite_segments
from stepwell.store.engine.repairing.sources import Wanted, take_from, take_from_workspace
from stepwell.store.engine.sealing.repository import SealedRepository, sealed_repository
from stepwell.store.engine.sealing.seal import Writing, seal_in, sealing_alone
from stepwell.store.engine.sealing.tidy import remove_void
from stepwell.store.model.errors import FailedError, IntegrityError, NoSpaceError
from stepwell.store.model.ids import Oid, oid_from_hex
from stepwell.store.model.reports import Damage, Repaired
from stepwell.store.model.text import plural

_SEALED = frozenset({"pack", "refs", "config"})


def repair(
    context: Context, writing: Writing, bundle: ObjectReader | None, progress: Progress
) -> Repaired:
    """Mends what it can and returns what was damaged before and what still is.

    Objects are taken from the workspace as it is now, then from a bundle. A copy that is intact
    elsewhere in the store needs no source.

    Raises:
        BusyError: another process is sealing, or writing for long.
        NoSpaceError, FailedError: the system refused; what was mended until then stays mended.
    """
    with sealing_alone(context.store, context.clock):
        work = _Work(context, writing, progress)
        work.reindex()
        before = work.verify()
        work.restore_objects(before, bundle)
        work.restore_structure(before)
        after = work.verify() if before else before
    return Repaired(tuple(before), tuple(after), work.checked, work.taken)


@dataclass(slots=True)
class _Work:
    context: Context
    writing: Writing
    progress: Progress
    checked: int = 0
    taken: dict[str, int] = field(default_factory=dict)
    """Objects by source."""
    needed: set[Oid] = field(default_factory=set)
    """Damaged objects that steps need; others may be derived, and are made anew."""
    found: set[Oid] = field(default_factory=set)

    def verify(self) -> list[Damage]:
        with Journal.open(self.context.store) as journal:
            report = journal.verify(full=True, progress=self.progress)
        self.checked = report.checked
        return list(report.damaged)

    def restore_objects(self, damaged: Iterable[Damage], bundle: ObjectReader | None) -> None:
        """Stores again what some source has."""
        lost = [one for one in damaged if one.kind == "object"]
        wanted = {oid_from_hex(one.id) for one in lost}
        self.needed = {oid_from_hex(one.id) for one in lost if one.operations}
        if not wanted:
            return
        with self.writing() as writer, writer.begin() as transaction:
            sink = Wanted(transaction, wanted)
            self.progress("looking in the folder", 0, 0)
            with suppress(FailedError):
                # The folder may be gone; the bundle is still worth a look.
                take_from_workspace(sink, self.context)
            self._note("workspace", len(sink.found))
            if bundle is not None:
                self.progress("looking in the bundle", 0, 0)
                take_from(bundle, sink, wanted)
                self._note("bundle", len(sink.found) - self.taken.get("workspace", 0))
            self.found = sink.found
            if sink.found:
                summary = f"repaired {plural(len(sink.found), 'object')}"
                transaction.commit("repair", summary, [], details={"sources": dict(self.taken)})

    def _note(self, source: str, count: int) -> None:
        if count:
            self.taken[source] = count

    def reindex(self) -> None:
        """Makes the indexes of packs anew that are missing or damaged."""
        with Journal.open(self.context.store) as journal:
            listed = journal.manifest.packs
            known = {i.name for i in journal.sealed.packs.indexes if i.is_sound()}
        lost = [name for name in listed if name not in known]
        if lost:
            with self._repository() as repository:
                for name in lost:
                    # A pack that is damaged itself has none.
                    with suppress(FailedError):
                        repository.reindex(name)

    def restore_structure(self, damaged: Iterable[Damage]) -> None:
        """Writes segments, packs, refs and configuration anew, as far as all they need is there."""
        kinds = {one.kind for one in damaged}
        if "manifest" in kinds:
            with self.writing():
                # Whoever opens the journal for writing makes it anew.
                pass
        if "frame" in kinds:
            with self.writing() as writer:
                rewrite_segments(writer)
        if kinds & _SEALED:
            # A pack that lacks something which steps need stays: git would not write one without.
            whole = self.needed <= self.found
            with self._repository() as repository:
                self._seal_anew(repository, packs="pack" in kinds and whole)

    def _seal_anew(self, repository: SealedRepository, *, packs: bool) -> None:
        store, clock = self.context.store, self.context.clock
        try:
            seal_in(repository, store, self.writing, clock=clock, progress=self.progress)
            if packs:
                with Journal.open(store) as journal:
                    Removal(journal, repository, (), clock, self.progress).run(self.writing)
                remove_void(store)
        except NoSpaceError:
            raise
        except (IntegrityError, FailedError):
            # Something else is lost, and the second verification says what.
            return

    def _repository(self) -> AbstractContextManager[SealedRepository]:
        return sealed_repository(self.context.store, self.context.randomness)
