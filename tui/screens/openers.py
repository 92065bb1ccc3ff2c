"""What opens above the main screen. Each screen is imported when it opens, not before.

Nothing here changes anything: what leads to a change is a preview or a form with a key of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.screen import Screen

from stepwell.tui.feed.highlight import Highlighter
from stepwell.tui.feed.wishes import Redo, Rollback, Undo, Wish
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.actions import Scope
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.messages import SessionsOffered
from stepwell.tui.model.diffchoices import DiffChoices
from stepwell.tui.values import Clock, Step, printable
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from stepwell.tui.screens.branches import BranchChoice
    from stepwell.tui.screens.experiments import ReviewChoice
    from stepwell.tui.screens.marking import Mended
    from stepwell.tui.screens.operations import OperationChoice
    from stepwell.tui.screens.preview import Outcome
    from stepwell.tui.screens.verdicts import VerdictChoice


class Openers(Screen[None]):
    """The actions of the main screen that open another one; `MainScreen` is the only subclass."""

    timeline: Timeline
    footer: Footer

    def __init__(
        self, gateway: Gateway, clock: Clock, glyphs: Glyphs, highlighter: Highlighter
    ) -> None:
        super().__init__()
        self._gateway = gateway
        self._clock = clock
        self._glyphs = glyphs
        self._highlighter = highlighter
        self._to_head = False
        self.choices = DiffChoices()
        """How diffs are shown."""
        self._drafts: dict[str, str] = {}

    def say(self, sentence: str, role: str = "warning") -> None:
        """Shows a sentence in the footer until the next key."""
        self.footer.say(printable(sentence), role)

    def complain(self, complaints: Sequence[str]) -> None:
        """Says what of the settings was left out: the first of it, and how to hear the rest."""
        more = f" (and {len(complaints) - 1} more: stepwell keys)" if len(complaints) > 1 else ""
        self.call_after_refresh(self.say, f"settings: {complaints[0]}{more}")

    def compare_disk(self) -> None:
        """Has the disk compared with the head."""
        raise NotImplementedError

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Whose keys work where the focus is, nearest first."""
        raise NotImplementedError

    def selected_step(self, what: str) -> Step | None:
        """Returns the selected step; says why when there is none."""
        step = self.timeline.selected
        if self.timeline.cursor == 0:
            self.say(f"this is the disk as it is now: select a step to {what}")
        elif step is None:
            self.say("this step is still being read")
        return step

    def on_sessions_offered(self, message: SessionsOffered) -> None:
        """Asks whether to import them, unless something else is open: then another time."""
        if self.app.screen is self:
            from stepwell.tui.screens.offering import OfferForm

            form = OfferForm(self._gateway, self._glyphs, message.offers, message.found)
            self.app.push_screen(form, self._named)

    def action_help(self) -> None:
        """Lists the keys of the pane in focus; enter runs one."""
        from stepwell.tui.screens.help import show_help

        show_help(self, self.scopes, self._glyphs)

    def action_restore(self) -> None:
        """Previews going back to the selected step."""
        step = self.selected_step("go back to")
        if step is not None:
            self.preview(Rollback(step))

    def action_undo(self) -> None:
        """Previews taking back the newest change."""
        self.preview(Undo())

    def action_redo(self) -> None:
        """Previews doing again what was undone."""
        self.preview(Redo())

    def preview(self, wish: Wish) -> None:
        """Shows what a wish would do; its own key does it."""
        from stepwell.tui.screens.preview import RestorePreview

        # Whatever is hidden elsewhere, a preview hides nothing.
        choices = replace(self.choices, ignore_space=False)
        preview = RestorePreview(
            self._gateway, wish, self._clock, self._glyphs, self._highlighter, choices
        )
        self.app.push_screen(preview, self._changed)

    def _changed(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        self.say(outcome.text, "ok" if outcome.complete else "warning")
        self._to_head = True
        self._gateway.poll()
        self.compare_disk()
        if outcome.conflicts:
            self.action_merging()

    def action_merging(self) -> None:
        """Shows the conflicts of the merge under way."""
        from stepwell.tui.screens.conflicts import ConflictsScreen

        screen = ConflictsScreen(self._gateway, self._clock, self._glyphs, self._highlighter)
        self.app.push_screen(screen, self._changed)

    def action_operations(self) -> None:
        """Lists what was done to the store."""
        from stepwell.tui.screens.operations import OperationsScreen

        screen = OperationsScreen(self._gateway, self._clock, self._glyphs)
        self.app.push_screen(screen, self._chosen_operation)

    def _chosen_operation(self, choice: OperationChoice | None) -> None:
        if choice is None:
            return
        if choice.undo is not None:
            self.preview(Undo(choice.undo))
        elif choice.show is not None:
            self.timeline.go_to(choice.show)

    def action_branches(self) -> None:
        """Lists the branches."""
        from stepwell.tui.screens.branches import BranchesScreen

        screen = BranchesScreen(self._gateway, self._clock, self._glyphs, self.timeline.selected)
        self.app.push_screen(screen, self._chosen_branch)

    def _chosen_branch(self, choice: BranchChoice | None) -> None:
        if choice is None:
            return
        if choice.wish is not None:
            self.preview(choice.wish)
        elif choice.show is not None:
            self.timeline.go_to(choice.show)

    def action_experiments(self) -> None:
        """Shows the candidates of experiments beside each other."""
        from stepwell.tui.screens.experiments import ExperimentsScreen

        screen = ExperimentsScreen(self._gateway, self._clock, self._glyphs, self._highlighter)
        self.app.push_screen(screen, self._chosen_candidate)

    def _chosen_candidate(self, choice: ReviewChoice | None) -> None:
        self._gateway.poll()
        if choice is not None and choice.show is not None:
            self.timeline.go_to(choice.show)
        elif choice is not None:
            self._changed(choice.outcome)

    def action_verdicts(self) -> None:
        """Lists what rules found."""
        from stepwell.tui.screens.verdicts import VerdictsScreen

        screen = VerdictsScreen(self._gateway, self._clock, self._glyphs)
        self.app.push_screen(screen, self._chosen_verdict)

    def _chosen_verdict(self, choice: VerdictChoice | None) -> None:
        if choice is None:
            return
        if choice.wish is not None:
            self.preview(choice.wish)
        elif choice.show:
            self.timeline.go_to(choice.show)

    def action_branch_here(self) -> None:
        """Asks for the name of a branch that begins at the selected step."""
        from stepwell.tui.screens.branches import name_form

        step = self.selected_step("branch from")
        if step is not None:
            self.app.push_screen(name_form(self._gateway, self._glyphs, step), self._named)

    def _named(self, sentence: str | None) -> None:
        if sentence is not None:
            self.say(sentence, "ok")
            self._gateway.poll()

    def action_annotate(self) -> None:
        """Asks for a note on the selected step."""
        step = self.selected_step("write a note on")
        if step is not None:
            self.annotate_at(step, None, None)

    def annotate_at(self, step: Step, path: bytes | None, line: int | None) -> None:
        """Asks for a note on a step, or on a line of one of its files."""
        from stepwell.tui.screens.marking import NoteForm

        form = NoteForm(self._gateway, self._glyphs, step, (path, line), self._drafts)
        self.app.push_screen(form, self._mended)

    def action_tag(self) -> None:
        """Asks for the tags of the selected step."""
        from stepwell.tui.screens.marking import TagForm

        step = self.selected_step("tag")
        if step is not None:
            self.app.push_screen(TagForm(self._gateway, self._glyphs, step), self._mended)

    def _mended(self, mended: Mended | None) -> None:
        if mended is not None:
            self.say(mended.sentence, "ok")
            self.timeline.take_mended(mended.step)
            self._gateway.poll()
