"""`stepwell sessions` and `metrics`."""

from __future__ import annotations

from pathlib import Path

from stepwell.store import Act, StepResult, Workspace

from .conftest import Run


def worked(folder: Path, home: Path) -> None:
    """Records two sessions."""
    with Workspace.open(folder, home=home) as ws:
        ws.record(act=Act("ask", "prompt", session="claude:a", turn=1, prompt="mend it\nplease"))
        for number, ok in enumerate([True, False, True]):
            result = StepResult(ok, 0 if ok else 1, duration_ms=10 * number)
            (folder / "README").write_text(f"{number}\n")
            ws.record(act=Act("run", "tool", session="claude:a", tool="Bash", result=result))
        ws.record(act=Act("ask", "prompt", session="codex:b", turn=1, prompt="look"))


def test_sessions_are_listed_with_their_figures(run: Run, folder: Path, home: Path) -> None:
    """The newest first, with the first prompt; no session is no error."""
    assert run("sessions", "--json").json == {"sessions": []}
    worked(folder, home)
    newest, first = run("sessions", "--json").json["sessions"]
    assert (newest["name"], newest["steps"], newest["prompt"]) == ("codex:b", 1, "look")
    assert (first["agent"], first["steps"], first["commands"], first["failed"]) == (
        "claude", 4, 3, 1,
    )  # fmt: skip
    assert first["average_ms"] == 10.0
    assert first["session_bytes"] > 0
    lines = run("sessions").text.splitlines()
    assert lines[2].startswith("claude:a") and "1 failed" in lines[2]
    assert lines[3].strip() == "mend it"


def test_metrics_of_one_session(run: Run, folder: Path, home: Path) -> None:
    """And none of one that is not there."""
    worked(folder, home)
    assert "average      10 ms" in run("metrics", "claude:a").text
    assert [row["name"] for row in run("metrics", "--json").json["sessions"]] == [
        "codex:b",
        "claude:a",
    ]
    assert run("metrics", "claude:none").code == 3


def test_figures_are_the_same_when_the_catalogue_is_made_anew(
    run: Run, folder: Path, home: Path
) -> None:
    """They come from the journal."""
    worked(folder, home)
    before = run("metrics", "--json").json
    assert run("rebuild").code == 0
    assert run("metrics", "--json").json == before
