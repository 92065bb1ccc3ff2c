"""Names in addresses: whatever signs they have, they are one segment and come back as they were."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.httpserver import Served

from stepwell.store import Workspace
from stepwell.store.service.http.segments import named, routed

NAMES = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("/%2Ff?#.;&+ \\"),
    min_size=1,
    max_size=40,
)
ODD = ("feat/x:1", "a/timeline", "/", "a%2Fb", "%", "a//b/", "ü ?#&;+", "..", "\\ \t\x7f")


def _segment(name: str) -> str:
    return quote(name, safe="")


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_names_are_one_segment_each(names: list[str]) -> None:
    """What was encoded parts nothing."""
    path = routed("/".join(map(_segment, names)).encode("ascii"))
    assert list(map(named, path.split("/"))) == names


def test_what_is_not_encoded_is_as_it_was() -> None:
    """And what is no UTF-8 becomes the sign for that."""
    assert routed(b"/sessions/a:1/timeline") == "/sessions/a:1/timeline"
    assert named(routed(b"%ff%c3")) == "\ufffd\ufffd"
    assert named(routed(b"%zz%2")) == "%zz%2"


@pytest.fixture(scope="module")
def odd(server: Served) -> Iterator[Served]:
    """A step of each session with an odd name."""
    with Workspace.open(server.root, home=server.home) as ws:
        for name in ODD:
            (server.root / "a").write_text(name)
            ws.capture("odd", session=name)
    yield server


@pytest.mark.parametrize("name", ODD)
def test_every_route_of_a_session_finds_it_by_its_name(odd: Served, name: str) -> None:
    """Reading and writing; the client and the snapshot are named in the same way."""
    at, client = f"/sessions/{_segment(name)}", _segment(f"{name}/me")
    (step,) = odd.ask("GET", f"{at}/timeline").json["steps"]
    assert (step["session"], step["title"]) == (name, "odd")
    assert odd.ask("GET", f"{at}/metrics").json["name"] == name
    asked = {"client_id": f"{name}/me", "ttl_ms": 60_000}
    lease = odd.ask("POST", f"{at}/access", asked).json["lease"]
    (odd.root / "a").write_text(f"{name} again")
    made = odd.ask("POST", f"{at}/snapshots", {"description": "one"}, lease=lease).json
    assert made["session"] == name
    snapshot = f"{at}/snapshots/{made['id']}"
    assert odd.ask("GET", snapshot).json["seq"] == made["seq"]
    assert odd.ask("POST", f"{snapshot}/restore", {"dry_run": True}).status == 200
    note = f"{at}/checkpoints/{made['seq']}/annotation"
    assert odd.ask("POST", note, {"label": f"l-{made['seq']}"}, lease=lease).status == 200
    assert odd.ask("GET", note).json["annotation"]["label"] == f"l-{made['seq']}"
    assert [one["version"] for one in odd.ask("GET", f"{at}/versions").json["versions"]]
    assert odd.ask("DELETE", snapshot, lease=lease).json["deleted"]
    assert odd.ask("DELETE", f"{at}/access/{client}").json == {"released": True}
    assert odd.ask("GET", f"{at}/access").json == {
        "session": name, "clients": [], "write_holder": None, "locked": False
    }  # fmt: skip


def test_a_name_with_slashes_as_they_are_is_no_address(odd: Served) -> None:
    """It would be another one."""
    assert odd.ask("GET", "/sessions/feat/x:1/timeline").json["code"] == "not_found"
    shown = odd.ask("GET", "/sessions/a%2Ftimeline/timeline").json["steps"]
    assert {step["session"] for step in shown} == {"a/timeline"}


def test_bytes_that_no_address_has_are_refused(server: Served) -> None:
    """They would have to be encoded."""
    head = f"Host: localhost:{server.port}\r\nAuthorization: Bearer {server.token}\r\n\r\n"
    answer = server.raw(b"GET /sessions/\xff/timeline HTTP/1.1\r\n" + head.encode("ascii"))
    assert answer.startswith(b"HTTP/1.1 400 ") and b"problem+json" in answer


def test_a_branch_that_ends_like_a_route_is_shown(odd: Served) -> None:
    """Its slash is part of its name when it is encoded."""
    with Workspace.open(odd.root, home=odd.home) as ws:
        head = ws.head()
        ws.create_branch("odd/diff", at=head.id)
    assert odd.ask("GET", "/steps/odd%2Fdiff").json["id"] == head.id
    assert "changes" in odd.ask("GET", "/steps/odd%2Fdiff/diff").json


@given(name=NAMES)
@settings(max_examples=40, deadline=None)
def test_any_name_reaches_the_store_as_it_is(server: Served, name: str) -> None:
    """Nothing breaks, and the one that is not there is the one that was asked for."""
    answer = server.ask("GET", f"/sessions/{_segment(name)}x/timeline")
    assert (answer.status, answer.json["session"]) == (404, f"{name}x")
    shown = server.ask("GET", f"/sessions/{_segment(name)}/access")
    assert (shown.status, shown.json["session"]) == (200, name)
