"""Risky commands: what is one, and the checkpoint before it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.claude import Claude

from stepwell.store import Workspace
from stepwell.store.agents.recorder import AgentRecorder
from stepwell.store.agents.risky import risk_of
from stepwell.store.engine.checkpoints import RISKY


@pytest.mark.parametrize(
    ("command", "risk"),
    [
        ("rm -rf build", "removes files"),
        ("cd /x && sudo rm file", "removes files"),
        ("FORCE=1 /bin/rm -r a", "removes files"),
        ("find . -name '*.o' -delete", "removes files"),
        ("ls | xargs -n 1 rm", "removes files"),
        ("git reset --hard HEAD~1", "runs git reset"),
        ("git -c core.x=y clean -fdx", "runs git clean"),
        ("git checkout -- .", "runs git checkout"),
        ("make && git stash", "runs git stash"),
        ("npm install left-pad", "installs packages"),
        ("python -m pip install -e .", "installs packages"),
        ("yarn", "installs packages"),
        ("cargo add serde", "installs packages"),
        ("python manage.py migrate", "migrates a database"),
        ("bundle exec rails db:migrate", "migrates a database"),
        ("npx prisma migrate dev", "migrates a database"),
        ("sed -i s/a/b/ x", "edits files in place"),
        ("echo 'unclosed && rm x", "removes files"),
        ("git status && git diff", ""),
        ("ls -la # rm -rf", ""),
        ("echo rm -rf /", ""),
        ("grep -r 'git reset' .", ""),
        ("npm test", ""),
        ("python -m pytest -q", ""),
        ("sudo -n env -i A=1 nice -n 5 rm x", "removes files"),
        ("time " + "1 " * 9_000 + "rm x", ""),
        ("", ""),
    ],
)
def test_what_is_risky_is_told_in_a_few_words(command: str, risk: str) -> None:
    """Words that are only mentioned are not."""
    assert risk_of(command) == risk


def take(recorder: AgentRecorder, told: tuple[str, bytes]) -> None:
    recorder.take("claude", *told)


@pytest.mark.parametrize("keeps_text", [True, False])
def test_before_a_risky_command_the_folder_is_a_checkpoint(
    ws: Workspace, project: Path, keeps_text: bool
) -> None:
    """With what was on disk that moment; once is enough where nothing changed in between."""
    recorder, claude = AgentRecorder(ws, keeps_text=lambda: keeps_text), Claude(project)
    take(recorder, claude.prompt("clean up"))
    (project / "by-hand").write_text("mine\n")
    take(recorder, claude.before("Bash", command="rm -rf src"))
    head = ws.head()
    mark = ws.get_step("@").checkpoint
    assert head.kind == "outside" and ws.read_file(head, b"by-hand") == b"mine\n"
    assert mark is not None and mark.tags == (RISKY,)
    assert mark.notes[0].text.startswith("before a command that removes files")
    assert ("rm -rf src" in mark.notes[0].text) is keeps_text
    number = ws.view().number
    take(recorder, claude.before("Bash", command="rm -rf src"))
    assert ws.view().number == number
    take(recorder, claude.before("Bash", command="ls"))
    assert ws.view().number == number
