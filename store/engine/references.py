"""What a person types for a step, and which names labels and branches may have. Pure.

A reference is tried in this order: `@` and `@~N`, `#SEQ`, an exact branch name (its tip), an exact
checkpoint label, a prefix of a step id of at least 4 digits. `REF~N` walks N first parents up from
whatever REF names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

from stepwell.store.model.errors import AmbiguousError, NotFoundError, RefusedError, UsageError
from stepwell.store.model.ids import StepId, short
from stepwell.store.model.seqs import holds
from stepwell.store.model.steps import Step, View

NameKind = Literal["label", "branch"]

SHORTEST_PREFIX = 4
_SHOWN = 5

_WAYS = "name a step by @, @~N, '#SEQ', a branch, a label or an id prefix; stepwell log lists them"
_WALK = re.compile(r"([^~]+)((?:~[0-9]{0,9})*)")
_SEQ = re.compile(r"#([0-9]{1,18})")
_PREFIX = re.compile(r"[0-9a-fA-F]{4,32}")
_UNUSABLE = re.compile(r"[\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]")


class StepLookup(Protocol):
    """Where steps are found; the journal is one."""

    def step(self, identity: StepId, /) -> Step:
        """Returns the step; raises NotFoundError when there is none."""
        ...

    def steps_by_seq(self, seq: int, /) -> Step | None:
        """Returns the step with that number, None when there is none."""
        ...

    def steps_by_prefix(self, prefix: str, /) -> Sequence[StepId]:
        """Returns the ids that begin with `prefix` (lower-case hex digits)."""
        ...


def resolve(reference: str, view: View, lookup: StepLookup) -> Step:
    """Returns the step that `reference` names; marks are not folded in.

    Raises:
        NotFoundError: nothing has that name, or the walk of `~N` leaves the history.
        AmbiguousError: a label or prefix names several steps; facts: `candidates` (ids).
    """
    walk = _WALK.fullmatch(reference)
    if walk is None:
        raise _nothing(reference)
    distance = sum(int(part or 1) for part in walk[2].split("~")[1:])
    return _ancestor(_base(walk[1], view, lookup), distance, reference, view, lookup)


def _ancestor(step: Step, distance: int, reference: str, view: View, lookup: StepLookup) -> Step:
    for walked in range(distance):
        before = _before(step, view, lookup)
        if before is None:
            raise NotFoundError(
                f"no step {reference}: only {walked} earlier than the one it starts at",
                hint="stepwell log lists the steps of the branch",
                reference=reference,
            )
        step = before
    return step


def _before(step: Step, view: View, lookup: StepLookup) -> Step | None:
    """Returns the nearest step before it that was not dropped; None when there is none."""
    while step.parents:
        step = lookup.step(step.parents[0])
        if not holds(view.dropped, step.seq):
            return step
    return None


def _base(reference: str, view: View, lookup: StepLookup) -> Step:
    if reference == "@":
        return _tip(view.current, view, lookup)
    if seq := _SEQ.fullmatch(reference):
        return _numbered(int(seq[1]), reference, view, lookup)
    if reference in view.branches:
        return _tip(reference, view, lookup)
    if labelled := _labelled(reference, view):
        return _only(reference, labelled, lookup)
    if _PREFIX.fullmatch(reference):
        found = lookup.steps_by_prefix(reference.lower())
        shown = [one for one in found if not holds(view.dropped, lookup.step(one).seq)]
        if shown:
            return _only(reference, shown, lookup)
        if found:
            raise _pruned(reference)
    raise _nothing(reference)


def _tip(branch: str, view: View, lookup: StepLookup) -> Step:
    if branch not in view.branches:
        raise NotFoundError(
            f"no step @: branch {branch} has none yet",
            hint="stepwell capture records one",
            reference="@",
        )
    return lookup.step(view.branches[branch].head)


def _numbered(seq: int, reference: str, view: View, lookup: StepLookup) -> Step:
    if holds(view.dropped, seq):
        raise _pruned(reference)
    found = lookup.steps_by_seq(seq)
    if found is None:
        raise NotFoundError(
            f"no step has the number {seq}",
            hint="stepwell log --all lists the steps of every branch",
            reference=reference,
        )
    return found


def _labelled(label: str, view: View) -> list[StepId]:
    return sorted(step for step, mark in view.marks.items() if mark.label == label)


def _only(reference: str, found: Sequence[StepId], lookup: StepLookup) -> Step:
    if len(found) == 1:
        return lookup.step(found[0])
    steps = sorted((lookup.step(identity) for identity in found), key=lambda step: -step.seq)
    shown = ", ".join(f"#{step.seq} {short(step.id)}" for step in steps[:_SHOWN])
    more = f" and {len(steps) - _SHOWN} more" if len(steps) > _SHOWN else ""
    raise AmbiguousError(
        f"{reference} names {len(steps)} steps: {shown}{more}",
        hint="name one of them by its number, as in '#12', or by more digits of its id",
        reference=reference,
        candidates=[step.id for step in steps],
    )


def refuse_pruned(view: View, step: Step) -> None:
    """Raises NotFoundError when the step is out of sight by now."""
    if holds(view.dropped, step.seq):
        raise _pruned(f"#{step.seq}")


def _pruned(reference: str) -> NotFoundError:
    return NotFoundError(
        f"step {reference} was pruned",
        hint="until `stepwell gc` has removed it for good, `stepwell undo` brings it back: "
        "`stepwell operations` lists the prunes",
        reference=reference,
    )


def _nothing(reference: str) -> NotFoundError:
    if not reference:
        return NotFoundError("no step has an empty name", hint=_WAYS, reference=reference)
    hint = _WAYS
    if reference.isdecimal():
        hint = f"a step number is written '#{reference}'"
    elif re.fullmatch("[0-9a-fA-F]{1,3}", reference):
        hint = f"an id prefix has at least {SHORTEST_PREFIX} digits"
    return NotFoundError(
        f"no step, branch or label is called {reference}", hint=hint, reference=reference
    )


def check_name(name: str, kind: NameKind) -> None:
    """Raises UsageError unless git's ref rules, and the rules of references, allow `name`."""
    problem = _problem(name)
    if problem:
        raise UsageError(
            f"{name!r} cannot be the name of a {kind}: {problem}",
            hint=_suggestion(name),
            name=name,
        )


