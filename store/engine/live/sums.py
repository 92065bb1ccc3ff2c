"""What a snapshot says of all files together, kept up name by name instead of counted each time."""

from __future__ import annotations

import stat
from collections import Counter
from typing import TypeVar

from stepwell.store.engine.coverage import RuleTexts
from stepwell.store.engine.extras import Extras
from stepwell.store.engine.live.folders import Folder, mode_and_oid
from stepwell.store.engine.stattable import StatTable
from stepwell.store.engine.treebuild import UsualModes, build_extras, git_mode, usual_modes
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import Covered, Reason

_T = TypeVar("_T")

_AGAIN: frozenset[Reason] = frozenset({"capped", "unreadable", "unstable"})
"""A name left out for one of these is looked at each time: no event may tell that it changed."""


class Sums:
    """Counts and lists over living folders; each change is told here."""

    def __init__(self) -> None:
        self.stored = 0
        """How many files and links there are."""
        self.shared: set[tuple[Folder, bytes]] = set()
        """Files whose inode has other names: a change through one of those makes no event here."""
        self.with_odd: set[Folder] = set()
        self.with_again: set[Folder] = set()
        """Folders with names that are looked at each time."""
        self.with_forced: set[Folder] = set()
        self.with_rules: set[Folder] = set()
        self.extras_moved = True
        """The extras are perhaps not what they were when they were asked for last."""
        self.coverage_moved = True
        self.rules_moved = True
        self._file_modes: Counter[int] = Counter()
        self._folder_modes: Counter[int] = Counter()
        self._set_usual(UsualModes(0, 0, 0))
        self._exceptions: dict[TrackedPath, int] = {}
        self._empty: set[TrackedPath] = set()
        self._refused: dict[TrackedPath, tuple[int, Oid]] = {}

    def load(self, table: StatTable) -> None:
        """Takes in all files and folders of a scan; `note_names` has to follow for each folder."""
        extras = build_extras(table)
        self.stored = len(table.files.paths)
        self._file_modes.update(table.files.mode)
        self._folder_modes.update(table.folders.mode[1:])
        self._set_usual(UsualModes(extras.file_mode, extras.exec_mode, extras.folder_mode))
        self._exceptions = dict(extras.modes)
        self._empty = set(extras.empty_folders)
        self._refused = dict(extras.entries)

    def note_names(self, folder: Folder) -> None:
        """Takes in what a folder says of names that are not stored, or though ignored, and rules."""
        if folder.odd:
            self.odd_moved(folder)
        if folder.forced:
            self.with_forced.add(folder)
        if folder.rules:
            self.with_rules.add(folder)

    def _set_usual(self, usual: UsualModes) -> None:
        self._usual = usual
        self._usual_files, self._usual_folders = usual.of_files(), usual.of_folders()

    def file_came(self, folder: Folder, name: bytes, record: bytes, *, shared: bool) -> None:
        """A file or link is in the folder now; whether it is refused is told by the folder."""
        mode, oid = mode_and_oid(record)
        self.stored += 1
        self._file_modes[mode] += 1
        if shared:
            self.shared.add((folder, name))
        is_refused = folder.refused is not None and name in folder.refused
        is_exception = mode not in self._usual_files
        if not (is_refused or is_exception):
            return
        path = TrackedPath(folder.path_of(name))
        self.extras_moved = True
        if is_exception:
            self._exceptions[path] = stat.S_IMODE(mode)
        if is_refused:
            self._refused[path] = (git_mode(mode), oid)

    def file_went(self, folder: Folder, name: bytes, record: bytes) -> None:
        """A file or link is no more in the folder."""
        mode, _ = mode_and_oid(record)
        self.stored -= 1
        self._file_modes[mode] -= 1
        if not self._file_modes[mode]:
            del self._file_modes[mode]
        self.shared.discard((folder, name))
        if self._exceptions or self._refused:
            self._forget(TrackedPath(folder.path_of(name)))

    def _forget(self, path: TrackedPath) -> None:
        had = self._exceptions.pop(path, None) is not None
        had |= self._refused.pop(path, None) is not None
        self.extras_moved |= had

    def folder_came(self, folder: Folder) -> None:
        """A folder is there now; its files and what it says of names come one by one."""
        if folder.parent is None:
            return
        self._folder_modes[folder.mode] += 1
        if folder.mode not in self._usual_folders:
            self._exceptions[TrackedPath(folder.path)] = stat.S_IMODE(folder.mode)
            self.extras_moved = True

    def folder_went(self, folder: Folder) -> None:
        """A folder is no more, with everything in it but its folders."""
        for name, record in folder.files.items():
            self.file_went(folder, name, record)
        self.odd_moved(folder, gone=True)
        self.with_forced.discard(folder)
        if folder in self.with_rules:
            self.with_rules.discard(folder)
            self.rules_moved = True
        if folder.parent is None:
            return
        self._folder_modes[folder.mode] -= 1
        if not self._folder_modes[folder.mode]:
            del self._folder_modes[folder.mode]
        self._forget(TrackedPath(folder.path))
        if TrackedPath(folder.path) in self._empty:
            self._empty.discard(TrackedPath(folder.path))
            self.extras_moved = True

    def filled(self, folder: Folder) -> None:
        """All names of a folder were settled, so whether it is empty is known."""
        if folder.parent is None:
            return
        path = TrackedPath(folder.path)
        is_empty = not folder.files and not folder.folders
        if is_empty != (path in self._empty):
            self.extras_moved = True
            _enter(self._empty, path, is_empty)

    def odd_moved(self, folder: Folder, *, gone: bool = False) -> None:
        """The folder says something else of names that are not stored."""
        odd = {} if gone or folder.odd is None else folder.odd
        self.coverage_moved |= bool(odd) or folder in self.with_odd
        _enter(self.with_odd, folder, bool(odd))
        _enter(self.with_again, folder, any(reason in _AGAIN for reason in odd.values()))

    def forced_moved(self, folder: Folder) -> None:
        """The folder stores other names although they are ignored."""
        _enter(self.with_forced, folder, bool(folder.forced))

    def rules_changed(self, folder: Folder) -> None:
        """The folder's rule files say something else."""
        self.rules_moved = True
        _enter(self.with_rules, folder, bool(folder.rules))

    def extras(self, root: Folder) -> Extras:
        """Returns the extras of all that lies below the root."""
        usual = usual_modes(self._file_modes, self._folder_modes)
        if usual != self._usual:
            self._set_usual(usual)
            self._exceptions = _exceptions(root, usual)
        self.extras_moved = False
        return Extras(*usual, dict(self._exceptions), frozenset(self._empty), dict(self._refused))

    def usual_changed(self) -> bool:
        """Tells whether other modes are the most common ones now."""
        return usual_modes(self._file_modes, self._folder_modes) != self._usual

    def covered(self) -> tuple[Covered, ...]:
        """Returns what is not stored, or not surely, in path order."""
        self.coverage_moved = False
        return tuple(
            sorted(
                Covered(TrackedPath(folder.path_of(name)), reason)
                for folder in self.with_odd
                for name, reason in (folder.odd or {}).items()
            )
        )

    def rule_texts(self, user: bytes | None, exclude: bytes | None) -> RuleTexts:
        """Returns the rules in force, with the two that hold for the whole workspace."""
        self.rules_moved = False
        texts: dict[TrackedPath, bytes] = {}
        for folder in self.with_rules:
            for name, (_, text) in (folder.rules or {}).items():
                texts[TrackedPath(folder.path_of(name))] = text
        return RuleTexts(user, exclude, texts)

    def again(self) -> list[tuple[Folder, bytes]]:
        """Returns the names that are looked at each time."""
        return [
            (folder, name)
            for folder in self.with_again
            for name, reason in (folder.odd or {}).items()
            if reason in _AGAIN
        ]


def _enter(group: set[_T], member: _T, belongs: bool) -> None:
    if belongs:
        group.add(member)
    else:
        group.discard(member)


def _exceptions(root: Folder, usual: UsualModes) -> dict[TrackedPath, int]:
    files, folders = usual.of_files(), usual.of_folders()
    found: dict[TrackedPath, int] = {}
    for folder in root.below():
        if folder.parent is not None and folder.mode not in folders:
            found[TrackedPath(folder.path)] = stat.S_IMODE(folder.mode)
        for name, record in folder.files.items():
            mode, _ = mode_and_oid(record)
            if mode not in files:
                found[TrackedPath(folder.path_of(name))] = stat.S_IMODE(mode)
    return found
