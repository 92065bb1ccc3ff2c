"""The branches: where each ends, how far it is from the current one; switch, make, rename, delete."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from rich.segment import Segment
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Input

from stepwell.tui.feed.newest import load_line
from stepwell.tui.feed.wishes import Merge, Switch
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.actions import key_of, takes_it_back
from stepwell.tui.keys.bindings import bindings_for, hints_for
from stepwell.tui.look.fit import cells, clip, fit, fit_right
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.moments import AGE_CELLS, age
from stepwell.tui.look.numbers import grouped
from stepwell.tui.messages import (
    BackAsked,
    BranchesLoaded,
    ChangeDone,
    CursorMoved,
    Failed,
    NewestLoaded,
    RowOpened,
)
from stepwell.tui.model.rows import called, subject_of, word_of
from stepwell.tui.screens.above import Above
from stepwell.tui.screens.form import Form
from stepwell.tui.source import Source
from stepwell.tui.values import BranchRow, Clock, Step, one_line, printable
from stepwell.tui.widgets.entry import Entry
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.pane import Pane, share_height
from stepwell.tui.widgets.sentence import Sentence
from stepwell.tui.widgets.steplines import StepLines

_NAME_LEAST, _NAME_MOST = 10, 32
_SEQ = 8
_APART = 13
_KEPT = 6


class BranchChoice(NamedTuple):
    """What a person left the list with."""

    wish: Switch | Merge | None = None
    show: int | None = None
    """The number of a step to be shown in the timeline."""


class BranchList(LineList):
    """One branch a row: name, newest step and its age, steps ahead and behind, what it did last."""

    BINDINGS = bindings_for("branches")

    def __init__(self, clock: Clock, glyphs: Glyphs) -> None:
        super().__init__(id="branches", glyphs=glyphs)
        self._clock = clock
        self.rows: Sequence[tuple[BranchRow, Step]] = ()

    def show(self, rows: Sequence[tuple[BranchRow, Step]], name: str | None) -> None:
        """Takes the branches and goes to the one of that name, else to where the cursor was."""
        known = self.selected
        wanted = name or (known.name if known else None)
        self.rows = rows
        names = [row.name for row, _ in rows]
        current = next((at for at, (row, _) in enumerate(rows) if row.current), 0)
        self.set_caption("Branches", grouped(len(rows)))
        self.set_count(len(rows), names.index(wanted) if wanted in names else current)

    @property
    def selected(self) -> BranchRow | None:
        """The branch under the cursor."""
        return self.rows[self.cursor][0] if self.rows else None

    def row_key(self, index: int) -> Hashable | None:
        return self.rows[index][0]

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        row, head = self.rows[index]
        name = max((len(other.name) for other, _ in self.rows), default=0)
        name_cells = max(_NAME_LEAST, min(_NAME_MOST, name, width // 3))
        sign = (
            self.glyphs.head if row.current else self.glyphs.open if row.kept else self.glyphs.step
        )
        role = "accent" if row.current else "dim" if row.kept else "text"
        word, word_role = word_of(head)
        front = [
            Segment(f"{sign} ", self.paint("lane0" if row.current else "dim")),
            Segment(fit(one_line(row.name, 80), name_cells), self.paint(role, bold=row.current)),
            Segment("  kept" if row.kept else " " * _KEPT, self.paint("dim")),
            Segment(fit_right(f"#{head.seq}", _SEQ), self.paint("dim")),
            Segment(fit_right(age(self._clock(), head.time_ns), AGE_CELLS + 2), self.paint("dim")),
            *self._apart(row),
            Segment(f"  {fit(word, 8)}", self.paint(word_role)),
        ]
        room = width - sum(cells(part.text) for part in front) - 1
        subject = clip(subject_of(head), max(0, room), self.glyphs.ellipsis) if room > 4 else ""
        return [*front, Segment(subject, self.paint("text"))]

    def _apart(self, row: BranchRow) -> list[Segment]:
        """Steps that only this branch has, and that only the current one has."""
        if row.current:
            return [Segment("current".rjust(_APART), self.paint("accent"))]
        ahead = f"+{grouped(row.ahead)}" if row.ahead else ""
        behind = f"-{grouped(row.behind)}" if row.behind else ""
        half = _APART // 2
        return [
            Segment(ahead.rjust(_APART - half), self.paint("added")),
            Segment(behind.rjust(half), self.paint("deleted")),
        ]

    def _screen(self) -> BranchesScreen:
        assert isinstance(self.screen, BranchesScreen)
        return self.screen

    def action_switch_to(self) -> None:
        """Leaves for the preview of switching."""
        self._screen().switch()

    def action_merge_in(self) -> None:
        """Leaves for the preview of merging."""
        self._screen().merge()

    def action_show_head(self) -> None:
        """Leaves for the branch's newest step."""
        self._screen().show_head()

    def action_new_branch(self) -> None:
        """Asks for the name of a branch that begins at the step selected in the timeline."""
        self._screen().new()

    def action_rename_branch(self) -> None:
        """Asks for another name."""
        self._screen().rename()

    def action_delete_branch(self) -> None:
        """Asks whether the name is to go."""
        self._screen().delete()

    def action_close(self) -> None:
        """Back to the timeline."""
        self.post_message(BackAsked("branches"))


