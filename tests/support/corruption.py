"""Corrupts a file of a data folder, in every way, and judges what the store makes of it.

Run as `python corruption.py FIRST COUNT`: takes seeds from FIRST on. Prints one JSON document: how
many corruptions there were of which sort of file and kind, how many were told, how many changed
nothing that is read, and what was wrong after which.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.bench import FAST
from support.pruning import edits

from stepwell.store import Workspace
from stepwell.store.engine.recording import Act
from stepwell.store.forms import step_form
from stepwell.store.model.errors import StepwellError
from stepwell.store.model.steps import Step

KINDS = ("flip", "truncate", "zero", "delete", "swap")
PAGE = 4096
_PACKED_REFS = b"# pack-refs"
DERIVED = ("view", "stats", "acknowledged", "catalogue", "index", "sealed index", "lock", "locks")
"""Sorts of files without which everything is read as before; they are made again."""


def sort_of(path: Path) -> str:
    """Returns which sort of file it is, by its place in a data folder."""
    if "catalogue" in path.parts:
        return "locks" if path.name == "lock" else "catalogue"
    if "repo.git" in path.parts:
        return path.suffix.removeprefix(".") or path.name
    if path.parent.name == "journal":
        sealed = path.name.startswith("sealed")
        return "sealed index" if sealed else path.suffix.removeprefix(".")
    return "root" if path.parent.name == "roots" else path.name


@dataclass(frozen=True)
class Known:
    """What was recorded, as it was told before any damage."""

    steps: list[dict[str, Any]]
    files: dict[str, dict[bytes, bytes]]
    """Of each step, path -> content."""
    texts: dict[str, list[str | None]]
    branches: list[Any]
    hits: list[Any]


def prepared(project: Path, home: Path) -> Known:
    """Makes a store with everything in it: two packs, segments, marks, branches, texts, derived files."""
    (project / "src").mkdir(parents=True)
    chance = random.Random(11)
    ticks = itertools.count(1_700_000_000_000_000_000, 1_000_000_000)
    made: dict[str, Any] = {"randomness": chance.randbytes, "clock": lambda: next(ticks)}
    with Workspace.init(project, home=home, **made) as ws:
        (project / "data.bin").write_bytes(chance.randbytes(9_000))
        (project / "git~1").write_text("refused by git\n")
        (project / ".gitignore").write_text("*.log\n")
        ws.record(act=Act("all", "tool", session="claude:s", turn=1, prompt="make it", input="{}"))
        edits(ws, project, 3, session="claude:s", turn=1)
        ws.gc()
        edits(ws, project, 2)
        ws.mark(ws.head(), label="good", note="as it should be", by="me")
        ws.apply(ws.plan_rollback(ws.get_step("#3")))
        ws.gc()
        (project / "data.bin").write_bytes(chance.randbytes(5_000))
        edits(ws, project, 3, session="claude:s", turn=2)
        ws.create_branch("spare")
        return known(ws)


def known(ws: Workspace) -> Known:
    """Returns all that is told of a store."""
    steps = ws.steps(limit=1000, all_branches=True)
    return Known(
        [step_form(step) for step in steps],
        {step.id: files_of(ws, step) for step in steps},
        {step.id: [ws.text(step.prompt), ws.text(step.input)] for step in steps},
        ws.branches(),
        [(hit.step.id, hit.where) for hit in ws.search("return", datetime(2031, 1, 1, tzinfo=UTC))],
    )


def files_of(ws: Workspace, step: Step) -> dict[bytes, bytes]:
    """Returns the files of a step that the test knows by name."""
    found = {}
    for path in (b"data.bin", b"src/app.py", b"git~1", b".gitignore"):
        with contextlib.suppress(StepwellError):
            found[path] = ws.read_file(step, path)
    return found


def candidates(home: Path) -> list[Path]:
    """Returns the files of a data folder, of each sort about as many."""
    return sorted(p for p in home.rglob("*") if p.is_file() and not p.is_symlink())


def pick(files: list[Path], chance: random.Random) -> Path:
    """Returns a file: first a sort is drawn, then one of that sort."""
    sort = chance.choice(sorted({sort_of(path) for path in files}))
    return chance.choice([path for path in files if sort_of(path) == sort])


def damage(path: Path, files: list[Path], kind: str, chance: random.Random) -> bool:
    """Does it; False when it would change nothing."""
    content = path.read_bytes()
    if kind == "delete":
        path.unlink()
        return True
    if kind == "swap":
        other = chance.choice([one for one in files if one != path])
        replaced = other.read_bytes()
        if replaced == content:
            return False
        other.write_bytes(content)
        path.write_bytes(replaced)
        return True
    changed = _changed(content, kind, chance)
    path.write_bytes(changed)
    return changed != content


def _changed(content: bytes, kind: str, chance: random.Random) -> bytes:
    if not content:
        return content
    at = chance.randrange(len(content))
    if kind == "truncate":
        return content[:at]
    if kind == "zero":
        at -= at % PAGE
        return content[:at] + bytes(len(content[at : at + PAGE])) + content[at + PAGE :]
    if content.startswith(_PACKED_REFS):
        # Its first line is a comment.
        at = chance.randrange(content.index(b"\n") + 1, len(content))
    flipped = content[at] ^ 1 << chance.randrange(8)
    return content[:at] + bytes([flipped]) + content[at + 1 :]


class Judge:
    """What a damaged store tells, compared with what was known."""

    def __init__(self, project: Path, home: Path, before: Known, chance: random.Random) -> None:
        self._project = project
        self._home = home
        self._before = before
        self._chance = chance
        self.told = False
        """The damage was named: by a verification, or by a refusal to open."""
        self.same = True
        """Everything that is read is as before."""
        self._readable: set[tuple[str, bytes]] = set()
        self.wrong: list[str] = []

    def run(self) -> None:
        """Judges all of it."""
        self._guarded(self._verify)
        self._guarded(self._read)
        self._guarded(self._mend)
        self._guarded(self._go_back)
        self._guarded(self._go_on)
        self._guarded(self._rebuild)
        if not self.same and not self.told:
            self.wrong.append("something is not as before, and verify --full is content")

    def _open(self) -> Workspace:
        return Workspace.open(self._project, home=self._home)

    def _guarded(self, look: Callable[[], None]) -> None:
        try:
            look()
        except StepwellError as error:
            if look == self._mend and self.told is False:
                self.wrong.append(f"a repair failed: {error.message}"[:300])
            self.same = False
            self.told = self.told or error.exit_code in (3, 5)
        except Exception as error:
            self.wrong.append(f"{look.__name__}: {type(error).__name__}: {error}"[:300])

    def _verify(self) -> None:
        with self._open() as ws:
            self.told = not ws.verify(full=True).ok

    def _read(self) -> None:
        with self._open() as ws:
            for form in self._before.steps:
                self._read_step(ws, form["id"])
            now = known(ws)
            self.same = self.same and now == self._before

    def _read_step(self, ws: Workspace, identity: str) -> None:
        try:
            step = ws.get_step(identity)
        except StepwellError:
            self.same = False
            return
        for path, content in self._before.files[identity].items():
            try:
                found = ws.read_file(step, path)
            except StepwellError:
                self.same = False
                continue
            self._readable.add((identity, path))
            if found != content:
                self.wrong.append(f"wrong bytes of {path!r} in #{step.seq}")

    def _mend(self) -> None:
        """A repair loses nothing that could be read, and makes nothing up."""
        before = set(self._readable)
        with self._open() as ws:
            left = ws.repair().after
            for form in self._before.steps:
                self._read_step(ws, form["id"])
            if not left and not ws.verify(full=True).ok:
                self.wrong.append("a repair says that all is whole, a verification does not")
            for identity, path in before:
                try:
                    ws.read_file(ws.get_step(identity), path)
                except StepwellError as error:
                    self.wrong.append(f"a repair lost {path!r}: {error.message}"[:300])

    def _go_on(self) -> None:
        """What is recorded next can be read."""
        content = self._chance.randbytes(300)
        with self._open() as ws:
            (self._project / "next").write_bytes(content)
            step = ws.capture("next")
            if ws.read_file(step, b"next") != content:
                self.wrong.append("what was captured next is not read back")

    def _go_back(self) -> None:
        """Goes to some step on disk: exactly, or not at all, or with what is missing named."""
        identity = self._chance.choice(self._before.steps)["id"]
        files = self._before.files[identity]
        with self._open() as ws:
            done = ws.apply(ws.plan_rollback(ws.get_step(identity)), force=True)
            kept = {one.path for one in done.not_restored}
            for path, content in files.items():
                where = self._project / os.fsdecode(path)
                if path not in kept and where.read_bytes() != content:
                    self.wrong.append(f"a rollback left wrong bytes at {path!r}")

    def _rebuild(self) -> None:
        """The catalogue made anew tells of every step that can be read what it told before."""
        with self._open() as ws:
            ws.rebuild()
            told = {
                form["id"]: form for form in map(step_form, ws.steps(limit=1000, all_branches=True))
            }
            for form in self._before.steps:
                now = told.get(form["id"])
                if now is None:
                    self.same = False
                elif now != form and self.same:
                    self.wrong.append(f"rebuilt differently: #{form['seq']}")


def corrupt(seed: int, project: Path, home: Path, before: Known) -> tuple[str, str, Judge] | None:
    """Makes and judges one corruption; None when it changed nothing."""
    chance = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    files = candidates(home)
    path = pick(files, chance)
    if not damage(path, files, kind, chance):
        return None
    judge = Judge(project, home, before, chance)
    judge.run()
    sort = sort_of(path)
    if kind != "swap" and sort not in DERIVED and not judge.told:
        judge.wrong.append("verify --full is content")
    if kind != "swap" and sort in DERIVED and not (judge.told or judge.same):
        judge.wrong.append("a derived file is missed")
    return sort, kind, judge


def main(folder: Path, first: int, count: int) -> dict[str, Any]:
    """Returns the report."""
    original, project, kept = folder / "original", folder / "project", folder / "kept"
    before = prepared(project, original)
    shutil.copytree(project, kept)
    tried: Counter[str] = Counter()
    told = same = 0
    wrong: list[str] = []
    for seed in range(first, first + count):
        # Never the same place twice: libgit2 remembers files by their paths.
        home = folder / f"home-{seed}"
        for place, source in ((home, original), (project, kept)):
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(source, place, symlinks=True)
        done = corrupt(seed, project, home, before)
        if done is not None:
            sort, kind, judge = done
            tried[f"{kind} {sort}"] += 1
            told += judge.told
            same += judge.same
            wrong += [f"{seed} {kind} {sort}: {one}" for one in judge.wrong]
        shutil.rmtree(home)
    return {"tried": sum(tried.values()), "told": told, "same": same, "wrong": wrong, "of": tried}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=FAST) as name:
        json.dump(main(Path(name), int(sys.argv[1]), int(sys.argv[2])), sys.stdout, indent=1)
