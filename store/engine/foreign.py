"""Making the git trees of another history into snapshots, copied object by object.

What that history holds is hostile until it was looked at. Names that could reach a repository's
own folder are left out and listed, and a tree that is malformed or larger than any project makes
its whole commit `NotImportableError`. The result is what a capture of the same files would be.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from stepwell.store.engine.coverage import (
    RuleTexts,
    count_coverage,
    encode_coverage,
    encode_rules,
)
from stepwell.store.engine.extras import Extras, encode
from stepwell.store.engine.ignore import LARGEST_RULE_FILE, RULE_FILES
from stepwell.store.engine.objects import (
    BLOB,
    MODE_EXEC,
    MODE_FILE,
    MODE_LINK,
    MODE_TREE,
    TREE,
    ObjectSink,
    TreeEntry,
    decode_tree,
    encode_tree,
    git_refuses,
    refuses_entry,
)
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import CoverageCounts, Covered, Reason, Snapshot

_LONGEST_NAME = 255
_LONGEST_PATH = 4_000
_DEEPEST = 300
_MOST_FILES = 1_000_000
_REMEMBERED = 100_000
_TYPE = 0o170000
_SUBMODULE = 0o160000
_MODES = frozenset({MODE_FILE, MODE_EXEC, MODE_LINK, MODE_TREE, _SUBMODULE})
_OTHER_VERSION_CONTROL = frozenset({b".hg", b".jj", b".svn"})


class NotImportableError(Exception):
    """A commit that cannot become a step; the message completes "it was left out because"."""


class ForeignObjects(Protocol):
    """Where another history's objects are read."""

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Returns kind and bytes; raises NotImportableError when it is missing or damaged."""

    def size(self, oid: Oid) -> int:
        """Returns the object's size without reading it whole; raises as `read`."""


@dataclass(frozen=True, slots=True)
class ForeignSnapshot:
    """A snapshot, and what its tree held that it does not."""

    snapshot: Snapshot
    covered: tuple[Covered, ...]
    counts: CoverageCounts
    coverage_blob: Oid | None
    rules_blob: Oid | None


@dataclass(frozen=True, slots=True)
class _Part:
    """One folder, made over. Paths are relative to it, so that equal folders are made over once."""

    tree: Oid | None
    """None: a git tree would hold nothing of it."""
    files: int
    longest: int
    """Length of the longest path."""
    refused: tuple[tuple[bytes, int, Oid], ...]
    left_out: tuple[tuple[bytes, Reason], ...]
    rules: tuple[tuple[bytes, Oid], ...]


@dataclass(slots=True)
class _Draft:
    """A folder being made over."""

    entries: list[TreeEntry] = field(default_factory=list)
    files: int = 0
    longest: int = 0
    refused: list[tuple[bytes, int, Oid]] = field(default_factory=list)
    left_out: list[tuple[bytes, Reason]] = field(default_factory=list)
    rules: list[tuple[bytes, Oid]] = field(default_factory=list)

    def keep(self, entry: TreeEntry) -> None:
        """Adds a file or link."""
        self.entries.append(entry)
        self.files += 1
        self.longest = max(self.longest, len(entry.name))

    def refuse(self, entry: TreeEntry) -> None:
        """Adds a file or link that git would refuse in a tree."""
        self.refused.append(entry)
        self.files += 1
        self.longest = max(self.longest, len(entry.name))

    def take(self, name: bytes, part: _Part) -> None:
        """Adds a subfolder."""
        if part.tree is not None:
            self.entries.append(TreeEntry(name, MODE_TREE, part.tree))
        self.files += part.files
        self.longest = max(self.longest, len(name) + 1 + part.longest)
        if not (part.refused or part.left_out or part.rules):
            return
        inside = name + b"/"
        self.refused += [(inside + path, mode, oid) for path, mode, oid in part.refused]
        self.left_out += [(inside + path, reason) for path, reason in part.left_out]
        self.rules += [(inside + path, oid) for path, oid in part.rules]

    def finished(self, tree: Oid | None) -> _Part:
        """Returns the folder as it is to be remembered."""
        return _Part(
            tree,
            self.files,
            self.longest,
            tuple(self.refused),
            tuple(self.left_out),
            tuple(self.rules),
        )


