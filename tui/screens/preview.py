"""The preview of a rollback, undo or redo: what would change, for real, before anything changes.

Opening it changes nothing. `y` applies, and no other key does; the key that opened it does nothing.
What would lose something that is in no step, or another session's work, has to be ticked first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from stepwell.tui.feed.highlight import Highlighter
from stepwell.tui.feed.wishes import Asked, Rollback, Settle, Wish
from stepwell.tui.gateway import ChosenPart, Gateway
from stepwell.tui.keys.actions import Scope, does_it_again, key_of, takes_it_back
from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.messages import (
    BackAsked,
    ContextAsked,
    CursorMoved,
    PlanApplied,
    PlanMade,
    Refused,
    RowOpened,
)
from stepwell.tui.model.diffchoices import DiffChoices
from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.model.picks import Picks
from stepwell.tui.model.planrows import (
    PlanRow,
    headline,
    kept_rows,
    operation_headline,
    outcome,
    part_headline,
    plan_rows,
    recovery_notice,
    settle_headline,
    tally,
)
from stepwell.tui.screens.planning import Planning, choose_wanted
from stepwell.tui.screens.ticking import LOSS, Ticking
from stepwell.tui.values import Applied, Clock, Operation, PlannedChanges, plural
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.pane import Pane
from stepwell.tui.widgets.planlist import PlanList
from stepwell.tui.widgets.sentence import Sentence

_SAFETY = "Before anything changes, your disk is saved as a step."
_NOTHING = "There is nothing to apply."

_CSS = """
RestorePreview {
    align: center middle;
    background: $background 70%;
}

RestorePreview:ansi {
    background: transparent;
}

RestorePreview #preview {
    width: 100%;
    height: 100%;
    background: $background;
}

RestorePreview.-modal #preview {
    width: 88%;
    max-width: 140;
    height: 90%;
    padding: 0 1;
    border: round $accent;
}

RestorePreview #preview-headline {
    height: auto;
    max-height: 3;
    padding: 0 1;
    margin-bottom: 1;
}

RestorePreview #preview-plan-pane {
    height: 4;
}

RestorePreview #preview-diff-pane {
    height: 1fr;
}

RestorePreview #preview-promise {
    height: auto;
    max-height: 4;
    padding: 0 1;
}

