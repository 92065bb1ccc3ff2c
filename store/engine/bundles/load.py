"""Adding the steps of a checked bundle to a store, beside what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stepwell.store.engine.bundles.check import Contents
from stepwell.store.engine.bundles.save import needed
from stepwell.store.engine.context import Context
from stepwell.store.engine.importing import IMPORTED, PARTIAL, free_name
from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.marking import check_label_free
from stepwell.store.engine.references import check_free, check_name
from stepwell.store.model.errors import IntegrityError, NotFoundError, StepwellError
from stepwell.store.model.ids import Oid, StepId
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


@dataclass(frozen=True, slots=True)
class Origin:
    """Where steps come from, as far as that shows in what is recorded."""

    folder: str = "import"
    """Their branches are `folder/NAME`."""
    name: str = "a bundle"
    flags: tuple[str, ...] = (IMPORTED,)
    known: frozenset[StepId] = frozenset()
    """Other steps of the same origin: a branch that ends with one of them is its own."""
    only_new: bool = False
    """True: no branch is made for steps that were here already."""


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
        self._names: dict[str, str] = {}
        self._sessions: dict[str, str] = {}
        self._errors: list[tuple[StepId, str]] = []
        self._ids = origin.known | {step.id for step, _ in contents.steps}
        self._imported = self._skipped = 0

    @property
    def loaded(self) -> Loaded:
        """What was done so far."""
        names = tuple(sorted(set(self._names.values())))
        return Loaded(self._imported, self._skipped, tuple(self._errors), names)

    def record(
        self, writer: JournalWriter, context: Context, drafts: Sequence[tuple[Step, Mark | None]]
    ) -> int:
        """Records the first of the steps as one operation; returns how many it has dealt with.

        Raises:
            NoSpaceError, FailedError: nothing of them was recorded.
            IntegrityError: the bundle was changed after it was checked.
        """
        view = writer.view()
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
                step = self._step(writer, view, theirs, batch.next_seq())
                batch.take(step, self._mark(batch, step, mark))
                if transaction.stored_bytes > _BATCH_BYTES:
                    break
            if batch.count:
                summary = f"imported {plural(batch.count, 'step')} from {self._origin.name}"
                transaction.commit("import", summary, batch.effects())
        self._imported += batch.count
        return done

    def finish(self, writer: JournalWriter, tips: Mapping[str, StepId]) -> None:
        """Makes branches end where they do in the bundle."""
        view = writer.view()
        effects: list[Effect] = []
        for wanted, head in tips.items():
            name = self._branch(wanted, view)
            if self._origin.only_new and name not in view.branches:
                del self._names[wanted]
                continue
            branch = view.branches.get(name, Branch(name, head, head))
            if view.branches.get(name) != replace(branch, head=head):
                effects.append(BranchSet(replace(branch, head=head)))
        if effects:
            summary = f"imported {plural(len(effects), 'branch end')} from {self._origin.name}"
            writer.begin().commit("import", summary, effects)

    def _step(self, writer: JournalWriter, view: View, theirs: Step, seq: int) -> Step:
        parents = tuple(p for p in theirs.parents if p in self._ids or is_here(writer, p))
        ours = (*self._origin.flags, PARTIAL)
        flags = [f for f in theirs.flags if f not in ours] + [*self._origin.flags]
        if len(parents) < len(theirs.parents):
            flags.append(PARTIAL)
        return replace(
            theirs,
            seq=seq,
            branch=self._branch(theirs.branch, view),
            parents=parents,
            title=one_line(theirs.title) or "(no title)",
            session=self._session(theirs.session, view),
            flags=tuple(dict.fromkeys(flags)),
        )

    def _session(self, name: str | None, view: View) -> str | None:
        """Returns the session's name, told apart from one of this store that has the same."""
        if name is None:
            return None
        if name not in self._sessions:
            self._sessions[name] = f"{name}+imported" if name in view.sessions else name
        return self._sessions[name]

    def _branch(self, wanted: str, view: View) -> str:
        if wanted not in self._names:
            folder = self._origin.folder
            usable = wanted if _is_usable(folder, wanted) else "branch"
            usable = usable.removeprefix(f"{folder}/")
            ours = set(self._names.values())
            self._names[wanted] = free_name(
                folder, usable, view, lambda branch: branch.name in ours or self._continues(branch)
            )
        return self._names[wanted]

    def _continues(self, branch: Branch) -> bool:
        """Tells whether the branch ends with a step of the same origin: an import goes on."""
        return branch.head in self._ids

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


def is_here(journal: Journal, step: StepId) -> bool:
    """Tells whether the store has a step of that id, whole or damaged."""
    try:
        journal.step(step)
    except NotFoundError:
        return False
    except IntegrityError:
        pass
    return True


def _is_usable(folder: str, name: str) -> bool:
    try:
        for whole in (name, f"{folder}/{name}"):
            check_name(whole, "branch")
    except StepwellError:
        return False
    return True


def _moved(view: View, name: str, tip: Step, base: StepId | None) -> BranchSet:
    branch = view.branches.get(name, Branch(name, tip.id, base))
    return BranchSet(replace(branch, head=tip.id))
