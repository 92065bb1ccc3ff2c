"""How a preview comes to its plans, and what is kept of one for the one that takes its place."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

from stepwell.tui.feed.wishes import Rollback, Wish
from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.actions import key_of
from stepwell.tui.look.fit import cells
from stepwell.tui.messages import Failed, PlanFailed
from stepwell.tui.model.picks import Picks
from stepwell.tui.model.remedies import told
from stepwell.tui.screens.above import Above
from stepwell.tui.screens.resting import Rest
from stepwell.tui.values import Clock, Operation, PlannedChanges, StepwellError, plural
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.planlist import PlanList
from stepwell.tui.widgets.sentence import Sentence

_LONGEST_WORD = 48
"""Cells of a path in a refusal: beside it there is to be room for what became of the choice."""


class Choice(NamedTuple):
    """What was chosen of a plan of which something was left out."""

    wish: Rollback
    picks: Picks
    left: set[bytes]
    """Paths of conflicts that were left out."""

    def left_out(self) -> set[bytes]:
        """Returns the paths of files of which nothing is chosen, although the wish is for them."""
        picks = self.picks
        asked = Picks(picks.changes, everything=True)
        if self.wish.wanted:
            choose_wanted(asked, self.wish)
        found: set[bytes] = set()
        for at, change in enumerate(picks.changes):
            if picks.state(at) == "none" and asked.state(at) != "none":
                found |= {path for path in (change.path, change.old_path) if path is not None}
        return found

    @property
    def in_part(self) -> bool:
        """Of some file a part is chosen."""
        return any(self.picks.state(at) == "some" for at in range(len(self.picks.changes)))


def choose_wanted(picks: Picks, wish: Rollback) -> bool:
    """Chooses what a wish names beforehand; tells whether anything of it is there."""
    return picks.choose(wish.wanted, "before" if wish.only else wish.side)


class Planning(Above):
    """The part of a preview that has plans made.

    Nothing is ticked again unasked by a new one, and no key that was meant for the plan before
    carries it out.
    """

    _gateway: Gateway
    _clock: Clock
    _wish: Wish
    _headline: Sentence
    _plan: PlanList
    _diff: DiffView
    _promise: Sentence
    _generation = 0
    _shown: PlannedChanges | Operation | None = None
    _busy = False
    _refused = ""
    """Why the plan before was not carried out, if that is why this one was made."""
    _anew = ""
    """What was said of that."""
    _choice: Choice | None = None
    """Of the last plan that was shown, whatever became of those asked for since."""
    _rest: Rest | None = None
    """What has to pass before a plan that nobody asked for can be agreed to."""

    @property
    @abstractmethod
    def _is_over(self) -> bool:
        """Something was applied."""

    @abstractmethod
    def _tell_keys(self) -> None:
        """Shows which keys do something now."""

    def _ask(self, refused: str = "") -> None:
        """Plans anew; `refused` is why the plan shown was not carried out, if that is so."""
        self._generation += 1
        self._refused, self._anew = refused, ""
        self._shown = None
        if refused or self._rest is not None:
            self._rest = Rest(self._clock)
        self._headline.say("comparing the disk", "dim")
        self._plan.set_caption("Changes", "")
        self._diff.say("")
        self._tell_keys()
        self._gateway.make_plan(self.post_message, self._generation, self._wish)

    def _ask_for(self, wish: Wish) -> None:
        self._note_choice()
        self._wish = wish
        self._ask()

    def _note_choice(self) -> None:
        """Notes what is chosen of the plan that is shown, if one is."""
        if isinstance(self._shown, PlannedChanges) and isinstance(self._wish, Rollback):
            is_part = self._plan.partial or self._wish.wanted
            chosen = Choice(self._wish, self._plan.picks, self._plan.left)
            self._choice = chosen if is_part else None

    def on_plan_failed(self, message: PlanFailed) -> None:
        """Says what was refused, and plans anew when the shown plan is void."""
        if message.generation == self._generation:
            self._refuse(message.error)

    def on_failed(self, message: Failed) -> None:
        """The store could not even be asked."""
        message.stop()
        self._refuse(message.error)

    def _refuse(self, error: StepwellError) -> None:
        was_busy, self._busy = self._busy, False
        self._diff.held = False
        self._note_choice()
        sentence = told(error)
        if was_busy:
            self._ask(sentence)
            self._promise.say(sentence, "failed")
            return
        self._shown = None
        self._headline.say(sentence, "failed")
        self._plan.show_plan((), ())
        self._tell_keys()

    def action_reach(self) -> None:
        """Plans for the step's own change only, or again for everything since."""
        if isinstance(self._wish, Rollback) and not self._busy and not self._is_over:
            self._ask_for(self._wish.other_reach())

    def action_flip(self) -> None:
        """Plans for the other side of the step."""
        other = self._wish.other_side()
        if other is not None and not self._busy and not self._is_over:
            self._ask_for(other)

    def _carry_over(self) -> str:
        """Leaves out what was left out of the plan before; returns what is to be said of it.

        For the same wish everything is chosen as it was, and nothing else; for another one files
        that were left out are.
        """
        choice, wish = self._choice, self._wish
        if choice is None or not isinstance(wish, Rollback):
            return ""
        if choice.wish != wish:
            count = self._plan.leave_out(choice.left_out(), choice.left)
            again = " Of other files everything is ticked." if choice.in_part else ""
            return f"Files that you left out stay left out.{again}" if count else ""
        whole = {one.path for one in wish.wanted if one.hunks is None}
        lost = self._plan.take_over(choice.picks, choice.left, whole)
        kept = "ticks are kept: what you left out, and what is new, stays as it is."
        if not lost:
            return f"Your {kept}"
        left = f"{plural(lost, 'ticked file')} changed and {'is' if lost == 1 else 'are'} left out."
        return f"{left} Your other {kept}"

    @property
    def _is_chosen_anew(self) -> bool:
        """What is chosen is what was chosen of the plan before, for the same wish."""
        return self._choice is not None and self._choice.wish == self._wish

    def _begin_rest(self) -> None:
        """A plan is shown: once it is drawn, it can be read."""
        if self._rest is not None:
            self.call_after_refresh(self._rest.begin)

    def _tell_refused(self, kept: str, *behind: str) -> None:
        """Says why another plan is shown: first what became of the choice, in sight."""
        why = _short(self._refused)
        why = f"{why[0].upper()}{why[1:]}" if kept else why
        stop = "" if why.endswith(".") else "."
        self._anew = " ".join(part for part in (kept, f"{why}{stop}", *behind) if part)
        self._promise.say(self._anew, "failed")

    def _too_soon(self) -> bool:
        """Tells whether a key comes before a plan that nobody asked for could be read; counts it."""
        if self._rest is not None and self._rest.over:
            self._rest = None
        if self._rest is not None:
            self._rest.put_off()
        return self._rest is not None

    def _tell_too_soon(self) -> None:
        first = f"That came too soon: read, then press {key_of('preview.apply')} again."
        self._promise.say(f"{first} {self._anew}".rstrip(), "failed")

    def on_key(self) -> None:
        """Someone types something else."""
        self._too_soon()


def _short(sentence: str) -> str:
    """Cuts the middle of long words: of a path its beginning and its end stay."""
    return " ".join(_middle_cut(word) for word in sentence.split(" "))


def _middle_cut(word: str) -> str:
    if cells(word) <= _LONGEST_WORD:
        return word
    half = _LONGEST_WORD // 2 - 1
    return f"{_front(word, half)}…{_front(word[::-1], half)[::-1]}"


def _front(text: str, width: int) -> str:
    end = min(len(text), width)
    while cells(text[:end]) > width:
        end -= 1
    return text[:end]
