"""Bundles: what was exported comes back exact, and what is not as it has to be is refused whole."""

from __future__ import annotations

import json
import os
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.hostile import Disk

from stepwell.store import Act, IntegrityError, NotFoundError, StepResult, Workspace
from stepwell.store.bundling import export_bundle, import_bundle
from stepwell.store.engine import codec, extras
from stepwell.store.engine.bundles import check_bundle
from stepwell.store.engine.bundles.format import STEPS, BundleReader, BundleWriter
from stepwell.store.engine.objects import BLOB, TREE, TreeEntry, encode_tree, object_id
from stepwell.store.model.paths import TrackedPath


@pytest.fixture
def told(ws: Workspace, project: Path, tmp_path: Path) -> Path:
    """A bundle of a small history: a dead end on a kept branch, marks, odd files."""
    start = ws.head()
    ws.record(act=Act("ask", "prompt", session="claude:s", turn=1, prompt="do it"))
    (project / "src" / "app.py").write_text("dead end\n")
    ws.record(act=Act("try", "tool", session="claude:s", tool="Edit", result=StepResult(False, 2)))
    ws.apply(ws.plan_rollback(start), force=True)
    (project / "empty").mkdir()
    (project / ".GIT").write_bytes(b"refused by git")
    (project / "big").write_bytes(random.Random(1).randbytes(1_200_000))
    os.symlink("src/app.py", project / "link")
    (project / "src" / "app.py").chmod(0o600)
    ws.mark(ws.capture("better"), label="good", tags=["green"], note="keep this")
    bundle = tmp_path / "b.bundle"
    assert export_bundle(ws, bundle, ws.steps(all_branches=True)) == 6 - 1
    return bundle


@pytest.fixture
def other(tmp_path: Path, home: Path) -> Iterator[Workspace]:
    """Another workspace, with a file of its own."""
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "mine").write_text("mine\n")
    with Workspace.init(folder, home=home) as workspace:
        yield workspace


def test_a_bundle_brings_every_step_and_its_files(
    ws: Workspace, project: Path, told: Path, other: Workspace, tmp_path: Path
) -> None:
    """Same ids, marks and branches; going back to an imported step gives exactly those files."""
    before = Disk.read(tmp_path / "other").entries
    loaded = import_bundle(other, told)
    assert (loaded.imported, loaded.skipped, loaded.errors) == (5, 0, ())
    assert loaded.branches == ("import/main", "import/main.1")
    assert Disk.read(tmp_path / "other").entries == before
    theirs = {step.id: step for step in ws.steps(all_branches=True)}
    for step in other.steps(all_branches=True)[:5]:
        assert "imported" in step.flags
        origin = theirs[step.id]
        assert (step.title, step.snapshot, step.parents) == (
            origin.title,
            origin.snapshot,
            origin.parents,
        )
        assert step.checkpoint == origin.checkpoint
        assert other.text(step.prompt) == ws.text(origin.prompt)
    other.apply(other.plan_rollback("good"), force=True)
    assert Disk.read(tmp_path / "other").entries == Disk.read(project).entries
    assert other.verify(full=True).ok


def test_again_adds_nothing_and_a_dry_run_changes_nothing(told: Path, other: Workspace) -> None:
    """Steps are known by their ids."""
    number = other.view().number
    assert import_bundle(other, told, dry_run=True).imported == 5
    assert other.view().number == number
    import_bundle(other, told)
    number = other.view().number
    again = import_bundle(other, told)
    assert (again.imported, again.skipped) == (0, 5)
    assert other.view().number == number


def test_what_collides_here_keeps_its_name(told: Path, other: Workspace) -> None:
    """A taken label is left out and listed; a session of the same name is told apart."""
    other.mark(other.head(), label="good")
    other.record(act=Act("x", "tool", session="claude:s"))
    loaded = import_bundle(other, told)
    assert ["label" in reason for _, reason in loaded.errors] == [True]
    assert other.get_step("good").seq == 1
    assert {row.name for row in other.sessions()} == {"claude:s", "claude:s+imported"}


