"""What branches and sessions from elsewhere are called here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from stepwell.store.engine.importing import IMPORTED, free_name
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.references import check_name
from stepwell.store.model.errors import IntegrityError, NotFoundError, StepwellError
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Branch, View


@dataclass(frozen=True, slots=True)
class Origin:
    """Where steps come from, as far as that shows in what is recorded."""

    folder: str = "import"
    """Their branches are `folder/NAME`."""
    name: str = "a bundle"
    flags: tuple[str, ...] = (IMPORTED,)
    """Of every step that came from there."""
    is_workspace: bool = False
    """True: it is one workspace, and no step from elsewhere has all of those flags. What ends with
    such a step is its own, and no branch is made for steps that were here already."""


class Names:
    """The names of one operation; what an earlier import made is gone on with.

    The branch that is checked out here is never one that steps are added to, nor is one that ends
    with a step of this workspace, or of another one: an origin may name any step as its own, but
    only what came from there has its flags.
    """

    def __init__(
        self,
        journal: Journal,
        view: View,
        origin: Origin,
        steps: Collection[StepId],
        ends: Mapping[str, StepId],
        grows: Callable[[str], bool],
    ) -> None:
        """Looks at branches and sessions as `view` has them.

        `steps` are those that are coming, `ends` where their branches end. `grows` tells whether
        steps are still to be recorded on one of those.
        """
        self._journal = journal
        self._origin = origin
        self._steps = steps
        self._grows = grows
        self._taken = dict(view.branches)
        # A name that was given counts as taken: git has no branch `a` beside a branch `a/b`.
        self._view = replace(view, branches=self._taken)
        self._branches: dict[str, str] = {}
        self._sessions: dict[str, str] = {}
        # Those that would be called the same, in the same order each time: what one operation
        # calls them, all others do.
        bases = Counter(map(self._base, ends))
        alike = (wanted for wanted in ends if bases[self._base(wanted)] > 1)
        for wanted in sorted(alike, key=lambda one: (self._base(one) != one, one)):
            self.branch(wanted, ends[wanted])

    def branch(self, wanted: str, head: StepId) -> str:
        """Returns what a branch of theirs is called here.

        For one that does not grow any branch will do that ends at `head` already: nothing moves it.
        """
        if wanted not in self._branches:
            given = set(self._branches.values())
            name = free_name(
                self._origin.folder,
                self._base(wanted),
                self._view,
                lambda one: (
                    one.name not in given
                    and (self._may_move(one) or (one.head == head and not self._grows(wanted)))
                ),
            )
            self._branches[wanted] = name
            self._taken.setdefault(name, Branch(name, head))
        return self._branches[wanted]

    def session(self, name: str | None) -> str | None:
        """Returns what a session of theirs is called here, told apart from those of others."""
        if name is None:
            return None
        if name not in self._sessions:
            free, number = name, 1
            while free in self._view.sessions and not self._came(self._view.sessions[free]):
                free = f"{name}+imported" if number == 1 else f"{name}+imported-{number}"
                number += 1
            self._sessions[name] = free
        return self._sessions[name]

    def _base(self, wanted: str) -> str:
        """Returns what follows the folder in its name here; what has the folder keeps it once."""
        folder = self._origin.folder
        usable = wanted if _is_usable(folder, wanted) else "branch"
        return usable.removeprefix(f"{folder}/")

    def _may_move(self, branch: Branch) -> bool:
        return branch.name != self._view.current and self._came(branch.head)

    def _came(self, step: StepId) -> bool:
        """Tells whether a step here came from this origin."""
        if not self._origin.is_workspace and step not in self._steps:
            return False
        try:
            return set(self._origin.flags) <= set(self._journal.step(step).flags)
        except (NotFoundError, IntegrityError):
            return False


def _is_usable(folder: str, name: str) -> bool:
    try:
        for whole in (name, f"{folder}/{name}"):
            check_name(whole, "branch")
    except StepwellError:
        return False
    return True
