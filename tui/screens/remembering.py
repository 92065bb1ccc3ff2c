"""What outlives the screen: marks on steps, how a person likes it, and where they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from stepwell.tui.feed.memory import Memory
from stepwell.tui.keys.actions import key_of
from stepwell.tui.look.themes import THEMES
from stepwell.tui.model.folds import Level
from stepwell.tui.model.remembered import SHARES, Place, Taste
from stepwell.tui.screens.panes import PaneName
from stepwell.tui.screens.walking import Walking
from stepwell.tui.values import Step

_SHARE_STEP = 4


class Remembering(Walking):
    """The main screen's part of that; `MainScreen` is the only class that is made."""

    _place = Place()
    _letters: dict[str, int]
    _liked: str | None = None
    """The theme that was remembered."""

    def recall(self, memory: Memory, keep_line: Callable[[str], object]) -> None:
        """Takes what was remembered, before anything is shown, and what keeps a line that is run."""
        taste, self._place = memory
        choices, self._liked = self.choices, taste.theme
        choices.split = taste.split  # type: ignore[assignment]
        choices.wrap, choices.ignore_space = taste.wrap, taste.ignore_space
        choices.context = taste.context
        self.timeline.show_times(taste.absolute)
        self.files.as_tree = taste.tree
        self._panes.share = taste.share
        self._letters = dict(self._place.marks)
        self.timeline.show_letters(self._letters)
        self._commands, self._keep_line = tuple(self._place.commands), keep_line

    def recall_place(self) -> None:
        """Goes back to where the person was, once the whole history is there."""
        place, self._place = self._place, Place()
        if place.folds:
            self.timeline.fold_to(cast(Level, place.folds))
        if place.seq is not None and self.timeline.cursor <= 1 and self.timeline.knows(place.seq):
            self.timeline.go_to(place.seq)
            self.say(f"back at #{place.seq}: {key_of('timeline.now')} goes to where you are", "dim")
        if place.pane != "timeline" and self._panes.current == "timeline":
            self._panes.go(cast(PaneName, place.pane))

    def memory(self) -> Memory:
        """Returns what is to be remembered; the lines of the command line are kept as they are run."""
        choices, timeline = self.choices, self.timeline
        chosen = self.app.theme if self.app.theme in THEMES else None
        theme = self._liked if self.app.no_color else chosen
        taste = Taste(
            theme, choices.split, choices.wrap, choices.ignore_space, choices.context,
            timeline.absolute, self.files.as_tree, self._panes.share,
        )  # fmt: skip
        seq = timeline.selected_seq if timeline.cursor > 1 else None
        place = Place(seq, self._panes.current, timeline.fold_level, dict(self._letters))
        return Memory(taste, place)

    def action_set_mark(self) -> None:
        """Asks for the letter that leads to the selected step from now on."""
        step = self.selected_step("mark")
        if step is not None:
            self._ask_letter(f"a letter marks #{step.seq}", lambda letter: self._mark(letter, step))

    def _mark(self, letter: str, step: Step) -> None:
        self._letters[letter] = step.seq
        self.timeline.show_letters(self._letters)
        self.say(f"{key_of('timeline.go_mark')} {letter} leads to #{step.seq}", "ok")

    def action_go_mark(self) -> None:
        """Asks to which marked step to go."""
        if self._letters:
            self._ask_letter("a letter goes to its step", self._go_to_mark)
        else:
            self.say(f"no step is marked: {key_of('timeline.set_mark')} and a letter mark one")

    def _ask_letter(self, question: str, then: Callable[[str], None]) -> None:
        """Has the next key decide; the marks there are stand behind the question."""

        def decided(key: str) -> None:
            self.footer.hush()
            if len(key) == 1 and key.isalnum() and key.isascii():
                then(key)

        known = "   ".join(f"{one} #{seq}" for one, seq in sorted(self._letters.items()))
        self.say(f"{question}   {known}".rstrip(), "accent")
        self.timeline.next_key = decided

    def _go_to_mark(self, letter: str) -> None:
        seq = self._letters.get(letter)
        if seq is None:
            self.say(f"no step is marked {letter}")
        elif not self.timeline.knows(seq):
            self.say(f"#{seq}, which {letter} leads to, is not there any more")
        else:
            self.timeline.go_to(seq)

    def action_theme(self) -> None:
        """The next theme."""
        if self.app.no_color:
            self.say("NO_COLOR is set: there are no colours to choose")
            return
        names = list(THEMES)
        at = names.index(self.app.theme) if self.app.theme in names else -1
        self.app.theme = names[(at + 1) % len(names)]
        self.say(f"theme: {THEMES[self.app.theme]}", "dim")

    def action_share(self, way: int) -> None:
        """A larger (1) or smaller (-1) part of the screen for the timeline."""
        share = self._panes.share or self._panes.usual_share
        self._panes.share = min(max(share + _SHARE_STEP * way, SHARES[0]), SHARES[-1])
        self._panes.share_room()
