"""Lets a data folder run out of room at any point, and judges what is left of it.

Run as `python full_disk.py FIRST LAST STEP`: for each size from FIRST to LAST KiB. The data folder
lies on a tmpfs of that size where mounting is permitted; elsewhere no file of it may grow beyond
that. In each round captures go on until nothing fits, then everything else that writes is tried;
then there is room again. Prints one JSON document.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from support.bench import FAST
from support.limits import files_up_to
from support.pruning import FEW
from support.sealed import assert_clean

from stepwell.store import Workspace
from stepwell.store.engine.recording import Act
from stepwell.store.model.errors import FailedError, StepwellError
from stepwell.store.model.steps import Step

FILES = ("a.bin", "b.bin", "src/c.txt")
_MOST = 400
"""Captures in a round; more than fit."""


def can_mount(folder: Path) -> bool:
    """Tells whether this process may mount a tmpfs."""
    if os.geteuid() != 0:
        return False
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True
    )
    if mounted.returncode == 0:
        subprocess.run(["umount", str(folder)], check=True)
    return mounted.returncode == 0


class Room:
    """A folder with little room, which can be given more."""

    def __init__(self, folder: Path, kib: int, mounts: bool) -> None:
        self.folder = folder
        self._kib = kib
        self._mounts = mounts

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Makes the folder, and takes it away at the end."""
        self.folder.mkdir()
        if self._mounts:
            size = f"size={self._kib}k,mode=700"
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", size, "none", str(self.folder)], check=True
            )
        try:
            yield
        finally:
            if self._mounts:
                subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    @contextlib.contextmanager
    def little(self) -> Iterator[None]:
        """There is only so much room within."""
        with contextlib.nullcontext() if self._mounts else files_up_to(self._kib << 10):
            yield

    def more(self) -> None:
        """Gives it all the room that it could need."""
        if self._mounts:
            command = ["mount", "-o", "remount,size=512m", str(self.folder)]
            subprocess.run(command, check=True)


