"""Commands of the `:` line: one at a time, each on a thread of its own, ended on request.

What they say is made harmless and cut to the width of the pane on that thread, too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stepwell.tui.feed.pause import give_back
from stepwell.tui.feed.wishes import Asked, Redo, Wish
from stepwell.tui.look.fit import wrapped
from stepwell.tui.messages import Broke, CommandAt, CommandSaid, CommandTold
from stepwell.tui.values import StepwellError, printable, printable_line

if TYPE_CHECKING:
    from textual.message import Message

MOST = 10_000
"""Lines of one command that are shown."""
_LONGEST = 20_000
"""Characters of one line that are shown."""
_BATCH = 2_000
_PACE_S = 0.05
_REST_S = 0.001
"""So long a command that says much leaves the interpreter to the screen."""
_ERROR = "stepwell: "
_HINT = "hint: "


class Run(NamedTuple):
    """A command to be run, and how its text is to look."""

    words: Sequence[str]
    columns: int
    now_ns: int
    """When it is run: ages count from then."""
    plain: bool = False
    """In ASCII."""
    agreed: bool = False
    """A person agreed to what is asked for first."""
    shown: frozenset[str] | None = None
    """What that person was shown to go."""


class Back(NamedTuple):
    """A rollback whose parts can be chosen."""

    reference: str
    before: bool
    only: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended, or what a person has to decide before it goes on."""

    name: str
    code: int = 0
    """Its exit code; 2: the line itself makes no sense."""
    last: str = ""
    """The last line that it said."""
    wrote: bool = False
    """It may have changed the store."""
    stopped: bool = False
    is_final: bool = False
    """It was asked for: what it did may be for good."""
    question: str = ""
    """What is to be agreed to first; empty: nothing."""
    word: str = ""
    """What has to be typed to agree; empty: a key does."""
    shown: frozenset[str] | None = None
    """What was shown to go, if it was."""
    wish: Wish | None = None
    """What is to be previewed."""
    back: Back | None = None
    """Or this, as soon as its step is found."""


class _Task:
    """One command that runs."""

    def __init__(self, run: Run, stop: Any) -> None:
        self.run = run
        self.stop = stop
        self.name = run.words[0] if run.words else ""
        self.writes = False
        self.thread: threading.Thread | None = None

    @property
    def is_alive(self) -> bool:
        """Its thread has not ended."""
        return self.thread is not None and self.thread.is_alive()


class Commands:
    """Runs them; what is left of one that only reads is forgotten when it is stopped."""

    def __init__(self, root: str, home: Path | None, load: Callable[[], Any]) -> None:
        """`load` gives the store's module that runs commands inside another program."""
        self._root = root
        self._home = home
        self.load = load
        """As given."""
        self._task: _Task | None = None
        self._forgotten: list[_Task] = []
        """Those that were stopped and may not have ended yet."""

    @property
    def busy(self) -> str:
        """The name of the command that runs; empty: none does."""
        task = self._task
        return task.name if task is not None else ""

    @property
    def stopping(self) -> bool:
        """The command that runs was told to end."""
        task = self._task
        return task is not None and task.stop.is_set()

    def start(self, to: Callable[[Message], object], generation: int, run: Run) -> bool:
        """Runs a command; CommandSaid, CommandAt and CommandTold to `to`. False: another one runs."""
        if self._task is not None:
            return False
        inside = self.load()
        task = self._task = _Task(run, inside.Stop())
        place = inside.Place(self._root, self._home)
        saying = _Saying(to, generation, run.columns)
        work = _Work(inside, place, task, saying)
        task.thread = threading.Thread(
            target=self._run, args=(work, to, generation), name="stepwell-command", daemon=True
        )
        task.thread.start()
        return True

    def _run(self, work: _Work, to: Callable[[Message], object], generation: int) -> None:
        try:
            ending: Message = CommandTold(generation, work.ending())
        except Exception as error:  # a defect must be seen, not lost with its thread
            ending = Broke(error)
        work.saying.flush()
        if work.saying.count > MOST:
            give_back()
        if self._task is work.task:
            self._task = None
        to(ending)

    def stop(self) -> bool:
        """Has the command end; tells whether it is one that writes, and ends when it has put things right."""
        task = self._task
        if task is None:
            return False
        task.stop.set()
        if not task.writes:
            self._task = None
            self._forgotten = [one for one in (*self._forgotten, task) if one.is_alive]
        return task.writes

    def close(self, patience_s: float = 30.0) -> None:
        """Ends what runs, and waits for what writes, and for what ends its own programs first."""
        self.stop()
        for task in (*self._forgotten, self._task):
            if task is not None and task.thread is not None and (task.writes or task.stop.heeded):
                task.thread.join(patience_s)


