"""The facade's verbs that look after the store: retention, sealing, rebuilding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from stepwell.store.engine.context import Progress, no_progress
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.environment import default_config, runtime_folder
from stepwell.store.link.address import spool_folders
from stepwell.store.link.carry import carried
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.reports import Collected, Repaired, Sealed
from stepwell.store.model.seqs import seqs_of
from stepwell.store.model.tiering import Room
from stepwell.store.unasked import UnaskedVerbs

if TYPE_CHECKING:
    from stepwell.store.engine.pruning.beside import Place
    from stepwell.store.engine.pruning.spools import Spools
    from stepwell.store.model.purging import Purge, Target
    from stepwell.store.model.retention import Policy, Prune


_MINUTE_NS = 60 * 1_000_000_000


class UpkeepVerbs(UnaskedVerbs):
    """Drops what is old, takes its space, seals the rest, and makes what is derived anew."""

    def plan_prune(self, policy: Policy, *, progress: Progress = no_progress) -> Prune:
        """Returns which steps a prune would drop, and why; changes nothing.

        Raises:
            RefusedError: the clock is more than a day behind the newest step.
        """
        from stepwell.store.engine.pruning.prune import plan_prune

        self._require_history()
        return plan_prune(self._journal, policy, self._context.clock(), progress=progress)

    def prune(
        self, policy: Policy, *, agreed: Prune | None = None, progress: Progress = no_progress
    ) -> Prune:
        """Drops the steps that `plan_prune` names: they are shown no more, and `undo` brings them back.

        With `agreed`, a plan of before, nothing is planned anew, and no step goes but those in it.
        Their space is taken by `gc`, once the grace time of the policy is over. Captures go on
        while it is planned; what something holds since then stays. Raises as `plan_prune`.
        """
        self.refresh()
        plan = self.plan_prune(policy, progress=progress) if agreed is None else agreed
        return self._drop(plan, policy) if plan.dropped else plan

    @carried
    def _drop(self, plan: Prune, policy: Policy) -> Prune:
        from stepwell.store.engine.pruning.prune import drop

        with self._writer() as writer:
            return drop(writer, plan, policy, self._context.clock())

    def plan_purge(
        self,
        *,
        paths: Sequence[bytes] = (),
        blobs: Sequence[Oid] = (),
        progress: Progress = no_progress,
    ) -> Purge:
        """Returns what a purge would remove, and what it would not reach; changes nothing.

        A path may be a folder or hold wildcards, as git's ignore rules do; all steps count, dropped
        ones too. What has the same content at other paths goes with it, and so does what a purge
        that was interrupted was to remove.

        Raises:
            NotFoundError: no step has such content, and no purge waits to be finished.
        """
        from stepwell.store.engine.pruning.purge import plan_purge

        self._require_history()
        return plan_purge(
            self._journal, _targets(paths, blobs), self._spools(), self._beside(), progress
        )

    def _spools(self) -> Spools:
        from stepwell.store.engine.pruning.spools import Spools

        return Spools(spool_folders(self.store, runtime_folder()), self.root)

    def _beside(self) -> tuple[Place, ...]:
        from stepwell.store.engine.pruning.beside import Document, Installed, Logs, Rest
        from stepwell.store.engine.registry import root_file
        from stepwell.store.state.purging import PurgedSnapshots

        screen = self.home / "screen" / root_file(self.home, self.root).name
        return (
            PurgedSnapshots(self.store / "state", self._context.clock),
            Logs(self.store),
            Document(screen, "screen file"),
            Installed(self.home / "installed"),
            Rest(self.store),
        )

    def purge(
        self,
        *,
        paths: Sequence[bytes] = (),
        blobs: Sequence[Oid] = (),
        progress: Progress = no_progress,
    ) -> Purge:
        """Removes for good what `plan_purge` names; the steps stay, with those paths marked purged.

        There is no undo. Cut off anywhere, the next purge or `gc` finishes it.

        Raises:
            NotFoundError: no step has such content, and no purge waits to be finished.
            RefusedError: a merge is under way.
            BusyError: another process is sealing, or writing for long.
            IntegrityError: something that stays is damaged; nothing was removed.
        """
        from stepwell.store.engine.pruning.purge import purge

        context = self._context
        done = purge(
            self.store,
            self._writer,
            _targets(paths, blobs),
            spools=self._spools(),
            beside=self._beside(),
            clock=context.clock,
            randomness=context.randomness,
            progress=progress,
            forget=self._forget_derived,
        )
        self.refresh()
        return done

    def repair(
        self, bundle: ObjectReader | None = None, *, progress: Progress = no_progress
    ) -> Repaired:
        """Mends what `verify` finds with `full`, as far as there is a source for it.

        Sources are copies in the store, the folder as it is now, and the objects of a bundle
        (`bundling.repair_from`). Nothing that can be read is lost by it; bytes always hash to the
        id that they are stored under.

        Raises:
            BusyError: another process is sealing, or writing for long.
            NoSpaceError, FailedError: the system refused.
        """
        from stepwell.store.catalogue.textindex import TEXTS, is_sound, remove_index
        from stepwell.store.engine.repairing.repair import repair

        if not is_sound(self._texts / TEXTS):
            remove_index(self._texts / TEXTS)
        done = repair(self._context, self._writer, bundle, progress)
        self._drop_catalogue()
        self._journal.close()
        self._journal = Journal.open(self.store)
        return done

    def _forget_derived(self) -> None:
        from stepwell.store.catalogue import rebuild
        from stepwell.store.engine.sharing.remotes import remove_mirrors

        remove_mirrors(self.store)
        self._drop_catalogue()
        self.refresh()
        rebuild(self.store / "catalogue", self._journal)

    def room(self) -> Room:
        """Returns what is left under the size limit of the person's settings, and on the disk.

        Raises:
            UsageError: the settings cannot be read.
        """
        from stepwell.store.engine.room import room_of
        from stepwell.store.retention import read_policy

        stats = self.stats()
        limit = read_policy(default_config()).max_bytes
        return room_of(self.store, stats.segment_bytes + stats.sealed_bytes, limit)

    def seal(self, *, progress: Progress = no_progress) -> Sealed:
        """Seals what was recorded, and removes nothing; raises as `gc`."""
        from stepwell.store.engine.sealing.seal import seal

        context = self._context
        return seal(
            self.store,
            self._writer,
            clock=context.clock,
            randomness=context.randomness,
            progress=progress,
        )

    def removable(self, *, grace_minutes: int = 120) -> tuple[int, ...]:
        """Returns the numbers of the sealed steps that `gc` would remove for good now, ascending.

        Raises:
            IntegrityError: operations cannot be read.
        """
        from stepwell.store.engine.pruning.due import due

        before_ns = self._context.clock() - grace_minutes * _MINUTE_NS
        return tuple(n for low, high in due(self._journal, before_ns) for n in range(low, high + 1))

    def gc(
        self,
        *,
        grace_minutes: int = 120,
        only: Iterable[int] | None = None,
        progress: Progress = no_progress,
    ) -> Collected:
        """Seals what was recorded: segments become packs and commits of the store's repository.

        Then it removes for good the steps that were dropped longer than the grace time ago, with
        all that nothing else needs; taking their prune back is not possible any more. `only` are
        numbers of steps, as of `removable`: no other step is removed. None: all that are due.

        A purge that was interrupted is finished first. Captures go on meanwhile. It is never done
        unasked.

        Raises:
            BusyError: another process is sealing, or writing for long.
            IntegrityError: something to be sealed is damaged; nothing was changed.
        """
        from stepwell.store.engine.pruning.sweep import sweep

        context = self._context
        if self.view().purging:
            self.purge(progress=progress)
        sealed = self.seal(progress=progress)
        swept = sweep(
            self.store,
            self._writer,
            grace_ns=grace_minutes * _MINUTE_NS,
            only=None if only is None else seqs_of(only),
            clock=context.clock,
            randomness=context.randomness,
            progress=progress,
        )
        self.refresh()
        return Collected(sealed, swept)

    def rebuild(self) -> int:
        """Makes the catalogue anew from the journal; returns the number of steps in it.

        A journal that is gone is begun anew behind what is sealed, and the repository is put right.
        """
        from stepwell.store.catalogue import rebuild
        from stepwell.store.engine.sealing.restore import restore

        self._require_history()
        self._drop_catalogue()
        context = self._context
        restore(self.store, self._writer, clock=context.clock, randomness=context.randomness)
        self.refresh()
        return rebuild(self.store / "catalogue", self._journal)


def _targets(paths: Sequence[bytes], blobs: Sequence[Oid]) -> list[Target]:
    from stepwell.store.model.purging import Target

    found = [Target(path=TrackedPath(path)) for path in paths]
    return [*found, *(Target(blob=oid) for oid in blobs)]