def _problem(name: str) -> str:
    if not name:
        return "it is empty"
    if _UNUSABLE.search(name):
        return "it holds a space, a control character or one of ~ ^ : ? * [ \\"
    for part in ("..", "@{", "//"):
        if part in name:
            return f"it holds {part}"
    if name[0] in "/-" or name[-1] in "/.":
        return "it begins with / or -, or ends with / or a full stop"
    if any(part.startswith(".") or part.endswith(".lock") for part in name.split("/")):
        return "a part of it begins with a full stop or ends with .lock"
    return _problem_of_meaning(name)


def _problem_of_meaning(name: str) -> str:
    if name in ("@", "HEAD"):
        return "it has a meaning of its own"
    if _SEQ.fullmatch(name):
        return "it reads as a step number"
    if len(name.encode()) > 200:
        return "it is longer than 200 bytes"
    return ""


def _suggestion(name: str) -> str:
    usable = re.sub(r"[^\w/.-]+", "-", name).strip("-./")
    usable = re.sub(r"\.\.+|//+", "-", usable)[:60]
    if usable and usable != name and not _problem(usable):
        return f"{usable} would do"
    return "letters, digits, - and / make a good name, as in try-lru"


def check_free(name: str, taken: Iterable[str], kind: NameKind) -> None:
    """Raises RefusedError when `name` lies above or below a taken name, as `a` and `a/b` do.

    An equal name is no matter of this rule.
    """
    for other in taken:
        if name.startswith(other + "/") or other.startswith(name + "/"):
            raise RefusedError(
                f"{kind} {name} cannot be made: {kind} {other} exists, and one cannot hold the other",
                hint=f"choose a name that is neither above nor below {other}",
                name=name,
                taken=other,
            )
