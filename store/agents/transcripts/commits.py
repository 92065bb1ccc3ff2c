"""Commits as values: parsing them, and putting a history in the order in which it is imported."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stepwell.store.engine.foreign import NotImportableError
from stepwell.store.model.ids import Oid, oid_from_hex
from stepwell.store.model.text import printable_bytes

_PERSON = re.compile(rb"(.*?) ?<(.*)> (-?[0-9]{1,15})(?: [-+][0-9]+)?")
_LAST_SECOND = 253_402_300_799
"""Of the year 9999, the last that a date can be written for."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A git commit."""

    oid: Oid
    tree: Oid
    parents: tuple[Oid, ...]
    author: str
    """`NAME <ADDRESS>`, made harmless."""
    author_time: int
    """Seconds since the epoch."""
    commit_time: int
    message: str
    """Bytes that are not in the commit's encoding are kept as surrogates."""


def parse_commit(oid: Oid, content: bytes) -> Commit:
    """Returns the commit that these bytes are.

    Raises:
        NotImportableError: they are none.
    """
    head, _, message = content.partition(b"\n\n")
    fields: dict[bytes, list[bytes]] = {}
    for line in head.split(b"\n"):
        name, _, value = line.partition(b" ")
        fields.setdefault(name, []).append(value)
    try:
        tree, parents = fields[b"tree"][0], fields.get(b"parent", [])
        author, when = _person(fields.get(b"author", [b""])[0])
        _, committed = _person(fields.get(b"committer", [b""])[0])
        return Commit(
            oid,
            oid_from_hex(tree.decode("ascii")),
            tuple(oid_from_hex(parent.decode("ascii")) for parent in parents),
            author,
            when,
            committed or when,
            _decoded(message, fields.get(b"encoding", [b"utf-8"])[0]),
        )
    except (KeyError, ValueError) as error:
        raise NotImportableError("the commit is malformed") from error


def _person(line: bytes) -> tuple[str, int]:
    found = _PERSON.fullmatch(line)
    if found is None:
        return printable_bytes(line), 0
    name, address, seconds = found.groups()
    who = b"%s <%s>" % (name, address) if address else name
    return printable_bytes(who), max(0, min(int(seconds), _LAST_SECOND))


def _decoded(message: bytes, encoding: bytes) -> str:
    for name in ("utf-8", encoding.decode("ascii", "replace")):
        try:
            return message.decode(name)
        except (LookupError, ValueError):
            continue
    return message.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a commit stands in a history."""

    parents: tuple[Oid, ...]
    time: int


@dataclass(slots=True)
class Walked:
    """Some of a history: the newest commits above what is known already."""

    places: dict[Oid, Place] = field(default_factory=dict)
    known: set[Oid] = field(default_factory=set)
    """Known commits that were met; nothing below them was looked at."""
    unreadable: dict[Oid, str] = field(default_factory=dict)
    """Commits that could not be read, and why."""


def walk(
    tips: Iterable[Oid],
    read: Callable[[Oid], Commit],
    *,
    is_known: Callable[[Oid], bool] = lambda oid: False,
    limit: int | None = None,
    seen: Callable[[int], None] = lambda count: None,
) -> Walked:
    """Returns the commits that the tips lead to, the newest `limit` of them by commit time.

    `seen` is told, now and then, how many there are so far.
    """
    walked = Walked()
    queue: list[tuple[int, int, Oid]] = []
    pushed: set[Oid] = set()
    found: dict[Oid, Place] = {}

    def push(oid: Oid) -> None:
        if oid in pushed:
            return
        pushed.add(oid)
        if is_known(oid):
            walked.known.add(oid)
            return
        try:
            commit = read(oid)
        except NotImportableError as error:
            walked.unreadable[oid] = str(error)
            return
        found[oid] = Place(commit.parents, commit.commit_time)
        heapq.heappush(queue, (-commit.commit_time, len(pushed), oid))

    for tip in tips:
        push(tip)
    while queue and (limit is None or len(walked.places) < limit):
        _, _, oid = heapq.heappop(queue)
        walked.places[oid] = found.pop(oid)
        if len(walked.places) % 500 == 0:
            seen(len(walked.places))
        for parent in walked.places[oid].parents:
            push(parent)
    return walked


def oldest_first(places: Mapping[Oid, Place], tips: Iterable[Oid]) -> list[Oid]:
    """Returns the commits so that parents come before children and, else, older before newer."""
    waiting = dict.fromkeys(places, 0)
    # Commit -> how many of its children are still to come.
    for place in places.values():
        for parent in place.parents:
            if parent in waiting:
                waiting[parent] += 1
    starts = [oid for oid in dict.fromkeys((*tips, *places)) if waiting.get(oid) == 0]
    ready = [(-places[oid].time, at, oid) for at, oid in enumerate(starts)]
    heapq.heapify(ready)
    order: list[Oid] = []
    while ready:
        _, _, oid = heapq.heappop(ready)
        order.append(oid)
        for parent in _released(places[oid].parents, waiting):
            # Of equal times the one that was free first comes first, as in git.
            heapq.heappush(ready, (-places[parent].time, len(places) + len(order), parent))
    order.reverse()
    return order


def _released(parents: tuple[Oid, ...], waiting: dict[Oid, int]) -> Iterator[Oid]:
    for parent in parents:
        if parent in waiting:
            waiting[parent] -= 1
            if waiting[parent] == 0:
                yield parent


@dataclass(frozen=True, slots=True)
class Owners:
    """Which branch each commit is shown on."""

    branch: Mapping[Oid, str]
    leading: frozenset[Oid]
    """Those on the first-parent chain of their branch."""


def owners(
    places: Mapping[Oid, Place], newest_first: Sequence[Oid], tips: Iterable[tuple[str, Oid]]
) -> Owners:
    """Gives each commit to the first branch that reaches it by first parents.

    What only merges reach belongs to the branch of the commit that merged it.
    """
    branch: dict[Oid, str] = {}
    for name, tip in tips:
        for oid in _first_parents(places, tip):
            if oid in branch:
                break
            branch[oid] = name
    leading = frozenset(branch)
    for oid in newest_first:
        for parent in places[oid].parents:
            if parent in places:
                branch.setdefault(parent, branch[oid])
    return Owners(branch, leading)


def _first_parents(places: Mapping[Oid, Place], tip: Oid) -> Iterator[Oid]:
    at: Oid | None = tip
    while at is not None and at in places:
        yield at
        at = next(iter(places[at].parents), None)