RestorePreview #preview-keys {
    padding: 0 1;
}
"""


class Outcome(NamedTuple):
    """What came of a preview that was not cancelled."""

    text: str
    """One line: what was done, what not and why, how to take it back."""
    complete: bool
    """Everything that was wanted was done."""
    conflicts: bool = False
    """A merge left conflicts on disk, to be settled."""


class RestorePreview(Planning, Ticking, ModalScreen[Outcome | None]):
    """Shows a plan and carries it out; its result is None when nothing was changed."""

    BINDINGS = [
        # Before the lists' own keys: esc always leaves, space always ticks.
        *bindings_for("preview", priority=True),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-full"), (100, "-modal")]
    CSS = _CSS

    def __init__(
        self,
        gateway: Gateway,
        wish: Wish,
        clock: Clock,
        glyphs: Glyphs,
        highlighter: Highlighter | None = None,
        choices: DiffChoices | None = None,
    ) -> None:
        """`choices`: how the diff is shown at first."""
        super().__init__()
        self._gateway = gateway
        self._wish = wish
        self._clock = clock
        self._glyphs = glyphs
        self._recovered = ""
        self._turned = False
        self._result: Outcome | None = None
        self._headline = Sentence(id="preview-headline")
        self._plan = PlanList(glyphs=glyphs)
        self._diff = DiffView(
            id="preview-diff", glyphs=glyphs, highlighter=highlighter, choices=choices, fades=True
        )
        self._promise = Sentence(id="preview-promise")
        self._keys = Sentence(id="preview-keys")

    def compose(self) -> ComposeResult:
        with Vertical(id="preview"):
            yield self._headline
            yield Pane("", self._plan, id="preview-plan-pane")
            yield Pane("", self._diff, id="preview-diff-pane")
            yield self._promise
            yield self._keys

    def on_mount(self) -> None:
        """Asks for the plan."""
        self._plan.focus(scroll_visible=False)
        self._ask()

    def on_resize(self) -> None:
        """Gives the list as many lines as it needs, the diff the rest."""
        self._share_height()

    def on_plan_made(self, message: PlanMade) -> None:
        """Shows the plan, if it is still the one that is asked for."""
        if message.generation != self._generation or self._result is not None:
            return
        if message.recovered is not None:
            self._recovered = recovery_notice(message.recovered)
        if message.planned is not None:
            self._show(message.planned, message.rows or DiffRows(()))
        elif message.operation is not None:
            self._show_operation(message.operation)

    def _show(self, planned: PlannedChanges, rows: DiffRows) -> None:
        self._shown = planned
        choice = isinstance(self._wish, Rollback)
        self._plan.show_plan(plan_rows(planned, rows.changes), rows.changes, choice=choice)
        if not (self._is_chosen_anew or self._chosen_beforehand(self._wish)):
            return
        kept = self._carry_over()
        differs = "no file changes" if planned.plan.keep else "no file differs"
        nothing = "choose a file above" if rows.changes else differs
        heading = f"Disk now {self._glyphs.arrow} after"
        picks = self._plan.picks if choice else None
        self._diff.show(rows, heading, empty=nothing, picks=picks)
        # The panes get their heights first.
        self.call_after_refresh(self._follow)
        if self._refused:
            self._tell_refused(kept, self._recovered)
        else:
            self._promise_safety(kept)
        self._share_height()
        self._tell_choice()
        self._begin_rest()

    def _chosen_beforehand(self, wish: Wish) -> bool:
        """Ticks what was picked in the step's diff; False: the other side is asked for instead.

        A step whose content is on disk as it is has nothing to be put back to after it: who picks
        one of its hunks means to take it back.
        """
        if not isinstance(wish, Rollback) or not wish.wanted:
            return True
        self._plan.choose_none()
        if choose_wanted(self._plan.picks, wish):
            index = next(i for i, _ in enumerate(self._plan.changes) if self._plan.picks.key(i))
            row = next(r for r, row in enumerate(self._plan.rows) if row.change == index)
            self._plan.move_to(row)
            return True
        other = wish.other_side()
        if self._turned or other is None:
            return True
        self._turned = True
        self._wish = other
        self._ask()
        return False

    def _tell_choice(self) -> None:
        """Says what would be done by what is ticked."""
        self._before = self._plan.losing()
        shown = self._shown
        if isinstance(shown, PlannedChanges):
            picks = self._plan.picks
            if self._plan.partial:
                total = picks.total
                whole = sum(picks.state(i) == "all" for i in range(len(picks.changes)))
                said = part_headline(shown.plan, whole, total, picks.hunks, picks.lines)
                self._headline.say(said, "strong")
                right = _amount_ticked(picks, whole)
            else:
                self._headline.say(_headline(self._wish, shown), "strong")
                right = tally(shown.plan)
            self._plan.set_caption("Changes", right)
        self._tell_keys()

    def _show_operation(self, operation: Operation) -> None:
        self._shown = operation
        self._headline.say(operation_headline(operation, self._wish.undo), "strong")
        self._plan.show_plan((), ())
        self._diff.say("no file is concerned")
        stays = "The disk stays as it is."
        if self._refused:
            self._tell_refused("", self._recovered, stays)
        else:
            self._promise.say(f"{self._recovered} {stays}".lstrip(), "dim")
        self._share_height()
        self._tell_keys()
        self._begin_rest()

    def _promise_safety(self, kept: str) -> None:
        asked = _to_decide(self._plan.unticked)
        parts = [part for part in (kept, self._recovered, asked, self._safety) if part]
        self._promise.say(" ".join(parts), "warning" if parts[1:] else "dim")

    @property
    def _safety(self) -> str:
        if _is_nothing(self._shown):
            return _NOTHING
        return f"{self._plan.state} {_safety_of(self._wish)}".lstrip()

    def _share_height(self) -> None:
        room = max(4, self.size.height // 3)
        lines = min(room, max(1, self._plan.count))
        self.query_one("#preview-plan-pane").styles.height = lines + 1

    def _tell_keys(self) -> None:
        if self._result is not None:
            self._keys.keys([(key_of("preview.cancel"), "close")])
            return
        if self._busy:
            self._keys.say("applying: the disk is being changed", "warning")
            return
        if self._shown is None:
            self._keys.keys([(key_of("preview.cancel"), "cancel")])
            return
        self._keys.keys(_hints(self._plan, self._wish, self._shown, self._diff.has_focus))

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """A row of the list shows its file."""
        message.stop()
        if message.pane == self._plan.id:
            self._follow()

    def _follow(self) -> None:
        change = self._plan.rows[self._plan.cursor].change if self._plan.rows else None
        if change is not None:
            self._diff.go_to_file(change)

    def on_row_opened(self, message: RowOpened) -> None:
        """Into the diff of the row's file."""
        message.stop()
        self._diff.focus(scroll_visible=False)

    def on_back_asked(self, message: BackAsked) -> None:
        """From the diff back to the list; from there nowhere."""
        message.stop()
        self._plan.focus(scroll_visible=False)

    def on_refused(self, message: Refused) -> None:
        """Says why a key did nothing."""
        message.stop()
        self._promise.say(f"{message.reason}. {self._safety}", "warning")

    def on_context_asked(self, message: ContextAsked) -> None:
        """Its lines are those that would change, all of them."""
        message.stop()
        self._promise.say(f"A preview shows what would change as it is. {self._safety}", "dim")

    def action_switch(self) -> None:
        """Between list and diff."""
        other = self._diff if self._plan.has_focus else self._plan
        other.focus(scroll_visible=False)

    @property
    def _may_tick(self) -> bool:
        return self._shown is not None and not self._busy and not self._is_over

    @property
    def _is_over(self) -> bool:
        return self._result is not None

    def on_descendant_focus(self) -> None:
        """List and diff have keys of their own."""
        self._tell_keys()

    def action_apply(self) -> None:
        """Carries out what is shown."""
        if self._shown is None or not self._may_tick:
            return
        if self._too_soon():
            self._tell_too_soon()
        elif self._plan.unticked:
            self._plan.to_open()
            self._plan.focus(scroll_visible=False)
            self._promise.say(_unready(self._plan), "warning")
        elif self._plan.partial and not self._plan.picks.any:
            self._promise.say(_nothing_ticked(), "warning")
        elif _is_nothing(self._shown):
            self._promise.say(_NOTHING, "warning")
        else:
            self._carry_out(self._shown)

    def _carry_out(self, shown: PlannedChanges | Operation) -> None:
        self._busy = self._diff.held = True
        self._tell_keys()
        force = bool(self._plan.ticked)
        wish, generation = self._wish, self._generation
        if self._plan.partial and isinstance(shown, PlannedChanges) and isinstance(wish, Rollback):
            picks = self._plan.picks
            part = ChosenPart(picks.paths(), picks.hunk_names(), force)
            self._gateway.apply_part(self.post_message, generation, wish, shown, part)
        else:
            self._gateway.apply_plan(self.post_message, generation, wish, shown, force)

    def on_plan_applied(self, message: PlanApplied) -> None:
        """Leaves with what was done; stays to show paths that could not be restored."""
        self._busy = False
        done = message.done
        missed = done.not_restored if isinstance(done, Applied) else ()
        left = isinstance(done, Applied) and done.applied and done.plan.leaves_conflicts
        result = Outcome(outcome(done, self._wish.undo), not missed, left)
        if not missed:
            self.dismiss(result)
            return
        self._result = result
        self._headline.say(result.text, "warning")
        self._plan.show_plan(kept_rows(missed), ())
        self._plan.set_caption("Not restored", plural(len(missed), "path"))
        self._diff.say("everything else is as it was shown")
        self._promise.say("What is not restored is on your disk as it was.", "dim")
        self._share_height()
        self._tell_keys()

    @property
    def help_scopes(self) -> Sequence[Scope]:
        """Those of list or diff, too."""
        return ("preview", "diff", "list") if self._diff.has_focus else ("preview", "list")

    def action_help(self) -> None:
        """Lists the keys; not while the disk is being changed: its end leaves this screen."""
        if not self._busy:
            super().action_help()

    def action_cancel(self) -> None:
        """Leaves; while the disk is being changed, waits."""
        if not self._busy:
            self.dismiss(self._result)


