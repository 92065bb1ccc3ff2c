"""Refs read without git, and a damaged `packed-refs` of which git reads what is whole."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.journals import make_store, record_many, writing
from support.sealed import git, seal_store

from stepwell.store.engine.sealing.layout import repository_of
from stepwell.store.engine.sealing.refs import read_refs, readable_packed_refs

ID = b"0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Returns a sealed repository with more refs, one of them an annotated tag, all packed."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer:
        record_many(writer, 3)
    seal_store(store)
    found = repository_of(store)
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    git(found, *who, "tag", "-a", "-m", "x", "annotated", "refs/heads/main")
    for name in ("refs/heads/a", "refs/heads/main.1", "refs/heads/m@in", "refs/heads/a./b"):
        git(found, "update-ref", name, "refs/heads/main")
    git(found, "pack-refs", "--all", "--prune")
    content = (found / "packed-refs").read_bytes()
    assert content.count(b"\n") == 11 and content.count(b"\n^") == 1
    return found


class Reader:
    """Has git read what is left of a `packed-refs`; each content once."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._path = repository / "packed-refs"
        self.whole = self._path.read_bytes()
        self._read: set[bytes] = set()

    def mend(self, content: bytes) -> bytes:
        """Returns what is made of a file; git reads the same refs in it as we do, and finds each."""
        self._path.write_bytes(content)
        mended = readable_packed_refs(self._repository)
        known = read_refs(self._repository)
        if mended not in self._read:
            self._read.add(mended)
            self._path.write_bytes(mended)
            wanted = "".join(f"{o.hex()} {n.decode('latin-1')}\n" for n, o in sorted(known.items()))
            assert self._listed() == wanted
            assert self._listed(*(name.decode("latin-1") for name in known)) == wanted
        return mended

    def _listed(self, *names: str) -> str:
        return git(self._repository, "for-each-ref", "--format=%(objectname) %(refname)", *names)

    def refuses(self, content: bytes) -> bool:
        """Tells whether git cannot go on with a file."""
        self._path.write_bytes(content)
        try:
            self._listed()
        except AssertionError:
            return True
        return False


@pytest.fixture
def reader(repository: Path) -> Reader:
    """Returns git for the repository's refs."""
    return Reader(repository)


def test_a_whole_file_stays_as_it_is(reader: Reader) -> None:
    """So does an empty one, and one with its first line alone."""
    head = reader.whole.split(b"\n")[0] + b"\n"
    for content in (reader.whole, head, b"", reader.whole.removeprefix(head)):
        assert reader.mend(content) == content


def test_what_git_refuses_is_made_readable(reader: Reader) -> None:
    """All whole refs are kept."""
    whole = reader.whole
    for content in (
        whole[:-1],
        whole + b"\n",
        whole.replace(b"\n", b"\n\n", 2),
        whole + b"# a remark\n",
        b"# a remark\n" + whole,
        whole.replace(b"\n", b"\n^" + ID + b"\n", 1),
        whole + b"^" + ID + b"\n^" + ID + b"\n",
        whole + ID + b" refs/../outside\n",
        whole + ID + b" ",
    ):
        assert reader.refuses(content)
        assert reader.mend(content).count(b" refs/") == whole.count(b" refs/")


def test_wherever_the_file_was_torn_git_reads_what_is_left(reader: Reader) -> None:
    """A name that was cut off is no other ref's name."""
    for end in range(len(reader.whole)):
        names = set(reader.mend(reader.whole[:end]).split())
        assert names <= set(reader.whole.split())


def test_whatever_became_of_lines_git_reads_what_is_left(reader: Reader) -> None:
    """Lines lost, doubled, moved, cut, and bits flipped."""
    chance = random.Random(7)
    for _ in range(150):
        lines = reader.whole.split(b"\n")
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        kind = chance.randrange(5)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, lines[other])
        elif kind == 2:
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == 3:
            lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
        content = bytearray(b"\n".join(lines))
        if kind == 4:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(7)
        reader.mend(bytes(content))
