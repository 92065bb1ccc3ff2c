"""Differences between two snapshots as a person reads them: statuses, renames, lines."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from stepwell.store.engine.lines import Side, compare
from stepwell.store.engine.objects import EMPTY_BLOB, ObjectReader
from stepwell.store.engine.snapshots import Difference, Entry, differing
from stepwell.store.model.changes import Change, Status
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath, is_under, parent
from stepwell.store.model.steps import ChangeCounts, Snapshot

SNIFFED = 8000
"""A NUL among so many first bytes makes content binary, as in git."""

TOO_LARGE = 5_000_000
"""Texts with more bytes than this on a side are not compared by line."""


def changes(
    reader: ObjectReader,
    a: Snapshot | None,
    b: Snapshot | None,
    *,
    hunks: bool,
    context: int = 3,
    ignore_space: bool = False,
    paths: Iterable[bytes] = (),
) -> tuple[Change, ...]:
    """Returns what turns snapshot `a` into `b`, in path order; None stands for an empty one.

    Lines are counted either way; `ignore_space` counts and shows none that differ in white space
    only. `hunks` False leaves only the hunks themselves out. `paths`
    limits the result to those paths and what lies below them, before renames are looked for.
    Folders are listed when they are empty, or when their mode or type differs.

    Raises:
        IntegrityError: an object is missing or damaged.
    """
    pairs = differing(reader, a, b)
    return changes_of_pairs(
        reader, pairs, hunks=hunks, context=context, ignore_space=ignore_space, paths=paths
    )


def changes_without_lines(
    reader: ObjectReader, a: Snapshot | None, b: Snapshot | None
) -> tuple[Change, ...]:
    """Returns what `changes` does, its lines neither counted nor compared: no file is read.

    `change_of_blobs` adds them, one change at a time.
    """
    pairs = differing(reader, a, b)
    return tuple(_with_renames([_plain(was, now) for was, now in _of_interest(pairs, ())]))


def changes_of_pairs(
    reader: ObjectReader,
    pairs: list[Difference],
    *,
    hunks: bool,
    context: int = 3,
    ignore_space: bool = False,
    paths: Iterable[bytes] = (),
) -> tuple[Change, ...]:
    """Returns given differences as `changes` does."""
    wanted = _of_interest(pairs, tuple(paths))
    found = _with_renames([_plain(was, now) for was, now in wanted])
    return tuple(_with_lines(reader, change, hunks, context, ignore_space) for change in found)


def exact_renames(pairs: list[Difference]) -> dict[TrackedPath, TrackedPath]:
    """Returns old name -> new name of each file that only moved."""
    found = _with_renames([_plain(was, now) for was, now in _of_interest(pairs, ())])
    return {c.old_path: c.path for c in found if c.old_path is not None}


def change_of_blobs(
    reader: ObjectReader,
    change: Change,
    *,
    hunks: bool = True,
    context: int = 3,
    ignore_space: bool = False,
) -> Change:
    """Returns the change with its lines counted and, on request, its hunks."""
    return _with_lines(reader, change, hunks, context, ignore_space)


def counts(found: Iterable[Change]) -> ChangeCounts:
    """Returns the number of changed paths (empty folders and folder modes apart) and lines."""
    files = [c for c in found if not _only_folders(c)]
    return ChangeCounts(len(files), sum(c.added for c in files), sum(c.deleted for c in files))


def is_binary(content: bytes) -> bool:
    """Tells whether git would call the content binary."""
    return content.find(b"\0", 0, SNIFFED) >= 0


def _only_folders(change: Change) -> bool:
    modes = (change.old_mode, change.new_mode)
    return all(mode is None or stat.S_ISDIR(mode) for mode in modes)


def _of_interest(pairs: Sequence[Difference], paths: tuple[bytes, ...]) -> Iterator[Difference]:
    """Yields the pairs asked for, without folders that their content already speaks for."""
    left = {parent(was.path) for was, _ in pairs if was}
    right = {parent(now.path) for _, now in pairs if now}
    for was, now in pairs:
        was = None if was and was.oid is None and now is None and was.path in left else was
        now = None if now and now.oid is None and was is None and now.path in right else now
        entry = was or now
        if entry and (not paths or any(is_under(entry.path, p) for p in paths)):
            yield was, now


def _plain(was: Entry | None, now: Entry | None) -> Change:
    entry = now or was
    assert entry is not None
    return Change(
        path=entry.path,
        status=_status(was, now),
        old_mode=was.mode if was else None,
        new_mode=now.mode if now else None,
        old_blob=was.oid if was else None,
        new_blob=now.oid if now else None,
    )


def _status(was: Entry | None, now: Entry | None) -> Status:
    if was is None:
        return "A"
    if now is None:
        return "D"
    return "M" if stat.S_IFMT(was.mode) == stat.S_IFMT(now.mode) else "T"


def _with_renames(found: list[Change]) -> list[Change]:
    """Turns a deletion and an addition of the same content into one rename each."""
    sources: dict[tuple[Oid, int], list[Change]] = {}
    for change in found:
        if change.status == "D" and (key := _content(change.old_blob, change.old_mode)):
            sources.setdefault(key, []).append(change)
    if not sources:
        return found
    added = [c for c in found if c.status == "A" and _content(c.new_blob, c.new_mode) in sources]
    renamed: dict[TrackedPath, Change] = {}
    for same_name in (True, False):
        for change in added:
            if change.path not in renamed:
                _pair(change, sources, renamed, same_name)
    gone = {c.old_path for c in renamed.values()}
    rest = [c for c in found if not (c.status == "D" and c.path in gone)]
    return [renamed.get(c.path, c) for c in rest]


def _content(blob: Oid | None, mode: int | None) -> tuple[Oid, int] | None:
    if blob is None or mode is None or blob == EMPTY_BLOB:
        return None
    return blob, stat.S_IFMT(mode)


def _pair(
    change: Change,
    sources: dict[tuple[Oid, int], list[Change]],
    renamed: dict[TrackedPath, Change],
    same_name: bool,
) -> None:
    key = _content(change.new_blob, change.new_mode)
    candidates = sources[key] if key else []
    for at, source in enumerate(candidates):
        if not same_name or _name(source.path) == _name(change.path):
            del candidates[at]
            renamed[change.path] = replace(
                change,
                status="R",
                old_path=source.path,
                old_mode=source.old_mode,
                old_blob=source.old_blob,
            )
            return


def _name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]


def _with_lines(
    reader: ObjectReader, change: Change, hunks: bool, context: int, ignore_space: bool
) -> Change:
    if change.old_blob == change.new_blob:
        return change
    old = b"" if change.old_blob is None else reader.read(change.old_blob)[1]
    if is_binary(old):
        return replace(change, binary=True)
    too_large = len(old) > TOO_LARGE
    old = b"" if too_large else old  # both sides at once may be more than there is room for
    new = b"" if change.new_blob is None else reader.read(change.new_blob)[1]
    if is_binary(new):
        return replace(change, binary=True)
    if too_large or len(new) > TOO_LARGE:
        return replace(change, too_large=True)
    sides = Side(change.old_blob, old), Side(change.new_blob, new)
    lines = compare(change.path, *sides, hunks=hunks, context=context, ignore_space=ignore_space)
    return replace(change, added=lines.added, deleted=lines.deleted, hunks=lines.hunks)
