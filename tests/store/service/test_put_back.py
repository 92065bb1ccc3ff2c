"""Steps whose trees a daemon put back instead of building them are whole, whatever went meanwhile."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.daemons import daemon_thread

from stepwell.store import Workspace
from stepwell.store.engine.live.folders import Folder
from stepwell.store.engine.live.known import Known
from stepwell.store.engine.live.trees import Trees
from stepwell.store.model.errors import NotFoundError
from stepwell.store.model.retention import Policy

NAMES = ("src/app.py", "src/deep/one", "src/deep/two", "docs/three", "four")
LEAST = Policy(keep_last=4, hourly=0, daily=0, per_session=1, safety_days=0)


@pytest.fixture
def put_back(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether trees could be put back, each time that it was tried."""
    tried: list[bool] = []
    real = Trees.put_back

    def noted(self: Trees, known: Known, trees: Mapping[Folder, bytes]) -> bool:
        tried.append(real(self, known, trees))
        return tried[-1]

    monkeypatch.setattr(Trees, "put_back", noted)
    return tried


@pytest.mark.parametrize("seed", range(2))
def test_every_step_is_whole(
    seed: int, ws: Workspace, project: Path, home: Path, runtime: Path, put_back: list[bool]
) -> None:
    """Back and forth, with sealing, steps that are dropped, and contents that are purged."""
    chance = random.Random(seed)
    held: dict[str, dict[str, bytes]] = {}
    with daemon_thread(project, home, runtime):
        for number in range(30):
            edit(chance, project, number)
            held[ws.capture(f"{number}").id] = contents(project)
            if chance.random() < 0.6:
                back_and_forth(chance, ws, project, held)
            if chance.random() < 0.15:
                ws.prune(LEAST)
                ws.gc(grace_minutes=0)
            if chance.random() < 0.1:
                purge(chance, ws)
                held.clear()
        assert ws.verify(full=True).ok
    assert any(put_back)


def back_and_forth(
    chance: random.Random, ws: Workspace, project: Path, held: dict[str, dict[str, bytes]]
) -> None:
    """Goes back to one of the newest steps; takes it back, perhaps, and does it again."""
    ws.refresh()
    step = chance.choice(ws.steps(limit=4))
    now, planned = contents(project), ws.plan_rollback(step)
    if not planned.plan.items:
        return
    ws.apply(planned)
    assert contents(project) == held.get(step.id, contents(project))
    if chance.random() < 0.5:
        ws.undo()
        assert contents(project) == now
    if chance.random() < 0.5:
        ws.capture()
    assert ws.verify(full=True).ok


def purge(chance: random.Random, ws: Workspace) -> None:
    """Removes what one of the files held, ever."""
    try:
        ws.purge(paths=[chance.choice(NAMES).encode()])
    except NotFoundError:
        return


def edit(chance: random.Random, project: Path, number: int) -> None:
    """Writes some files; the same content comes again now and then."""
    for name in chance.sample(NAMES, chance.randrange(1, 4)):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(f"{name} {chance.choice((number, 'again'))}\n")


def contents(project: Path) -> dict[str, bytes]:
    """Returns what the files hold."""
    files = (path for path in project.rglob("*") if path.is_file())
    return {str(path.relative_to(project)): path.read_bytes() for path in files}
