"""Exports come back whole, and strangers' files cannot hurt."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.states import JSON, AgentState

from stepwell.store.model.errors import (
    FormatError,
    IntegrityError,
    RefusedError,
    StepwellError,
    UsageError,
)
from stepwell.store.state.documents import Limits, encode
from stepwell.store.state.portable import FACTS
from stepwell.store.state.record import digest
from stepwell.store.state.snapshots import StateSnapshots
from stepwell.store.state.values import ExportFormat, StateQuery

Make = Callable[..., StateSnapshots]
FORMS: list[ExportFormat] = ["json", "binary"]


def contents(snapshots: StateSnapshots) -> dict[str, Any]:
    """Returns everything that an export carries, by id."""
    return {
        one.id: (
            [getattr(one, name) for name in FACTS if name != "type"],
            encode(snapshots.reconstruct_state(one)),
        )
        for one in snapshots.search()
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(states=st.lists(JSON, max_size=5), form=st.sampled_from(FORMS))
def test_an_import_gives_what_was_exported(
    make: Make, states: list[Any], form: ExportFormat
) -> None:
    """Ids, labels, times and states, of any JSON, and the same again when exported again."""
    source, target = make("memory", full_every=3), make("memory", full_every=3)
    source.create_all("s/ä", states, tags=["x", "ü"])
    for state in states:
        source.create("t", state, type="incremental", description="\x1b[31m")
    content = source.export_snapshots(format=form)
    report = target.import_snapshots(content)
    assert (report.imported, report.skipped, report.errors) == (2 * len(states), 0, ())
    assert contents(target) == contents(source)
    again = make("memory")
    again.import_snapshots(target.export_snapshots(format=form))
    assert contents(again) == contents(source)


@pytest.mark.parametrize("form", FORMS)
def test_an_export_holds_what_was_asked_for_and_nothing_more(
    make: Make, form: ExportFormat
) -> None:
    """A base that is not meant does not leave inside of what builds on it."""
    source = make("memory")
    source.create("s", {"secret": "in the base alone", "text": "x" * 100})
    wanted = source.create("s", {"text": "x" * 100}, tags=["give"])
    source.create("t", {"other": 1}, tags=["give"])
    query = StateQuery(session="s", tags=("give",))
    content = source.export_snapshots(query, format=form)
    text = gzip.decompress(content) if form == "binary" else content
    assert wanted.type == "incremental" and b"secret" not in text
    target = make("memory")
    assert target.import_snapshots(content).imported == 1
    assert target.reconstruct_state(wanted.id) == {"text": "x" * 100}
    full_only = source.export_snapshots(include_incrementals=False, format=form)
    target.import_snapshots(full_only)
    assert {one.type for one in target.search()} == {"full"}
    assert len(target.search()) == 3


def test_what_is_there_is_skipped_or_overwritten(make: Make) -> None:
    """And what builds on an overwritten one keeps its state."""
    source, target = make("memory"), make("memory")
    a = source.create("s", {"n": 1, "text": "x" * 100})
    content = source.export_snapshots()
    target.import_snapshots(content)
    b = target.create("s", {"n": 2, "text": "x" * 100}, type="incremental")
    target.tag(a.id, add=["mine"])
    report = target.import_snapshots(content)
    assert (report.imported, report.skipped) == (0, 1)
    assert target.get(a.id).tags == ("mine",)  # type: ignore[union-attr]
    report = target.import_snapshots(content, overwrite_existing=True)
    assert (report.imported, report.skipped) == (1, 0)
    assert target.get(a.id).tags == ()  # type: ignore[union-attr]
    assert target.reconstruct_state(b.id)["n"] == 2


def test_items_that_cannot_be_taken_are_reported_and_the_rest_goes_on(make: Make) -> None:
    """Each with its id and the reason; an item builds on nothing that was not taken."""
    source = make("memory")
    made = source.create_all("s", [{"n": n, "text": "x" * 99} for n in range(3)])
    other = source.create("t", {"fine": 1})
    document = json.loads(source.export_snapshots())
    document["snapshots"][0]["state"]["n"] = 7
    document["snapshots"] += [
        5,
        {"id": "../../x"},
        *(sealed(document["snapshots"][3] | {"id": "f" * 32} | change) for change in WRONG),
    ]
    target = make("memory")
    report = target.import_snapshots(json.dumps(document).encode())
    assert report.imported == 1
    assert contents(target).keys() == {other.id}
    reasons = {one.item: one.reason for one in report.errors}
    assert "does not match its digest" in reasons[made[0].id]
    assert "on which it builds is not there" in reasons[made[1].id]
    assert "id of 32 hex digits" in reasons["../../x"] == reasons["item 5"]
    assert len(report.errors) == 5 + len(WRONG)
    edited = target.import_snapshots(json.dumps(document).encode(), validate_integrity=False)
    assert edited.imported >= 1
    assert target.reconstruct_state(made[0].id)["n"] == 7


WRONG: list[dict[str, Any]] = [
    {"session": ""},
    {"session": 5},
    {"time_ns": -1},
    {"time_ns": 1 << 63},
    {"time_ns": True},
    {"type": "partial"},
    {"automatic": 1},
    {"tags": "x"},
    {"tags": [5]},
    {"description": None},
    {"checksum": "0" * 64},
    {"base": "f" * 32, "patch": []},
    {"base": "-rf", "patch": []},
    {"base": None, "state": {"n": 10**3}, "checksum": "x"},
]


def sealed(item: dict[str, Any]) -> dict[str, Any]:
    """Returns an item whose digest fits, as whoever forges one would."""
    facts = {name: value for name, value in item.items() if name != "digest"}
    return {**facts, "digest": digest(encode(facts))}


def test_a_patch_that_multiplies_content_is_refused(make: Make) -> None:
    """Copies of copies grow without end; no export of ours holds any."""
    source = make("memory")
    base = source.create("s", {"a": "x" * 100})
    item = json.loads(source.export_snapshots())["snapshots"][0]
    bomb = [{"op": "copy", "from": "", "path": f"/{n}"} for n in range(60)]
    facts = {name: value for name, value in item.items() if name != "state"}
    forged = sealed(facts | {"id": "e" * 32, "base": base.id, "patch": bomb})
    document = {"format": "stepwell-state-export", "version": 1, "snapshots": [forged]}
    report = source.import_snapshots(json.dumps(document).encode())
    assert "its patch is none" in report.errors[0].reason


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", UsageError),
        (b"[]", UsageError),
        (b'{"format": "other"}', UsageError),
        (b'{"format": "stepwell-state-export", "version": 1}', UsageError),
        (b'{"format": "stepwell-state-export", "version": 2}', FormatError),
        (b"[" * 100_000, RefusedError),
        (b"\x1f\x8b rubbish", IntegrityError),
        (gzip.compress(b"[]\n"), UsageError),
        (gzip.compress(b'{"format": "stepwell-state-export", "version": 9}\n'), FormatError),
        (gzip.compress(b'{"format": "stepwell-state-export", "version": 1}\n'), IntegrityError),
    ],
    ids=[
        "empty",
        "list",
        "other",
        "no items",
        "newer",
        "nested",
        "rubbish",
        "lines",
        "newer lines",
        "no end",
    ],
)
def test_a_file_that_is_no_export_is_refused_whole(
    make: Make, content: bytes, error: type[StepwellError]
) -> None:
    """With the reason."""
    with pytest.raises(error) as refused:
        make("memory").import_snapshots(content)
    assert refused.value.hint


@pytest.mark.parametrize("form", FORMS)
def test_no_damaged_export_stores_anything_wrong(make: Make, form: ExportFormat) -> None:
    """Cut at any place or with a byte changed: refused, or every state that is taken is true."""
    source = make("memory")
    agent = AgentState(2)
    source.create_all("s", [agent.value, agent.step(), agent.step()])
    content = source.export_snapshots(format=form)
    truth = contents(source)
    chance = random.Random(7)
    whole = 0
    for trial in range(150):
        place = chance.randrange(len(content))
        bad = bytearray(content)
        if trial % 3 == 0:
            del bad[place:]
        else:
            bad[place] ^= 1 << chance.randrange(8)
        target = make("memory")
        try:
            target.import_snapshots(bytes(bad))
        except StepwellError:
            assert contents(target) == {}
            continue
        assert contents(target).items() <= truth.items()
        whole += contents(target) == truth
    assert whole < 15


def test_limits_hold_for_each_measure(make: Make) -> None:
    """Bytes, entries, depth, ratio, count; nothing is stored by then."""
    source = make("memory")
    source.create_all("s", [{"n": [n] * 50} for n in range(5)])
    binary, text = (source.export_snapshots(format=form) for form in ("binary", "json"))
    for limits in (
        Limits(input_bytes=100),
        Limits(document_bytes=100),
        Limits(entries=20),
        Limits(depth=2),
        Limits(snapshots=4),
        Limits(total_bytes=1000),
    ):
        for content in (binary, text):
            if limits.total_bytes == 1000 and content is text:
                continue
            target = make("memory")
            with pytest.raises(RefusedError):
                target.import_snapshots(content, limits=limits)
            assert target.search() == []


def test_an_export_that_no_import_would_take_is_not_made(make: Make) -> None:
    """The other form is named."""
    source = make("memory")
    source.create_all("s", [{"n": [n] * 50} for n in range(5)])
    with pytest.raises(RefusedError, match="too large for one JSON document") as refused:
        source.export_snapshots(limits=Limits(document_bytes=1000))
    assert "binary" in refused.value.hint
    assert source.export_snapshots(format="binary", limits=Limits(document_bytes=1000))
    with pytest.raises(UsageError):
        source.export_snapshots(format="xml")  # type: ignore[arg-type]


BOMBS = """
import gzip, resource, sys
from stepwell.store.model.errors import StepwellError
from stepwell.store.state.snapshots import StateSnapshots
from stepwell.store.state.values import StateConfig

