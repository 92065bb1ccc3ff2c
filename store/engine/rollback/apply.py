"""Executing a plan: one place after another, each checked right before it is touched.

What is on disk must still be the item's `before`; anything else was written meanwhile, is in no
step, and is kept whatever the caller forced. One place's failure stops no other: the outcome
lists it with its reason.
"""

from __future__ import annotations

import stat
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from stepwell.store.engine.files import Placed, Seen
from stepwell.store.engine.objects import FileMovedError, ObjectReader
from stepwell.store.engine.rollback import together
from stepwell.store.engine.rollback.looking import Expected, Signature, signature_of
from stepwell.store.engine.rollback.order import Act, Scheduled, schedule
from stepwell.store.engine.rollback.places import NO_SPACE, Places, words
from stepwell.store.engine.rollback.plan import writes_content
from stepwell.store.engine.rollback.swaps import StrandedError
from stepwell.store.model.errors import FailedError, IntegrityError, NoSpaceError
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath, escape
from stepwell.store.model.plans import Kept, PathState, Plan, PlanItem

CHANGED = "changed while the rollback was running"

_REMEMBERED = 8 << 20
_TOGETHER, _TOGETHER_BYTES = 256, 64 << 20
"""So many drafts, and so many bytes in them, are made ahead at most: they need room on the disk."""

_PLACED = 5_000
"""Of so many files it is told how they came into place; whoever looks reads what is beyond."""

T = TypeVar("T")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an execution did: numbers of paths, and the paths left alone."""

    written: int
    """Files, links and folders written, made or given another mode."""
    deleted: int
    kept: tuple[Kept, ...]


class Execution:
    """An execution that has changed everything; `settle` has to follow, as not all is durable yet."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._outcome: Outcome | None = None

    def settle(self) -> Outcome:
        """Waits until all is durable, and closes the workspace; the second time it only returns."""
        if self._outcome is None:
            run = self._run
            try:
                settled = run.places.settle()
            finally:
                self.close()
            self._outcome = Outcome(run.written, run.deleted, (*run.kept_paths(), *settled))
        return self._outcome

    @property
    def placed(self) -> Mapping[bytes, Placed]:
        """Returns files that came into place, not all of very many, with their stat as of then."""
        return self._run.placed

    def close(self) -> None:
        """Closes the workspace; where `settle` was cut off, recovery finishes what it began."""
        self._run.places.close()


class Numbered(NamedTuple):
    """An item with its place in the plan, which names its temporary file."""

    number: int
    item: PlanItem


def numbered(plan: Plan) -> list[Numbered]:
    """Returns the plan's items with their numbers."""
    return [Numbered(number, item) for number, item in enumerate(plan.items)]


def apply_plan(
    root: bytes,
    plan: Plan,
    reader: ObjectReader,
    *,
    store: Path | None = None,
    seen: Mapping[bytes, Seen] = MappingProxyType({}),
    progress: Progress | None = None,
) -> Execution:
    """Executes a plan on the workspace at `root` (absolute).

    `store` is a folder where many files are made before they come into place, where that does as
    well; else each is made beside its place. `seen` tells how files looked that were as the plan says
    before; others are read before they are replaced. `progress` is called with (what, done, total).
    What comes next may begin while the system makes the changes durable: to count on that is for
    after `Execution.settle`, which has to be called.

    Raises:
        IntegrityError: a target object is missing or damaged; nothing was changed.
        NoSpaceError: there was no room for the first change; nothing was changed.
        FailedError: the workspace cannot be opened; nothing was changed.
    """
    contents = Contents(reader)
    contents.check(plan.items)
    run = _Run(open_places(root, plan.id, store), contents, seen)
    return _execute(run, numbered(plan), progress)


def execute(
    root: bytes,
    plan_id: str,
    items: list[Numbered],
    contents: Contents,
    progress: Progress | None = None,
) -> Execution:
    """Executes items whose contents were checked; as `apply_plan`, nothing is made in a store."""
    return _execute(_Run(open_places(root, plan_id), contents, {}), items, progress)


def _execute(run: _Run, items: list[Numbered], progress: Progress | None) -> Execution:
    execution = Execution(run)
    try:
        run.all(items, progress)
        run.places.begin_settling()
    except BaseException:
        execution.settle()
        raise
    return execution


