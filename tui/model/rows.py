"""What a row of the timeline says, before it has a width: words, chips and counts of one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.values import Mark, Step, one_line

Node = Literal["step", "head", "open", "back", "safety", "gap"]
"""Which sign stands in the graph."""

Chip = tuple[str, str]
"""Text and the role that paints it."""

_SUBJECT = 240
_QUIET_FLAGS = {"safety", "outside", "imported"}
"""Flags that the row's word says already."""
_ORIGIN = "from:"
"""What the flag begins with that names a pulled step's workspace."""


@dataclass(frozen=True, slots=True)
class Tips:
    """The branches as of one View: which one is current, and what ends where."""

    branch: str = "main"
    head: int = 0
    """Number of the current branch's newest step; 0: none."""
    names: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Step number -> other branches that end there."""
    alarm: str = ""
    """What rules found too bad; empty: nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One step as words."""

    seq: int
    time_ns: int
    node: Node
    word: str
    role: str
    subject: str
    chips: tuple[Chip, ...]
    files: int
    added: int
    deleted: int


@dataclass(frozen=True, slots=True)
class TurnHead:
    """What a prompt's row says about its turn."""

    who: str
    """The agent, where the turn before was of another session; else empty."""
    steps: int
    failures: int
    folded: bool


def row_of(step: Step, tips: Tips, glyphs: Glyphs) -> Row:
    """Returns what the timeline says about a step."""
    word, role = word_of(step)
    return Row(
        step.seq,
        step.time_ns,
        node_of(step, tips),
        word,
        role,
        subject_of(step),
        chips_of(step, tips, glyphs),
        step.changes.files,
        step.changes.added,
        step.changes.deleted,
    )


def word_of(step: Step) -> tuple[str, str]:
    """Returns the word for who or what made the step, and the role that paints it."""
    if "safety" in step.flags:
        return "save", "save"
    if step.kind == "capture" and "imported" in step.flags:
        return "commit", "dim"
    if step.kind == "tool":
        tool = one_line(step.tool or "tool", 16).lower()
        return tool, "bash" if tool in ("bash", "shell", "run") else "tool"
    return _WORDS[step.kind]


_WORDS: Mapping[str, Chip] = {
    "prompt": ("you", "you"),
    "capture": ("capture", "dim"),
    "rollback": ("back", "back"),
    "merge": ("merge", "branch"),
    "outside": ("outside", "outside"),
    "gap": ("gap", "gap"),
}


def called(step: Step, most: int = 40) -> str:
    """Returns `#12 “title”`, harmless, with at most so many characters of the title."""
    return f"#{step.seq} “{one_line(step.title, most)}”"


def step_name(seq: int) -> str:
    """Returns what a branch's newest step is called: by its number; 0: it is not known yet."""
    return f"#{seq}" if seq else "the last step"


def node_of(step: Step, tips: Tips) -> Node:
    """Returns the sign of the step in the graph."""
    if step.kind == "gap":
        return "gap"
    if step.seq == tips.head:
        return "head"
    if step.kind == "rollback":
        return "back"
    return "safety" if "safety" in step.flags else "step"


def subject_of(step: Step) -> str:
    """Returns the step's one line of text, harmless to a terminal."""
    if step.kind == "gap":
        return one_line(f"not captured: {step.reason or 'no reason is known'}", _SUBJECT)
    if step.title:
        return one_line(step.title, _SUBJECT)
    return "saved before a rollback" if "safety" in step.flags else ""


def chips_of(step: Step, tips: Tips, glyphs: Glyphs) -> tuple[Chip, ...]:
    """Returns the row's chips in the order in which they are drawn."""
    names = tips.names.get(step.seq, ())
    return (
        *_result_chips(step, glyphs),
        *((one_line(flag, 12), "warning") for flag in _loud_flags(step)),
        *(_mark_chips(step.checkpoint, glyphs) if step.checkpoint else ()),
        *((f"{glyphs.branch} {one_line(name, 24)}", "branch") for name in names),
    )


def _loud_flags(step: Step) -> list[str]:
    quiet = _QUIET_FLAGS
    return [one for one in step.flags if one not in quiet and not one.startswith(_ORIGIN)]


def _result_chips(step: Step, glyphs: Glyphs) -> tuple[Chip, ...]:
    if step.result is None:
        return ()
    if step.result.ok:
        return ((glyphs.ok, "ok"),) if step.tool else ()
    code = step.result.exit_code
    return ((f"{glyphs.failed} {code}" if code is not None else glyphs.failed, "failed"),)


def _mark_chips(mark: Mark, glyphs: Glyphs) -> tuple[Chip, ...]:
    chips: list[Chip] = []
    if mark.label:
        chips.append((f"{glyphs.label}{one_line(mark.label, 24)}", "label"))
    elif mark.milestone is not None:
        chips.append((glyphs.label, "label"))
    if mark.notes:
        chips.append((f"{glyphs.note}{len(mark.notes)}", "note"))
    chips.extend((f"#{one_line(tag, 16)}", "tag") for tag in mark.tags)
    return tuple(chips)
