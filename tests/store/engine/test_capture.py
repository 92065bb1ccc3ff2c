"""What a capture stores, and what it says of everything else."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepwell.store.engine.capture import Captured, capture_tree
from stepwell.store.engine.coverage import (
    count_coverage,
    decode_coverage,
    decode_rules,
    encode_coverage,
)
from stepwell.store.engine.extras import read_extras
from stepwell.store.engine.live import LiveSight
from stepwell.store.engine.objects import MemoryObjects, decode_tree
from stepwell.store.engine.scan import CaptureConfig, Scanner, StatTable
from stepwell.store.engine.snapshots import Entry, entries
from stepwell.store.model.errors import FailedError, IntegrityError
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import Covered, Snapshot

GIT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}
PYTHON = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3] / ".dev")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Returns an empty workspace folder."""
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture
def sink() -> MemoryObjects:
    """Returns an empty store."""
    return MemoryObjects()


def _put(root: Path, name: str | bytes, content: bytes = b"x\n", mode: int = 0o644) -> None:
    path = os.path.join(os.fsencode(root), os.fsencode(name))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)


class Eye:
    """Looks at the workspace again and again: scanning with a table, or following it.

    A look that follows has begun before the test touches the folder.
    """

    def __init__(self, kind: str, root: Path, store: Path, sink: MemoryObjects) -> None:
        self._kind = kind
        self._root = root
        self._store = store
        self._sink = sink
        self._table: StatTable | None = None
        self._live: LiveSight | None = None
        self.begin()

    def begin(self, **config: object) -> None:
        """Begins anew with other settings."""
        self.close()
        self._config = CaptureConfig(**config)  # type: ignore[arg-type]
        if self._kind == "live":
            self._live = LiveSight(os.fsencode(self._root), self._store, self._config)
            self._live.keep(self._live.take(self._sink, None))
            assert self._live.follows

    def capture(self, parent: Snapshot | None = None, *, also: tuple[bytes, ...] = ()) -> Captured:
        """Captures and keeps."""
        if self._live is not None:
            captured = self._live.take(self._sink, parent, also)
            self._live.keep(captured)
            assert self._live.follows
            return captured
        scanner = Scanner(self._root, self._table, config=self._config)
        scanned = capture_tree(scanner, self._sink, parent, also)
        self._table = StatTable.loads(scanned.table.dumps())
        return scanned

    def close(self) -> None:
        """Ends the watches."""
        if self._live is not None:
            self._live.close()


@pytest.fixture(params=["scan", "live"])
def eye(
    request: pytest.FixtureRequest, root: Path, tmp_path: Path, sink: MemoryObjects
) -> Iterator[Eye]:
    """Yields a look at the workspace of each kind."""
    (tmp_path / "store").mkdir()
    made = Eye(request.param, root, tmp_path / "store", sink)
    yield made
    made.close()


def _stored(sink: MemoryObjects, captured: Captured) -> dict[bytes, Entry]:
    return {e.path: e for e in entries(sink, captured.snapshot, folders=True)}


def _reasons(captured: Captured) -> dict[bytes, str]:
    return {c.path: c.reason for c in captured.covered}


