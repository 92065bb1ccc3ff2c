"""Builds the demo: makes the project, plays the session over it, and captures every act of it.

Nothing is drawn by hand: files are really edited, commands really run, and the steps are recorded
through the same facade that every front door uses.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stepwell.store.demo import acts
from stepwell.store.demo.files import change_files, make_project, run_command
from stepwell.store.demo.project import FILES
from stepwell.store.demo.session import ACTS, AGENT_SESSION
from stepwell.store.demo.watched import WATCHED
from stepwell.store.demo.watching import look_at_rules
from stepwell.store.engine.atomic import system_error
from stepwell.store.engine.recording import Act
from stepwell.store.engine.registry import locate, root_for
from stepwell.store.model.errors import NotAWorkspaceError, RefusedError
from stepwell.store.model.ids import Clock, RandomBytes
from stepwell.store.model.steps import StepKind, StepResult
from stepwell.store.rules.verbs import RuleVerbs

Say = Callable[[str], None]


def build(
    folder: Path,
    home: Path,
    *,
    say: Say,
    rules: bool = False,
    clock: Clock | None = None,
    randomness: RandomBytes | None = None,
    stopwatch: Clock = time.monotonic_ns,
) -> Path:
    """Makes the demo's project in `folder` and plays its session; returns the folder.

    `rules`: then a rule watches the tests while the agent breaks them. `say` is called once an act,
    with one line about it. With `clock`, `randomness` and `stopwatch`
    given, the history is the same in every run; `stopwatch` (ns) is read before and after each
    command.

    Raises:
        RefusedError: the folder holds something already, or belongs to a repository or workspace.
    """
    _claim(folder, home)
    make_project(folder, FILES.items())
    with RuleVerbs.init(
        folder, home=home, clock=clock or time.time_ns, randomness=randomness or os.urandom
    ) as workspace:
        say(f"made a small project in {folder}")
        _Player(workspace, folder, say, stopwatch).play((*ACTS, *WATCHED) if rules else ACTS)
    return folder


def _claim(folder: Path, home: Path) -> None:
    """Makes the folder, or raises when anything of a person's could get into the demo."""
    try:
        if os.path.lexists(folder) and any(folder.iterdir()):
            raise _refused(folder, "is not empty")
        _check_place(folder, home)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise system_error(error, "making the folder", folder) from error


def _check_place(folder: Path, home: Path) -> None:
    """Raises RefusedError where the folder is, or would be, a part of something else."""
    place = os.path.realpath(os.fsencode(folder))
    if root_for(place) != place:
        raise _refused(folder, "lies in a git repository")
    there = place
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    with contextlib.suppress(NotAWorkspaceError):
        locate(there, home)
        raise _refused(folder, "lies in a workspace")


def _refused(folder: Path, why: str) -> RefusedError:
    return RefusedError(
        f"the demo was not built: {folder} {why}",
        hint="name an empty folder of its own, outside your projects",
        path=str(folder),
    )


@dataclass(slots=True)
class _Player:
    """Plays acts, one after the other."""

    workspace: RuleVerbs
    folder: Path
    say: Say
    stopwatch: Clock
    turn: int = 0

    def play(self, script: Iterable[acts.Act]) -> None:
        for act in script:
            self.say(self._perform(act))

    def _perform(self, act: acts.Act) -> str:
        match act:
            case acts.Prompt():
                return self._prompt(act)
            case acts.Edit():
                return self._edit(act)
            case acts.Command():
                return self._command(act)
            case acts.Outside():
                return self._outside(act)
            case acts.LeaveUncaptured():
                change_files(self.folder, act.changes)
                return "left an edit that no step holds yet"
            case acts.TrustRules():
                self.workspace.trust()
                return "trusted the project's rules"
            case acts.LookAtRules():
                return look_at_rules(self.workspace, act.mode)
            case _:
                return self._travel(act)

    def _travel(self, act: acts.Travel) -> str:
        match act:
            case acts.MarkNewest():
                return self._mark(act)
            case acts.RollBack():
                return self._roll_back(act)
            case acts.RollBackFile():
                return self._roll_back_file(act)
            case acts.BranchOff():
                self.workspace.create_branch(act.name)
                return self._switch(act.name)
            case acts.SwitchTo():
                return self._switch(act.name)
            case acts.UndoNewest():
                self.workspace.undo()
                return "took the newest operation back"

    def _prompt(self, act: acts.Prompt) -> str:
        self.turn += 1
        self._record(act.text, kind="prompt", prompt=act.text)
        return f"turn {self.turn}: {act.text}"

    def _edit(self, act: acts.Edit) -> str:
        change_files(self.folder, act.changes)
        described = json.dumps([asdict(change) for change in act.changes], indent=1)
        self._record(act.title, tool=act.tool, input=described, result=StepResult(ok=True))
        return act.title

    def _command(self, act: acts.Command) -> str:
        begin = self.stopwatch()
        done = run_command(self.folder, act.line)
        took_ms = (self.stopwatch() - begin) // 1_000_000
        self._record(
            act.line,
            tool="Bash",
            input=act.line,
            result=StepResult(done.exit_code == 0, done.exit_code, took_ms),
            result_text=done.output,
        )
        return f"{act.line}: exit {done.exit_code}"

    def _outside(self, act: acts.Outside) -> str:
        change_files(self.folder, act.changes)
        self.workspace.record(act=Act(act.title, kind="outside", flags=("outside",)))
        return f"by hand: {act.title}"

    def _record(self, title: str, *, kind: StepKind = "tool", **said: Any) -> None:
        """Records what the agent did; `said` holds further fields of Act."""
        act = Act(title, kind=kind, session=AGENT_SESSION, turn=self.turn, **said)
        self.workspace.record(act=act)

    def _mark(self, act: acts.MarkNewest) -> str:
        newest = self.workspace.head()
        self.workspace.mark(newest, label=act.label, note=act.note, tags=act.tags)
        return f"marked #{newest.seq}" + (f" as {act.label}" if act.label else "")

    def _roll_back(self, act: acts.RollBack) -> str:
        planned = self.workspace.plan_rollback(act.label)
        done = self.workspace.apply(planned)
        return f"rolled back to {act.label}, as step #{done.step.seq}"

    def _roll_back_file(self, act: acts.RollBackFile) -> str:
        planned = self.workspace.plan_rollback(act.reference, paths=(os.fsencode(act.path),))
        done = self.workspace.apply(planned)
        return f"took {act.path} as it is in {act.reference}, as step #{done.step.seq}"

    def _switch(self, name: str) -> str:
        self.workspace.apply(self.workspace.plan_switch(name))
        return f"on branch {name}"