class _Work:
    """What the thread does."""

    def __init__(self, inside: Any, place: Any, task: _Task, saying: _Saying) -> None:
        self._inside = inside
        self._place = place
        self.task = task
        self.saying = saying

    def ending(self) -> Ending:
        """Runs the command as far as it may; returns how it ended."""
        try:
            line = self._inside.read_line(self.task.run.words, self._place)
        except StepwellError as error:
            self.saying.refuse(error)
            return Ending(self.task.name, error.exit_code)
        kind = line.manner.kind
        if kind == "shell":
            self.saying.line(f"{line.name} is for a shell: {line.manner.text}", True)
            return Ending(line.name, 2)
        if kind == "travels":
            return _previewed(line)
        if kind == "asks" and not self.task.run.agreed:
            return self._asked(line)
        return self._done(line)

    def _asked(self, line: Any) -> Ending:
        how = line.manner
        code, shown = 0, None
        if how.looks:
            code, shown = self._inside.look(line, self._place, self._listener(), self.task.stop)
        if code or (shown is not None and not shown):
            # Where nothing would go there is nothing to agree to.
            return self._ended(line, code, wrote=False)
        return Ending(line.name, question=how.text, word=how.word, shown=shown)

    def _done(self, line: Any) -> Ending:
        # In this order: whoever stops it sees either that it writes, or that it did not begin.
        self.task.writes = line.manner.kind != "reads"
        if self.task.stop.is_set():
            return Ending(line.name, self._inside.STOPPED, stopped=True)
        run = self.task.run
        code = self._inside.run(
            line,
            self._place,
            self._listener(),
            self.task.stop,
            agreed=run.agreed,
            shown=run.shown,
        )
        return self._ended(line, code, wrote=self.task.writes)

    def _ended(self, line: Any, code: int, *, wrote: bool) -> Ending:
        stopped = code == self._inside.STOPPED
        is_final = line.manner.kind == "asks"
        return Ending(line.name, code, self.saying.last, wrote, stopped, is_final)

    def _listener(self) -> Any:
        run, saying = self.task.run, self.saying
        return self._inside.Listener(saying.line, saying.at, run.columns, run.now_ns, run.plain)


def _previewed(line: Any) -> Ending:
    given, verb = line.given, line.verb
    part = line.name == "rollback" and (given.paths or given.hunks or given.files_only)
    if line.name == "rollback" and not part:
        return Ending(line.name, back=Back(given.step, given.before, given.only))
    if line.name == "redo":
        return Ending(line.name, wish=Redo())
    settles = line.name == "merge" and given.resolve
    heading = f"Settle {', '.join(given.resolve)} with {given.take}" if settles else ""
    wish = Asked(
        verb.plan,
        verb.flip,
        line.name == "undo" or (line.name == "merge" and given.abort),
        printable(heading),
        verb.fence,
        line.is_whole,
    )
    return Ending(line.name, wish=wish)


class _Saying:
    """Gathers lines, and hands on many at a time."""

    def __init__(self, to: Callable[[Message], object], generation: int, columns: int) -> None:
        self._to = to
        self._generation = generation
        self._columns = max(1, columns)
        self._lines: list[tuple[str, str]] = []
        self.count = 0
        """Lines that were said."""
        self._sent = time.monotonic()
        self._told = 0.0
        self.last = ""
        """The last line that was said."""

    def line(self, text: str, beside: bool) -> None:
        """Takes a line, hostile as it may be."""
        role = "text"
        if beside:
            role = "failed" if text.startswith(_ERROR) else "dim"
        cut = len(text) > _LONGEST
        shown = printable_line(text[:_LONGEST])
        if shown and not (beside and text.startswith(_HINT)):
            self.last = shown
        for part in wrapped(shown, self._columns):
            self._take(part, role)
        if cut:
            self._take(f"(cut: the line has {len(text):,} characters)", "dim")

    def _take(self, part: str, role: str) -> None:
        self.count += 1
        if self.count <= MOST:
            self._lines.append((part, role))
        elif self.count == MOST + 1:
            self._lines.append(
                (f"more than {MOST:,} lines: send it to a file in a shell", "failed")
            )
        if len(self._lines) >= _BATCH or time.monotonic() - self._sent > _PACE_S:
            self.flush()

    def refuse(self, error: StepwellError) -> None:
        """Takes an error."""
        self.line(f"{_ERROR}{error.message}", True)
        if error.hint:
            self.line(f"{_HINT}{error.hint}", True)

    def at(self, text: str) -> None:
        """Takes how far it is."""
        now = time.monotonic()
        if now - self._told > _PACE_S:
            self._told = now
            self._to(CommandAt(self._generation, printable(text)))

    def flush(self) -> None:
        """Hands on what was gathered."""
        self._sent = time.monotonic()
        if self._lines:
            lines, self._lines = self._lines, []
            self._to(CommandSaid(self._generation, lines))
            time.sleep(_REST_S)
