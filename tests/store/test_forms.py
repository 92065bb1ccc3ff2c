"""The public JSON forms are exactly those of the interface, whatever the values hold."""

from __future__ import annotations

import base64
import json
import stat

from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.store.forms import (
    change_form,
    error_form,
    hunk_form,
    mark_form,
    operation_form,
    path_form,
    plain_form,
    plan_form,
    shown_step_form,
    step_form,
    step_type,
    text_form,
    travel_form,
)
from stepwell.store.model.changes import Change, Hunk
from stepwell.store.model.errors import DriftError
from stepwell.store.model.ids import Oid, OperationId, StepId
from stepwell.store.model.paths import TrackedPath, unescape
from stepwell.store.model.plans import Applied, Kept, OtherSession, Plan, PlannedChanges
from stepwell.store.model.steps import (
    ChangeCounts,
    CoverageCounts,
    Covered,
    Mark,
    Note,
    Operation,
    Snapshot,
    Step,
    StepResult,
)

TREE, EXTRAS, BLOB = Oid(b"\x01" * 20), Oid(b"\x02" * 20), Oid(b"\x03" * 20)
PARENT = StepId("0" * 32)
STEP = Step(
    id=StepId("ab" * 16),
    seq=12,
    branch="main",
    parents=(PARENT,),
    kind="tool",
    title="fix",
    time_ns=1_700_000_000_123_456_789,
    snapshot=Snapshot(TREE, EXTRAS),
    session="claude:s1",
    agent="claude",
    turn=3,
    tool="Edit",
    changes=ChangeCounts(1, 2, 3),
    coverage=CoverageCounts(stored=9, skipped=1, unstable=1, ignored=4),
    result=StepResult(True, 0, 15),
    model="m",
    raw_bytes=100,
    stored_bytes=40,
    flags=("unstable",),
    checkpoint=Mark(
        "green", (Note("n1", "why", "ann", 1_000_000), Note("n2", "so", "", 0)), ("a",)
    ),
)
HUNK = Hunk("h1", 1, 2, 1, 2, (b" same\n", b"-old\n", b"+new\r\n", b"\\ No newline at end of file"))


def test_a_step_has_the_documented_form() -> None:
    """Every key and every value of one full example."""
    assert step_form(STEP) == {
        "id": "ab" * 16,
        "seq": 12,
        "branch": "main",
        "parents": [PARENT],
        "session": "claude:s1",
        "agent": "claude",
        "turn": 3,
        "kind": "tool",
        "tool": "Edit",
        "title": "fix",
        "time": "2023-11-14T22:13:20.123Z",
        "snapshot": {"tree": "01" * 20, "extras": "02" * 20},
        "changes": {"files": 1, "added": 2, "deleted": 3},
        "checkpoint": {
            "label": "green",
            "notes": [
                {
                    "id": "n1",
                    "text": "why",
                    "by": "ann",
                    "time": "1970-01-01T00:00:00.001Z",
                    "path": None,
                    "line": None,
                },
                {
                    "id": "n2",
                    "text": "so",
                    "by": "",
                    "time": "1970-01-01T00:00:00.000Z",
                    "path": None,
                    "line": None,
                },
            ],
            "note": "so",
            "tags": ["a"],
            "milestone": None,
            "created": None,
            "by": "",
        },
        "result": {"ok": True, "exit_code": 0, "duration_ms": 15},
        "model": "m",
        "tokens": None,
        "compression": {"raw_bytes": 100, "stored_bytes": 40},
        "coverage": {"stored": 9, "skipped": 1, "unstable": 1, "ignored": 4},
        "state": None,
        "tier": "L2",
        "type": "checkpoint",
        "flags": ["unstable"],
        "reason": None,
        "author": None,
        "source": None,
    }