def test_an_import_that_is_cut_off_goes_on(
    told: Path, other: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch is an operation of its own; a second run does the rest."""
    monkeypatch.setattr("stepwell.store.engine.bundles.load._BATCH_STEPS", 2)
    real, calls = other.record_import, []

    def twice(work: Any, drafts: Any) -> int:
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(drafts)
        return real(work, drafts)

    monkeypatch.setattr(other, "record_import", twice)
    with pytest.raises(KeyboardInterrupt):
        import_bundle(other, told)
    monkeypatch.setattr(other, "record_import", real)
    loaded = import_bundle(other, told)
    assert (loaded.imported, loaded.skipped) == (1, 4)
    assert loaded.branches == ("import/main", "import/main.1")


def test_a_part_of_a_history_is_marked_as_such(
    ws: Workspace, told: Path, other: Workspace, tmp_path: Path
) -> None:
    """A step without its parent is flagged; nothing to export is an error."""
    path = tmp_path / "part.bundle"
    export_bundle(ws, path, [ws.get_step("good")])
    import_bundle(other, path)
    assert set(other.get_step("good").flags) >= {"imported", "partial"}
    with pytest.raises(NotFoundError):
        export_bundle(ws, path, [])


def test_a_full_disk_leaves_the_old_bundle(
    ws: Workspace, told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing beside it."""
    import resource
    import signal

    old = told.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(Exception, match="File too large"):
            export_bundle(ws, told, ws.steps(all_branches=True))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert told.read_bytes() == old
    assert [path.name for path in told.parent.iterdir() if "bundle" in path.name] == ["b.bundle"]


def refuse(other: Workspace, path: Path) -> str:
    """Imports, expects a refusal that left no trace, and returns its reason."""
    store = {p: p.stat().st_size for p in other.store.rglob("*") if "lock" not in p.name}
    with pytest.raises(IntegrityError) as caught:
        import_bundle(other, path)
    assert {p: p.stat().st_size for p in other.store.rglob("*") if "lock" not in p.name} == store
    return caught.value.message


def test_every_cut_and_every_flip_is_refused(told: Path, other: Workspace, tmp_path: Path) -> None:
    """At forty places of each kind."""
    whole, chance = told.read_bytes(), random.Random(3)
    bad = tmp_path / "bad"
    for _ in range(40):
        at = chance.randrange(len(whole))
        bad.write_bytes(whole[:at])
        refuse(other, bad)
        bad.write_bytes(
            whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :]
        )
        refuse(other, bad)
    bad.write_bytes(whole + b"more")
    refuse(other, bad)


Forge = Callable[[dict[str, Any], dict[bytes, tuple[str, bytes]]], None]


def forged(told: Path, path: Path, change: Forge) -> Path:
    """Rewrites a bundle, with a right checksum, after changing its steps or objects."""
    fd = os.open(told, os.O_RDONLY)
    contents = check_bundle(fd)
    objects = {oid: contents.objects.read(oid) for oid in contents.objects.places}
    forms = [
        {"step": codec.step_to_json(step), "mark": mark and codec.mark_to_json(mark)}
        for step, mark in contents.steps
    ]
    document: dict[str, Any] = {"branches": dict(contents.branches), "steps": forms}
    os.close(fd)
    change(document, objects)  # type: ignore[arg-type]
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    writer = BundleWriter(out, "forged")
    for kind, data in objects.values():
        writer.add(kind, len(data), [data])
    steps = document.get("raw") or json.dumps(document).encode()
    writer.add(STEPS, len(steps), [steps])
    writer.finish()
    os.close(out)
    return path


