"""What a function makes of steps, in files beside the full step files: derived from what is derived.

A full step file changes hardly ever, so whatever is told of its steps again and again is made once.
Each file says what it was made of; when the step file or the function is another, it is made anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from stepwell.store.catalogue.appendfile import read_behind
from stepwell.store.catalogue.blocks import Blocks, pack
from stepwell.store.catalogue.folderlock import locked_folder
from stepwell.store.catalogue.shards import Shards, shard_of, step_of_text
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

    def texts(self, shards: Shards, seqs: Iterable[int], *, at_hand: bool) -> dict[int, bytes]:
        """Returns what is made of the steps with these numbers, of those in full step files.

        With `at_hand`, of those alone whose files are in memory.
        """
        looks = (self._known,) if at_hand else (self._known, self._stored, self._made)
        found: dict[int, bytes] = {}
        for shard, wanted in groupby(seqs, shard_of):
            if shards.is_full(shard):
                found |= self._of(shards, shard, list(wanted), looks)
        return found

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
