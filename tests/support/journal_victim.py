"""A process for the journal's crash tests; prints what was acknowledged, one line each.

append STORE          records steps for ever
fill STORE LIMIT      records until the file size limit stops it, then lifts it and goes on
hold STORE            takes the lock and waits
contend STORE ROUNDS  takes and releases the lock; checks that nobody else is inside
"""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import time
from pathlib import Path

from support.journals import assert_whole, record, writing

from stepwell.store.engine.lock import WriterLock
from stepwell.store.engine.objects import BLOB
from stepwell.store.model.errors import NoSpaceError


def say(line: object) -> None:
    """Writes one line at once."""
    os.write(1, f"{line}\n".encode())


def append(store: Path) -> None:
    """Records until it is killed; small and large content, with reopening, syncs and rotation."""
    chance = random.Random()
    while True:
        with writing(store, segment_bytes=60_000, durability="durable") as writer:
            for _ in range(chance.randint(1, 90)):
                size = 1_500_000 if chance.random() < 0.05 else chance.randint(0, 3_000)
                number = record(writer, chance.randbytes(size)).number
                say(number)


def fill(store: Path, limit: int) -> None:
    """Hits the limit in every phase of a transaction; earlier and later operations must be fine."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    chance = random.Random(limit)
    with writing(store, durability="durable") as writer:
        done = [record(writer, b"before")]
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        failures = 0
        while failures < 3:
            try:
                done.append(record(writer, chance.randbytes(700)))
            except NoSpaceError:
                failures += 1
        size = os.stat(store / "journal" / "00000001.segment").st_size
        try:
            with writer.begin() as transaction:
                for _ in range(8):
                    transaction.add(BLOB, chance.randbytes(1_000_000))
            say("the limit did not hold")
        except NoSpaceError:
            pass
        assert os.stat(store / "journal" / "00000001.segment").st_size == size
        assert_whole(writer, done)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        done.append(record(writer, b"after"))
        assert_whole(writer, done)
        assert [o.number for o in done] == list(range(1, len(done) + 1))
    say(len(done))


def hold(store: Path) -> None:
    """Keeps the lock until it is killed."""
    with WriterLock.acquire(store, wait_s=0, clock=time.time_ns):
        say("held")
        signal.pause()


def contend(store: Path, rounds: int) -> None:
    """Makes a file that must not exist whenever somebody has the lock."""
    inside = store / "inside"
    for _ in range(rounds):
        with WriterLock.acquire(store, wait_s=60, clock=time.time_ns):
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            os.sched_yield()
            os.unlink(inside)
    say("done")


if __name__ == "__main__":
    verb, folder, *rest = sys.argv[1:]
    acts = {"append": append, "fill": fill, "hold": hold, "contend": contend}
    acts[verb](Path(folder), *map(int, rest))  # type: ignore[operator]
