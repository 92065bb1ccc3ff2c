"""Beginning a lost journal anew behind what is sealed, from the repository alone."""

from __future__ import annotations

from pathlib import Path

from stepwell.store.engine.lock import WriterLock
from stepwell.store.engine.manifest import read_manifest
from stepwell.store.engine.sealing.layout import repository_of
from stepwell.store.engine.sealing.part import found_manifest
from stepwell.store.engine.sealing.repository import sealed_repository
from stepwell.store.engine.sealing.seal import Writing
from stepwell.store.model.ids import Clock, RandomBytes


def restore(store: Path, writing: Writing, *, clock: Clock, randomness: RandomBytes) -> None:
    """Puts the repository's configuration right, and makes the manifest list what is there.

    Where the manifest is gone, or its packs are (a clone may have taken the repository's place),
    what the repository holds counts from then on. Does nothing in a store without a repository.

    Raises:
        BusyError: another process is sealing or writing.
        IntegrityError: the sealed operations cannot be read.
        NoSpaceError, FailedError: the system refuses.
    """
    repository = repository_of(store)
    if not (repository / "HEAD").exists():
        return
    with WriterLock.acquire(repository, wait_s=0.0, clock=clock):
        with sealed_repository(store, randomness):
            pass
        manifest = read_manifest(store)
        found = found_manifest(store, ())
        if manifest is None:
            with writing():
                pass
        elif found.sealed >= manifest.sealed and set(manifest.packs) - set(found.packs):
            with writing() as writer:
                writer.switch(found, ())
