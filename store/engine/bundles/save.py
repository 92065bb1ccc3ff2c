"""Writing steps to a bundle: whole or not at all, each object once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from stepwell.store.engine import codec
from stepwell.store.engine.atomic import create_file, fsync_folder, system_error
from stepwell.store.engine.bundles.format import STEPS, BundleWriter
from stepwell.store.engine.extras import read_extras
from stepwell.store.engine.objects import EMPTY_TREE, MODE_TREE, TREE, ObjectReader, decode_tree
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import Step

_PIECE = 1 << 20

Progress = Callable[[str, int, int], None]


class PiecesReader(ObjectReader, Protocol):
    """An ObjectReader that can also give an object piece by piece."""

    def pieces(self, oid: Oid) -> Iterator[bytes]:
        """Yields an object's bytes in pieces, from a copy checked beforehand."""


def save_steps(
    reader: PiecesReader,
    path: Path,
    steps: Sequence[Step],
    branches: Mapping[str, StepId],
    *,
    progress: Progress,
) -> int:
    """Writes steps, oldest first, with everything that they hold; returns how many objects.

    The steps' marks are those that they carry; of the branches those with a head among the steps.

    An existing file is replaced only once the new one is whole and on disk.

    Raises:
        NoSpaceError, FailedError: the file cannot be written; nothing is left of it.
        IntegrityError: something that a step holds is damaged or missing.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        fd = create_file(beside, os.O_EXCL)
    except OSError as error:
        raise system_error(error, "writing", path) from error
    try:
        try:
            count = _write(BundleWriter(fd, str(path)), reader, steps, branches, progress)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(beside, path)
    except OSError as error:
        raise system_error(error, "writing", path) from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(beside)
    fsync_folder(path.parent)
    return count


def _write(
    writer: BundleWriter,
    reader: PiecesReader,
    steps: Sequence[Step],
    branches: Mapping[str, StepId],
    progress: Progress,
) -> int:
    seen: set[Oid] = set()
    for number, step in enumerate(steps):
        progress("writing steps", number, len(steps))
        for oid, kind in needed(reader, step, seen):
            _add(writer, reader, oid, kind)
    own = {step.id for step in steps}
    tips = {name: head for name, head in branches.items() if head in own}
    document = json.dumps({"branches": tips, "steps": list(map(_form, steps))}).encode()
    pieces = (document[at : at + _PIECE] for at in range(0, len(document), _PIECE))
    writer.add(STEPS, len(document), pieces)
    writer.finish()
    return len(seen)


def _form(step: Step) -> codec.Json:
    mark = step.checkpoint
    return {"step": codec.step_to_json(step), "mark": mark and codec.mark_to_json(mark)}


def _add(writer: BundleWriter, reader: PiecesReader, oid: Oid, kind: str) -> None:
    if kind == TREE:
        data = reader.read(oid)[1]
        writer.add(kind, len(data), [data])
        return
    size = sum(len(piece) for piece in reader.pieces(oid))
    writer.add(kind, size, reader.pieces(oid))


def needed(reader: ObjectReader, step: Step, seen: set[Oid]) -> Iterable[tuple[Oid, str]]:
    """Yields (id, kind) of what a step holds and `seen` does not, and adds it there."""
    waiting = [(step.snapshot.tree, TREE)]
    waiting += [(oid, "blob") for oid in blobs_of(step)]
    waiting += [
        (oid, "blob") for _, oid in read_extras(reader, step.snapshot.extras).entries.values()
    ]
    while waiting:
        oid, kind = waiting.pop()
        if oid in seen:
            continue
        seen.add(oid)
        yield oid, kind
        if kind == TREE and oid != EMPTY_TREE:
            entries = decode_tree(reader.read(oid)[1])
            waiting += [(e.oid, TREE if e.mode == MODE_TREE else "blob") for e in entries]


def blobs_of(step: Step) -> list[Oid]:
    """Returns the blobs that a step names itself: extras, coverage, rules and texts."""
    texts = (step.prompt, step.input, step.result_text, step.said)
    own = (step.coverage_blob, step.rules_blob, step.state, *texts)
    return [step.snapshot.extras, *(oid for oid in own if oid is not None)]
