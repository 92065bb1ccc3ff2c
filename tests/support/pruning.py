"""Histories to be pruned, and all that the facade tells of one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stepwell.store import Workspace
from stepwell.store.engine.recording import Act
from stepwell.store.model.retention import Policy

FEW = Policy(keep_last=3, hourly=0, daily=0, per_session=1, safety_days=0)


def edits(ws: Workspace, project: Path, count: int, **facts: Any) -> list[int]:
    """Records edits of one file; returns their numbers."""
    seqs = []
    for number in range(count):
        (project / "src" / "app.py").write_text(f"def run():\n    return 'v{number}'\n" * 20)
        seqs.append(ws.record(act=Act(f"edit {number}", "tool", **facts)).step.seq)
    return seqs


def shown(ws: Workspace) -> list[int]:
    """Returns the numbers of all steps that are listed, the oldest first."""
    return [step.seq for step in ws.steps(limit=1000, all_branches=True)][::-1]


def told(ws: Workspace) -> dict[str, Any]:
    """Returns what the facade tells of the history."""
    steps = ws.steps(limit=1000, all_branches=True)
    graph = ws.graph()
    return {
        "steps": steps,
        "changes": [ws.step_changes(step) for step in steps],
        "branches": ws.branches(),
        "sessions": ws.sessions(),
        "graph": [(graph.seqs[row], graph.parents[row]) for row in range(len(graph))],
        "blame": ws.blame(b"src/app.py", ws.head()),
        "hits": list(ws.search("return", datetime(2030, 1, 1, tzinfo=UTC))),
    }