def with_tree(entries: bytes) -> Forge:
    """Gives the first step a tree of these raw bytes."""

    def change(document: dict[str, Any], objects: dict[bytes, tuple[str, bytes]]) -> None:
        objects[b"new"] = (TREE, entries)
        document["steps"][0]["step"]["tree"] = object_id(TREE, entries).hex()

    return change


def with_extras(value: extras.Extras) -> Forge:
    """Gives the first step these extras."""

    def change(document: dict[str, Any], objects: dict[bytes, tuple[str, bytes]]) -> None:
        data = extras.encode(value)
        objects[b"new"] = (BLOB, data)
        document["steps"][0]["step"]["extras"] = object_id(BLOB, data).hex()

    return change


def of_step(**fields: Any) -> Forge:
    """Changes fields of the first step."""

    def change(document: dict[str, Any], objects: dict[bytes, tuple[str, bytes]]) -> None:
        document["steps"][0]["step"].update(fields)

    return change


def drop(kind: str) -> Forge:
    """Leaves one object out."""

    def change(document: dict[str, Any], objects: dict[bytes, tuple[str, bytes]]) -> None:
        del objects[next(oid for oid, (k, data) in objects.items() if k == kind and len(data) > 4)]

    return change


def raw(document: bytes) -> Forge:
    """Puts something else in the place of the steps."""
    return lambda form, _: form.update(raw=document)


def with_folders(height: int, width: int) -> Forge:
    """Gives the first step folders in each other, each of them so often in the one above."""

    def change(document: dict[str, Any], objects: dict[bytes, tuple[str, bytes]]) -> None:
        objects[b"file"] = (BLOB, b"")
        data = encode_tree([TreeEntry(b"a", 0o100644, BLOB_ID)])
        for number in range(height):
            objects[b"%d" % number] = (TREE, data)
            below = object_id(TREE, data)
            data = encode_tree([TreeEntry(b"%d" % at, 0o40000, below) for at in range(width)])
        objects[b"top"] = (TREE, data)
        document["steps"][0]["step"]["tree"] = object_id(TREE, data).hex()

    return change


def with_folders_in_others(
    document: dict[str, Any], objects: dict[bytes, tuple[str, bytes]]
) -> None:
    """Has the second step's deep folders end in those of the first, which are known by then."""
    with_folders(200, 1)(document, objects)
    below = bytes.fromhex(document["steps"][0]["step"]["tree"])
    for number in range(200):
        data = encode_tree([TreeEntry(b"again", 0o40000, below)])
        objects[b"again %d" % number] = (TREE, data)
        below = object_id(TREE, data)
    document["steps"][1]["step"]["tree"] = below.hex()


BLOB_ID = object_id(BLOB, b"")


def entry(name: bytes, mode: bytes = b"100644") -> bytes:
    """Returns a raw tree entry."""
    return mode + b" " + name + b"\0" + BLOB_ID


