"""Random changes to a folder, as agents and people make them; the same seed, the same changes."""

from __future__ import annotations

import os
import random
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

Mutation = Callable[["Mutator"], None]


class Mutator:
    """Changes a folder; never enters a `.git`, a closed folder or what a link points to."""

    def __init__(self, root: Path, seed: int, outside: Path | None = None) -> None:
        self.root = os.fsencode(root)
        self.outside = os.fsencode(outside) if outside else b"/nonexistent"
        self.chance = random.Random(seed)

    def run(self, times: int) -> None:
        """Applies so many random mutations; one that the system refuses is skipped."""
        for _ in range(times):
            try:
                self.chance.choice(MUTATIONS)(self)
            except OSError:
                continue

    def pick(self, wanted: Callable[[int], bool]) -> bytes:
        """Returns a random path whose st_mode is wanted; raises FileNotFoundError without one."""
        found = [p for p in self._paths() if wanted(os.lstat(p).st_mode)]
        if not found:
            raise FileNotFoundError
        return self.chance.choice(found)

    def _paths(self) -> list[bytes]:
        found = []
        for at, folders, files in os.walk(self.root):
            folders[:] = sorted(f for f in folders if f not in (b".git", b".hg", b".jj", b".svn"))
            names = folders + sorted(files)
            found += [
                os.path.join(at, n) for n in names if n != b".git" and not self._closed(at, n)
            ]
        return found

    def _closed(self, at: bytes, name: bytes) -> bool:
        return stat.S_IMODE(os.lstat(os.path.join(at, name)).st_mode) == 0

    def fresh(self) -> bytes:
        """Returns a path that is probably free, in a random folder."""
        folder = self.chance.choice([self.root, self.pick(stat.S_ISDIR)])
        name = self.chance.choice([b"new%d", b"n\n%d", b"\xff%d", b"-%d"]) % self.chance.randrange(
            10**5
        )
        return os.path.join(folder, name)

    def data(self) -> bytes:
        """Returns some content."""
        number = self.chance.randrange(10**6)
        return self.chance.choice(
            [b"", b"edit %d\n" % number, b"\r\n" * 4, b"\0" * 99, self.chance.randbytes(300)]
        )


def _regular(mode: int) -> bool:
    return stat.S_ISREG(mode)


def _no_folder(mode: int) -> bool:
    return not stat.S_ISDIR(mode)


def _put(path: bytes, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    with os.fdopen(fd, "wb") as file:
        file.write(data)


def _small_folder(m: Mutator) -> bytes:
    for _ in range(20):
        path = m.pick(stat.S_ISDIR)
        if sum(len(files) for _, _, files in os.walk(path)) < 40 and not _holds_repository(path):
            return path
    raise FileNotFoundError


def _holds_repository(path: bytes) -> bool:
    own = {b".git", b".hg", b".jj", b".svn"}
    return any(own & {*folders, *files} for _, folders, files in os.walk(path))


def create(m: Mutator) -> None:
    _put(m.fresh(), m.data())


def overwrite(m: Mutator) -> None:
    path = m.pick(_regular)
    if os.lstat(path).st_nlink == 1:
        _put(path, m.data())


def same_size_same_time(m: Mutator) -> None:
    """Changes one byte and puts the mtime back: only ctime tells."""
    path = m.pick(_regular)
    state = os.lstat(path)
    if state.st_size and state.st_nlink == 1:
        with open(path, "r+b") as file:
            first = file.read(1)
            file.seek(0)
            file.write(bytes([first[0] ^ 1]))
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def delete(m: Mutator) -> None:
    os.unlink(m.pick(_no_folder))


def delete_folder(m: Mutator) -> None:
    shutil.rmtree(_small_folder(m))


def rename(m: Mutator) -> None:
    os.rename(m.pick(_no_folder), m.fresh())


def rename_folder(m: Mutator) -> None:
    source, target = _small_folder(m), m.fresh()
    if not target.startswith(source + b"/"):
        os.rename(source, target)


def change_mode(m: Mutator) -> None:
    path = m.pick(lambda mode: stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    extra = 0o700 if stat.S_ISDIR(os.lstat(path).st_mode) else 0o400
    os.chmod(path, m.chance.choice([0o600, 0o644, 0o755, 0o500, 0o444]) | extra)


def file_to_folder(m: Mutator) -> None:
    path = m.pick(_regular)
    os.unlink(path)
    os.mkdir(path)
    _put(os.path.join(path, b"inside"), m.data())


def folder_to_file(m: Mutator) -> None:
    path = _small_folder(m)
    shutil.rmtree(path)
    _put(path, m.data())


def file_to_link(m: Mutator) -> None:
    path = m.pick(_regular)
    os.unlink(path)
    os.symlink(m.chance.choice([b"/etc/passwd", m.outside + b"/secret.txt", b"no", b"."]), path)


def folder_to_link(m: Mutator) -> None:
    path = _small_folder(m)
    shutil.rmtree(path)
    os.symlink(m.outside + b"/victim", path)


def retarget(m: Mutator) -> None:
    path = m.pick(stat.S_ISLNK)
    os.unlink(path)
    os.symlink(b"../" * m.chance.randrange(4) + b"t", path)


def blank_folder(m: Mutator) -> None:
    os.mkdir(m.fresh())


def new_rules(m: Mutator) -> None:
    path = os.path.join(m.pick(stat.S_ISDIR), b".gitignore")
    if not os.path.lexists(path):
        _put(path, m.chance.choice([b"*.txt\n!a\n", b"new*\n", b""]))


MUTATIONS: tuple[Mutation, ...] = (
    create, overwrite, same_size_same_time, delete, delete_folder, rename, rename_folder,
    change_mode, file_to_folder, folder_to_file, file_to_link, folder_to_link, retarget,
    blank_folder, new_rules,
)  # fmt: skip


def meddle(rng: random.Random, root: Path) -> None:
    """Makes one change among few names, most of them special: ignore rules, what git refuses."""
    folders = [root, *(p for p in root.rglob("*") if p.is_dir() and not p.is_symlink())]
    names = (
        "a",
        "b",
        "c.o",
        ".gitignore",
        ".stepwellignore",
        ".GIT",
        "git~1",
        ".hg",
        ".gitmodules",
    )
    target = rng.choice(folders) / rng.choice(names)
    is_folder = target.is_dir() and not target.is_symlink()
    act = rng.randrange(7)
    if act <= 2 and not is_folder:
        target.unlink(missing_ok=True)
        rules = rng.choice(("a\n", "*.o\n", "!b\n", "b/\n", "*\n!a\n", "/a/*\n", ""))
        target.write_text(rules if "ignore" in target.name else rng.choice("xyz"))
        target.chmod(rng.choice((0o644, 0o644, 0o755, 0o600)))
    elif act == 3 and not os.path.lexists(target):
        target.mkdir(mode=rng.choice((0o755, 0o700)))
    elif act == 4 and os.path.lexists(target) and not is_folder:
        target.unlink()
    elif act == 5 and not os.path.lexists(target):
        target.symlink_to("a")
    elif act == 6 and len(folders) > 1 and not os.path.lexists(target):
        source = rng.choice(folders[1:])
        if source not in target.parents:
            source.rename(target)
