"""The person's settings: whether texts are kept, and when a daemon ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.claude import Claude

from stepwell.store import Workspace
from stepwell.store.agents.recorder import AgentRecorder
from stepwell.store.model.errors import UsageError
from stepwell.store.settings import daemon_idle_s, keeps_text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", True),
        ("[capture]\n", True),
        ("[capture]\nno_text = true\n", False),
        ("[retention]\n", True),
    ],
)
def test_texts_are_kept_unless_the_settings_say_no(text: str, kept: bool, tmp_path: Path) -> None:
    """A file that is not there says nothing."""
    config = tmp_path / "config.toml"
    assert keeps_text(config)
    config.write_text(text)
    assert keeps_text(config) is kept


@pytest.mark.parametrize(
    "text", ["no_text", "capture = 1\n", "[capture]\nno_text = 1\n", "[capture]\nnotext = true\n"]
)
def test_settings_that_make_no_sense_are_an_error(text: str, tmp_path: Path) -> None:
    """A misspelt wish for privacy must not be passed over."""
    config = tmp_path / "config.toml"
    config.write_text(text)
    with pytest.raises(UsageError, match=r"config\.toml"):
        keeps_text(config)


@pytest.mark.parametrize(
    ("text", "seconds"), [("", None), ("[daemon]\n", None), ("[daemon]\nidle_s = 2.5\n", 2.5)]
)
def test_the_settings_say_when_a_daemon_ends(
    text: str, seconds: float | None, tmp_path: Path
) -> None:
    """Or nothing of it."""
    config = tmp_path / "config.toml"
    config.write_text(text)
    assert daemon_idle_s(config) == seconds


@pytest.mark.parametrize("line", ['idle_s = "1"', "idle_s = 0", "idle_s = true", "idle = 1"])
def test_a_time_that_makes_no_sense_is_an_error(line: str, tmp_path: Path) -> None:
    """Nothing is guessed."""
    config = tmp_path / "config.toml"
    config.write_text(f"[daemon]\n{line}\n")
    with pytest.raises(UsageError, match=r"\[daemon\]"):
        daemon_idle_s(config)


def test_without_texts_only_trees_tools_and_files_are_stored(ws: Workspace, project: Path) -> None:
    """Neither a title nor any text of a step tells what was asked, given or answered."""
    claude, recorder = Claude(project), AgentRecorder(ws, keeps_text=lambda: False)
    told = [
        claude.prompt("Rename the hush-hush project."),
        claude.before("Bash", command="echo hush-hush > a"),
        claude.after("Bash", {"stdout": "hush-hush", "stderr": ""}, command="echo hush-hush > a"),
        claude.before("Write", file_path=str(project / "b"), content="hush-hush"),
        claude.after(
            "Write", {"type": "create"}, file_path=str(project / "b"), content="hush-hush"
        ),
    ]
    for number, one in enumerate(told):
        (project / "a").write_text(f"{number}\n")
        recorder.take("claude", *one)
    steps = ws.steps(limit=12)
    assert {step.title for step in steps} >= {"prompt", "Bash", "write b"}
    assert not any(step.prompt or step.input or step.result_text for step in steps)