class BranchesScreen(Above, Screen["BranchChoice | None"]):
    """The list and its keys; forms open above it. Its result says where to go next."""

    CSS = """
    BranchesScreen { layout: vertical; }
    BranchesScreen #branches-pane { height: 4; }
    """

    help_scopes = ("branches", "list")

    def __init__(
        self, gateway: Gateway, clock: Clock, glyphs: Glyphs, selected: Step | None
    ) -> None:
        """`selected`: the step at which a new branch begins; None: the newest step."""
        super().__init__()
        self._gateway = gateway
        self._glyphs = glyphs
        self._selected = selected
        self._list = BranchList(clock, glyphs)
        self._steps = StepLines(clock, glyphs)
        self._footer = Footer()
        self._legend = Sentence(id="branches-legend")
        self._wanted: str | None = None

    def compose(self) -> ComposeResult:
        yield Pane("b", self._list, id="branches-pane")
        yield self._legend
        yield Pane(" ", self._steps, id="branch-steps-pane")
        yield self._footer

    def on_mount(self) -> None:
        """Asks for the branches."""
        self._list.set_caption("Branches", "reading")
        self._steps.set_caption("Its newest steps")
        self._list.focus(scroll_visible=False)
        self._footer.show_hints(hints_for("branches"))
        self._legend.say(
            " +n steps only there, -n steps only here; kept: what a rollback left behind", "dim"
        )
        self._read()

    def _read(self) -> None:
        self._gateway.load_branches(self.post_message)

    def on_branches_loaded(self, message: BranchesLoaded) -> None:
        """Shows them."""
        self._list.show(message.rows, self._wanted)
        self._wanted = None
        share_height(self._list)
        self._look()

    def on_resize(self) -> None:
        """The list has what it needs, the steps have the rest."""
        share_height(self._list)

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Another branch's steps are shown."""
        message.stop()
        self._look()

    def _look(self) -> None:
        if self._list.rows:
            load_line(self._gateway, self.post_message, self._list.rows[self._list.cursor][1].seq)

    def on_newest_loaded(self, message: NewestLoaded) -> None:
        """Shows them, if they are still those of the selected branch."""
        if self._list.rows and self._list.rows[self._list.cursor][1].seq == message.of:
            self._steps.show(message.steps)

    def on_failed(self, message: Failed) -> None:
        """Says what could not be read."""
        self._footer.say(printable(f"cannot {message.what}: {message.error.message}"), "failed")

    def on_key(self) -> None:
        """A sentence in the footer stays until the next key."""
        self._footer.hush()

    def on_back_asked(self, message: BackAsked) -> None:
        """Back to the timeline."""
        message.stop()
        self.dismiss(None)

    def on_row_opened(self, message: RowOpened) -> None:
        """A second click is a switch."""
        message.stop()
        self.switch()

    def switch(self) -> None:
        """Leaves for the preview of switching; says why where that is nothing."""
        row = self._list.selected
        if row is None:
            return
        if row.current:
            self._footer.say("this is the branch that you are on")
        else:
            self.dismiss(BranchChoice(Switch(row.name)))

    def merge(self) -> None:
        """Leaves for the preview of merging the branch into the current one."""
        row = self._list.selected
        if row is None:
            return
        if row.current:
            self._footer.say("this is the branch that you are on: stand on the one to take in")
        else:
            self.dismiss(BranchChoice(Merge(row.name)))

    def show_head(self) -> None:
        """Leaves for the newest step of the branch."""
        if self._list.rows:
            self.dismiss(BranchChoice(show=self._list.rows[self._list.cursor][1].seq))

    def new(self) -> None:
        """A branch at the selected step."""
        self.app.push_screen(name_form(self._gateway, self._glyphs, self._selected), self._done)

    def rename(self) -> None:
        """Another name for the branch."""
        row = self._list.selected
        if row is not None:
            self.app.push_screen(NameForm(self._gateway, self._glyphs, row.name), self._done)

    def delete(self) -> None:
        """Takes the branch's name away, after a question."""
        row = self._list.selected
        if row is None:
            return
        if row.current:
            self._footer.say("the current branch cannot be deleted: switch to another one first")
        else:
            self.app.push_screen(DeleteForm(self._gateway, self._glyphs, row), self._done)

    def _done(self, sentence: str | None) -> None:
        if sentence is not None:
            self._footer.say(printable(sentence), "ok")
            self._gateway.poll()
            self._read()


