"""Values and errors cross the socket exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.store import Act, PlannedChanges, Workspace
from stepwell.store.link import values
from stepwell.store.model import errors
from stepwell.store.model.patchlines import PatchLines
from stepwell.store.model.steps import Mark, Note, StepResult

SIMPLE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), st.binary(), st.floats(allow_nan=False)
)
ANY = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=8), inner, max_size=4),
        st.builds(lambda a, b: StepResult(True, a, b), st.integers(), st.integers()),
    ),
    max_leaves=12,
)


@given(ANY)
def test_any_value_comes_back_equal_and_of_the_same_type(value: Any) -> None:
    """Tuples stay tuples, bytes bytes, whatever they hold."""
    again = values.loads(values.dumps(value))
    assert again == value and type(again) is type(value)


def test_each_value_has_the_form_that_is_described() -> None:
    """Both sides know it by heart: fields by their order, and what is inside another inside its form."""
    value = (StepResult(True, 3), {"a": [b"\xe9", ()]}, Path("/x"), PatchLines(b"-a\n"))
    assert json.loads(values.dumps(value)) == [
        {"StepResult": [True, 3, None, None]},
        {"map": {"a": {"list": [{"bytes": "\xe9"}, []]}}},
        {"path": "/x"},
        {"lines": "-a\n"},
    ]


def test_what_verbs_take_and_give_comes_back_equal(ws: Workspace, project: Path) -> None:
    """Steps, recorded steps, plans with their changes, status, operations, acts."""
    (project / "src" / "app.py").write_bytes(b"caf\xe9\n\0")
    (project / "new").write_text("one\n")
    recorded = ws.record("edits", tags=("a",))
    planned = ws.plan_rollback("#1")
    note = Note("1", "n", "me", 5, None, 3)
    act = Act("t", "tool", result=StepResult(False, 3), mark=Mark("l", (note,), ("x",), {"q": []}))
    assert isinstance(planned, PlannedChanges)
    for value in (recorded, planned, ws.status(), ws.operations(3)[0].operation, act):
        assert values.loads(values.dumps(value)) == value


def test_what_came_with_the_request_is_not_sent_back(ws: Workspace, project: Path) -> None:
    """The plan of what was applied is the one that was asked for."""
    (project / "src" / "app.py").write_text("other\n" * 99)
    ws.capture()
    plan = ws.plan_rollback("#1").plan
    applied = ws.apply(plan)
    sent = values.dumps(values.without_given(applied, (plan,)))
    assert len(sent) < len(values.dumps(applied)) - len(values.dumps(plan)) // 2
    again = values.with_given(values.loads(sent), (plan,))
    assert again == applied and again.plan is plan
    for value in (None, 5, (plan,), {"plan": plan}, plan):
        assert values.without_given(value, (plan,)) is value


def _every_error() -> list[type[errors.StepwellError]]:
    found = vars(errors).values()
    return [e for e in found if isinstance(e, type) and issubclass(e, errors.StepwellError)]


@pytest.mark.parametrize("kind", _every_error(), ids=lambda kind: kind.__name__)
def test_every_error_is_raised_as_the_same_class(kind: type[errors.StepwellError]) -> None:
    """With message, hint and facts."""
    error = kind("it failed", hint="mend it", path="a\udcff", drift=[{"path": "p"}], oid=b"\xff")
    again = values.error_from_json(values.error_to_json(error))
    same = kind if kind.code != "failed" else errors.FailedError
    assert type(again) is same
    assert (again.message, again.hint, dict(again.facts)) == ("it failed", "mend it", error.facts)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"{}",
        b'{"Popen": [["rm"]]}',
        b'{"Step": []}',
        b'{"a": 1, "b": 2}',
        b'{"bytes": 5}',
        b'{"map": [1]}',
        b'{"bytes": "\\u1234"}',
        b"[" * 50_000,
    ],
)
def test_a_text_that_is_no_value_is_refused(text: bytes) -> None:
    """No class but the listed ones is ever made."""
    with pytest.raises(ValueError):
        values.loads(text)


def test_a_value_of_a_class_that_is_not_listed_is_not_sent() -> None:
    """It would not be understood."""
    with pytest.raises(TypeError):
        values.dumps(json)
