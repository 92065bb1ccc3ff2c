"""All messages: facts that go up from widgets and workers. Calls go down, siblings never meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from stepwell.tui.feed.commands import Ending
    from stepwell.tui.model.colours import ColourSpans
    from stepwell.tui.model.diffrows import DiffRows
    from stepwell.tui.model.fuzzy import Fit
    from stepwell.tui.model.lanes import LaneMap
    from stepwell.tui.model.layout import Layout
    from stepwell.tui.model.review import Review, Tried
    from stepwell.tui.model.rows import Tips
    from stepwell.tui.model.sessionlines import SessionLine
    from stepwell.tui.model.sides import Sides
    from stepwell.tui.model.verdictlines import VerdictLine
    from stepwell.tui.source import Offers
    from stepwell.tui.values import (
        Applied,
        BranchRow,
        Change,
        Grown,
        Hit,
        MergeStatus,
        Oid,
        Operation,
        OperationRow,
        PlannedChanges,
        Recovery,
        Room,
        Stats,
        Step,
        StepwellError,
        TierReport,
        Timing,
    )


Purpose = Literal["filter", "find", "texts"]
"""What is searched for: steps to be listed alone, steps to go to, places in all texts."""


class CursorMoved(Message):
    """A list's cursor is on another row; a later one replaces it in the queue."""

    def __init__(self, pane: str, index: int) -> None:
        super().__init__()
        self.pane = pane
        """The list's DOM id."""
        self.index = index

    def can_replace(self, message: Message) -> bool:
        """Only the newest position of a list counts."""
        return isinstance(message, CursorMoved) and message.pane == self.pane


class RowOpened(Message):
    """A person wants to go into a row (enter, `l`, a second click)."""

    def __init__(self, pane: str, index: int) -> None:
        super().__init__()
        self.pane = pane
        self.index = index


class BackAsked(Message):
    """A person wants one step back out of a list (`h`, esc)."""

    def __init__(self, pane: str) -> None:
        super().__init__()
        self.pane = pane


class CaptionChanged(Message):
    """A list's title, its right-hand text or its focus changed; its pane redraws the title line."""


class PicksChanged(Message):
    """A person chose other files or hunks."""


class RangeChanged(Message):
    """The range of rows that is selected in a list is another one, or there is none any more."""

    def __init__(self, pane: str) -> None:
        super().__init__()
        self.pane = pane

    def can_replace(self, message: Message) -> bool:
        """Only the newest range of a list counts."""
        return isinstance(message, RangeChanged) and message.pane == self.pane


class Counted(Message):
    """A number is typed before a key; empty: not any more."""

    def __init__(self, typed: str) -> None:
        super().__init__()
        self.typed = typed


class Refused(Message):
    """A key that can do nothing now was pressed; the footer says why."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class PagesWanted(Message):
    """Rows came into view whose steps are not loaded; only the newest wish counts."""

    def __init__(self, pages: tuple[int, ...]) -> None:
        super().__init__()
        self.pages = pages

    def can_replace(self, message: Message) -> bool:
        """What was in view before is of no interest."""
        return isinstance(message, PagesWanted)


class StepsWanted(Message):
    """Listed rows came into view whose steps, far apart, are not loaded; the newest wish counts."""

    def __init__(self, seqs: tuple[int, ...]) -> None:
        super().__init__()
        self.seqs = seqs

    def can_replace(self, message: Message) -> bool:
        """What was in view before is of no interest."""
        return isinstance(message, StepsWanted)


class PromptChanged(Message):
    """Something else stands in the line at the bottom."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class PromptClosed(Message):
    """The line at the bottom was left: what it says is to be kept, or not."""

    def __init__(self, text: str, keep: bool) -> None:
        super().__init__()
        self.text = text
        self.keep = keep


class TimelineLoaded(Message):
    """The shape of the history, its branches' tips and its newest steps, read together."""

    def __init__(self, lanes: LaneMap, tips: Tips, newest: Sequence[Step], alarm: str = "") -> None:
        """`alarm`: what rules found too bad; empty: nothing."""
        super().__init__()
        self.lanes = lanes
        self.tips = tips
        self.newest = newest


class PageLoaded(Message):
    """The steps of one page of the history."""

    def __init__(self, page: int, steps: Sequence[Step]) -> None:
        super().__init__()
        self.page = page
        self.steps = steps


class StepsLoaded(Message):
    """Single steps that were wanted."""

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__()
        self.steps = steps


