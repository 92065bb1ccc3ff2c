"""Reading only the end of a record: what a turn that is over needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.oldsessions import record_of, write

from stepwell.store.agents.transcripts import records
from stepwell.store.agents.transcripts.readers import opencode
from stepwell.store.agents.transcripts.told import AGENTS, Source, told_in


@pytest.mark.parametrize("agent", AGENTS)
def test_the_end_of_a_record_tells_the_newest_turn(
    agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the whole of it does, although the beginning is not read."""
    path = tmp_path / ("opencode.db" if agent == "opencode" else "2026_x.jsonl")
    write(agent, path, record_of(agent))
    source = Source(path)
    if agent == "opencode":
        session = json.loads(record_of(agent).splitlines()[0])["id"]
        source = Source(path, session)
    whole = told_in(agent, source, "/work/repo")
    turn = [one.id for one in whole].index(
        next(o.id for o in whole[1:] if o.event.kind == "prompt")
    )
    monkeypatch.setattr(records, "NEWEST_BYTES", 7_000)
    monkeypatch.setattr(opencode, "_NEWEST", 5)
    newest = told_in(agent, source, "/work/repo", newest=True)
    assert len(newest) < len(whole)
    at = [one.id for one in newest].index(whole[turn].id)
    assert [one.id for one in newest[at:]] == [one.id for one in whole[turn:]]
    assert newest[at].tokens == whole[turn].tokens and newest[at].said == whole[turn].said