class TreeCopier:
    """Copies trees from one history; remembers what it copied, since commits share most of it.

    So it must not be used on when the objects that it added did not become part of the store.
    """

    def __init__(self, source: ForeignObjects, cap_bytes: int, modes: Extras) -> None:
        self._source = source
        self._cap_bytes = cap_bytes
        self._modes = modes
        self._parts: OrderedDict[Oid, _Part] = OrderedDict()
        self._plain: set[TreeEntry] = set()
        """Files that were copied and need no second look."""
        self._rules: tuple[tuple[tuple[bytes, Oid], ...], bytes] = ((), b"")

    def copy(self, tree: Oid, sink: ObjectSink) -> ForeignSnapshot:
        """Adds the tree and all below it to the sink and returns its snapshot.

        Raises:
            NotImportableError: a part of it is missing, damaged or malformed.
        """
        part = self._part(tree, sink, 0)
        if part.longest > _LONGEST_PATH:
            raise NotImportableError(f"a path in it is longer than {_LONGEST_PATH:,} bytes")
        covered = tuple(Covered(TrackedPath(path), reason) for path, reason in part.left_out)
        coverage, rules = encode_coverage(covered), self._rule_texts(part, sink)
        extras = Extras(
            self._modes.file_mode,
            self._modes.exec_mode,
            self._modes.folder_mode,
            entries={TrackedPath(path): (mode, oid) for path, mode, oid in part.refused},
        )
        root = part.tree or sink.add(TREE, b"")
        return ForeignSnapshot(
            Snapshot(root, sink.add(BLOB, encode(extras))),
            covered,
            count_coverage(covered, part.files),
            sink.add(BLOB, coverage) if coverage else None,
            sink.add(BLOB, rules) if rules else None,
        )

    def _rule_texts(self, part: _Part, sink: ObjectSink) -> bytes:
        """Returns the ignore rules that were in force: those in the tree."""
        if self._rules[0] != part.rules:
            texts = {TrackedPath(path): sink.read(oid)[1] for path, oid in part.rules}
            self._rules = part.rules, encode_rules(RuleTexts(folders=texts))
        return self._rules[1]

    def _part(self, tree: Oid, sink: ObjectSink, depth: int) -> _Part:
        if tree in self._parts:
            return self._parts[tree]
        if depth > _DEEPEST:
            raise NotImportableError(f"its folders are nested more than {_DEEPEST} deep")
        draft = _Draft()
        for entry in _entries(self._read(tree, TREE)):
            if entry in self._plain:
                draft.keep(entry)
            else:
                self._take(entry, draft, sink, depth)
        if draft.files > _MOST_FILES:
            raise NotImportableError(f"it holds more than {_MOST_FILES:,} files")
        entries = draft.entries
        part = draft.finished(sink.add(TREE, encode_tree(entries)) if entries else None)
        if len(self._parts) >= _REMEMBERED:
            self._parts.popitem(last=False)
        self._parts[tree] = part
        return part

    def _take(self, entry: TreeEntry, draft: _Draft, sink: ObjectSink, depth: int) -> None:
        name, mode, oid = entry
        reason = _unwanted(name, mode)
        if reason is not None:
            draft.left_out.append((name, reason))
        elif mode == MODE_TREE:
            draft.take(name, self._part(oid, sink, depth + 1))
        elif self._copy_blob(oid, sink):
            self._take_file(entry, draft, sink)
        else:
            draft.left_out.append((name, "capped"))

    def _take_file(self, entry: TreeEntry, draft: _Draft, sink: ObjectSink) -> None:
        name, mode, oid = entry
        odd = refuses_entry(name, mode, None)
        rules = name in RULE_FILES and mode != MODE_LINK
        content = sink.read(oid)[1] if odd or rules else b""
        if rules and len(content) <= LARGEST_RULE_FILE:
            draft.rules.append((name, oid))
        if odd and refuses_entry(name, mode, content):
            draft.refuse(entry)
            return
        draft.keep(entry)
        if not rules:
            if len(self._plain) >= _REMEMBERED:
                self._plain.clear()
            self._plain.add(entry)

    def _copy_blob(self, oid: Oid, sink: ObjectSink) -> bool:
        """Returns False when the blob is larger than the workspace wants new files to be."""
        if self._source.size(oid) > self._cap_bytes:
            return False
        if sink.add(BLOB, self._read(oid, BLOB)) != oid:
            raise NotImportableError(f"object {oid.hex()} is damaged")
        return True

    def _read(self, oid: Oid, kind: str) -> bytes:
        found, content = self._source.read(oid)
        if found != kind:
            raise NotImportableError(f"object {oid.hex()} is a {found} where a {kind} belongs")
        return content


def _entries(data: bytes) -> list[TreeEntry]:
    """Returns a tree's entries with the modes that git writes today.

    Raises:
        NotImportableError: git's own check would refuse the tree.
    """
    try:
        found = decode_tree(data)
    except (ValueError, IndexError) as error:
        raise NotImportableError("a tree in it is malformed") from error
    if len({entry.name for entry in found}) != len(found):
        raise NotImportableError("a tree in it has a name twice")
    if any(_is_no_name(name) or len(oid) != 20 for name, _, oid in found):
        raise NotImportableError("a tree in it holds a name that is none")
    if all(entry.mode in _MODES for entry in found):
        return found
    return [TreeEntry(name, _plain_mode(mode), oid) for name, mode, oid in found]


def _is_no_name(name: bytes) -> bool:
    return name in (b"", b".", b"..") or b"/" in name


def _plain_mode(mode: int) -> int:
    kind = mode & _TYPE
    if kind == MODE_FILE & _TYPE:
        return MODE_EXEC if mode & 0o100 else MODE_FILE
    if kind in (MODE_LINK, MODE_TREE, _SUBMODULE):
        return kind
    raise NotImportableError(f"a tree in it holds an entry of the unknown mode {mode:o}")


@lru_cache(maxsize=16_384)
def _unwanted(name: bytes, mode: int) -> Reason | None:
    """Returns why an entry is left out whatever it holds; None when it is not."""
    is_folder = mode == MODE_TREE
    if mode == _SUBMODULE or git_refuses(name):
        return "repository"
    if is_folder and name in _OTHER_VERSION_CONTROL:
        return "repository"
    if is_folder and refuses_entry(name, mode, None):
        return "special"
    return "too_long" if len(name) > _LONGEST_NAME else None