def _headline(wish: Wish, shown: PlannedChanges) -> str:
    if isinstance(wish, Settle):
        return settle_headline(shown.plan, wish.side)
    if isinstance(wish, Asked) and wish.heading:
        return wish.heading if shown.plan.items else f"{wish.heading}: it is like that already"
    return headline(shown)


def _amount_ticked(picks: Picks, whole: int) -> str:
    parts = picks.files - whole
    ticked = f"{whole:,} of {plural(picks.total, 'file')} ticked"
    return f"{ticked}, {parts:,} in part" if parts else ticked


def _hints(
    plan: PlanList, wish: Wish, shown: PlannedChanges | Operation | None, in_diff: bool
) -> list[tuple[str, str]]:
    """Which keys do something now; the last one always stays in sight."""
    missing = len(plan.unticked)
    tick, apply = key_of("preview.tick"), key_of("preview.apply")
    left_there = f"list ({missing} left)" if missing and in_diff else "list/diff"
    switch = (key_of("preview.switch"), left_there)
    keys: list[tuple[str, str]] = []
    if missing:
        # In the diff the key that ticks is about hunks: the rows are in the list.
        keys.append(switch if in_diff else (tick, f"tick ({missing} left)"))
        keys += [(key_of("preview.tick_all"), "tick all")] if plan.can_tick_all else []
    elif not plan.partial:
        keys += [] if _is_nothing(shown) else [(apply, "apply")]
    elif plan.picks.any:
        keys.append((apply, "apply ticked"))
    if isinstance(wish, Rollback):
        other = wish.other_side()
        ticks = [(tick, "hunk"), (key_of("preview.tick_line"), "line")]
        ticks = ticks if in_diff else [] if missing else [(tick, "tick")]
        keys += ticks if plan.rows else []
        keys += [(key_of("preview.flip"), f"{other.side} instead")] if other is not None else []
        keys.append((key_of("preview.reach"), "all since" if wish.only else "only this step"))
    keys += [] if switch in keys else [switch]
    return [*keys, (key_of("preview.help"), "keys"), (key_of("preview.cancel"), "cancel")]