def test_a_milestone_is_a_type_of_its_own_and_has_its_three_parts() -> None:
    """Parts that were not given are there as null."""
    mark = Mark(milestone={"quality": {"score": 1.5}})
    assert mark_form(mark)["milestone"] == {
        "quality": {"score": 1.5},
        "baseline": None,
        "project_state": None,
    }
    bare = Step(STEP.id, 1, "main", (), "gap", "", 0, STEP.snapshot)
    assert step_type(bare) == "operation"
    assert step_form(bare)["checkpoint"] is None


def test_a_change_has_the_documented_form() -> None:
    """Modes are octal text, blobs hex, absent sides null."""
    change = Change(
        TrackedPath(b"b"), "R", TrackedPath(b"a"), stat.S_IFREG | 0o644, stat.S_IFREG | 0o755,
        BLOB, BLOB, added=1, deleted=1, hunks=(HUNK,),
    )  # fmt: skip
    assert change_form(change) == {
        "path": "b",
        "old_path": "a",
        "status": "R",
        "old_mode": "100644",
        "new_mode": "100755",
        "old_blob": "03" * 20,
        "new_blob": "03" * 20,
        "binary": False,
        "too_large": False,
        "added": 1,
        "deleted": 1,
        "hunks": [hunk_form(HUNK)],
    }
    folder = change_form(Change(TrackedPath(b"d"), "A", new_mode=stat.S_IFDIR | 0o755))
    assert (folder["old_mode"], folder["new_mode"], folder["new_blob"]) == (None, "040755", None)


def test_hunk_lines_come_without_line_feeds_and_keep_what_else_they_end_in() -> None:
    """A carriage return is content."""
    form = hunk_form(HUNK)
    assert form["lines"] == [" same", "-old", "+new\r", "\\ No newline at end of file"]
    assert "lines_bytes" not in form


def test_lines_that_are_not_utf8_have_their_bytes_beside_them() -> None:
    """As paths have."""
    form = hunk_form(Hunk("h", 0, 0, 1, 1, (b"+caf\xe9\n",)))
    assert form["lines"] == ["+caf\\xe9"]
    assert [base64.b64decode(line) for line in form["lines_bytes"]] == [b"+caf\xe9"]


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=1, max_size=12).filter(lambda raw: b"\0" not in raw))
def test_any_path_can_be_had_back_from_its_form(raw: bytes) -> None:
    """From the text, and from the bytes that are beside it exactly when it is not UTF-8."""
    form = json.loads(json.dumps(path_form(TrackedPath(raw), "old_path")))
    assert unescape(form["old_path"]) == raw
    try:
        raw.decode()
    except UnicodeDecodeError:
        assert base64.b64decode(form["old_path_bytes"]) == raw
    else:
        assert "old_path_bytes" not in form


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=8))
def test_any_text_becomes_text_that_utf8_can_hold(text: str) -> None:
    """A lone surrogate, which a strict reader refuses, is spelled out."""
    form = text_form(text)
    assert form is not None
    form.encode("utf-8")
    if not any(0xD800 <= ord(char) < 0xE000 for char in text):
        assert form == text


def test_a_shown_step_has_its_patch_record() -> None:
    """`hash` is the tree to which reverting the files leads."""
    changes = [Change(TrackedPath(b"a\xff"), "A"), Change(TrackedPath(b"b"), "D")]
    base = Snapshot(EXTRAS, TREE)
    texts = {"prompt": "do it", "input": None}
    form = shown_step_form(STEP, changes, [Covered(TrackedPath(b"x"), "special")], texts, base)
    assert form["patch"] == {"hash": "02" * 20, "files": ["a\\xff", "b"]}
    assert form["coverage"] == [{"path": "x", "reason": "special"}]
    assert (form["prompt"], form["input"], form["result_text"]) == ("do it", None, None)
    assert [change["status"] for change in form["diff"]] == ["A", "D"]
    assert form["id"] == STEP.id
    assert shown_step_form(STEP, [], [], {}, None)["patch"] == {"hash": None, "files": []}
    renamed = Change(TrackedPath(b"new"), "R", TrackedPath(b"old"))
    form = shown_step_form(STEP, [renamed], [], texts, base)
    assert form["patch"]["files"] == ["new", "old"]