def test_bytes_names_links_and_modes_are_exact(root: Path, sink: MemoryObjects, eye: Eye) -> None:
    """States c*, n*, l*, t05, t07: whatever a file system allows comes back as it was."""
    every = {
        b"empty": b"",
        b"nul": b"a\0b\n\0",
        b"crlf": b"a\r\nb\rc\n",
        b"all": bytes(range(256)),
        b"n\nl\t\r": b"x",
        b"\x1b]52;c;AA\x07": b"x",
        b"\xff\xfe": b"x",
        b"x" * 255: b"x",
        b"A": b"upper",
        b"a": b"lower",
        "é".encode(): b"nfc",
        "é".encode(): b"nfd",
        b"-rf": b"x",
        b":(top)x": b"x",
        b"/".join([b"d%02d" % n for n in range(100)]) + b"/leaf": b"deep",
    }
    for name, content in every.items():
        _put(root, name, content)
    modes = (0o600, 0o640, 0o400, 0o755, 0o711, 0o4755, 0o2644, 0o1777)
    for mode in modes:
        _put(root, f"modes/{mode:o}", mode=mode)
    targets = (b"a", b"..", b"/etc/passwd", b"nowhere/at/all", b"new\nline", b"\xff", b"./" * 2000)
    (root / "links").mkdir()
    for n, target in enumerate(targets):
        os.symlink(target, os.fsencode(root / f"links/{n}"))
    (root / "hollow/private").mkdir(parents=True, mode=0o700)
    (root / "hollow/private").chmod(0o700)

    captured = eye.capture()
    stored = _stored(sink, captured)
    for name, content in every.items():
        oid = stored[name].oid
        assert oid is not None
        assert sink.read(oid)[1] == content
    for mode in modes:
        assert stored[b"modes/%o" % mode].mode == stat.S_IFREG | mode
    for n, target in enumerate(targets):
        oid = stored[b"links/%d" % n].oid
        assert oid is not None
        assert sink.read(oid)[1] == target
        assert stored[b"links/%d" % n].mode == 0o120777
    assert stored[b"hollow/private"] == Entry(TrackedPath(b"hollow/private"), 0o040700, None)
    assert captured.covered == ()
    assert captured.coverage_blob is None
    assert captured.counts.stored == len(every) + len(modes) + len(targets)


def test_equal_disks_give_equal_snapshots(tmp_path: Path, sink: MemoryObjects) -> None:
    """Ids are a function of content: not of order, times, inodes, or the way that led there."""
    snapshots = []
    for n, names in enumerate((("b", "a/x", ".GIT/y"), (".GIT/y", "a/x", "b"))):
        root = tmp_path / str(n)
        for name in names:
            _put(root, name, name.encode(), 0o600 if name == "b" else 0o644)
        snapshots.append(capture_tree(Scanner(root, None), sink, None).snapshot)
    assert snapshots[0] == snapshots[1]


def test_modes_alone_make_a_difference(root: Path, sink: MemoryObjects, eye: Eye) -> None:
    """0600 against 0644, and a folder's 0700 against 0755, change the snapshot and not the tree."""
    _put(root, "d/f")
    seen = [eye.capture().snapshot]
    (root / "d/f").chmod(0o600)
    seen.append(eye.capture().snapshot)
    (root / "d").chmod(0o700)
    seen.append(eye.capture().snapshot)
    assert len(set(seen)) == 3
    assert len({s.tree for s in seen}) == 1


def test_names_that_git_refuses_are_kept_beside_the_tree(
    root: Path, sink: MemoryObjects, eye: Eye
) -> None:
    """States n15 and l10: the capture goes on, and holds them with mode and content."""
    names = [b".GIT/config", b"git~1", b".git ", b".g\xe2\x80\x8cit/deep/x", b"s/GIT~1/hooks/x"]
    for name in names:
        _put(root, name, b"mine", 0o755)
    (root / ".GIT/hollow").mkdir()
    (root / "m").mkdir()
    (root / "m/.gitmodules").symlink_to("elsewhere")
    _put(root, "m/plain")
    captured = eye.capture()
    stored = _stored(sink, captured)
    for name in names:
        assert stored[name].mode == 0o100755
    assert stored[b"m/.gitmodules"].mode == 0o120777
    assert stored[b".GIT/hollow"].oid is None
    assert {e.name for e in decode_tree(sink.read(captured.snapshot.tree)[1])} == {b"m"}
    kept = read_extras(sink, captured.snapshot.extras).entries
    assert set(kept) == {*names, b"m/.gitmodules"}


