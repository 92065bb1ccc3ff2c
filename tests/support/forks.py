"""Generated forks: a base and two sides that changed it, as dictionaries of files."""

from __future__ import annotations

import random
from dataclasses import dataclass

FILE, EXEC, LINK = 0o100644, 0o100755, 0o120000

Files = dict[bytes, tuple[int, bytes]]
"""Path -> (git mode, content)."""

FOLDERS = (b"", b"a/", b"a/deep/", b"b/", b"c/")


@dataclass(frozen=True)
class Fork:
    """A base and what two sides made of it."""

    base: Files
    ours: Files
    theirs: Files


def fork(seed: int) -> Fork:
    """Returns the fork of a seed: edits, renames, modes, deletions, types, binary, folders."""
    chance = random.Random(seed)
    base: Files = {}
    for number in range(chance.randint(3, 9)):
        put(base, chance.choice(FOLDERS) + b"f%d" % number, (FILE, text(chance, number)))
    if chance.random() < 0.4:
        put(base, b"bin", (FILE, b"\0" + chance.randbytes(60)))
    if chance.random() < 0.3:
        put(base, b"link", (LINK, b"f0"))
    return Fork(base, side(base, chance), side(base, chance))


def edits(seed: int) -> Fork:
    """Returns a fork whose sides edit lines, and add files of the same names."""
    chance = random.Random(seed)
    base: Files = {b"f%d" % number: (FILE, text(chance, number)) for number in range(3)}
    base[b"bin"] = (FILE, b"\0" + chance.randbytes(60))
    return edits_of(base, seed)


def edits_of(base: Files, seed: int) -> Fork:
    """Returns such a fork of given files."""
    chance = random.Random(f"edits {seed}")
    sides = []
    for _ in range(2):
        files = dict(base)
        for path in chance.choices(sorted(base), k=5):
            files[path] = (FILE, edited(files[path][1], chance))
        if chance.random() < 0.5:
            files[b"new"] = (FILE, text(chance, chance.randint(50, 51)))
        sides.append(files)
    return Fork(base, *sides)


def text(chance: random.Random, number: int) -> bytes:
    """Returns some lines; those of one number are alike, of two numbers are not."""
    lines = [b"file %d line %d %x\n" % (number, at, number * 7919 + at) for at in range(16)]
    return b"".join(lines[: chance.randint(8, 16)])


def side(base: Files, chance: random.Random) -> Files:
    """Returns the base after a few changes."""
    files = dict(base)
    for _ in range(chance.choice([1, 1, 2, 2, 3, 4, 6])):
        change(files, chance)
    return files


def change(files: Files, chance: random.Random) -> None:
    """Makes one change."""
    if not files:
        put(files, b"new", (FILE, b"new\n"))
        return
    path = chance.choice(sorted(files))
    mode, content = files[path]
    way = chance.random()
    if way < 0.36:
        put(files, path, (mode, edited(content, chance)))
    elif way < 0.48:
        del files[path]
    elif way < 0.62:
        del files[path]
        content = edited(content, chance) if chance.random() < 0.4 else content
        put(
            files, chance.choice(FOLDERS) + chance.choice([b"moved", b"r1", b"f1"]), (mode, content)
        )
    elif way < 0.69 and mode != LINK:
        files[path] = (EXEC if mode == FILE else FILE, content)
    elif way < 0.84:
        name = chance.choice(FOLDERS) + chance.choice([b"new", b"n1", b"f2"])
        put(files, name, (chance.choice([FILE, FILE, EXEC]), text(chance, chance.randint(50, 52))))
    elif way < 0.88:
        put(files, path, (LINK, chance.choice([b"f0", b"f1"])))
    elif way < 0.93:
        del files[path]
        put(files, path + b"/inside", (FILE, content))
    elif way < 0.96:
        move_folder(files, chance)
    else:
        put(files, chance.choice([b"a", b"b", b"c"]), (FILE, b"a file now\n"))


def move_folder(files: Files, chance: random.Random) -> None:
    """Renames a folder with all in it."""
    old = chance.choice([b"a/", b"b/", b"c/"])
    new = chance.choice([b"moved-folder/", b"d/"])
    for path in [path for path in files if path.startswith(old)]:
        put(files, new + path[len(old) :], files.pop(path))


def put(files: Files, path: bytes, entry: tuple[int, bytes]) -> None:
    """Puts a file in place; what is in its way goes."""
    parts = path.split(b"/")
    above = {b"/".join(parts[:at]) for at in range(1, len(parts))}
    for other in [p for p in files if p in above or p.startswith(path + b"/")]:
        del files[other]
    files[path] = entry


def edited(content: bytes, chance: random.Random) -> bytes:
    """Returns the content with a line or two added, changed or taken away."""
    if not content.endswith(b"\n") and b"\0" not in content:
        return chance.choice([b"f0", b"f1", b"f2"])  # a link's target
    if b"\0" in content:
        return content + chance.randbytes(3)
    lines = content.splitlines(keepends=True)
    at = chance.randrange(len(lines) + 1)
    lines[at : at + chance.randrange(3)] = [b"edit %d\n" % chance.randrange(5)] * chance.randrange(
        3
    )
    return b"".join(lines)