def _safety_of(wish: Wish) -> str:
    if isinstance(wish, Settle) or (isinstance(wish, Asked) and wish.heading):
        return f"{_SAFETY} The merge stays under way."
    return f"{_SAFETY} {does_it_again() if wish.undo else takes_it_back()}."


def _nothing_ticked() -> str:
    tick, all_of_them = key_of("preview.tick"), key_of("preview.tick_all")
    return f"Nothing is ticked: {tick} ticks a row, {all_of_them} all of them."


def _is_nothing(shown: PlannedChanges | Operation | None) -> bool:
    """Tells whether a plan would neither change a file nor move a branch."""
    if not isinstance(shown, PlannedChanges) or shown.plan.items:
        return False
    plan = shown.plan
    if plan.kind == "rollback" and not plan.partial:
        onto = (plan.target.id,) if plan.side == "after" else plan.target.parents[:1]
        return onto == (plan.head.id,)
    return plan.partial and not plan.is_whole_merge


def _count_conflicts(rows: Sequence[PlanRow]) -> int:
    return sum(row.kind == "conflict" for row in rows)


def _to_decide(rows: Sequence[PlanRow]) -> str:
    """What the marked rows are about; empty: there are none."""
    conflicts = _count_conflicts(rows)
    if conflicts == len(rows):
        return "What is marked ? cannot be applied: leave it out." if rows else ""
    first = "A conflict cannot be applied: leave it out. What else" if conflicts else "What"
    return f"{first} is marked ? would go, too: tick it to agree."


def _unready(plan: PlanList) -> str:
    """Why `y` does nothing yet."""
    rows, tick, every = plan.unticked, key_of("preview.tick"), key_of("preview.tick_all")
    is_one = len(rows) == 1
    how = f"{tick}, or {every} for all" if plan.can_tick_all and not is_one else tick
    conflicts = _count_conflicts(rows)
    losses = len(rows) - conflicts
    said = []
    if conflicts:
        which = "this row" if is_one else plural(conflicts, "conflict")
        said.append(f"Leave {which} out first ({how}): a conflict cannot be applied.")
    if losses:
        which = "this row" if is_one else plural(losses, "row")
        said.append(f"Tick {which} first ({how}): {LOSS}.")
    return " ".join(said)