class NameForm(Form["str | None"]):
    """Asks for a branch's name: of a new one at a step, or another one of an old branch."""

    def __init__(
        self, gateway: Gateway, glyphs: Glyphs, old: str | None, at: Step | None = None
    ) -> None:
        if old is not None:
            title = f"Another name for branch {one_line(old, 60)}"
        else:
            title = f"New branch at {called(at) if at else 'the newest step'}"
        super().__init__(gateway, glyphs, title)
        self._old = old
        self._at = at
        self._entry = Entry(
            old or "", placeholder="try-lru", id="branch-name", select_on_focus=False
        )

    def body(self) -> ComposeResult:
        yield self._entry

    def on_mount(self) -> None:
        """The entry takes the keys."""
        self._entry.cursor_blink = False
        self._entry.focus()
        self._entry.cursor_position = len(self._entry.value)
        does = "rename" if self._old is not None else "make the branch; you stay on yours"
        self.tell_keys([("enter", does), ("esc", "leave")])

    def on_input_changed(self, message: Input.Changed) -> None:
        """An old complaint is about another name."""
        message.stop()
        self.complain("")

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Sends the name."""
        message.stop()
        self.action_save()

    def action_save(self) -> None:
        """Sends the name."""
        name, old, at = self._entry.value.strip(), self._old, self._at
        if not name or name == old:
            self.complain("type a name" if not name else "this is its name already")
            return

        def call(source: Source) -> ChangeDone:
            if old is not None:
                source.rename_branch(old, name)
                return ChangeDone(f"branch {old} is called {name} now; {takes_it_back()}")
            source.create_branch(name, at=at)
            return ChangeDone(
                f"made branch {name}; {key_of('everywhere.branches')} lists it, {takes_it_back()}"
            )

        self.send("name the branch", call)

    def done(self, message: ChangeDone) -> None:
        self.dismiss(message.sentence)


def name_form(gateway: Gateway, glyphs: Glyphs, at: Step | None) -> NameForm:
    """Returns the form for a new branch at a step (None: the newest one)."""
    return NameForm(gateway, glyphs, None, at)


class DeleteForm(Form["str | None"]):
    """Asks whether a branch's name is to go; its own key does it."""

    BINDINGS = bindings_for("confirm", priority=True)

    def __init__(self, gateway: Gateway, glyphs: Glyphs, row: BranchRow) -> None:
        super().__init__(gateway, glyphs, f"Delete branch {one_line(row.name, 60)}?")
        self._row = row
        self._say = Sentence(id="delete-what")

    def body(self) -> ComposeResult:
        yield self._say

    def on_mount(self) -> None:
        """Says what stays."""
        own = self._row.ahead
        left = f"{own:,} step{'' if own == 1 else 's'} only on it" if own else "no step only on it"
        self._say.say(f"Only the name goes: {left}, and every step stays in the timeline.", "dim")
        self.tell_keys([("y", "delete the name"), ("esc", "leave")])

    def action_yes(self) -> None:
        """Deletes."""
        name = self._row.name

        def call(source: Source) -> ChangeDone:
            source.delete_branch(name)
            return ChangeDone(f"deleted branch {name}; {takes_it_back()}")

        self.send("delete the branch", call)

    def action_no(self) -> None:
        """Leaves without a change."""
        self.action_leave_form()

    def done(self, message: ChangeDone) -> None:
        self.dismiss(message.sentence)