def open_places(root: bytes, plan_id: str, store: Path | None = None) -> Places:
    """Opens the workspace; raises FailedError when that cannot be."""
    try:
        return Places(root, plan_id, store)
    except OSError as error:
        raise FailedError(
            f"the workspace {escape(root)} could not be opened: {words(error)}",
            hint="nothing was changed",
            errno=error.errno,
            path=escape(root),
        ) from error


def needed_blobs(items: Iterable[PlanItem]) -> set[Oid]:
    """Returns the blobs that the items would write."""
    return {i.after.blob for i in items if i.after and i.after.blob and writes_content(i)}


class Contents:
    """Target contents, each checked against its id when read; the last few are remembered."""

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._recent: OrderedDict[Oid, bytes] = OrderedDict()
        self._size = 0

    def check(self, items: Iterable[PlanItem]) -> None:
        """Reads whatever the items would write; raises IntegrityError for a bad object."""
        for blob in needed_blobs(items):
            self.of(blob)

    def of(self, blob: Oid) -> bytes:
        """Returns a blob's bytes."""
        if blob in self._recent:
            return self._recent[blob]
        content = self._reader.read(blob)[1]
        if len(content) <= _REMEMBERED:
            self._recent[blob] = content
            self._size += len(content)
        while self._size > _REMEMBERED:
            self._size -= len(self._recent.popitem(last=False)[1])
        return content


@dataclass(slots=True)
class _Run:
    """One execution. `kept` says why a path was left alone."""

    places: Places
    contents: Contents
    seen: Mapping[bytes, Seen]
    kept: dict[TrackedPath, str] = field(default_factory=dict)
    placed: dict[bytes, Placed] = field(default_factory=dict)
    written: int = 0
    deleted: int = 0

    def kept_paths(self) -> Iterator[Kept]:
        """Yields what was left alone, in path order."""
        return (Kept(path, reason) for path, reason in sorted(self.kept.items()))

    def all(self, items: list[Numbered], progress: Progress | None) -> None:
        acts = schedule(items)
        ready = 0
        for done, (act, index, item) in enumerate(acts):
            if done >= ready:
                ready = done + self._prepare(acts[done : done + _TOGETHER])
            if progress is not None:
                progress("restoring files", done, len(acts))
            if item.path not in self.kept:
                self._one(act, index, item)
        if progress is not None:
            progress("restoring files", len(acts), len(acts))

    def _prepare(self, acts: list[Scheduled]) -> int:
        """Makes drafts for the files that the first acts write, and one sync for all of them.

        Returns how many acts have had their chance. Whatever goes wrong here is left to the act
        itself, which then makes its draft alone and knows how to report it.
        """
        run = list(takewhile(lambda scheduled: scheduled[0] == "write", acts))
        files = [scheduled for scheduled in run if _makes_file(scheduled)]
        if len(files) < (1 if self.places.is_staging else together.MANY):
            return max(1, len(run))
        self.places.begin_preparing()
        room = _TOGETHER_BYTES
        for done, (_, index, item) in enumerate(files):
            room -= self._prepare_one(index, item)
            if room <= 0:
                run = run[: run.index(files[done]) + 1]
                break
        self.places.sync_prepared()
        return len(run)

    def _prepare_one(self, index: int, item: PlanItem) -> int:
        """Returns the bytes of the draft, or so many that no more are made."""
        after = _certain(item.after)
        try:
            blob = _certain(after.blob)
            content = self.contents.of(blob)
            self.places.prepare_file(item.path, index, content, after)
            return len(content)
        except OSError as error:
            return _TOGETHER_BYTES if error.errno in NO_SPACE else 0
        except (FileMovedError, IntegrityError):
            return 0
        finally:
            self.places.release()

    def _one(self, act: Act, index: int, item: PlanItem) -> None:
        try:
            getattr(self, f"_{act}")(index, item)
        except StrandedError as error:
            self.kept[item.path] = stranded(self.places, index, item.path, error)
        except FileMovedError:
            self.kept[item.path] = CHANGED
        except IntegrityError as error:
            self.kept[item.path] = f"its stored content cannot be read: {error.message}"
        except OSError as error:
            if error.errno in NO_SPACE and not self.places.changed:
                raise _no_space(item.path, error) from error
            self.kept[item.path] = _reason(act, error)
        finally:
            self.places.release()

    def _remove(self, index: int, item: PlanItem) -> None:
        self.places.remove(item.path, index, self._expected(item))
        self._count_deleted(item)

    def _remove_folder(self, _index: int, item: PlanItem) -> None:
        self._verified(item)
        self.places.remove_folder(item.path)
        self._count_deleted(item)

    def _make_folder(self, _index: int, item: PlanItem) -> None:
        if self.places.look(item.path) is not None:
            raise FileMovedError
        self.places.make_folder(item.path)

    def _write(self, index: int, item: PlanItem) -> None:
        after = _certain(item.after)
        expected = None if item.before is None or _made_way(item) else self._expected(item)
        if not writes_content(item) and not self._has_other_names(item):
            self.places.set_file_mode(item.path, after.mode, self._verified(item))
        elif stat.S_ISLNK(after.mode):
            target = self.contents.of(_certain(after.blob))
            self.places.put_link(item.path, index, target, after, expected)
        else:
            content = self.contents.of(_certain(after.blob))
            put = self.places.put_file(item.path, index, content, after, expected)
            if put is not None and len(self.placed) < _PLACED:
                self.placed[item.path] = Placed(_certain(after.blob), put)
        self.written += 1

    def _set_folder_mode(self, _index: int, item: PlanItem) -> None:
        if _is_folder(item.before):
            self._verified(item)
        self.places.set_folder_mode(item.path, _certain(item.after).mode)
        self.written += 1

    def _count_deleted(self, item: PlanItem) -> None:
        self.deleted += item.after is None

    def _expected(self, item: PlanItem) -> Expected:
        return Expected(_certain(item.before), self.seen.get(item.path))

    def _verified(self, item: PlanItem) -> Signature:
        """Returns the signature of what is there, after checking that it is the item's `before`.

        Raises:
            FileMovedError: it is not.
        """
        status, before = self.places.look(item.path), _certain(item.before)
        if status is None or not self._same_mode(item.path, status.st_mode, before.mode):
            raise FileMovedError
        if before.blob is not None and self.places.state(item.path) != before:
            raise FileMovedError
        return signature_of(status)

    def _same_mode(self, path: TrackedPath, found: int, before: int) -> bool:
        if stat.S_ISDIR(before) and self.places.is_loosened(path):
            return stat.S_ISDIR(found)
        return found == before

    def _has_other_names(self, item: PlanItem) -> bool:
        """Tells whether a change of mode would also change a file outside the workspace."""
        status = self.places.look(item.path)
        return status is not None and stat.S_ISREG(status.st_mode) and status.st_nlink > 1