head = b'{"format":"stepwell-state-export","version":1,"snapshots":['
bombs = {
    "zeros": lambda: gzip.compress(bytes(256 << 20)),
    "text": lambda: gzip.compress(head[:-14] + b'}\\n"' + b"x" * (256 << 20)),
    "keys": lambda: head + b"{" + b",".join(b'"%d":0' % n for n in range(1_500_000)) + b"}]}",
    "nested": lambda: head + b"[" * 200_000 + b"]" * 200_000 + b"]}",
    "digits": lambda: head + b"1" * 100_000 + b"]}",
    "long": lambda: head + b'"' + b"x" * (65 << 20) + b'"]}',
    "lists": lambda: head + b"[]," * 5_000_000 + b"1]}",
}
bomb = bombs[sys.argv[1]]()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    StateSnapshots(config=StateConfig(storage_type="memory")).import_snapshots(bomb)
except StepwellError as error:
    print(error.message[:60])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before >> 10)
"""


@pytest.mark.long
@pytest.mark.parametrize("bomb", ["zeros", "text", "keys", "nested", "digits", "long", "lists"])
def test_bombs_are_refused_in_little_memory(tmp_path: Path, bomb: str) -> None:
    """Far less than 256 MiB beyond what the file itself takes."""
    run = subprocess.run(
        [sys.executable, "-c", BOMBS, bomb], capture_output=True, text=True, cwd=tmp_path
    )
    *refused, grown = run.stdout.splitlines()
    assert refused, run.stderr
    assert int(grown) < 256
