"""`stepwell session`."""

from __future__ import annotations

from pathlib import Path

from .conftest import Run


def test_access_is_taken_shown_and_released(run: Run, folder: Path) -> None:
    """It outlasts the command, and a second writer is refused with the holder's name."""
    first = run("session", "acquire", "claude:a", "--client", "me", "--json")
    assert first.code == 0
    assert first.json["granted"] and first.json["holder"] == "me"
    second = run("session", "acquire", "claude:a", "--client", "you", "--json")
    assert (second.code, second.json["granted"], second.json["holder"]) == (4, False, "me")
    assert "me may write it" in run("session", "acquire", "claude:a", "--client", "you").err
    assert run("session", "acquire", "claude:a", "--client", "you", "--read").code == 0
    shown = run("session", "access", "claude:a", "--json").json
    assert (shown["write_holder"], shown["locked"]) == ("me", True)
    assert [one["client_id"] for one in shown["clients"]] == ["me", "you"]
    assert run("session", "release", "claude:a", "--client", "me", "--json").json["released"]
    assert run("session", "access", "claude:a").text.startswith("you  reads until ")


def test_the_writer_is_listed_with_its_session(run: Run, folder: Path) -> None:
    """In `sessions` and `metrics`."""
    assert run("capture", "--session", "claude:a", "--tag", "x").code == 0
    assert run("sessions", "--json").json["sessions"][0]["writer"] is None
    run("session", "acquire", "claude:a", "--client", "me")
    assert run("sessions", "--json").json["sessions"][0]["writer"] == "me"


def test_what_cannot_be_asked_is_refused(run: Run, folder: Path) -> None:
    """With a sentence and exit status 2."""
    assert run("session", "acquire", "claude:a").code == 2
    assert run("session", "acquire", "claude:a", "--client", "me", "--ttl", "0").code == 2
    assert run("session", "dance", "claude:a").code == 2
