"""Writing a git pack with its index, in git's formats (gitformat-pack): whole objects, no deltas.

For scratch repositories only: nothing is synced, and content is stored without compression.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

from stepwell.store.model.ids import Oid

_KINDS = {"commit": 1, "tree": 2, "blob": 3}
_FAR = 1 << 31


def write_pack(folder: Path, objects: Iterable[tuple[Oid, str, bytes]]) -> None:
    """Writes (id, kind, content) of each object into a pack in `folder`.

    Raises:
        OSError: as the system gives it.
    """
    # The count stands first, so the entries are made before the file.
    entries = [(oid, _entry(kind, content)) for oid, kind, content in objects]
    digest = hashlib.sha1(usedforsecurity=False)
    rows = []
    with open(folder / "pack-given.pack", "wb") as pack:
        at = 0
        for oid, piece in [(None, struct.pack(">4sII", b"PACK", 2, len(entries))), *entries]:
            if oid is not None:
                rows.append((oid, zlib.crc32(piece), at))
            digest.update(piece)
            at += pack.write(piece)
        pack.write(digest.digest())
    index = _index(sorted(rows), digest.digest())
    (folder / "pack-given.idx").write_bytes(index)


def _entry(kind: str, content: bytes) -> bytes:
    size = len(content)
    head = bytearray([_KINDS[kind] << 4 | size & 15])
    size >>= 4
    while size:
        head[-1] |= 0x80
        head.append(size & 0x7F)
        size >>= 7
    return bytes(head) + zlib.compress(content, 0)


def _index(rows: list[tuple[Oid, int, int]], pack: bytes) -> bytes:
    counts = [0] * 256
    for oid, _, _ in rows:
        counts[oid[0]] += 1
    fanout = [sum(counts[: at + 1]) for at in range(256)]
    far = [at for _, _, at in rows if at >= _FAR]
    near = [at if at < _FAR else _FAR | far.index(at) for _, _, at in rows]
    index = b"".join(
        [
            b"\xfftOc" + struct.pack(">I256I", 2, *fanout),
            b"".join(oid for oid, _, _ in rows),
            struct.pack(f">{len(rows)}I", *(crc for _, crc, _ in rows)),
            struct.pack(f">{len(rows)}I", *near),
            struct.pack(f">{len(far)}Q", *far),
            pack,
        ]
    )
    return index + hashlib.sha1(index, usedforsecurity=False).digest()