def _makes_file(scheduled: Scheduled) -> bool:
    after = scheduled[2].after
    return after is not None and stat.S_ISREG(after.mode) and writes_content(scheduled[2])


def stranded(places: Places, index: int, path: TrackedPath, error: StrandedError) -> str:
    """Returns the reason for a path at which somebody saved twice in the moment of its change."""
    names = places.names(path, index)
    where = TrackedPath(error.where or path[: -len(names.own)] + names.aside)
    return f"{CHANGED}, twice: what was saved first is in {escape(where)}"


def _certain(value: T | None) -> T:
    """Returns a value that the schedule guarantees."""
    if value is None:
        raise FileMovedError
    return value


def _is_folder(state: PathState | None) -> bool:
    return state is not None and stat.S_ISDIR(state.mode)


def _made_way(item: PlanItem) -> bool:
    """Tells whether an earlier act of this item has removed what was there."""
    return _is_folder(item.before)


_VERBS: dict[Act, str] = {
    "write": "could not be written",
    "remove": "could not be deleted",
    "remove_folder": "could not be deleted",
    "make_folder": "could not be made",
    "set_folder_mode": "its mode could not be set",
}


def _reason(act: Act, error: OSError) -> str:
    return f"{_VERBS[act]}: {words(error)}"


def _no_space(path: TrackedPath, error: OSError) -> NoSpaceError:
    return NoSpaceError(
        f"{escape(path)} could not be written: {words(error)}",
        hint="nothing was changed; make room and try again",
        errno=error.errno,
        path=escape(path),
    )
