"""What a function makes of steps, in files beside the full step files: derived from what is derived.

A full step file changes hardly ever, so whatever is told of its steps again and again is made once.
Each file says what it was made of; when the step file or the function is another, it is made anew.
Of the step file that still grows it is kept in memory, each text with the stored step that it is of.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from stepwell.store.catalogue.appendfile import read_behind
from stepwell.store.catalogue.blocks import Blocks, pack
from stepwell.store.catalogue.folderlock import locked_folder
from stepwell.store.catalogue.shards import SHARD_STEPS, Shards, shard_of, step_of_text
from stepwell.store.engine.atomic import write_atomic
from stepwell.store.model.errors import FailedError, IntegrityError
from stepwell.store.model.steps import Step

_LOADED = 128
"""Files that are held in memory; some hundred kilobytes each."""

_Look = Callable[[Shards, int, Path], Blocks | None]

_log = logging.getLogger("stepwell.catalogue")
_log.addHandler(logging.NullHandler())


class Rendering:
    """One function, and its files. Threads may share it.

    `kind` changes whenever the function makes something else of the same step; a text has no line
    feed.
    """

    def __init__(self, kind: str, render: Callable[[Step], bytes]) -> None:
        self._kind = kind
        self._render = render
        self._loaded: dict[Path, Blocks] = {}
        self._growing: dict[int, tuple[bytes, bytes]] = {}
        """By step number: the stored step, and what was made of it."""

    def texts(self, shards: Shards, seqs: Iterable[int], *, at_hand: bool) -> dict[int, bytes]:
        """Returns what is made of the steps with these numbers, of those in step files.

        With `at_hand`, of those alone of which it is in memory.
        """
        looks = (self._known,) if at_hand else (self._known, self._stored, self._made)
        found: dict[int, bytes] = {}
        for shard, wanted in groupby(seqs, shard_of):
            if shards.is_full(shard):
                found |= self._of(shards, shard, list(wanted), looks)
            elif shards.is_open(shard) or not at_hand:
                found |= self._of_growing(shards.texts(shard), wanted, at_hand)
        return found

    def _of_growing(
        self, stored: Mapping[int, bytes], seqs: Iterable[int], at_hand: bool
    ) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for seq in seqs:
            of, made = self._growing.get(seq, (None, b""))
            if (text := stored.get(seq)) is None:
                continue
            if of == text:
                found[seq] = made
            elif not at_hand and (step := step_of_text(text)) is not None:
                found[seq] = self._render(step)
                self._remember(seq, text, found[seq])
        return found

    def _remember(self, seq: int, stored: bytes, made: bytes) -> None:
        if len(self._growing) >= 2 * SHARD_STEPS:
            self._growing.clear()
        self._growing[seq] = (stored, made)

    def _of(
        self, shards: Shards, shard: int, seqs: list[int], looks: tuple[_Look, ...]
    ) -> dict[int, bytes]:
        path = shards.beside(shard)
        for look in looks:
            blocks = look(shards, shard, path)
            if blocks is None:
                continue
            with suppress(ValueError):
                found = blocks.texts(seqs)
                self._keep(path, blocks)
                return found
        return {}

    def _keep(self, path: Path, blocks: Blocks) -> None:
        if len(self._loaded) >= _LOADED and path not in self._loaded:
            self._loaded.clear()
        self._loaded[path] = blocks

    def _known(self, shards: Shards, shard: int, path: Path) -> Blocks | None:
        blocks = self._loaded.get(path)
        return blocks if blocks and blocks.made_of == self._source(shards, shard) else None

    def _stored(self, shards: Shards, shard: int, path: Path) -> Blocks | None:
        try:
            return Blocks(read_behind(path, 0, None), self._source(shards, shard))
        except (IntegrityError, ValueError):
            return None

    def _made(self, shards: Shards, shard: int, path: Path) -> Blocks | None:
        """Makes a file; where it cannot be written, what would be in it serves from memory."""
        steps = {seq: step_of_text(text) for seq, text in sorted(shards.texts(shard).items())}
        if not steps or None in steps.values():
            return None
        source = self._source(shards, shard)
        made = pack(source, ((seq, self._render(s)) for seq, s in steps.items() if s is not None))
        try:
            _write(shards, shard, path, made)
        except FailedError as error:
            _log.warning("%s", error.message)
        return Blocks(made, source)

    def _source(self, shards: Shards, shard: int) -> bytes:
        return b"%s %d %08x" % (self._kind.encode(), *shards.pins[shard])


def _write(shards: Shards, shard: int, path: Path, content: bytes) -> None:
    """Writes a file, unless the step file that it is of is gone: whoever removed it removed all of it."""
    with locked_folder(path.parent, True) as locked:
        if locked and shards.is_there(shard):
            write_atomic(path, content, durable=False)