def _plan() -> PlannedChanges:
    plan = Plan(
        id="p1",
        kind="rollback",
        target=STEP,
        side="before",
        snapshot=STEP.snapshot,
        head=STEP,
        items=(),
        keep=(Kept(TrackedPath(b"k\xff"), "ignored now"),),
        drift=(Kept(TrackedPath(b"d"), "in no step"),),
        other_sessions=(OtherSession("codex:2", 3),),
        bytes=7,
    )
    return PlannedChanges(plan, (Change(TrackedPath(b"d"), "M"),))


def test_a_plan_has_the_documented_form() -> None:
    """Target by id; the changes are those that a person is shown."""
    form = plan_form(_plan())
    assert form["id"] == "p1"
    assert (form["target"], form["side"], form["bytes"]) == (STEP.id, "before", 7)
    assert [change["path"] for change in form["changes"]] == ["d"]
    assert form["keep"] == [{"path": "k\\xff", "path_bytes": "a/8=", "reason": "ignored now"}]
    assert form["drift"] == [{"path": "d", "reason": "in no step"}]
    assert form["other_sessions"] == [{"session": "codex:2", "steps": 3}]


def test_a_dry_run_and_a_done_rollback_have_the_same_keys() -> None:
    """A reader need not know which it reads."""
    planned = _plan()
    kept = (Kept(TrackedPath(b"z"), "it changed after the preview"),)
    done = Applied(planned.plan, True, STEP, STEP, kept, 9)
    dry, real = travel_form(planned, None), travel_form(planned, done, "stepwell undo 9")
    assert dry.keys() == real.keys()
    assert (dry["applied"], dry["safety_step"], dry["undo"], dry["not_restored"]) == (
        False, None, None, [],
    )  # fmt: skip
    assert (real["applied"], real["safety_step"], real["step"]) == (True, STEP.id, STEP.id)
    assert real["undo"] == "stepwell undo 9"
    assert real["not_restored"] == [{"path": "z", "reason": "it changed after the preview"}]


def test_an_operation_has_the_documented_form() -> None:
    """Its effects stay inside."""
    operation = Operation(4, OperationId("cd" * 16), "mark", 0, "marked #1", session="a:b")
    assert operation_form(operation, undone=False, undoable=True) == {
        "id": "cd" * 16,
        "number": 4,
        "kind": "mark",
        "time": "1970-01-01T00:00:00.000Z",
        "session": "a:b",
        "summary": "marked #1",
        "undone": False,
        "undoable": True,
    }


def test_an_error_carries_its_facts_beside_code_message_and_hint() -> None:
    """Whatever Python values the facts are."""
    error = DriftError(
        "no", hint="yes", drift=(Kept(TrackedPath(b"d"), "r"),), raw=b"\xff", step=STEP, code="x"
    )
    form = json.loads(json.dumps(error_form(error)))["error"]
    assert (form["code"], form["message"], form["hint"]) == ("drift", "no", "yes")
    assert form["drift"] == [{"path": "d", "reason": "r"}]
    assert form["raw"] == "\\xff"
    assert form["step"]["seq"] == 12


def test_values_of_any_kind_become_plain() -> None:
    """Also what no form was made for."""
    value = {"a": {1}, "b": CoverageCounts(1), "c": [None, True, 1.5, "x\udcff"], 4: object}
    form = plain_form(value)
    json.dumps(form).encode()
    assert form["a"] == [1]
    assert form["b"] == {"stored": 1, "skipped": 0, "unstable": 0, "ignored": 0}
    assert form["c"][:3] == [None, True, 1.5]
    assert "\udcff" not in form["c"][3]