class StepsFound(Message):
    """Steps that a filter or a search let through, newest first; further ones follow."""

    def __init__(
        self,
        purpose: Purpose,
        generation: int,
        seqs: Sequence[int],
        steps: Sequence[Step],
        looked: int,
        last: bool,
    ) -> None:
        super().__init__()
        self.purpose = purpose
        self.generation = generation
        self.seqs = seqs
        self.steps = steps
        """The newest of them as they are, so that they need not be read again."""
        self.looked = looked
        """How many steps were looked at so far."""
        self.last = last


class LinesFound(Message):
    """Rows of a diff that hold a searched text, ascending; further ones follow."""

    def __init__(self, generation: int, rows: Sequence[int], last: bool) -> None:
        super().__init__()
        self.generation = generation
        self.rows = rows
        self.last = last


class TextsFound(Message):
    """Places where all texts hold the words of a query, newest step first; further ones follow."""

    def __init__(
        self,
        generation: int,
        hits: Sequence[Hit],
        doing: str,
        last: bool,
        error: StepwellError | None = None,
    ) -> None:
        super().__init__()
        self.generation = generation
        self.hits = hits
        self.doing = doing
        """What the search is at."""
        self.last = last
        self.error = error
        """Why it ended, where it did not come to its end."""


class CommandSaid(Message):
    """Lines that a command said, harmless and as wide as the pane, each with its role."""

    def __init__(self, generation: int, lines: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.generation = generation
        self.lines = lines


class CommandAt(Message):
    """How far a command is, in harmless words; only the newest counts."""

    def __init__(self, generation: int, text: str) -> None:
        super().__init__()
        self.generation = generation
        self.text = text

    def can_replace(self, message: Message) -> bool:
        """What it was at before is of no interest."""
        return isinstance(message, CommandAt)


class CommandTold(Message):
    """A command came to its end, or to where a person has to decide."""

    def __init__(self, generation: int, ending: Ending) -> None:
        super().__init__()
        self.generation = generation
        self.ending = ending


class NamesLoaded(Message):
    """Names that a command line may be completed with."""

    def __init__(self, offers: Callable[[Sequence[str]], Sequence[str]]) -> None:
        super().__init__()
        self.offers = offers
        """Tells what may follow words."""


class StepNamed(Message):
    """The step that a reference names."""

    def __init__(self, generation: int, step: Step) -> None:
        super().__init__()
        self.generation = generation
        self.step = step


class SessionsLoaded(Message):
    """The sessions, the newest first."""

    def __init__(self, rows: Sequence[SessionLine]) -> None:
        super().__init__()
        self.rows = rows


class StatsLoaded(Message):
    """Counts and sizes of the store, its tiers, what room is left, how it grew, how quick it is."""

    def __init__(
        self,
        stats: Stats,
        tiers: TierReport,
        room: Room,
        growth: Sequence[Grown],
        timings: Sequence[Timing],
    ) -> None:
        super().__init__()
        self.stats = stats
        self.tiers = tiers
        self.room = room
        self.growth = growth
        self.timings = timings


class NewestLoaded(Message):
    """The newest steps of a branch (by the number of its newest step) or of a session (by its name)."""

    def __init__(self, of: int | str, steps: Sequence[Step]) -> None:
        super().__init__()
        self.of = of
        self.steps = steps


class StateFound(Message):
    """The step that has another state of a file; None: there is none that way."""

    def __init__(self, path: bytes, way: int, seq: int | None, left: int) -> None:
        super().__init__()
        self.path = path
        self.way = way
        """1: newer, -1: older, 0: as it was at the selected step."""
        self.seq = seq
        self.left = left
        """The step that was selected when it was asked for; 0: the disk."""


class BothRead(Message):
    """What a file was before and after a change; None: it was not there."""

    def __init__(self, path: bytes, old: bytes | None, new: bytes | None) -> None:
        super().__init__()
        self.path = path
        self.old = old
        self.new = new


class PathsLoaded(Message):
    """Every path that a step changed, ascending."""

    def __init__(self, paths: Sequence[bytes]) -> None:
        super().__init__()
        self.paths = paths


class PathsFit(Message):
    """Which of the paths hold the letters of a query, the best first."""

    def __init__(self, generation: int, fits: Sequence[Fit]) -> None:
        super().__init__()
        self.generation = generation
        self.fits = fits


class RoomLooked(Message):
    """What room is left to the store."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.room = room


class DiskCompared(Message):
    """How the disk differs from the head."""

    def __init__(
        self,
        head: int,
        dirty: tuple[Change, ...],
        pending: str | None,
        merging: MergeStatus | None = None,
    ) -> None:
        super().__init__()
        self.head = head
        """The number of the step that was the head then."""
        self.merging = merging
        """The merge under way, or None."""
        self.dirty = dirty
        self.pending = pending
        """The kind of change of the workspace that was interrupted, or None."""


class OperationsLoaded(Message):
    """The newest operations of the store, newest first."""

    def __init__(self, rows: Sequence[OperationRow]) -> None:
        super().__init__()
        self.rows = rows


class VerdictsLoaded(Message):
    """What rules found, the newest first."""

    def __init__(self, rows: Sequence[VerdictLine]) -> None:
        super().__init__()
        self.rows = rows


class Failed(Message):
    """A call could not be done; the store is as it was."""

    def __init__(self, what: str, error: StepwellError) -> None:
        super().__init__()
        self.what = what
        self.error = error


class Broke(Message):
    """A call raised what no caller expects: a defect, to be shown with its traceback."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class ChangeDone(Message):
    """A change of the store without files (a mark, a branch) was made."""

    def __init__(self, sentence: str, step: Step | None = None) -> None:
        super().__init__()
        self.sentence = sentence
        """What was done and how to take it back; may hold any text."""
        self.step = step
        """The step as it is now, when it was marked."""


class ChangeRefused(Message):
    """A change was not made; the store is as it was."""

    def __init__(self, error: StepwellError) -> None:
        super().__init__()
        self.error = error


class BranchesLoaded(Message):
    """The branches, kept ones last, each with its newest step."""

    def __init__(self, rows: Sequence[tuple[BranchRow, Step]]) -> None:
        super().__init__()
        self.rows = rows


class LinesColoured(Message):
    """Colours of consecutive lines of one side of a file, from line number `first`."""

    def __init__(self, side: Oid, first: int, spans: Sequence[ColourSpans], last: bool) -> None:
        super().__init__()
        self.side = side
        self.first = first
        self.spans = spans
        self.last = last
        """The whole side is coloured now."""


class HunksNamed(Message):
    """Which definitions enclose hunks, by hunk id."""

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__()
        self.names = names


class PatchLoaded(Message):
    """What a step changed, or how the disk differs from the head, as rows ready to be drawn.

    Of a large diff the first files come alone; all come in a later one.
    """

    def __init__(self, generation: int, key: Hashable, rows: DiffRows) -> None:
        super().__init__()
        self.generation = generation
        self.key = key
        self.rows = rows


class LaidOut(Message):
    """Which rows of a diff stand on which line was found out beside."""

    def __init__(self, rows: DiffRows, layout: Layout) -> None:
        super().__init__()
        self.rows = rows
        self.layout = layout


class ContextAsked(Message):
    """A person wants more (1) or fewer (-1) unchanged lines around each change, or (0) others."""

    def __init__(self, pane: str, by: int) -> None:
        super().__init__()
        self.pane = pane
        self.by = by


class MergeLoaded(Message):
    """The merge under way (None: there is none), with its conflicts as they are on disk."""

    def __init__(self, merging: MergeStatus | None) -> None:
        super().__init__()
        self.merging = merging


class SidesLoaded(Message):
    """The three sides of the conflict at a path, beside each other."""

    def __init__(self, path: bytes, sides: Sides) -> None:
        super().__init__()
        self.path = path
        self.sides = sides


class ExperimentsLoaded(Message):
    """The experiments, the newest first, and the name of the current branch."""

    def __init__(self, reviews: Sequence[Review], current: str) -> None:
        super().__init__()
        self.reviews = reviews
        self.current = current


class CandidateLoaded(Message):
    """What a candidate of an experiment changed."""

    def __init__(self, experiment: str, label: str, tried: Tried) -> None:
        super().__init__()
        self.experiment = experiment
        self.label = label
        self.tried = tried


class SessionsOffered(Message):
    """Sessions from before were found that can be imported; by agent, how many."""

    def __init__(self, offers: Offers, found: Mapping[str, int]) -> None:
        super().__init__()
        self.offers = offers
        self.found = found


class PlanMade(Message):
    """What a rollback, undo or redo would do; `operation` when no file is involved."""

    def __init__(
        self,
        generation: int,
        planned: PlannedChanges | None,
        rows: DiffRows | None,
        operation: Operation | None,
        recovered: Recovery | None = None,
    ) -> None:
        """`recovered`: what a crash had interrupted, and was settled before the plan was made."""
        super().__init__()
        self.generation = generation
        self.planned = planned
        self.rows = rows
        self.operation = operation
        self.recovered = recovered


class PlanApplied(Message):
    """A plan was carried out."""

    def __init__(self, done: Applied | Operation) -> None:
        super().__init__()
        self.done = done


class PlanFailed(Message):
    """A plan could not be made or carried out."""

    def __init__(self, generation: int, error: StepwellError) -> None:
        super().__init__()
        self.generation = generation
        self.error = error