def test_special_files_are_recorded_and_never_opened(
    root: Path, sink: MemoryObjects, eye: Eye
) -> None:
    """States t01 to t03."""
    os.mkfifo(root / "fifo")
    expected = {b"fifo": "special", b"sock": "special"}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "sock"))
        if os.getuid() == 0:
            os.mknod(root / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
            expected[b"zero"] = "special"
        _put(root, "plain")
        captured = eye.capture()
    assert _reasons(captured) == expected
    assert set(_stored(sink, captured)) == {b"plain"}
    assert captured.counts.skipped == len(expected)


def test_other_repositories_data_is_never_read(root: Path, sink: MemoryObjects, eye: Eye) -> None:
    """States r01 to r08: `.git` whatever it is, `.hg`, `.jj`, `.svn`; working files are stored."""
    for name in (".git/config", "n/.git/HEAD", "v/.hg/x", "v/.jj/x", "v/.svn/wc.db", "w/.git"):
        _put(root, name)
    (root / "l").mkdir()
    (root / "l/.git").symlink_to("/etc")
    for name in ("n/work", "v/work", "w/work", "l/work", "bare/HEAD", "v/x/.hg"):
        _put(root, name)
    captured = eye.capture()
    assert _reasons(captured) == dict.fromkeys(
        (b".git", b"n/.git", b"v/.hg", b"v/.jj", b"v/.svn", b"w/.git", b"l/.git"), "repository"
    )
    files = {p for p, e in _stored(sink, captured).items() if e.oid}
    assert files == {b"n/work", b"v/work", b"w/work", b"l/work", b"bare/HEAD", b"v/x/.hg"}
    assert captured.counts.skipped == 0


def test_a_path_too_long_for_the_system_is_recorded(
    root: Path, sink: MemoryObjects, eye: Eye
) -> None:
    """State n13: reachable by descriptors only; everything beside it is stored."""
    folder = os.open(root, os.O_RDONLY)
    for _ in range(20):
        os.mkdir(b"p" * 240, dir_fd=folder)
        deeper = os.open(b"p" * 240, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = deeper
    os.close(folder)
    _put(root, "beside")
    captured = eye.capture()
    ((path, reason),) = _reasons(captured).items()
    assert reason == "too_long"
    assert 4000 < len(path) <= 4300
    assert b"beside" in _stored(sink, captured)


def test_rule_files_that_are_links_are_stored_and_not_read(
    root: Path, sink: MemoryObjects, eye: Eye, tmp_path: Path
) -> None:
    """State l09: a `.gitignore` that leads outside rules nothing."""
    (tmp_path / "outside").write_text("*\n")
    (root / ".gitignore").symlink_to(tmp_path / "outside")
    (root / ".stepwellignore").symlink_to("/dev/zero")
    _put(root, "f")
    captured = eye.capture()
    assert set(_stored(sink, captured)) == {b".gitignore", b".stepwellignore", b"f"}
    assert captured.rules_blob is None


def test_hostile_rule_files_take_bounded_time(root: Path, sink: MemoryObjects, eye: Eye) -> None:
    """State i02: binary, 20,000 patterns, nested stars. pytest's own time limit is the judge."""
    _put(root, "bin/.gitignore", b"\0\xff\n[")
    _put(root, "bin/f")
    _put(root, "many/.gitignore", b"".join(b"pat%d/**/x?[a-z]*\n" % n for n in range(20_000)))
    _put(root, "many/f")
    _put(root, "patho/.gitignore", b"**/" * 40 + b"a*a*a*a*a*a*b\n")
    _put(root, "patho/" + "a" * 60)
    _put(root, "huge/.gitignore", b"*\n" + b"#" * (1 << 20))
    _put(root, "huge/f")
    assert eye.capture().counts.stored == 8


def test_ignored_paths_are_listed_topmost_and_rules_are_kept(
    root: Path, sink: MemoryObjects, eye: Eye, tmp_path: Path
) -> None:
    """States i01 and i04: nested rules, exclude, the person's file; what held then can be asked."""
    (tmp_path / "global").write_text("*.orig\n")
    _put(root, ".git/info/exclude", b"private\n")
    eye.begin(global_ignore=tmp_path / "global")
    _put(root, ".gitignore", b"node_modules/\n*.log\n!keep.log\n")
    _put(root, "sub/.gitignore", b"*\r\n!.gitignore\r\n")
    _put(root, "sub/deep/x")
    _put(root, "node_modules/p/index.js")
    for name in ("a.log", "keep.log", "private", "b.orig", "c.big"):
        _put(root, name)
    _put(root, ".stepwellignore", b"*.big\n")
    captured = eye.capture()
    assert set(_stored(sink, captured)) == {
        b".gitignore", b".stepwellignore", b"keep.log", b"sub", b"sub/.gitignore",
    }  # fmt: skip
    ignored = {c.path for c in captured.covered if c.reason == "ignored"}
    assert ignored == {b"node_modules", b"a.log", b"private", b"sub/deep", b"b.orig", b"c.big"}
    assert captured.counts.ignored == 6
    assert captured.rules_blob is not None
    then = decode_rules(sink.read(captured.rules_blob)[1])
    for path in (*ignored, b"node_modules/p/other", b"sub/new"):
        assert then.matches(path, path in (b"node_modules", b"sub/deep"))
    assert not then.matches(b"keep.log", False)
    assert captured.coverage_blob is not None
    assert tuple(decode_coverage(sink.read(captured.coverage_blob)[1])) == captured.covered


@pytest.mark.compat
def test_tracked_though_ignored_files_are_stored(root: Path, sink: MemoryObjects, eye: Eye) -> None:
    """The index says so, below ignored folders too; what lies beside them stays ignored."""
    for name in ("dist/app.js", "dist/other.js", "a.log", "b.log"):
        _put(root, name)
    run = {"cwd": root, "env": GIT, "check": True}
    subprocess.run(["git", "init", "-q", "."], **run)  # type: ignore[call-overload]
    subprocess.run(["git", "add", "dist/app.js", "a.log"], **run)  # type: ignore[call-overload]
    _put(root, ".gitignore", b"dist/\n*.log\n")
    first = eye.capture()
    assert set(_stored(sink, first)) == {b".gitignore", b"a.log", b"dist", b"dist/app.js"}
    assert _reasons(first) == {
        b".git": "repository", b"b.log": "ignored", b"dist/other.js": "ignored",
    }  # fmt: skip
    subprocess.run(["git", "rm", "-q", "--cached", "a.log"], **run)  # type: ignore[call-overload]
    subprocess.run(["git", "add", "-f", "b.log"], **run)  # type: ignore[call-overload]
    second = eye.capture(first.snapshot)
    assert b"a.log" not in _stored(sink, second)
    assert b"b.log" in _stored(sink, second)


def test_paths_asked_for_are_stored_though_ignored_or_large(
    root: Path, sink: MemoryObjects, eye: Eye
) -> None:
    """A safety step must hold what is about to be overwritten; the next capture is as before."""
    eye.begin(cap_bytes=50)
    _put(root, ".gitignore", b"out/\n")
    _put(root, "out/a/wanted")
    _put(root, "out/unwanted")
    _put(root, "large", b"x" * 100)
    plain = eye.capture()
    both = (b"out/a/wanted", b"large")
    safety = eye.capture(also=both)
    assert set(both) <= set(_stored(sink, safety))
    assert _reasons(safety) == {b"out/unwanted": "ignored"}
    assert eye.capture().snapshot == plain.snapshot


def test_only_new_files_are_capped(root: Path, sink: MemoryObjects, eye: Eye) -> None:
    """State c10: what the parent has is stored whatever its size; a link is never capped."""
    eye.begin(cap_bytes=10)
    _put(root, "grows", b"small")
    first = eye.capture()
    _put(root, "grows", b"grown beyond the cap")
    _put(root, "new", b"large from the start")
    second = eye.capture(first.snapshot)
    assert set(_stored(sink, second)) == {b"grows"}
    assert _reasons(second) == {b"new": "capped"}
    assert second.counts.skipped == 1


def test_a_capped_file_that_shrinks_is_stored(root: Path, sink: MemoryObjects, eye: Eye) -> None:
    """It is looked at again each time, although its folder does not change."""
    eye.begin(cap_bytes=10)
    _put(root, "f", b"x" * 20)
    first = eye.capture()
    _put(root, "f", b"x")
    second = eye.capture(first.snapshot)
    assert set(_stored(sink, second)) == {b"f"}


AS_SOMEBODY = """
import json, os, sys
from pathlib import Path
from stepwell.store.engine.live import LiveSight
from stepwell.store.engine.objects import MemoryObjects
from stepwell.store.engine.scan import CaptureConfig
from stepwell.store.engine.sight import ScanSight
from stepwell.store.engine.snapshots import entries

if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
root, store, kind = sys.argv[1:]
sight = {"scan": ScanSight, "live": LiveSight}[kind](os.fsencode(root), Path(store), CaptureConfig())
sink, parent = MemoryObjects(), None
for _ in sys.stdin:
    done = sight.take(sink, parent)
    sight.keep(done)
    parent = done.snapshot
    stored = {
        os.fsdecode(e.path): [e.mode, sink.read(e.oid)[1].decode() if e.oid else None]
        for e in entries(sink, done.snapshot, folders=True)
    }
    covered = {os.fsdecode(c.path): c.reason for c in done.covered}
    print(json.dumps([stored, covered]), flush=True)
"""


@pytest.fixture
def common_root() -> Iterator[Path]:
    """Yields a workspace below folders that everybody may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        made = Path(folder) / "work"
        made.mkdir()
        yield made
        for path in (made, *made.rglob("*")):
            path.chmod(0o755)


class Somebody:
    """A process without privileges that captures a folder each time it is asked."""

    def __init__(self, root: Path, kind: str) -> None:
        store = root.with_name("store")
        store.mkdir(exist_ok=True)
        store.chmod(0o777)
        self._process = subprocess.Popen(
            [sys.executable, "-c", AS_SOMEBODY, root, store, kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=PYTHON,
        )

    def capture(self) -> tuple[dict[str, tuple[int, str | None]], dict[str, str]]:
        """Returns path -> (mode, content) and path -> reason."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        stored, covered = json.loads(self._process.stdout.readline())
        return {path: tuple(value) for path, value in stored.items()}, covered

    def __enter__(self) -> Somebody:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


@pytest.mark.parametrize("kind", ["scan", "live"])
def test_what_cannot_be_read_keeps_its_entries_and_is_flagged(common_root: Path, kind: str) -> None:
    """States t04 and t11, as an ordinary user: new ones are skipped, known ones kept."""
    root = common_root
    _put(root, "open/f", b"here")
    _put(root, "secret", b"s", 0o644)
    _put(root, "closed/deep/g", b"g")
    _put(root, "blind/h", b"h")
    _put(root, "never", b"n", 0o000)
    (root / "walled").mkdir(mode=0o000)
    with Somebody(root, kind) as somebody:
        stored, covered = somebody.capture()
        assert covered == {"never": "unreadable", "walled": "unreadable"}
        assert "walled" not in stored
        before = stored
        (root / "secret").chmod(0o000)
        (root / "closed").chmod(0o000)
        (root / "blind").chmod(0o444)
        for _ in range(2):
            stored, covered = somebody.capture()
            assert covered == {
                "never": "unreadable", "walled": "unreadable", "secret": "unreadable",
                "closed": "unreadable", "blind/h": "unreadable",
            }  # fmt: skip
            assert stored["secret"] == (stat.S_IFREG, "s")
            assert stored["closed"] == (stat.S_IFDIR, None)
            assert stored["closed/deep/g"] == before["closed/deep/g"]
            assert stored["blind/h"] == before["blind/h"]
        for name, mode in (("secret", 0o644), ("closed", 0o755), ("blind", 0o755)):
            (root / name).chmod(mode)
        stored, covered = somebody.capture()
        assert covered == {"never": "unreadable", "walled": "unreadable"}
        assert stored == before


def test_a_workspace_that_cannot_be_listed_fails(common_root: Path) -> None:
    """Fail closed: no snapshot rather than an empty one."""
    common_root.chmod(0o000)
    run = subprocess.run(
        [sys.executable, "-c", AS_SOMEBODY, common_root, common_root.parent, "scan"],
        input="\n",
        capture_output=True,
        text=True,
        env=PYTHON,
    )
    assert run.returncode == 1
    assert "FailedError" in run.stderr


def test_a_file_that_is_no_folder_is_no_workspace(tmp_path: Path, sink: MemoryObjects) -> None:
    """The error is the project's own."""
    (tmp_path / "f").touch()
    with pytest.raises(FailedError):
        capture_tree(Scanner(tmp_path / "f", None), sink, None)


CHURN = """
import os, sys
os.chdir(sys.argv[1])
turn = 0
while True:
    turn += 1
    with open("torn", "r+b") as file:
        file.write(b"%08d" % turn * 40_000)
    with open("renamed.new", "wb") as file:
        file.write(b"%08d" % turn * 1000)
    os.rename("renamed.new", "renamed")
    with open("log", "ab") as file:
        file.write(b"line\\n" * 100)
        if file.tell() > 1 << 20:
            file.truncate(0)
    os.mkdir("gone")
    open("gone/x", "w").close()
    os.unlink("gone/x")
    os.rmdir("gone")
    os.path.islink("swap") or os.path.exists("swap") and os.rmdir("swap")
    os.path.islink("swap") and os.unlink("swap")
    os.symlink("/etc", "swap") if turn % 2 else os.mkdir("swap")
"""


def test_a_capture_survives_writers(root: Path, sink: MemoryObjects, eye: Eye) -> None:
    """States S1 to S4: torn files are flagged, renamed ones whole, nothing is followed or raised."""
    _put(root, "torn", b"0" * 320_000)
    _put(root, "renamed", b"0" * 8000)
    parent, unstable = None, 0
    with subprocess.Popen([sys.executable, "-c", CHURN, root]) as writer:
        try:
            for count in range(4000):
                if count >= 200 and unstable >= 3:
                    break
                done = eye.capture(parent)
                parent = done.snapshot
                stored, reasons = _stored(sink, done), _reasons(done)
                unstable += done.counts.unstable
                assert not any(path.startswith(b"swap/") for path in stored)
                for name in (b"renamed", b"torn"):
                    entry = stored.get(name)
                    if entry is None or entry.oid is None or name in reasons:
                        continue
                    content = sink.read(entry.oid)[1]
                    assert content == content[:8] * (len(content) // 8)
        finally:
            alive = writer.poll() is None
            writer.kill()
    assert alive
    assert unstable > 0
    settled = eye.capture(parent)
    assert settled.counts.unstable == 0
    assert settled.snapshot == capture_tree(Scanner(root, None), sink, None).snapshot


def test_coverage_survives_encoding() -> None:
    """Canonical whatever the order; any path and reason; damage is refused."""
    listed = [Covered(TrackedPath(b"b\n"), "special"), Covered(TrackedPath(b"\xff"), "ignored")]
    assert encode_coverage(listed) == encode_coverage(reversed(listed))
    assert decode_coverage(encode_coverage(listed)) == sorted(listed)
    assert decode_coverage(b"") == []
    assert count_coverage(listed, 7).skipped == 1
    for damaged in (b"special x", b"nonsense x\0", b"special\0"):
        with pytest.raises(IntegrityError):
            decode_coverage(damaged)
