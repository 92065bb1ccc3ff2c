"""A workspace as bad as real ones get: odd names, contents, links, modes, ignore rules, repositories.

`build` makes it, with a folder outside that links point to and a folder of tripwires that anything
run from the workspace would touch. `Disk.read` is the independent judge of what is on disk.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import socket
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMES = (
    b"new\nline", b"tab\there", b"\x1b[31mred\x1b[0m", b"\x1b]52;c;aGk=\x07", b"c1\xc2\x9b31m",
    "over\u202eride".encode(), "zero\u200bwidth".encode(), b"caf\xe9", b"\xff\xfe", b"-rf", b"--",
    b"*", b"a?b", b"$(id)", b"`id`", b"a;b", b'"quoted"', b"back\\slash", b" lead", b"trail ",
    b"HEAD", b"[bold]x[/]", b"<script>", b"CON", b"nul.txt", b"__proto__", b"null", b"L" * 255,
    "e\u0301".encode(), "\u00e9".encode(), b"README", b"readme", b":(top)x", b"#hash", b"!bang",
    b"index.lock", b".lock", b"a.tmp", b"tmp_obj_x", b".stepwell-00000000-0",
)  # fmt: skip

GITLIKE = (
    b"one/.GIT/config", b"two/git~1", b"three/.git ", b"four/.git.", b"five/.GIT/hooks/x",
    "six/.g\u200cit/x".encode(), b"seven/.GiTmodules", b"eight/GIT~1/x", b"nine/.git::$DATA",
)  # fmt: skip

MODES = (0o400, 0o444, 0o600, 0o640, 0o664, 0o700, 0o711, 0o755, 0o777)


@dataclass(frozen=True)
class Hostile:
    """Where the parts lie."""

    root: Path
    outside: Path
    tripwires: Path


class Disk:
    """What is on disk: path -> (kind, mode, content or target)."""

    def __init__(self, entries: dict[bytes, tuple[str, int, str]]) -> None:
        self.entries = entries

    @classmethod
    def read(cls, root: Path) -> Disk:
        """Reads a folder, never following a link; `.git` of the root apart."""
        found: dict[bytes, tuple[str, int, str]] = {}
        _read_into(os.fsencode(root), b"", found)
        return cls(found)

    def without(self, paths: set[bytes]) -> dict[bytes, tuple[str, int, str]]:
        """Returns the entries that are neither one of `paths` nor below one."""
        return {
            p: e
            for p, e in self.entries.items()
            if not any(p == q or p.startswith(q + b"/") for q in paths)
        }


def _read_into(root: bytes, at: bytes, found: dict[bytes, tuple[str, int, str]]) -> None:
    for name in sorted(os.listdir(os.path.join(root, at))):
        path = at + b"/" + name if at else name
        full = os.path.join(root, path)
        if path == b".git":
            continue
        state = os.lstat(full)
        mode = stat.S_IMODE(state.st_mode)
        if stat.S_ISLNK(state.st_mode):
            found[path] = ("link", 0, os.readlink(full).hex())
        elif stat.S_ISDIR(state.st_mode):
            found[path] = ("folder", mode, "")
            if os.access(full, os.R_OK | os.X_OK):
                _read_into(root, path, found)
        elif stat.S_ISREG(state.st_mode):
            found[path] = ("file", mode, _digest(full))
        else:
            found[path] = ("special", mode, "")


def _digest(full: bytes) -> str:
    if not os.access(full, os.R_OK):
        return "unreadable"
    with open(full, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def build(folder: Path) -> Hostile:
    """Makes the workspace below `folder`."""
    made = Hostile(folder / "work", folder / "outside", folder / "tripwires")
    for path in (made.root, made.outside / "victim", made.tripwires):
        path.mkdir(parents=True)
    (made.outside / "secret.txt").write_bytes(b"outside\n")
    (made.outside / "victim" / "inner").write_bytes(b"outside\n")
    root = os.fsencode(made.root)
    for part in (_contents, _names, _modes, _ignored, _attributes, _nested):
        part(root)
    _links(root, os.fsencode(made.outside))
    _special(root)
    _own_repository(made)
    return made


def put(root: bytes, path: bytes, data: bytes = b"x\n", mode: int = 0o644) -> bytes:
    """Writes a file and the folders above it."""
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as file:
        file.write(data)
    os.chmod(full, mode)
    return full


def _contents(root: bytes) -> None:
    for name, data in {
        b"empty": b"", b"one": b"a", b"nul": b"a\0b\n", b"crlf": b"a\r\nb\rc\nd",
        b"utf16": "caf\u00e9\r\n".encode("utf-16"), b"bad8": b"\xff\xfe\xc0\n", b"all": bytes(range(256)),
        b"line": b"A" * (3 << 20), b"markers": b"<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n",
        b"random": random.Random(1).randbytes(2 << 20), b"object": b"blob 3\0abc",
    }.items():  # fmt: skip
        put(root, b"content/" + name, data)


def _names(root: bytes) -> None:
    for name in NAMES:
        put(root, b"names/" + name, name + b"\n")
    for path in GITLIKE:
        put(root, b"gitlike/" + path, b"mine\n")
    put(root, b"deep/" + b"/".join(b"d%02d" % n for n in range(80)) + b"/leaf")
    for number in range(300):
        put(root, b"wide/f%04d" % number, b"%d\n" % number)


def _modes(root: bytes) -> None:
    for mode in MODES:
        put(root, b"modes/%04o" % mode, b"%o\n" % mode, mode)
    for name, mode in ((b"private", 0o700), (b"sticky", 0o1777), (b"group", 0o2775)):
        put(root, b"folders/" + name + b"/x")
        os.chmod(os.path.join(root, b"folders", name), mode)
    for path in (b"blank/one", b"blank/two/three", b"blank/closed"):
        os.makedirs(os.path.join(root, path))
    os.chmod(os.path.join(root, b"blank/closed"), 0o700)
    put(root, b"readonly/a")
    put(root, b"readonly/b")
    os.chmod(os.path.join(root, b"readonly"), 0o555)
    for number in range(6):
        put(root, b"racy/%d" % number, b"AAAA%d\n" % number)


def _ignored(root: bytes) -> None:
    put(root, b"rules/.gitignore", b"*.log\n!keep.log\nbuild/\n/rooted\n")
    for name in (b"a.log", b"keep.log", b"build/out.o", b"rooted", b"sub/rooted"):
        put(root, b"rules/" + name)
    put(root, b"binary-rules/.gitignore", b"\0\xff\n[")
    put(root, b"binary-rules/f")
    put(root, b"slow-rules/.gitignore", b"**/" * 40 + b"a*a*a*a*a*a*b\n")
    put(root, b"slow-rules/" + b"a" * 60)


def _attributes(root: bytes) -> None:
    put(root, b"attributes/.gitattributes", b"* text=auto eol=crlf filter=evil ident\n")
    put(root, b"attributes/x.txt", b"a\r\nb\n$Id$\n")
    put(root, b"long-attributes/.gitattributes", b"x" * 3000 + b" text\n")
    put(root, b".gitmodules", b'[submodule "s"]\n\tpath = -x\n\turl = -u\n\tupdate = !touch x\n')


def _nested(root: bytes) -> None:
    for folder in (b"nested", b"bare"):
        put(root, folder + b"/.git/HEAD", b"ref: refs/heads/main\n")
        put(root, folder + b"/.git/objects/x")
        put(root, folder + b"/work", b"theirs\n")
    put(root, b"broken/.git", b"gitdir: /nonexistent\n")
    put(root, b"broken/f")
    for name in (b".hg/store", b".jj/repo", b".svn/wc.db"):
        put(root, b"others/" + name, b"theirs\n")


def _links(root: bytes, outside: bytes) -> None:
    os.makedirs(os.path.join(root, b"links/real"))
    put(root, b"links/real/inner", b"inner\n")
    targets = {
        b"file": b"real/inner", b"folder": b"real", b"dangling": b"no/where", b"self": b"self",
        b"up": b"..", b"out-file": outside + b"/secret.txt", b"out-folder": outside + b"/victim",
        b"odd": b"t\n\x1b\xff", b".gitignore": outside + b"/secret.txt",
    }  # fmt: skip
    for name, target in targets.items():
        os.symlink(target, os.path.join(root, b"links", name))
    os.symlink(b"/dev/zero", os.path.join(root, b"nested/.gitmodules"))
    os.link(os.path.join(root, b"links/real/inner"), os.path.join(root, b"links/hard"))
    os.link(outside + b"/secret.txt", os.path.join(root, b"links/hard-out"))


def _special(root: bytes) -> None:
    os.makedirs(os.path.join(root, b"special"))
    os.mkfifo(os.path.join(root, b"special/fifo"))
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX) as endpoint:
        try:
            os.chdir(os.path.join(root, b"special"))
            endpoint.bind("socket")
        finally:
            os.chdir(here)
    put(root, b"closed/unreadable", b"secret\n", 0o000)
    put(root, b"closed/folder/inside", b"secret\n")
    os.chmod(os.path.join(root, b"closed/folder"), 0o000)


def _own_repository(made: Hostile) -> None:
    """The user's own repository, with a config and hooks that touch a tripwire when run."""
    git = shutil.which("git")
    assert git is not None
    empty = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    subprocess.run([git, "init", "-q", str(made.root)], check=True, env=empty)
    touch = f"touch '{made.tripwires}/"
    with open(made.root / ".git" / "config", "a") as config:
        config.write(
            f'[core]\n\tfsmonitor = "{touch}fsmonitor\'"\n\tpager = "{touch}pager\'"\n'
            f'[filter "evil"]\n\tclean = "{touch}clean\'"\n\tsmudge = "{touch}smudge\'"\n'
            f'[diff]\n\texternal = "{touch}diff\'"\n[alias]\n\tstatus = "!{touch}alias\'"\n'
        )
    for hook in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction"):
        path = made.root / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{touch}{hook}'\n")
        path.chmod(0o755)
    (made.root / ".git" / "index.lock").touch()
    (made.root / ".git" / "info").mkdir(exist_ok=True)
    (made.root / ".git" / "info" / "exclude").write_text("excluded\n")
    (made.root / "excluded").write_text("private\n")


def open_up(folder: Path) -> None:
    """Makes everything below a folder removable again."""
    for at, folders, _ in os.walk(folder):
        for name in folders:
            path = os.path.join(at, name)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
