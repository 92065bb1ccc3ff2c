"""Adding the steps of a checked bundle to a store, beside what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stepwell.store.engine.bundles.check import Contents
from stepwell.store.engine.bundles.names import Names, Origin
from stepwell.store.engine.bundles.save import needed
from stepwell.store.engine.context import Context
from stepwell.store.engine.importing import FROM, PARTIAL
from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.marking import check_label_free
from stepwell.store.engine.references import check_free
from stepwell.store.model.errors import IntegrityError, NotFoundError, StepwellError
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.seqs import holds
from stepwell.store.model.steps import (
    Branch,
    BranchSet,
    Effect,
    Mark,
    MarkSet,
    Step,
    StepRecorded,
    View,
)
from stepwell.store.model.text import one_line, plural

_BATCH_STEPS = 200
_BATCH_BYTES = 32 << 20


BUNDLE = Origin()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the steps of a bundle."""

    imported: int
    skipped: int
    """Already here."""
    errors: tuple[tuple[StepId, str], ...]
    """What of which step could not be kept, and why; the step itself is here."""
    branches: tuple[str, ...]


class BundleLoad:
    """One import under way: records the steps that are not here yet, on branches of their own.

    Steps keep their ids. A run that is cut off leaves a whole prefix, and the next goes on behind
    it. `record` is called, under the writer lock, until all pairs were dealt with.
    """

    def __init__(self, contents: Contents, origin: Origin = BUNDLE) -> None:
        self._contents = contents
        self._origin = origin
        self._seen: set[Oid] = set()
        self._branches: set[str] = set()
        self._errors: list[tuple[StepId, str]] = []
        self._ids = frozenset(step.id for step, _ in contents.steps)
        self._growing: dict[str, bool] = {}
        self._imported = self._skipped = 0

    @property
    def loaded(self) -> Loaded:
        """What was done so far."""
        branches = tuple(sorted(self._branches))
        return Loaded(self._imported, self._skipped, tuple(self._errors), branches)

    def record(
        self, writer: JournalWriter, context: Context, drafts: Sequence[tuple[Step, Mark | None]]
    ) -> int:
        """Records the first of the steps as one operation; returns how many it has dealt with.

        Raises:
            NoSpaceError, FailedError: nothing of them was recorded.
            IntegrityError: the bundle was changed after it was checked.
        """
        view = writer.view()
        names = self._names(writer, view)
        batch = _Batch(view)
        done = 0
        with writer.begin() as transaction:
            for theirs, mark in drafts[:_BATCH_STEPS]:
                done += 1
                if is_here(writer, theirs.id):
                    self._skipped += 1
                    continue
                for oid, _ in needed(self._contents.objects, theirs, self._seen):
                    transaction.add(*self._contents.objects.read(oid))
                step = self._step(writer, names, theirs, batch.next_seq())
                batch.take(step, self._mark(batch, step, mark))
                if transaction.stored_bytes > _BATCH_BYTES:
                    break
            if batch.count:
                summary = f"imported {plural(batch.count, 'step')} from {self._origin.name}"
                transaction.commit("import", summary, batch.effects())
        self._imported += batch.count
        self._branches |= batch.branches
        return done

    def finish(self, writer: JournalWriter, tips: Mapping[str, StepId]) -> None:
        """Makes branches end where they do in the bundle."""
        view = writer.view()
        names = self._names(writer, view)
        effects: list[Effect] = []
        for wanted, head in tips.items():
            name = names.branch(wanted, head)
            if not _is_shown(writer, view, head):
                continue
            is_new = head in self._ids or not self._origin.is_workspace
            if not is_new and name not in view.branches:
                continue
            self._branches.add(name)
            branch = view.branches.get(name, Branch(name, head, head))
            if view.branches.get(name) != replace(branch, head=head):
                effects.append(BranchSet(replace(branch, head=head)))
        if effects:
            summary = f"imported {plural(len(effects), 'branch end')} from {self._origin.name}"
            writer.begin().commit("import", summary, effects)

    def _names(self, writer: JournalWriter, view: View) -> Names:
        def grows(branch: str) -> bool:
            if branch not in self._growing:
                theirs = (step.id for step, _ in self._contents.steps if step.branch == branch)
                self._growing[branch] = not all(is_here(writer, step) for step in theirs)
            return self._growing[branch]

        return Names(writer, view, self._origin, self._ids, self._contents.branches, grows)

    def _step(self, writer: JournalWriter, names: Names, theirs: Step, seq: int) -> Step:
        parents = tuple(p for p in theirs.parents if p in self._ids or is_here(writer, p))
        ours = (*self._origin.flags, PARTIAL)
        # Who else it came from before is what they say, and believed by nobody.
        kept = (f for f in theirs.flags if f not in ours and not f.startswith(FROM))
        flags = [*kept, *self._origin.flags]
        if len(parents) < len(theirs.parents):
            flags.append(PARTIAL)
        return replace(
            theirs,
            seq=seq,
            branch=names.branch(theirs.branch, theirs.id),
            parents=parents,
            title=shown_title(theirs),
            session=names.session(theirs.session),
            flags=tuple(dict.fromkeys(flags)),
        )

    def _mark(self, batch: _Batch, step: Step, mark: Mark | None) -> Mark | None:
        if mark is None or mark.label is None:
            return mark
        try:
            batch.check_label(mark.label)
        except StepwellError as error:
            self._errors.append((step.id, f"its label was left out: {error.message}"))
            return replace(mark, label=None)
        return mark


class _Batch:
    """The effects of one operation of an import."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._effects: list[Effect] = []
        self._tips: dict[str, Step] = {}
        self._bases: dict[str, StepId | None] = {}
        self._labels: list[str] = []
        self.count = 0

    @property
    def branches(self) -> set[str]:
        """The branches with steps of it."""
        return set(self._tips)

    def next_seq(self) -> int:
        """Returns the number of the next step."""
        return self._view.last_seq + self.count + 1

    def take(self, step: Step, mark: Mark | None) -> None:
        """Adds a step with its mark."""
        self.count += 1
        self._effects.append(StepRecorded(step))
        self._tips[step.branch] = step
        self._bases.setdefault(step.branch, next(iter(step.parents), None))
        if mark is not None:
            self._effects.append(MarkSet(step.id, mark))
            self._labels += [mark.label] if mark.label else []

    def check_label(self, label: str) -> None:
        """Raises when a label is malformed or taken."""
        check_label_free(self._view, label, None)
        check_free(label, self._labels, "label")

    def effects(self) -> list[Effect]:
        """Returns everything, branch tips last."""
        moved = [_moved(self._view, n, tip, self._bases[n]) for n, tip in self._tips.items()]
        return [*self._effects, *moved]


def shown_title(theirs: Step) -> str:
    """Returns the title that a step from elsewhere gets here."""
    return one_line(theirs.title) or "(no title)"


def is_here(journal: Journal, step: StepId) -> bool:
    """Tells whether the store has a step of that id, whole or damaged."""
    try:
        journal.step(step)
    except NotFoundError:
        return False
    except IntegrityError:
        pass
    return True


def _is_shown(journal: Journal, view: View, step: StepId) -> bool:
    try:
        return not holds(view.dropped, journal.step(step).seq)
    except (NotFoundError, IntegrityError):
        return False


def _moved(view: View, name: str, tip: Step, base: StepId | None) -> BranchSet:
    branch = view.branches.get(name, Branch(name, tip.id, base))
    return BranchSet(replace(branch, head=tip.id))
