"""Packs read without libgit2, with git as the judge: while an index beside them is damaged."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.journals import flip, make_store, reading, record_many, writing
from support.sealed import git, seal_store

from stepwell.store.engine.sealing.layout import repository_of
from stepwell.store.engine.sealing.packindex import PackIndex
from stepwell.store.engine.sealing.packreader import PackReader, apply_delta
from stepwell.store.model.errors import ObjectDamagedError

TEXTS = [
    b"".join(b"%d of %d\n" % (n * n, v if n % 40 == v % 40 else 0) for n in range(400))
    for v in range(37)
]


def packed(folder: Path, *options: str) -> PackReader:
    """Has git make a pack with deltas of many versions of a text, and of their trees and commits."""
    git_in(folder, "init", "-q", "--bare")
    parent: list[str] = []
    for text in TEXTS:
        blob = git_in(folder, "hash-object", "-w", "--stdin", feed=text)
        tree = git_in(folder, "mktree", feed=f"100644 blob {blob}\tfile\n".encode())
        commit = git_in(folder, "commit-tree", tree, "-m", "x", *parent)
        parent = ["-p", commit]
    feed = f"{commit}\n".encode()
    name = git_in(folder, "pack-objects", "--revs", *options, str(folder / "made"), feed=feed)
    index = PackIndex.open(folder / f"made-{name}.idx")
    assert index is not None
    return PackReader(index)


def git_in(folder: Path, *arguments: str, feed: bytes = b"") -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    command = ("git", "-C", str(folder), *names, *arguments)
    folder.mkdir(exist_ok=True)
    done = subprocess.run(command, input=feed, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.mark.parametrize("options", [(), ("--delta-base-offset",), ("--depth=0",)])
def test_every_object_reads_as_git_reads_it(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Deltas whose base is named by id, by offset, and none."""
    repository = tmp_path / "repository"
    reader = packed(repository, *options)
    assert reader.index.count == 3 * len(TEXTS)
    deltas = 0
    for oid in reader.index.ids():
        kind, content = reader.read(oid)
        assert kind == git_in(repository, "cat-file", "-t", oid.hex())
        command = ("git", "-C", str(repository), "cat-file", kind, oid.hex())
        assert content == subprocess.run(command, capture_output=True, check=True).stdout
        assert reader.size(oid) == len(content)
        deltas += (reader.index.stored_size(oid) or 0) < len(content) // 8
    assert bool(deltas) == ("--depth=0" not in options)


def test_no_flipped_bit_gives_wrong_bytes(tmp_path: Path) -> None:
    """What the flip does not touch reads as before."""
    reader = packed(tmp_path / "repository", "--delta-base-offset")
    right = {oid: reader.read(oid) for oid in reader.index.ids()}
    chance = random.Random(5)
    size = reader.index.pack.stat().st_size
    told = 0
    for at in chance.sample(range(12, size - 20), 150):
        mask = 1 << chance.randrange(8)
        flip(reader.index.pack, at, mask)
        damaged = False
        for oid, was in right.items():
            try:
                assert reader.read(oid) == was
            except ObjectDamagedError:
                damaged = True
        flip(reader.index.pack, at, mask)
        told += damaged
    # Those bits that fill up the last byte of what is deflated say nothing.
    assert told > 130
    assert {oid: reader.read(oid) for oid in right} == right


def test_a_stretch_of_nonsense_is_told_as_damage(tmp_path: Path) -> None:
    """Also where it says of an object that it is larger than any memory."""
    reader = packed(tmp_path / "repository", "--delta-base-offset")
    oid = max(reader.index.ids(), key=lambda one: reader.index.stored_size(one) or 0)
    at = reader.index.offset_of(oid) or 0
    with open(reader.index.pack, "r+b") as file:
        file.seek(at)
        file.write(b"\xaa" * 12)
    with pytest.raises(ObjectDamagedError):
        reader.read(oid)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_a_malformed_delta_is_refused_or_makes_what_it_says(base: bytes, delta: bytes) -> None:
    """Nothing but the errors that a reader expects."""
    try:
        made = apply_delta(base, delta)
    except (ValueError, IndexError):
        return
    assert len(made) < 1 << 20


def test_beside_a_damaged_index_all_other_packs_stay_readable(tmp_path: Path) -> None:
    """Steps whose content lies in another pack do not suffer."""
    store = make_store(tmp_path / "store")
    for count in (8, 16):
        with writing(store) as writer:
            record_many(writer, count)
        seal_store(store)
    with reading(store) as journal:
        small, large = sorted(journal.sealed.packs.indexes, key=lambda index: index.count)
        flip(small.path, small.path.stat().st_size - 50)
    with reading(store) as journal:
        packs = journal.sealed.packs
        for oid in large.ids():
            kind, content = packs.read(oid)
            assert kind == packs.kind(oid)
            assert len(content) == int(git(repository_of(store), "cat-file", "-s", oid.hex()))
        for oid in set(small.ids()) - set(large.ids()):
            with pytest.raises(ObjectDamagedError):
                packs.read(oid)