class Round:
    """One size of the disk."""

    def __init__(self, base: Path, room: Room, kib: int) -> None:
        self._project = base / "project"
        self._home = room.folder / "home"
        self._room = room
        self._scale = max(1, kib // 2_048)
        self._chance = random.Random(kib)
        self.kept: dict[str, dict[str, bytes]] = {}
        """Files of each acknowledged step."""
        self.said: Counter[str] = Counter()
        self.wrong: list[str] = []

    def run(self) -> None:
        """Fills the disk, tries everything, gives it room, and judges."""
        (self._project / "src").mkdir(parents=True)
        with self._room.little():
            self._fill()
            if self.kept:
                self._try_all()
        self._room.more()
        self._judge()

    def _open(self) -> Workspace:
        return Workspace.open(self._project, home=self._home)

    def _write(self) -> dict[str, bytes]:
        for name in FILES:
            if self._chance.random() < 0.6:
                size = self._chance.choice([40, 3_000, 40_000, 150_000])
                (self._project / name).write_bytes(self._chance.randbytes(size * self._scale))
        return self._files()

    def _files(self) -> dict[str, bytes]:
        found = {name: self._project / name for name in FILES}
        return {name: path.read_bytes() for name, path in found.items() if path.exists()}

    def _attempt(self, name: str, work: Callable[[], Any]) -> Any:
        """Does it; a refusal must be the system's, in one sentence."""
        try:
            done = work()
        except FailedError as error:
            self.said[f"{name}: {error.code}"] += 1
            return None
        except StepwellError as error:
            self.wrong.append(f"{name}: {error.code}: {error.message}"[:300])
            return None
        self.said[f"{name}: done"] += 1
        return done

    def _fill(self) -> None:
        self._write()
        opened = self._attempt("init", lambda: Workspace.init(self._project, home=self._home))
        if opened is None:
            return
        with opened as ws:
            self.kept[ws.head().id] = self._files()
        refused = 0
        for number in range(_MOST):
            files = self._write()
            step = self._attempt("capture", partial(self._capture, number))
            if step is not None:
                self.kept[step.id] = files
            refused += step is None
            if refused == 4:
                return
            if number % 23 == 9:
                self._attempt("gc", self._gc)

    def _capture(self, number: int) -> Step:
        with self._open() as ws:
            return ws.record(act=Act(f"edit {number}", "tool", prompt="p" * 900)).step

    def _gc(self) -> None:
        with self._open() as ws:
            ws.gc(grace_minutes=0)

    def _try_all(self) -> None:
        """Everything else that writes, while there is no room."""
        identity = self._chance.choice(sorted(self.kept))
        before = self._files()
        done = self._attempt("rollback", lambda: self._go_back(identity))
        if done is None:
            self._attempt("settle", self._settle)
        now = self._files()
        if now not in (before, self.kept[identity]):
            self.wrong.append("a rollback without room left neither the one nor the other")
        self._attempt("mark", lambda: self._mark(identity))
        self._attempt("gc", self._gc)
        self._attempt("list", self._list)
        self._attempt("repair", self._repair)

    def _go_back(self, identity: str) -> Any:
        with self._open() as ws:
            return ws.apply(ws.plan_rollback(ws.get_step(identity)), force=True)

    def _settle(self) -> None:
        with self._open() as ws:
            ws.settle()

    def _mark(self, identity: str) -> None:
        with self._open() as ws:
            ws.mark(ws.get_step(identity), note="n" * 500, by="me")

    def _list(self) -> None:
        with self._open() as ws:
            found = {step.id for step in ws.steps(limit=2_000, all_branches=True)}
            if not found >= self.kept.keys():
                self.wrong.append("a listing without room lacks acknowledged steps")

    def _repair(self) -> None:
        with self._open() as ws:
            ws.repair()

    def _judge(self) -> None:
        try:
            with Workspace.init(self._project, home=self._home):
                pass
            self._read_all()
            files = self._write()
            with self._open() as ws:
                step = ws.capture("there is room again")
                self._compare(ws, step.id, files)
                ws.gc()
                ws.prune(FEW)
                ws.gc(grace_minutes=0)
                assert ws.verify(full=True).ok, ws.verify(full=True).damaged[:3]
                assert_clean(ws.store)
            left = [p.name for p in self._home.rglob("*") if p.name.endswith("stepwell-tmp")]
            if left:
                self.wrong.append(f"left behind: {left}")
        except Exception as error:
            self.wrong.append(f"afterwards: {type(error).__name__}: {error}"[:400])

    def _read_all(self) -> None:
        with self._open() as ws:
            assert ws.verify(full=True).ok, ws.verify(full=True).damaged[:3]
            listed = {step.id for step in ws.steps(limit=2_000, all_branches=True)}
            if not listed >= self.kept.keys():
                self.wrong.append(f"{len(self.kept.keys() - listed)} acknowledged steps are gone")
            for identity, files in self.kept.items():
                self._compare(ws, identity, files)

    def _compare(self, ws: Workspace, identity: str, files: dict[str, bytes]) -> None:
        step = ws.get_step(identity)
        for name, content in files.items():
            if ws.read_file(step, os.fsencode(name)) != content:
                self.wrong.append(f"wrong bytes of {name} in #{step.seq}")


def main(folder: Path, first: int, last: int, step: int, mount: bool = True) -> dict[str, Any]:
    """Returns the report; without `mount` only the size of files is limited."""
    mounts = mount and can_mount(folder)
    said: Counter[str] = Counter()
    wrong: list[str] = []
    sizes = range(first, last + 1, step)
    steps = 0
    for kib in sizes:
        base = folder / str(kib)
        base.mkdir()
        room = Room(base / "disk", kib, mounts)
        with room.held():
            one = Round(base, room, kib)
            one.run()
        said.update(one.said)
        steps += len(one.kept)
        wrong += [f"{kib} KiB: {what}" for what in one.wrong]
        subprocess.run(["rm", "-rf", str(base)], check=True)
    return {"sizes": len(sizes), "mounted": mounts, "steps": steps, "wrong": wrong, "said": said}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=FAST) as name:
        json.dump(main(Path(name), *map(int, sys.argv[1:4])), sys.stdout, indent=1)
