"""Searching all that steps said and changed, newest first, while the index is still being made.

The whole range of step numbers is gone through from the top: a span that is indexed is asked, one
that is not is indexed first, a few hundred steps at a time. So the first hits of a history that was
never searched come at once, and the second search only asks.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from stepwell.store.catalogue.catalogue import Catalogue
from stepwell.store.catalogue.textindex import (
    TEXTS,
    DamagedIndexError,
    Found,
    Indexed,
    TextIndex,
    remove_index,
)
from stepwell.store.engine.diff import changes, is_binary
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.snapshots import differing
from stepwell.store.model.changes import Change
from stepwell.store.model.errors import FailedError, IntegrityError
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import escape
from stepwell.store.model.reports import Hit, Where
from stepwell.store.model.steps import Mark, Step, View
from stepwell.store.model.text import printable

_CHUNK = 256
_MORE = re.compile(r" and \d+ more files?$")
_LONGEST_TEXT = 16_000
_LONGEST_DIFF = 64_000
_MOST_FILES = 300
"""Of a step that changes more, as an import does, only the paths are indexed."""
_AROUND = 40
_Answer = TypeVar("_Answer")

SECRET_NAMES = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.keystore", "id_rsa*", "id_dsa*",
    "id_ecdsa*", "id_ed25519*", ".netrc", ".npmrc", ".pypirc", ".htpasswd", "credentials",
    "credentials.*",
)  # fmt: skip
"""Files whose content the index leaves out, so that no secret lies in one place more."""

Progress = Callable[[str, int, int], None]


def search(
    folder: Path,
    journal: Journal,
    catalogue: Catalogue,
    words: Sequence[str],
    *,
    progress: Progress,
) -> Iterator[Hit]:
    """Yields where steps hold all words, the newest step first; keeps the index in `folder` up.

    The hits' steps come without marks. `words` are parts of texts, upper and lower case equal.
    """
    noted = _noted(journal.view(), catalogue, words)
    at, tries = catalogue.graph().last_seq, 2
    while True:
        try:
            with TextIndex.open(folder / TEXTS) as index:
                for low, high in indexed_spans(index, journal, catalogue, progress, at):
                    notes = [Found(*note) for note in noted if low <= note[0] <= high]
                    rows = [*_without_repeated(index.find(words, low, high), notes), *notes]
                    at = low - 1
                    yield from _hits(catalogue, rows, words)
            return
        except DamagedIndexError:
            tries -= 1
            _begin_anew(folder, tries)


def _without_repeated(rows: Iterator[Found], notes: Sequence[Found]) -> Iterator[Found]:
    """Yields the rows but for titles that the marks of their steps hold, as a label often does."""
    marked = {note.seq: note.body for note in notes}

    def is_repeated(row: Found) -> bool:
        return row.where == "title" and row.body.removesuffix("…") in marked.get(row.seq, "")

    return (row for row in rows if not is_repeated(row))


def _hits(catalogue: Catalogue, rows: list[Found], words: Sequence[str]) -> Iterator[Hit]:
    for seq, where, body in sorted(rows, key=lambda row: -row.seq):
        step = catalogue.step_by_seq(seq)
        if step is not None:
            yield Hit(step, where, excerpt(body, words))


def _begin_anew(folder: Path, tries: int) -> None:
    """Removes a damaged index, so that the next opening makes a new one."""
    if not tries:
        raise FailedError(
            f"the search index {folder / TEXTS} cannot be read right after it was made",
            hint="the disk may be failing; look at the system's log",
        )
    remove_index(folder / TEXTS)


def touching(
    folder: Path, journal: Journal, catalogue: Catalogue, path: bytes, *, progress: Progress
) -> list[int]:
    """Returns the numbers of all steps that changed a path against their first parent, ascending."""
    return _asked(folder, journal, catalogue, progress, lambda index: index.touching(path))


def touched(
    folder: Path, journal: Journal, catalogue: Catalogue, *, progress: Progress
) -> list[bytes]:
    """Returns every path that a step changed against its first parent, ascending."""
    return _asked(folder, journal, catalogue, progress, TextIndex.paths)


def _asked(
    folder: Path,
    journal: Journal,
    catalogue: Catalogue,
    progress: Progress,
    ask: Callable[[TextIndex], list[_Answer]],
) -> list[_Answer]:
    """Asks the index once it covers all steps; one that is damaged is made anew."""
    tries = 2
    while True:
        try:
            with TextIndex.open(folder / TEXTS) as index:
                for _ in indexed_spans(index, journal, catalogue, progress):
                    pass
                return ask(index)
        except DamagedIndexError:
            tries -= 1
            _begin_anew(folder, tries)


def indexed_spans(
    index: TextIndex,
    journal: Journal,
    catalogue: Catalogue,
    progress: Progress,
    top: int | None = None,
) -> Iterator[tuple[int, int]]:
    """Yields spans of step numbers that cover all there are, each indexed by then.

    They come from the newest step downwards, or from `top`.
    """
    known = index.spans()
    newest = catalogue.graph().last_seq if top is None else top
    total = newest - sum(high - low + 1 for low, high in known)
    at, done = newest, 0
    while at > 0:
        low, high = next((span for span in reversed(known) if span[0] <= at), (0, 0))
        if high < at:
            low = _index_chunk(index, journal, catalogue, (high + 1, at))
            done += at - low + 1
            progress("indexing", done, total)
        yield low, at
        at = low - 1


def _index_chunk(
    index: TextIndex, journal: Journal, catalogue: Catalogue, span: tuple[int, int]
) -> int:
    """Indexes some hundred steps from the top of a span; returns the lowest number done."""
    low, high = span
    page = catalogue.page(high + 1, _CHUNK)
    steps = [step for step in page if step.seq >= low]
    if len(steps) == _CHUNK:
        low = steps[-1].seq
    index.add(low, high, [_indexed(journal, step) for step in steps])
    return low


def _indexed(journal: Journal, step: Step) -> Indexed:
    said: dict[Where, str] = {
        "prompt": _text(journal, step.prompt),
        "input": _text(journal, step.input),
    }
    paths: list[bytes] = []
    # What is damaged cannot be found, but the rest can; `verify` tells of it.
    with suppress(IntegrityError):
        paths, said["diff"] = _changed(journal, step)
    said["path"] = "\n".join(map(escape, paths))
    if not _repeats(step, said):
        said["title"] = step.title
    return Indexed(step.seq, [(where, text) for where, text in said.items() if text], paths)


def _repeats(step: Step, said: Mapping[Where, str]) -> bool:
    """Tells whether the title is made of texts that are indexed: prompt, or a verb and what it is on."""
    if step.kind == "prompt" and said["prompt"]:
        return True
    title = step.title.removesuffix("…")
    parts = [title] if step.tool is None else [title, title.partition(" ")[2]]
    if any(part and part in text for part in parts for text in said.values()):
        return True
    # What a capture without a message is called: some names of what it changed.
    return all(name in said["path"] for name in _MORE.sub("", title).split(", "))


def _changed(journal: Journal, step: Step) -> tuple[list[bytes], str]:
    """Returns the changed paths, of a rename both names, and the changed lines."""
    before = journal.step(step.parents[0]).snapshot if step.parents else None
    if before is None or step.changes.files > _MOST_FILES:
        pairs = differing(journal, before, step.snapshot)
        return [entry.path for a, b in pairs if (entry := a or b) is not None], ""
    found = changes(journal, before, step.snapshot, hunks=True, context=0)
    return [p for c in found for p in (c.path, c.old_path) if p is not None], _diff(found)


def _text(journal: Journal, oid: Oid | None) -> str:
    if oid is None:
        return ""
    try:
        return journal.read(oid)[1][:_LONGEST_TEXT].decode("utf-8", "replace")
    except IntegrityError:
        return ""


def _diff(found: Sequence[Change]) -> str:
    """Returns the added and deleted lines with their signs, up to a limit."""
    lines = (
        line if line.endswith(b"\n") else line + b"\n"
        for change in found
        if not is_secret(change.path)
        for hunk in change.hunks
        for line in hunk.lines
    )
    taken, size = [], 0
    for line in lines:
        taken.append(line)
        size += len(line)
        if size > _LONGEST_DIFF:
            break
    joined = b"".join(taken)[:_LONGEST_DIFF]
    return "" if is_binary(joined) else joined.decode("utf-8", "replace")


def is_secret(path: bytes) -> bool:
    """Tells whether a file of that name usually holds secrets."""
    name = escape(path).rpartition("/")[2].lower()
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in SECRET_NAMES)


def _noted(view: View, catalogue: Catalogue, words: Sequence[str]) -> list[tuple[int, Where, str]]:
    """Returns the marks that hold all words; they change, so they are asked and not indexed."""
    found: list[tuple[int, Where, str]] = []
    graph = catalogue.graph()
    for step, mark in view.marks.items():
        text = _mark_text(mark)
        folded = text.casefold()
        if all(word.casefold() in folded for word in words):
            row = graph.row_of_id(step)
            if row is not None:
                found.append((graph.seqs[row], "note", text))
    return found


def _mark_text(mark: Mark) -> str:
    return "\n".join(filter(None, [mark.label, *mark.tags, *(note.text for note in mark.notes)]))


def excerpt(body: str, words: Sequence[str]) -> str:
    """Returns the line of `body` that holds the first word found, cut around it, made harmless."""
    folded = body.casefold()
    places = [folded.find(word.casefold()) for word in words]
    at = min((place for place in places if place >= 0), default=0)
    start = body.rfind("\n", 0, at) + 1
    end = body.find("\n", at)
    line = body[start : end if end >= 0 else len(body)]
    cut = max(0, at - start - _AROUND)
    piece = line[cut : cut + 4 * _AROUND]
    whole = "…" * (cut > 0) + piece.strip() + "…" * (cut + len(piece) < len(line))
    return printable(whole.expandtabs(4))