HOSTILE: dict[str, Forge] = {
    "a name that leads up": with_tree(entry(b"..")),
    "a name with a slash": with_tree(entry(b"a/b")),
    "an empty name": with_tree(entry(b"")),
    "a repository's folder": with_tree(entry(b".git", b"40000")),
    "its disguise": with_tree(entry(b"GIT~1")),
    "two of one name": with_tree(entry(b"a") + entry(b"a")),
    "names out of order": with_tree(entry(b"b") + entry(b"a")),
    "a padded mode": with_tree(entry(b"a", b"0100644")),
    "an odd mode": with_tree(entry(b"a", b"100777")),
    "a submodule": with_tree(entry(b"a", b"160000")),
    "a cut tree": with_tree(entry(b"a")[:-1]),
    "a tree in a file's place": with_tree(encode_tree([TreeEntry(b"a", 0o40000, BLOB_ID)])),
    "folders without end": with_folders(2_000, 1),
    "folders too deep together": with_folders_in_others,
    "more files than any disk holds": with_folders(40, 10),
    "a missing tree": of_step(tree="12" * 20),
    "a missing blob": drop(BLOB),
    "a blob that is a tree": drop(TREE),
    "extras that lead out": with_extras(
        extras.Extras(empty_folders=frozenset([TrackedPath(b"../x")]))
    ),
    "extras in a repository": with_extras(
        extras.Extras(entries={TrackedPath(b".git/hooks/x"): (0o100755, BLOB_ID)})
    ),
    "an extras mode": with_extras(extras.Extras(file_mode=0o100644)),
    "an id that is an option": of_step(id="-x"),
    "an id of another length": of_step(id="ab"),
    "a number that is text": of_step(time_ns="now"),
    "a kind of its own": of_step(kind="evil"),
    "a title that is none": of_step(title=["x"]),
    "an endless title": of_step(title="x" * 10_000_000),
    "no list": raw(b'{"branches": {}, "steps": 3}'),
    "no JSON": raw(b"\xff"),
    "deep JSON": raw(b"[" * 200_000 + b"]" * 200_000),
    "a huge number": raw(b'{"branches": {}, "steps": [' + b"9" * 100_000 + b"]}"),
    "a branch to nowhere": lambda document, _: document["branches"].update(main="0" * 32),
    "a step twice": lambda document, _: document["steps"].append(document["steps"][0]),
    "a child before its parent": lambda document, _: document["steps"].reverse(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_bundle_is_refused_whole(
    name: str, told: Path, other: Workspace, tmp_path: Path
) -> None:
    """Although its checksum is right."""
    refuse(other, forged(told, tmp_path / "bad", HOSTILE[name]))


def test_an_unchanged_forgery_is_taken(told: Path, other: Workspace, tmp_path: Path) -> None:
    """So the refusals above are for their reasons."""
    path = forged(told, tmp_path / "same", lambda document, objects: None)
    assert import_bundle(other, path).imported == 5


@pytest.mark.parametrize("shape", [(250, 1), (4, 10)])
def test_many_folders_are_no_bomb(
    shape: tuple[int, int], told: Path, other: Workspace, tmp_path: Path
) -> None:
    """As deep, and as wide, as a project may be."""
    path = forged(told, tmp_path / "large", with_folders(*shape))
    assert import_bundle(other, path).imported == 5


def hostile_name(document: dict[str, Any], objects: dict[bytes, tuple[str, bytes]]) -> None:
    """Gives a branch a name that git refuses, and a title that acts on terminals."""
    document["branches"] = {"--upload-pack=x": document["steps"][0]["step"]["id"]}
    document["steps"][0]["step"].update(
        branch="../../x", title="\x1b]52;c;aGk=\x07", session="a\x1b"
    )


def test_hostile_texts_are_taken_harmless(told: Path, other: Workspace, tmp_path: Path) -> None:
    """Names that cannot be used are replaced, titles sanitised."""
    loaded = import_bundle(other, forged(told, tmp_path / "odd", hostile_name))
    assert all(
        name.startswith("import/branch") or name == "import/main" for name in loaded.branches
    )
    assert "\x1b" not in other.steps(all_branches=True)[4].title


def test_a_bomb_is_refused_before_it_unfolds(told: Path, other: Workspace, tmp_path: Path) -> None:
    """An entry that unpacks to more than it says, and one that says too much."""
    import hashlib

    for said in (10, 1 << 40):
        packed = zlib.compress(b"\0" * (64 << 20))
        body = b"stepwell-bundle 1\nB" + struct.pack("<Q", said)
        body += struct.pack("<I", len(packed)) + packed + struct.pack("<I", 0) + b"E"
        bomb = tmp_path / "bomb"
        bomb.write_bytes(body + hashlib.sha256(body).digest())
        refuse(other, bomb)


def test_entries_are_read_in_bounded_pieces(told: Path) -> None:
    """A file of more than a megabyte never comes as one."""
    with open(told, "rb") as file:
        for _, pieces in BundleReader(file.fileno()).entries():
            assert all(len(piece) <= 1 << 20 for piece in pieces)
